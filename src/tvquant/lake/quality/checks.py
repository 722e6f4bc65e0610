"""What the values of stored bars give away, one small function for each question. Nothing here changes a bar.

Bars are looked at in their own order, holders of a ticker included, and only valid bars testify. Every limit is an
absolute floor or a multiple of the symbol's own scale, the median absolute move, which a few wild bars do not move.
A real crash, a pump, an earnings gap and a flash-crash wick stay unaccused: what is looked for are moves that nobody
can have traded through, such as a bar that opens far from the last close and whose successor opens back there.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from tvquant.core.calendars import CRYPTO
from tvquant.core.instruments import Instant, Kind
from tvquant.core.panel import Bools, Floats, Times
from tvquant.lake.reading.bars import Bars, Ints, places
from tvquant.lake.reading.stablecoin_pegs import LONG, NEAR, lost_pegs

FLAT_SHARE = 0.5
"""A symbol of which most bars are flat was delivered as closes; flat bars are told of others."""
STALE_BARS, STALE_CLOSES = 5, 10
"""Bars in a row that repeat the close before without a trade; closes in a row where nothing else is known."""
SPIKE_FLOOR = 0.3
"""Smallest log move that can be a spike, there and back (a factor of 1.35). Of 0.45 million real crypto bars no
two-way jump between close and open is above 0.03, of 0.37 million US bars none above 0.21."""
SPIKE_SESSIONS, SPIKE_CLOSES = 12.0, 20.0
"""The same in median absolute daily moves: where markets jump overnight, and where closes are all there is (there,
real pumps and their ends reach 13)."""
SPIKE_RETURN = 0.25
"""The way back is the way there within this share of it."""
SCALE_ROUNDING = 0.03
"""An open this near to a power of ten times the last close is the same price in another unit."""
SCALE_STAYS = 3
"""Bars after a change of scale that must not go back."""
DRIFT_BARS, DRIFT_SHARE = 5, 0.9
"""Bars off the calendar of which this share stands at one time of day are a calendar that is meant otherwise."""
MIDNIGHT = np.timedelta64(0, "us")
NORMAL = 1.4826
"""Standard deviations of a normal distribution per median absolute deviation."""


class FindingKind(StrEnum):
    """What can be odd; those marked * keep their bars out of every panel, those marked (note) need no repair."""

    REPEATED = "repeated"
    """Equal rows in one file: one was kept (note)."""
    CONFLICT = "conflicting_duplicate"
    """* Different versions of one bar."""
    HIGH_LOW = "high_low"
    """* Open or close outside of low to high, or high below low."""
    NON_POSITIVE = "non_positive"
    """* A price that is not above zero."""
    OFF_CALENDAR = "off_calendar"
    """* A bar at a time when its market has none."""
    CALENDAR_DRIFT = "calendar_drift"
    """Bars that stand beside their calendar all alike, as if days began elsewhere."""
    BASIS = "basis_contradiction"
    """Prices that are not of their declared basis, by splits, dividends or `adj_close`."""
    UNSHOWN_ACTION = "unshown_action"
    """A split or dividend that the prices deny: it would be applied to a move that is not there."""
    VOLUME_HOLE = "volume_hole"
    """No volume, or none beside a price that moved, between bars that have some."""
    GAP = "gap"
    """Missing bars of the calendar."""
    TOLERATED = "tolerated"
    """Single missing sessions (note; R-DAT-04)."""
    ENDED = "ended"
    """A last bar after which those that were delivered with it go on."""
    UNFINISHED = "unfinished"
    """A newest bar that was recorded before it closed."""
    STALE_PRICE = "stale_price"
    """A close that is repeated without a trade, bar after bar."""
    FLAT = "flat"
    """Bars without any range (note)."""
    ZERO_VOLUME = "zero_volume"
    """Bars without a trade (note)."""
    SPIKE = "spike"
    """One price far from its neighbours, which agree."""
    SCALE_CHANGE = "scale_change"
    """Prices a power of ten higher or lower from one bar to the next, for good."""
    DISCONTINUITY = "discontinuity"
    """A re-used ticker or a redenomination: another instrument starts."""
    SUSPECTED_SPLIT = "suspected_split"
    """A raw price that opens like a split that was not delivered."""
    CONFLICTING_ACTION = "conflicting_action"
    """Different values for one dividend or split: none is applied."""
    SUPERSEDED_ACTION = "superseded_action"
    """A dividend or split that its own source told anew with another value: the newest counts (note)."""
    IDLE_ACTION = "idle_action"
    """A dividend or split on a date that is no session: it is not applied."""
    LOST_PEG = "lost_peg"
    """A coin that is stable by name and not by price (note): it is of that kind no more."""
    CROSS_SOURCE = "cross_source"
    """Prices of shorter bars that do not add up to the daily bar."""
    CROSS_VOLUME = "cross_volume"
    """Volumes of shorter bars that do not add up (note)."""

    @property
    def denies(self) -> bool:
        """Returns are wrong as long as it stands: no gate lets the symbol pass."""
        return self in (FindingKind.BASIS, FindingKind.UNSHOWN_ACTION)

    @property
    def note(self) -> bool:
        """It is worth knowing, and there is nothing to repair."""
        return self in NOTES


NOTES = frozenset(
    {
        FindingKind.REPEATED,
        FindingKind.TOLERATED,
        FindingKind.FLAT,
        FindingKind.ZERO_VOLUME,
        FindingKind.SUPERSEDED_ACTION,
        FindingKind.LOST_PEG,
        FindingKind.CROSS_VOLUME,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One oddity of one symbol: `count` bars between `first` and `last`."""

    symbol: str
    kind: FindingKind
    first: Instant
    last: Instant
    count: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trail:
    """V valid bars in their order, each beside the bar before and after.

    Parameters
    ----------
    at : V, where they stand in the bars.
    follows : V, the bar before is of the same symbol, with no bar missing between.
    precedes : V, the same of the bar after.
    entry, body, leaving : V log moves: last close to open, open to close, close to next open. Where a bar has no open
        the close stands for it, so that the entry is the whole move; NaN where there is no neighbour.
    """

    at: Ints
    follows: Bools
    precedes: Bools
    entry: Floats
    body: Floats
    leaving: Floats


def market_day(stamps: Times) -> Times:
    """Return the market day that a session belongs to by its open: stamps of 20:00 to 23:59 UTC belong to the next day.

    Meant for what opens in that span, as forex, futures and their indices do (R-DAT-05); never for round-the-clock
    bars, nor for exchanges that close in it.
    """
    days: Times = (stamps + np.timedelta64(4, "h")).astype("datetime64[D]").astype("datetime64[us]")
    return days


def per_symbol(bars: Bars, rows: Bools, kind: FindingKind, detail: str) -> Iterator[Finding]:
    """Yield one finding for all marked bars of a symbol."""
    for group in _groups(bars, np.flatnonzero(rows)):
        yield _finding(bars, group, kind, detail)


def trail(bars: Bars) -> Trail:
    """Return the valid bars, and the moves into, through and out of each."""
    at = np.flatnonzero(bars.valid)
    who, slot = bars.symbol[at], bars.slot[at]
    follows = (np.diff(who, prepend=-1) == 0) & (np.diff(slot, prepend=-2) == 1)
    precedes = np.r_[follows[1:], False][: len(at)]
    close = np.log(bars.low["close"][at])
    opens = np.log(bars.low["open"][at])
    opens = np.where(np.isnan(opens), close, opens)
    entry = np.where(follows, opens - np.roll(close, 1), np.nan)
    leaving = np.where(precedes, np.roll(opens, -1) - close, np.nan)
    return Trail(at=at, follows=follows, precedes=precedes, entry=entry, body=close - opens, leaving=leaving)


def flat(bars: Bars) -> Bools:
    """Return valid bars with four equal prices."""
    opens, high, low, close = (bars.low[name] for name in ("open", "high", "low", "close"))
    found: Bools = bars.valid & (high == low) & (opens == close) & (high == close)
    return found


def thin(bars: Bars) -> Iterator[Finding]:
    """Yield notes: bars without range where most have one, and bars without volume where others have some."""
    none = bars.valid & (bars.low["volume"] == 0)
    for kind, rows, most, detail in (
        (FindingKind.FLAT, flat(bars), FLAT_SHARE, "open, high, low and close are one: hardly any trade"),
        (FindingKind.ZERO_VOLUME, none, 1.0, "no volume: nothing was traded"),
    ):
        total = np.bincount(bars.symbol[bars.valid], minlength=len(bars.symbols))
        share = np.bincount(bars.symbol[rows], minlength=len(bars.symbols)) / np.maximum(total, 1)
        yield from per_symbol(bars, rows & (share < most)[bars.symbol], kind, detail)


def stale_prices(bars: Bars, steps: Trail) -> Iterator[Finding]:
    """Yield runs of bars that repeat the close before, without range or without volume.

    Or of bare closes, if longer.
    """
    at = steps.at
    close = bars.low["close"][at]
    same = steps.follows & (close == np.roll(close, 1))
    idle = same & (flat(bars)[at] | (bars.low["volume"][at] == 0))
    bare = same & np.isnan(bars.low["high"][at]) & np.isnan(bars.low["volume"][at])
    for rows, least in ((idle, STALE_BARS), (bare, STALE_CLOSES)):
        for run in _runs(rows):
            if len(run) >= least:
                detail = f"the close of the bar before is repeated {len(run)} times without a trade"
                yield _finding(bars, at[run], FindingKind.STALE_PRICE, detail)


def spikes(bars: Bars, steps: Trail) -> tuple[Ints, Floats]:
    """Return bars with a price that leaves and comes back at once, and by which factor they leave.

    A whole bar aside (jump in, jump out), a close aside (body, jump out) or an open aside (jump in, body): one of the
    two moves is a jump between bars, which is nothing that was traded through. Of closes alone both moves may have
    been traded, so much more is asked of them.
    """
    sessions = np.array([symbol.structure.calendar != CRYPTO for symbol in bars.symbols], dtype=bool)
    who = bars.symbol[steps.at]
    bare = np.isnan(bars.low["open"][steps.at])
    scale = _scale(steps, who, len(bars.symbols))
    limit = np.where(bare, SPIKE_CLOSES, np.where(sessions[who], SPIKE_SESSIONS, 0.0)) * scale
    limit = np.maximum(limit, SPIKE_FLOOR)
    factor = np.zeros(len(who))
    for there, back in (
        (steps.entry, steps.leaving),
        (steps.body, steps.leaving),
        (steps.entry, steps.body),
    ):
        least = np.minimum(np.abs(there), np.abs(back))
        found = (there * back < 0) & (np.abs(there + back) <= SPIKE_RETURN * least) & (least >= limit)
        factor = np.where(found & (np.abs(there) > np.abs(factor)), there, factor)
    hit = np.flatnonzero(factor)
    return steps.at[hit], np.exp(factor[hit])


def scale_changes(bars: Bars, steps: Trail) -> tuple[Ints, Ints]:
    """Return bars that open a power of ten from the last close, without a bar missing, and stay; and which power.

    A redenomination comes with a halt, a leveraged token is reset, a share is split: those are other findings.
    """
    jump = steps.entry / np.log(10.0)
    power = np.round(jump)
    near = np.abs(jump - power) <= np.log10(1 + SCALE_ROUNDING)
    reset = np.array([Kind.LEVERAGED_TOKEN in symbol.structure.kinds for symbol in bars.symbols], dtype=bool)
    splits = places(bars.actions.symbol, bars.actions.stamp)[bars.actions.split]
    split = np.isin(places(bars.symbol, bars.stamp), splits) | bars.suspected_split
    found = np.flatnonzero(near & (power != 0) & ~(reset[bars.symbol] | split)[steps.at])
    close, who = np.log(bars.low["close"][steps.at]), bars.symbol[steps.at]
    stays = [i for i in found.tolist() if _stays(close, who, i, float(power[i]))]
    return steps.at[stays], power[stays].astype(np.int64)


def drifts(bars: Bars) -> tuple[Bools, tuple[Finding, ...]]:
    """Bars off a round-the-clock calendar that nearly all stand at one time of day: which, and what is said of them."""
    rows, found = np.zeros(len(bars.stamp), bool), []
    for group in _groups(bars, np.flatnonzero(bars.slot < 0)):
        within = bars.stamp[group] - bars.stamp[group].astype("datetime64[D]")
        times, counts = np.unique(within, return_counts=True)
        hour = times[counts.argmax()]
        if len(group) < DRIFT_BARS or counts.max() < DRIFT_SHARE * len(group) or hour == MIDNIGHT:
            continue
        mine = group[within == hour]
        rows[mine] = True
        clock = str((np.datetime64(0, "us") + hour).astype("datetime64[m]"))[-5:]
        detail = f"bars stand at {clock} UTC, their calendar at 00:00: days that begin elsewhere; they are not used"
        found.append(_finding(bars, mine, FindingKind.CALENDAR_DRIFT, detail))
    return rows, tuple(found)


def _finding(bars: Bars, rows: Ints, kind: FindingKind, detail: str) -> Finding:
    stamps = bars.stamp[rows]
    name = bars.symbols[bars.symbol[rows[0]]].name
    return Finding(symbol=name, kind=kind, first=stamps[0], last=stamps[-1], count=len(rows), detail=detail)


def _groups(bars: Bars, at: Ints) -> list[Ints]:
    """Return the rows `at`, apart by symbol."""
    return np.split(at, np.flatnonzero(np.diff(bars.symbol[at])) + 1) if len(at) else []


def _runs(rows: Bools) -> list[NDArray[np.intp]]:
    """Return places of every run of marked rows."""
    at = np.flatnonzero(rows)
    return np.split(at, np.flatnonzero(np.diff(at) != 1) + 1) if len(at) else []


def _scale(steps: Trail, who: Ints, symbols: int) -> Floats:
    """Return V: robust standard deviation of the symbol's log moves from close to close."""
    move = np.abs(steps.entry + steps.body)
    scale = np.zeros(symbols)
    edges = np.searchsorted(who, np.arange(symbols + 1))
    for number, (first, last) in enumerate(itertools.pairwise(edges)):
        known = move[first:last][np.isfinite(move[first:last])]
        scale[number] = NORMAL * np.median(known) if len(known) else 0.0
    found: Floats = scale[who]
    return found


def _stays(close: Floats, who: Ints, i: int, power: float) -> bool:
    """Whether the log close of row i and those after it (one at least) are nearer to its new level than to the old."""
    after = close[i : i + 1 + SCALE_STAYS][who[i : i + 1 + SCALE_STAYS] == who[i]]
    old, new = close[i - 1], close[i - 1] + power * np.log(10.0)
    return len(after) > 1 and bool((np.abs(after - new) < np.abs(after - old)).all())


def unpegged(bars: Bars) -> Iterator[Finding]:
    """Yield notes: coins that are stable by name and have lost their peg."""
    for (number, _), lost in lost_pegs(bars).items():
        mine = bars.rows_of(number)
        yield Finding(
            symbol=bars.symbols[number].name,
            kind=FindingKind.LOST_PEG,
            first=lost.since,
            last=bars.stamp[mine.stop - 1],
            count=LONG,
            detail=f"over {NEAR:.0%} away from a dollar on {LONG} bars in a row: no stablecoin from then on",
        )
