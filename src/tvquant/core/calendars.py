"""Calendars: when a market has bars, when a bar closes, and how many periods make a year.

`24x7` is arithmetic. `XNYS` comes from a table of its weekdays without a session and its early closes
(`sessions/XNYS.csv`), because importing exchange-calendars costs seconds on every command; a test holds the table equal
to that library, and dates outside the table, like every other exchange, are asked of the library itself.
Other names are those of exchange-calendars (ISO 10383 market codes). Names joined by `+` (`24x7+XNYS`) are a grid of
several markets: the days on which all of them have a session.
"""

import csv
import functools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from importlib import resources

import numpy as np

from tvquant.core.errors import ProfileError
from tvquant.core.panel import Times, frozen

CRYPTO = "24x7"
NEW_YORK = "XNYS"
JOINED = "+"
"""Between the names of the markets of a grid of several."""
DAY = np.timedelta64(1, "D")
"""Length of a daily bar: on every market it is known a day after its stamp at the latest."""
MONDAY = 4
"""Days from 1970-01-01, a Thursday, to the first Monday."""
TABLE_SPAN = (date(1980, 1, 1), date(2050, 12, 31))
"""Whole years; sessions to come are those of the rules in force today."""
UNFORESEEN = (
    "1985-09-27", "1994-04-27", "2001-09-11", "2001-09-12", "2001-09-13", "2001-09-14", "2004-06-11", "2007-01-02",
    "2012-10-29", "2012-10-30", "2018-12-05", "2025-01-09",
)  # fmt: skip
"""Weekdays on which New York was closed by no rule: storms, attacks and funerals of presidents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Daily bars of one market.

    Parameters
    ----------
    name : `24x7`, a market code, or those of several joined.
    periods_per_year : 365 for round-the-clock markets, 252 where any market has sessions; the only source of
        annualisation.
    gap_tolerance : consecutive missing bars that are tolerated (0 or 1; R-DAT-04).
    opens, closes : all bars of the calendar's range: stamp (00:00 UTC of the day or session date) and close, UTC;
        read-only, for calendars are shared.
    regular : stamps of the sessions that the rules gave: `opens`, and the days of closures that no rule foretold.
    """

    name: str
    periods_per_year: int
    gap_tolerance: int
    opens: Times | None = None
    closes: Times | None = None
    regular: Times | None = None

    def bars(self, first: np.datetime64, last: np.datetime64) -> Times:
        """Return the stamps of all bars from `first` to `last`, both included, `datetime64[us]`."""
        lo, hi = first.astype("datetime64[D]"), last.astype("datetime64[D]")
        if self.opens is None:
            return np.arange(lo, hi + DAY, DAY).astype("datetime64[us]")
        cut = slice(np.searchsorted(self.opens, lo, "left"), np.searchsorted(self.opens, hi, "right"))
        return self.opens[cut]

    def close_of(self, stamps: Times) -> Times:
        """Return when each bar closes; NaT for a stamp that is no bar of this calendar.

        A row of several markets closes a day after its stamp, when the bars of all of them are known, on a day without
        a session too.
        """
        if self.opens is None or self.closes is None:
            return stamps + DAY
        at = np.minimum(np.searchsorted(self.opens, stamps), len(self.opens) - 1)
        return np.where(self.opens[at] == stamps, self.closes[at], np.datetime64("NaT", "us"))

    def expected_after(self, stamps: Times) -> Times:
        """Return stamp of the bar that was to be expected after each; the next day beyond what the calendar knows.

        A closure that no rule foretold is expected to be a session, as it was on the day before.
        """
        if self.regular is None:
            return stamps + DAY
        after = np.searchsorted(self.regular, stamps, side="right")
        known = self.regular[np.minimum(after, len(self.regular) - 1)]
        return np.where(after < len(self.regular), known, stamps + DAY)

    def known_at(self, stamps: Times, length: np.timedelta64 = DAY) -> Times:
        """Return when each bar is known: when its session closes, else (also off the calendar) a `length` later.

        No provider's delay is added: what the lake holds is read once the bar has closed (`lake.reading.unclosed_bars`
        leaves out what was recorded before).
        """
        over = stamps + length
        if self.opens is None:
            return over
        closes = self.close_of(stamps)
        return np.where(np.isnat(closes), over, closes)


def calendar(name: str, first: date | None = None, last: date | None = None) -> Calendar:
    """Return the calendar called `name`, covering at least `first` to `last` (the packaged range when not given).

    Raises
    ------
    ProfileError : no such market, or the span is empty or outside of what the library knows of it.
    """
    if name == CRYPTO:
        return Calendar(name=name, periods_per_year=365, gap_tolerance=0)
    if JOINED in name:
        return _common(name, tuple(calendar(one, first, last) for one in name.split(JOINED)))
    lo, hi = first or TABLE_SPAN[0], last or TABLE_SPAN[1]
    if name == NEW_YORK and TABLE_SPAN[0] <= lo and hi <= TABLE_SPAN[1]:
        return _table(name)
    if lo > hi:
        raise ProfileError(f"calendar {name} has no sessions for {lo} to {hi}: the first day is after the last")
    return _library(name, lo.year, hi.year)


def common_calendar(names: Iterable[str]) -> str:
    """Return the name of the grid on which markets with these names meet; that of a single one is its own."""
    return JOINED.join(sorted({part for name in names for part in name.split(JOINED)}))


def _common(name: str, members: tuple[Calendar, ...]) -> Calendar:
    """Return the calendar of the days on which all members have a session."""
    found = [(one.opens, one.regular) for one in members if one.opens is not None and one.regular is not None]
    if not found:
        raise ProfileError(f"calendar {name}: markets are joined by {JOINED} where one of them has sessions")
    opens, regular = (functools.reduce(np.intersect1d, days) for days in zip(*found, strict=True))
    return Calendar(name=name, periods_per_year=252, gap_tolerance=1, opens=frozen(opens), regular=frozen(regular))


@functools.cache
def _table(name: str) -> Calendar:
    """Return the sessions from the packaged exceptions: every weekday but those listed without a close."""
    import polars as pl

    text = resources.files("tvquant.core").joinpath(f"sessions/{name}.csv").read_text("utf-8")
    exceptions = {np.datetime64(row["date"]): row["close"] for row in csv.DictReader(text.splitlines())}
    first, last = (np.datetime64(day, "D") for day in TABLE_SPAN)
    days = np.arange(first, last + DAY)
    regular = (days.view(np.int64) - MONDAY) % 7 < 5
    hours = ["16:00" if weekday else "" for weekday in regular.tolist()]
    for day, close in exceptions.items():
        hours[int((day - days[0]).astype(np.int64))] = close
    on = np.array([bool(close) for close in hours])
    local = np.array(
        [f"{day}T{close}" for day, close in zip(days.tolist(), hours, strict=True) if close], "datetime64[us]"
    )
    closes = pl.Series(local).dt.replace_time_zone("America/New_York").dt.convert_time_zone("UTC")
    stamps, unforeseen = closes.dt.replace_time_zone(None).to_numpy(), np.array(UNFORESEEN, "datetime64[us]")
    return _sessions(name, days[on].astype("datetime64[us]"), stamps, unforeseen)


@functools.cache
def _library(name: str, first: int, last: int) -> Calendar:
    """Return the sessions of whole years from exchange-calendars, which refuses a span of one day."""
    import exchange_calendars
    from exchange_calendars.errors import InvalidCalendarName, NoSessionsError

    try:
        found = exchange_calendars.get_calendar(name, start=f"{first}-01-01", end=f"{last}-12-31")
    except InvalidCalendarName as error:
        raise ProfileError(f"calendar {name!r} is unknown; use {CRYPTO} or a market code such as XNYS") from error
    except (ValueError, NoSessionsError) as error:  # what the library says of an empty span or one out of its bounds
        why = " ".join(str(error).split())
        raise ProfileError(
            f"calendar {name} has no sessions for {first} to {last}: {why}; choose other years"
        ) from error
    opens = found.sessions.to_numpy().astype("datetime64[us]")
    closed = np.array([day.date() for day in found.adhoc_holidays], "datetime64[us]")
    return _sessions(name, opens, found.closes.dt.tz_convert(None).to_numpy().astype("datetime64[us]"), closed)


def _sessions(name: str, opens: Times, closes: Times, unforeseen: Times) -> Calendar:
    inside = unforeseen[(unforeseen > opens[0]) & (unforeseen < opens[-1])]
    return Calendar(
        name=name, periods_per_year=252, gap_tolerance=1, opens=frozen(opens), closes=frozen(closes),
        regular=frozen(np.union1d(opens, inside)),
    )  # fmt: skip
