"""Logics: what an atom is held for, and the gate by which some of them say how much of it is held.

1. A logic without a gate is a pass-through: a scanner recruits its atoms, and their stream is that of the asset.
2. A gate is a number from 0 to 1 at each bar of one name, from the bars until then. The stream of a gated atom is
   gate(t - 1) x stream(t); what is held of an atom at a decision is weight x sign x gate at that bar.
3. A logic sees the bars of one name, without holes, and nothing else: neither another name nor the calendar. So a gate
   is the same whoever is beside the name, and a hole is no bar.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tvquant.core.atoms import Direction
from tvquant.core.panel import Floats
from tvquant.profiles.options import Options

NEVER = 1e-12
"""Relative distance of two prices below which neither is above the other: it is what sums leave."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bars:
    """The n bars of one name, oldest first.

    Parameters
    ----------
    level : n, growth of one unit of money since the first bar, dividends and splits counted; the first is 1.
    high, low : n, on the scale of `level`; the level itself where the data have none.
    funding, funding_hours : n, what longs paid since the bar before as a fraction, and how many hours that covers; NaN
        where no payment is known, as of names that are no swaps.
    """

    level: Floats
    high: Floats
    low: Floats
    funding: Floats
    funding_hours: Floats


type Gate = Callable[[Bars, Direction, tuple[Options, ...]], Floats]
"""From n bars, a direction and the values of the logic's options to n gates from 0 to 1.

Gate k depends on bars until k only, to the last bit. It is NaN where they are too few, or data that it needs are
missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logic:
    """A reason to hold an asset.

    Parameters
    ----------
    name : as profiles and scanners write it.
    meaning : why its atoms are held, in one sentence.
    source : of the rule; empty where it is a scanner's.
    gate : None of a pass-through.
    options : what its gate takes.
    """

    name: str
    meaning: str
    source: str = ""
    gate: Gate | None = None
    options: tuple[type[Options], ...] = ()


def side(sign: Floats, direction: Direction) -> Floats:
    """Return the gates of a rule that is for longs at 1, for shorts at -1 and for nobody at 0; NaN stays."""
    held: Floats = np.where(np.isnan(sign), np.nan, (sign == direction.sign).astype(np.float64))
    return held


def above(value: Floats, other: Floats) -> Floats:
    """Return 1 where a price is above the other, -1 where it is below, 0 where they are equal; NaN where one is."""
    apart = value - other
    near = np.abs(apart) <= NEVER * np.maximum(np.abs(value), np.abs(other))
    found: Floats = np.where(near, 0.0, np.sign(apart))
    return found


def before(values: Floats, bars: int) -> Floats:
    """Return the values so many bars earlier; NaN where there is none."""
    out = np.full(len(values), np.nan)
    out[bars:] = values[: len(values) - bars] if bars <= len(values) else []
    return out
