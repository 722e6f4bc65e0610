"""Which bars there should be, and which of them the lake has.

A grid is arithmetic round the clock and a table of sessions on an exchange; only closed bars are ever asked for. What
counts as a hole is what `lake.health` counts: bars missing beyond tolerance between valid bars of one holder of a
ticker.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

import numpy as np
import polars as pl

from tvquant.core.calendars import CRYPTO, Calendar, calendar
from tvquant.core.errors import ProfileError
from tvquant.core.instants import instant
from tvquant.core.instruments import Instant
from tvquant.core.panel import Bools, Times
from tvquant.lake import Lake
from tvquant.lake.reading.bars import Bars
from tvquant.lake.reading.unclosed_bars import settled
from tvquant.lake.storage import tables
from tvquant.lake.storage.intervals import LENGTHS, table_of
from tvquant.lake.storage.tables import DAILY, MEASURES
from tvquant.symbology.kinds import structure

STEPS: Mapping[str, np.timedelta64] = {name: np.timedelta64(length, "us") for name, length in LENGTHS.items()}
FIRST = date(1980, 1, 1)
EPOCH = np.datetime64(0, "us")

type Hole = tuple[Instant, Instant]
"""First and last missing bar, both included."""


@dataclass(frozen=True)
class Grid:
    """The bars of one interval on one calendar, up to a present."""

    interval: str
    market: str
    now: datetime

    @classmethod
    def of(cls, symbol: str, interval: str, now: datetime) -> "Grid":
        """The grid of a symbol.

        Raises
        ------
        DataError : the symbol is none. ProfileError : its market has no bars of this length.
        """
        market = structure(symbol).calendar
        if interval not in STEPS or (market != CRYPTO and interval != DAILY):
            known = DAILY if market != CRYPTO else ", ".join(STEPS)
            raise ProfileError(f"interval {interval!r} of {symbol}: this market has {known}; choose one of them")
        return cls(interval, market, now)

    @property
    def step(self) -> np.timedelta64:
        """Length of a bar."""
        return STEPS[self.interval]

    @cached_property
    def calendar(self) -> Calendar:
        """The market's calendar, wide enough for now."""
        return calendar(self.market, FIRST, self.now.date())

    def closed(self) -> Instant:
        """The last bar that has closed by now."""
        return self.closed_at(instant(self.now))

    def closed_at(self, now: Instant) -> Instant:
        """The last bar that has closed at a moment."""
        if self.calendar.opens is None or self.calendar.closes is None:
            return now - (now - EPOCH) % self.step - self.step
        at = int(np.searchsorted(self.calendar.closes, now, side="right")) - 1
        found: Instant = self.calendar.opens[at]
        return found

    def known_at(self, stamp: Instant) -> Instant:
        """Return when a bar is known."""
        found: Instant = self.calendar.known_at(np.array([stamp]), self.step)[0]
        return found

    def back(self, last: Instant, bars: int) -> Instant:
        """The first of so many bars that end with `last`."""
        if self.calendar.opens is None:
            return last - (bars - 1) * self.step
        at = int(np.searchsorted(self.calendar.opens, last, side="right")) - bars
        found: Instant = self.calendar.opens[max(at, 0)]
        return found

    def bars(self, first: Instant, last: Instant) -> Times:
        """All bars from `first` to `last`, both included."""
        if self.calendar.opens is None:
            return np.arange(first, last + self.step, self.step)
        return self.calendar.bars(first, last)

    def on(self, stamps: Times) -> Bools:
        """Which stamps are bars of the grid."""
        if self.calendar.opens is None:
            whole: Bools = (stamps - EPOCH) % self.step == np.timedelta64(0, "us")
            return whole
        return ~np.isnat(self.calendar.close_of(stamps))


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Valid stored bars of one asset: how many, from when to when, and the holes between them, newest first.

    `missing` bars are in `holes`, which are gaps; those in `tolerated` are no gaps (R-DAT-04), but may be asked for.
    """

    bars: int = 0
    first: Instant | None = None
    last: Instant | None = None
    holes: tuple[Hole, ...] = ()
    missing: int = 0
    tolerated: tuple[Hole, ...] = ()


NOTHING = Coverage()


def coverage(lake: Lake, symbols: Collection[str], interval: str) -> dict[str, Coverage]:
    """Coverage of each symbol as the lake stands."""
    found = dict.fromkeys(symbols, NOTHING)
    mine = pl.col("symbol").is_in(sorted(symbols))
    held = tables.read(lake.root, table_of(interval), ["symbol", "timestamp", "recorded_at"], where=mine)
    if held.is_empty():
        return found
    if interval == DAILY:
        return found | _of_sessions(lake.bars(held["symbol"].unique().sort()))
    held = settled(held, {name: structure(name) for name in symbols}, interval).drop("recorded_at")
    stamps = pl.col("timestamp").dt.replace_time_zone(None)
    for (name,), rows in held.unique().sort("symbol", "timestamp").group_by("symbol", maintain_order=True):
        times = rows.select(stamps).to_series().to_numpy()
        found[str(name)] = _covered(times, STEPS[interval])
    return found


def stored_rows(lake: Lake, symbol: str, interval: str) -> pl.DataFrame:
    """Stored rows of one asset by time: timestamp and values, one row per bar (the first where versions differ).

    Rows that were recorded before their bar closed are left out.
    """
    columns = ["symbol", "timestamp", "recorded_at", *MEASURES]
    found = structure(symbol)
    rows = tables.read(lake.root, table_of(interval), columns, where=pl.col("symbol") == symbol)
    rows = settled(rows, {symbol: found}, interval).select("timestamp", *MEASURES)
    if found.calendar != CRYPTO:
        rows = rows.with_columns(pl.col("timestamp").dt.truncate("1d"))
    return rows.unique("timestamp", keep="first").sort("timestamp")


def _covered(stamps: Times, step: np.timedelta64) -> Coverage:
    """Of increasing stamps round the clock."""
    after = np.flatnonzero(np.diff(stamps) > step)
    holes = [(stamps[i] + step, stamps[i + 1] - step) for i in after[::-1]]
    missing = sum(int((last - first) / step) + 1 for first, last in holes)
    return Coverage(bars=len(stamps), first=stamps[0], last=stamps[-1], holes=tuple(holes), missing=missing)


def _of_sessions(bars: Bars) -> dict[str, Coverage]:
    found = {}
    for number, symbol in enumerate(bars.symbols):
        market = bars.calendars[symbol.structure.calendar]
        rows = np.arange(len(bars.symbol))[bars.rows_of(number)]
        rows = rows[bars.valid[rows]]
        if not len(rows):
            continue
        missing = np.diff(bars.slot[rows]) - 1
        same = np.diff(bars.generation[rows]) == 0
        after = np.flatnonzero((missing > 0) & same)[::-1]
        spans = [market.bars(bars.stamp[rows[i]], bars.stamp[rows[i + 1]])[1:-1] for i in after]
        runs = [run for run in spans if len(run) > market.gap_tolerance]
        found[symbol.name] = Coverage(
            bars=len(rows),
            first=bars.stamp[rows[0]],
            last=bars.stamp[rows[-1]],
            holes=tuple((run[0], run[-1]) for run in runs),
            missing=sum(len(run) for run in runs),
            tolerated=tuple((run[0], run[-1]) for run in spans if len(run) <= market.gap_tolerance),
        )
    return found
