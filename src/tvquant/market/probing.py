"""Looking at a source before it is used: is it there, what is its time, what does it allow, does it have our fields.

A member that speaks to servers may have `probe`, which asks each of them once and cheaply and says what it heard. What
follows from that is judged here, alike for all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

NEAR = timedelta(seconds=1)
"""Clocks this near are the same."""
APART = timedelta(seconds=60)
"""Clocks further apart than this do not agree on which bars have closed."""
SECOND = timedelta(seconds=1)
YEARS = (1970, 2100)
"""A clock outside of them is none."""


class Standing(StrEnum):
    """How good what was found is."""

    FINE = "fine"
    DOUBTFUL = "doubtful"
    WRONG = "wrong"
    NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """One limit of a server, in requests per second (or what it counts): as it says, and as we keep to."""

    what: str
    told: float
    kept: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What one look at a server heard.

    Parameters
    ----------
    server : host, for people.
    asked, answered : when the request left and when its answer was there, by the clock of this machine.
    time : of the server while it answered; None where it tells none.
    exact : what `time` was rounded down to.
    rates : its limits, of those that it tells.
    absent : what we use and it does not have -> what cannot be done without.
    fields : how many of those that we use were looked up.
    """

    server: str
    asked: datetime
    answered: datetime
    time: datetime | None = None
    exact: timedelta = SECOND
    rates: tuple[Rate, ...] = ()
    absent: Mapping[str, str] = field(default_factory=dict)
    fields: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One line about a source: what was looked at, how it stands, in words; and what to do where it is not fine."""

    what: str
    standing: Standing
    said: str
    cure: str = ""


@runtime_checkable
class Probing(Protocol):
    """What speaks to servers and can be asked whether they are well."""

    async def probe(self) -> Sequence[Probe]:
        """Ask each server once, cheaply; return what was heard.

        Raises
        ------
        ProviderError : one did not answer, or not as it should.
        """
        ...


@runtime_checkable
class Loading(Protocol):
    """What needs a library that takes seconds to load; that is no time of the server."""

    def load(self) -> None:
        """Load it; may be called in another thread, and more than once."""
        ...


def time_told(headers: Mapping[str, str]) -> datetime | None:
    """Return the time in a `Date` header (names in lower case), whole seconds; None where none can be read."""
    try:
        told = parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError, OverflowError):
        return None
    if not YEARS[0] <= told.year < YEARS[1]:
        return None
    return told if told.tzinfo else told.replace(tzinfo=UTC)


def skew(probe: Probe) -> timedelta | None:
    """Return how far this machine's clock is behind the server's, at least; negative is ahead of it.

    The server read its clock between `asked` and `answered`, and it showed between `time` and `time + exact`.
    """
    if probe.time is None:
        return None
    least, most = probe.time - probe.answered, probe.time + probe.exact - probe.asked
    return max(least, min(most, timedelta()))


def judged(probe: Probe) -> tuple[Found, ...]:
    """Return what follows from what was heard, one line each."""
    took = (probe.answered - probe.asked) / timedelta(milliseconds=1)
    reached = Found(what="reached", standing=Standing.FINE, said=f"{probe.server} answered in {took:.0f} ms")
    return (reached, _clock(probe), *map(_rate, probe.rates), *_fields(probe))


def _clock(probe: Probe) -> Found:
    behind = skew(probe)
    if behind is None:
        return Found(what="clock", standing=Standing.FINE, said=f"{probe.server} does not tell its time")
    size = abs(behind)
    if size <= NEAR:
        return Found(what="clock", standing=Standing.FINE, said=f"within {NEAR.total_seconds():g} s of the server's")
    way = "behind" if behind > timedelta() else "ahead of"
    said = f"this machine's clock is {size.total_seconds():.1f} s {way} that of {probe.server}"
    cure = "set it, by NTP for instance"
    if size <= APART:
        return Found(what="clock", standing=Standing.DOUBTFUL, said=said, cure=cure)
    return Found(
        what="clock",
        standing=Standing.WRONG,
        said=f"{said}: which bars have closed would be judged wrongly",
        cure=f"do not sync from it before you {cure}",
    )


def _rate(rate: Rate) -> Found:
    said = f"{rate.what}: it allows {rate.told:g} a second, {rate.kept:g} are kept to"
    if rate.kept <= rate.told:
        return Found(what="limit", standing=Standing.FINE, said=said)
    cure = "it allows less than this version knows; a newer tvquant may, else expect refusals (HTTP 429) and bans"
    return Found(what="limit", standing=Standing.WRONG, said=said, cure=cure)


def _fields(probe: Probe) -> tuple[Found, ...]:
    lost = tuple(
        Found(what="field", standing=Standing.WRONG, said=f"{probe.server} has no {name}", cure=lacking)
        for name, lacking in probe.absent.items()
    )
    if lost or not probe.fields:
        return lost
    return (Found(what="fields", standing=Standing.FINE, said=f"all {probe.fields} that are used are there"),)
