"""Stablecoin pegs: whether a coin that is named as a dollar is worth one.

A name makes a coin a stablecoin (`venues`); its own price says whether it still is. One that was over 5 % away from a
dollar on 30 bars in a row is none from the close of the last of them on, and stays none: it may then be chosen like any
other coin. Coins pegged to other currencies are not judged: the lake has no rates of those.
"""

from dataclasses import dataclass

import numpy as np

from tvquant.core.instruments import Instant, Kind
from tvquant.core.panel import Bools
from tvquant.lake.reading.bars import Bars, Ints
from tvquant.symbology import venues
from tvquant.symbology.kinds import split_pair

NEAR, LONG = 0.05, 30
"""How far from a dollar is still near, and after how many bars without being near the peg is lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LostPeg:
    """A peg that was lost `since` a bar; `known_at` is the close of the 30th."""

    since: Instant
    known_at: Instant


def lost_pegs(bars: Bars) -> dict[tuple[int, int], LostPeg]:
    """Return symbol's number and generation -> the peg that it lost."""
    found: dict[tuple[int, int], LostPeg] = {}
    for number, symbol in enumerate(bars.symbols):
        if Kind.STABLECOIN not in symbol.structure.kinds or symbol.structure.currency != "USD":
            continue
        if split_pair(symbol.name).base not in venues.USD_STABLECOINS:
            continue
        mine = bars.rows_of(number)
        at = np.arange(mine.start, mine.stop)[bars.valid[mine]]
        for generation in np.unique(bars.generation[at]).tolist():
            held = at[bars.generation[at] == generation]
            away = np.abs(bars.low["close"][held] - 1.0) > NEAR
            last = _first_run(away)
            if last is not None:
                since, known = bars.stamp[held[last - LONG + 1]], bars.closes[held[last]]
                found[number, generation] = LostPeg(since=since, known_at=known)
    return found


def _first_run(away: Bools) -> int | None:
    """Return where the first run of `LONG` is complete; None where there is none."""
    count: Ints = np.cumsum(away)
    since = count - np.maximum.accumulate(np.where(away, 0, count))
    complete = np.flatnonzero(since >= LONG)
    return int(complete[0]) if len(complete) else None
