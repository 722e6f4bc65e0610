"""What is odd about stored data, bar by bar, and how healthy each instrument is. Reports only: nothing is changed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import polars as pl

from tvquant.core.calendars import DAY
from tvquant.core.instruments import Instant
from tvquant.core.panel import Bools
from tvquant.lake import tables
from tvquant.lake.bars import Bars, Ints
from tvquant.lake.lake import Lake


class FindingKind(StrEnum):
    """What can be odd; those marked * keep their bars out of every panel."""

    REPEATED = "repeated"
    """Equal rows in one file: one was kept."""
    CONFLICT = "conflicting_duplicate"
    """* Different versions of one bar."""
    HIGH_LOW = "high_low"
    """* Open or close outside of low to high, or high below low."""
    NON_POSITIVE = "non_positive"
    """* A price that is not above zero."""
    OFF_CALENDAR = "off_calendar"
    """* A bar at a time when its market has none."""
    GAP = "gap"
    """Missing bars of the calendar."""
    TOLERATED = "tolerated"
    """Single missing sessions (R-DAT-04)."""
    DISCONTINUITY = "discontinuity"
    """A re-used ticker or a redenomination: another instrument starts."""
    SUSPECTED_SPLIT = "suspected_split"
    """A raw price that opens like a split that was not delivered."""
    CONFLICTING_ACTION = "conflicting_action"
    """Different values for one dividend or split: none is applied."""
    IDLE_ACTION = "idle_action"
    """A dividend or split on a date that is no session: it is not applied."""


class HealthState(StrEnum):
    """State of an instrument's valid bars; MISSING has none."""

    OK = "ok"
    GAPS = "gaps"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One oddity of one symbol: `count` bars between `first` and `last`."""

    symbol: str
    kind: FindingKind
    first: Instant
    last: Instant
    count: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetHealth:
    """One instrument: its valid bars, and the bars missing between them beyond tolerance (`gaps`) and within it."""

    key: str
    symbol: str
    state: HealthState
    bars: int
    first: Instant | None
    last: Instant | None
    gaps: int
    tolerated: int


def audit(lake: Lake, symbols: Iterable[str] | None = None, as_of: Instant | None = None) -> tuple[Finding, ...]:
    """Findings of the given symbols (all when None), sorted by symbol, then time; with `as_of` from earlier bars only.

    Raises
    ------
    DataError : the lake is empty, or has no bars of a symbol.
    """
    bars = lake.bars(symbols)
    if as_of is not None:
        bars = bars.until(as_of)
    found = [
        *_defects(bars),
        *_holes(bars),
        *_jumps(bars),
        *_odd_actions(bars, as_of),
        *_repeated(lake, bars, as_of),
    ]
    return tuple(sorted(found, key=lambda f: (f.symbol, f.first, f.kind)))


def health(
    lake: Lake, symbols: Iterable[str] | None = None, *, as_of: Instant | None = None
) -> tuple[AssetHealth, ...]:
    """One state per instrument, in order of symbol and generation; a symbol the lake does not have is MISSING.

    A masked bar counts as missing. What lies before the first valid bar, or between two holders of a ticker, does not.
    """
    wanted = set(lake.symbols() if symbols is None else symbols)
    held = wanted & set(lake.symbols())
    out = [_missing(name) for name in wanted - held]
    if held:
        bars = lake.bars(held)
        out += _states(bars if as_of is None else bars.until(as_of))
    return tuple(sorted(out, key=lambda h: h.symbol))


def _missing(name: str) -> AssetHealth:
    return AssetHealth(
        key=name, symbol=name, state=HealthState.MISSING, bars=0, first=None, last=None, gaps=0, tolerated=0
    )


def _states(bars: Bars) -> Iterator[AssetHealth]:
    at = np.flatnonzero(bars.valid)
    who = bars.symbol[at]
    for number in sorted(set(range(len(bars.symbols))) - set(who.tolist())):
        yield _missing(bars.symbols[number].name)
    new = (np.diff(who, prepend=-1) != 0) | (np.diff(bars.generation[at], prepend=0) != 0)
    tolerance = _tolerance(bars)
    for rows in np.split(at, np.flatnonzero(new)[1:]) if len(at) else ():
        number = bars.symbol[rows[0]]
        symbol, generation = bars.symbols[number], bars.generation[rows[0]]
        missing = np.diff(bars.slot[rows]) - 1
        beyond = missing > tolerance[number]
        gaps = int(missing[beyond].sum())
        yield AssetHealth(
            key=symbol.name if generation == 1 else f"{symbol.name}#{generation}",
            symbol=symbol.name,
            state=HealthState.GAPS if gaps else HealthState.OK,
            bars=len(rows),
            first=bars.stamp[rows[0]],
            last=bars.stamp[rows[-1]],
            gaps=gaps,
            tolerated=int(missing[~beyond].sum()),
        )


def _tolerance(bars: Bars) -> Ints:
    """Consecutive missing bars that each symbol's calendar tolerates."""
    return np.array([bars.calendars[symbol.structure.calendar].gap_tolerance for symbol in bars.symbols])


def _per_symbol(bars: Bars, rows: Bools, kind: FindingKind, detail: str) -> Iterator[Finding]:
    """One finding for all marked bars of a symbol."""
    at = np.flatnonzero(rows)
    for group in np.split(at, np.flatnonzero(np.diff(bars.symbol[at])) + 1) if len(at) else ():
        name, stamps = bars.symbols[bars.symbol[group[0]]].name, bars.stamp[group]
        yield Finding(symbol=name, kind=kind, first=stamps[0], last=stamps[-1], count=len(group), detail=detail)


def _defects(bars: Bars) -> Iterator[Finding]:
    yield from _per_symbol(
        bars, bars.conflict, FindingKind.CONFLICT, "versions of one bar differ: all are stored, none is used"
    )
    yield from _per_symbol(
        bars, bars.disorder, FindingKind.HIGH_LOW, "open or close outside of low to high: the bar is not used"
    )
    yield from _per_symbol(
        bars, bars.non_positive, FindingKind.NON_POSITIVE, "a price is not above zero: the bar is not used"
    )
    off = "bars when the market has none: they are not used"
    yield from _per_symbol(bars, bars.slot < 0, FindingKind.OFF_CALENDAR, off)


def _holes(bars: Bars) -> Iterator[Finding]:
    """Runs of missing bars between stored ones; sessions that are missing alone are counted together."""
    at = np.flatnonzero(bars.slot >= 0)
    who, slot = bars.symbol[at], bars.slot[at]
    missing = np.where(np.diff(who) == 0, np.diff(slot) - 1, 0) if len(at) else np.empty(0, np.int64)
    tolerated: dict[int, list[Instant]] = {}
    tolerance = _tolerance(bars)
    for i in np.flatnonzero(missing):
        symbol = bars.symbols[who[i]]
        run = bars.calendars[symbol.structure.calendar].bars(bars.stamp[at[i]], bars.stamp[at[i + 1]])[1:-1]
        if missing[i] <= tolerance[who[i]]:
            tolerated.setdefault(int(who[i]), []).append(run[0])
            continue
        detail = f"{len(run)} bars of {symbol.structure.calendar} are missing"
        yield Finding(
            symbol=symbol.name, kind=FindingKind.GAP, first=run[0], last=run[-1], count=len(run), detail=detail
        )
    for number, runs in tolerated.items():
        yield Finding(
            symbol=bars.symbols[number].name,
            kind=FindingKind.TOLERATED,
            first=runs[0],
            last=runs[-1],
            count=len(runs),
            detail="single sessions are missing: tolerated, the return covers both",
        )


def _jumps(bars: Bars) -> Iterator[Finding]:
    for i in np.flatnonzero(bars.breaks | bars.suspected_split):
        factor, name = bars.factor[i], bars.symbols[bars.symbol[i]].name
        price = "close" if np.isnan(bars.low["open"][i]) else "open"
        detail = f"{price} is {factor:.6g} times the close before: "
        if bars.breaks[i]:
            kind = FindingKind.DISCONTINUITY
            detail += f"a re-used ticker or a redenomination; from here on it is {name}#{bars.generation[i]}"
        else:
            kind = FindingKind.SUSPECTED_SPLIT
            detail += "like a split, but none was delivered; import it as stock_splits if it is one"
        stamp = bars.stamp[i]
        yield Finding(symbol=name, kind=kind, first=stamp, last=stamp, count=1, detail=detail)


def _odd_actions(bars: Bars, as_of: Instant | None) -> Iterator[Finding]:
    actions = bars.actions
    calendars = [bars.calendars[symbol.structure.calendar] for symbol in bars.symbols]
    for number, symbol in enumerate(bars.symbols):
        mine = actions.symbol == number
        if as_of is not None:
            mine &= actions.stamp + DAY <= as_of
        stamps = actions.stamp[mine]
        if not len(stamps):
            continue
        idle = ~np.isin(stamps, calendars[number].bars(stamps[0], stamps[-1]))
        for kind, odd, detail in (
            (FindingKind.CONFLICTING_ACTION, actions.conflict[mine], "values differ: none is applied"),
            (FindingKind.IDLE_ACTION, idle, "actions on a date that is no session: they are not applied"),
        ):
            at = stamps[odd]
            if len(at):
                yield Finding(symbol=symbol.name, kind=kind, first=at[0], last=at[-1], count=len(at), detail=detail)


def _repeated(lake: Lake, bars: Bars, as_of: Instant | None) -> Iterator[Finding]:
    """Rows that repeated others of their files, from the journal; a file that was imported twice counts once."""
    names = [symbol.name for symbol in bars.symbols]
    where = pl.col("symbol").is_in(names) & (pl.col("repeated") > 0)
    columns = ["symbol", "repeated", "repeated_first", "repeated_last", "sha256", "source"]
    journal = tables.read(lake.root, "journal", columns, where=where).unique(["symbol", "sha256"], keep="any")
    for row in journal.sort("symbol", "source").iter_rows(named=True):
        first, last = (
            np.datetime64(row[name].replace(tzinfo=None), "us") for name in ("repeated_first", "repeated_last")
        )
        if as_of is None or last + DAY <= as_of:
            yield Finding(
                symbol=row["symbol"],
                kind=FindingKind.REPEATED,
                first=first,
                last=last,
                count=row["repeated"],
                detail=f"{row['repeated']} rows of {row['source']} repeat others: one of each is stored",
            )
