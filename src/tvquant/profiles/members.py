"""Lists of members: which tickers belong to a universe, and when.

A list is `universes/NAME.csv` in one of the user's folders, or else among the packaged presets:

    # as_of: 2026-01-31
    # source: where it is from
    # licence: on which terms
    # dated: true
    ticker,first,last
    ABC,2001-05-21,2010-03-01

`dated: true` states that the spans are known; they are inclusive, an empty `first` is since ever, an empty `last` is to
this day. Of a list that is not dated, every ticker is a member on every day, and results on it are stamped.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, Field

from tvquant.core.errors import ProfileError
from tvquant.core.quoting import shown
from tvquant.profiles.fields import Name, OneLine, Section, broken
from tvquant.profiles.files import UNIVERSES, text_of
from tvquant.profiles.messages import unknown

COLUMNS = ["ticker", "first", "last"]
HEADERS = ("as_of", "source", "licence", "dated")
TICKER = r"[A-Z0-9][A-Z0-9._/!-]{0,29}"
_MEMBER = re.compile(rf"(?P<ticker>{TICKER})(?: (?P<first>\d{{4}}-\d\d-\d\d)/(?P<last>\d{{4}}-\d\d-\d\d)?)?")


class Span(NamedTuple):
    """When a ticker was a member; both days are included, None is without an end."""

    ticker: str
    first: date | None
    last: date | None


def _spans(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names, refused where one does not read as a span, or two of a ticker overlap."""
    latest: dict[str, list[Span]] = {}
    for name in names:
        span = _parsed(name)
        for other in latest.setdefault(span.ticker, []):
            if (span.first or date.min) <= (other.last or date.max) and (other.first or date.min) <= (
                span.last or date.max
            ):
                raise broken(f"{span.ticker}: its spans overlap at {shown(name)}; join them")
        latest[span.ticker].append(span)
    return names


def _parsed(name: str) -> Span:
    match = _MEMBER.fullmatch(name)
    if match is None:
        raise broken(f"expected TICKER, TICKER FIRST/ or TICKER FIRST/LAST, found {shown(name)}")
    try:
        first, last = (date.fromisoformat(day) if day else None for day in match.group("first", "last"))
    except ValueError as error:
        raise broken(f"expected dates YYYY-MM-DD, found {shown(name)}") from error
    if first and last and first > last:
        raise broken(f"expected the first day before the last, found {shown(name)}")
    return Span(match["ticker"], first, last)


class Members(Section):
    """Who belongs to a universe.

    Parameters
    ----------
    list : name of the file.
    as_of : the day that the list is true on.
    source, licence : where it is from, and on which terms.
    dated : whether the spans are known; else the list is that of `as_of` alone.
    names : `TICKER`, `TICKER FIRST/` or `TICKER FIRST/LAST`, days inclusive; a ticker may have several spans.
    """

    list: Name
    as_of: date
    source: OneLine
    licence: OneLine
    dated: bool = Field(strict=True)
    names: Annotated[tuple[Annotated[str, Field(strict=True)], ...], Field(min_length=1), AfterValidator(_spans)]

    @cached_property
    def spans(self) -> tuple[Span, ...]:
        """When each was a member, in the order of `names`."""
        return tuple(map(_parsed, self.names))

    def tickers(self, day: date) -> frozenset[str]:
        """Return the members of a day; of a list that is not dated, all that it names."""
        return frozenset(
            ticker
            for ticker, first, last in self.spans
            if not self.dated or (first or date.min) <= day <= (last or date.max)
        )


def load_members(name: str, *, search: Sequence[Path] = (), context: str = "") -> Members:
    """Read a list of members.

    Raises
    ------
    ProfileError : no such list, or one that is not accepted; the message names the line.
    DataError : the file cannot be read.
    """
    path = UNIVERSES.find(name, search, context)
    label = UNIVERSES.label(path)
    return _members(name, text_of(path, label), label)


@lru_cache(maxsize=64)
def _members(name: str, text: str, label: str) -> Members:
    """Return what a file holds, read once: many scanners name one list."""
    lines = text.splitlines()
    head = dict(_headers(lines, label))
    for key in HEADERS:
        if key not in head:
            raise ProfileError(f"{label}: lacks the line `# {key}: ...` before the columns")
    try:
        as_of = date.fromisoformat(head["as_of"])
    except ValueError as error:
        raise ProfileError(f"{label}: as_of: expected YYYY-MM-DD, found {shown(head['as_of'])}") from error
    if head["dated"] not in ("true", "false"):
        raise ProfileError(f"{label}: dated: expected true or false, found {shown(head['dated'])}")
    dated = head["dated"] == "true"
    names = tuple(_rows(lines, label, as_of if dated else None))
    if not names:
        raise ProfileError(f"{label}: names no member")
    return Members(list=name, as_of=as_of, source=head["source"], licence=head["licence"], dated=dated, names=names)


def _headers(lines: Sequence[str], label: str) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for at, line in enumerate(lines, 1):
        if not line.startswith("#"):
            return
        key, colon, value = line.removeprefix("#").partition(":")
        key, value = key.strip(), value.strip()
        if not colon or key not in HEADERS:
            raise ProfileError(f"{label}, line {at}: {unknown('header', key, HEADERS)}")
        if key in seen or not value or len(value) > 300:
            raise ProfileError(f"{label}, line {at}: {key}: expected once, with 1 to 300 characters behind it")
        seen.add(key)
        yield key, value


def _rows(lines: Sequence[str], label: str, as_of: date | None) -> Iterator[str]:
    """Yield each row as a member; `as_of` is None where the list is not dated, which must then state no day."""
    start = next((at for at, line in enumerate(lines) if not line.startswith("#")), len(lines))
    found: dict[str, tuple[str, ...]] = {}
    for at, row in enumerate(csv.reader(lines[start:]), start + 1):
        where = f"{label}, line {at}"
        if at == start + 1:
            if row != COLUMNS:
                raise ProfileError(f"{where}: expected the columns {','.join(COLUMNS)}, found {shown(','.join(row))}")
            continue
        if len(row) != len(COLUMNS):
            raise ProfileError(f"{where}: expected {len(COLUMNS)} values, found {len(row)}")
        ticker, first, last = row
        if as_of is None and (first or last):
            raise ProfileError(f"{where}: the list states `dated: false`, and {ticker} has a day; drop it")
        if last and not first:
            first = date.min.isoformat()
        name = f"{ticker} {first}/{last}" if first else ticker
        try:
            found[ticker] = _spans((*found.get(ticker, ()), name))
        except ValueError as error:
            raise ProfileError(f"{where}: {error}") from error
        if as_of is not None and any(day and day > as_of.isoformat() for day in (first, last)):
            raise ProfileError(f"{where}: {ticker} has a day after as_of ({as_of}), found {shown(name)}")
        yield name
