"""Breakout of a price channel: held from a close beyond the channel until one beyond a shorter one on the other side.

Source: Donchian's channel of the highest high and lowest low, with entry by 20 bars and exit by 10 as in Faith (2007),
"Way of the Turtle". The channel ends at the bar before; it is the close that must be beyond.
"""

from collections.abc import Callable
from typing import Self

import numpy as np
from pydantic import Field, model_validator

from tvquant.atoms.logics.contract import Bars, Logic, above, before
from tvquant.atoms.logics.windows import highest, lowest
from tvquant.core.atoms import Direction
from tvquant.core.panel import Bools, Floats
from tvquant.profiles.fields import broken
from tvquant.profiles.options import Options


class BreakoutOptions(Options):
    """Options of `breakout`.

    Parameters
    ----------
    entry : bars of the channel that a close must leave to enter.
    exit : bars of the channel that it must leave on the other side to end.
    """

    under = "breakout"

    entry: int = Field(default=20, strict=True, ge=1, le=2000)
    exit: int = Field(default=10, strict=True, ge=1)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.exit > self.entry:
            text = f"expected at most logics.breakout.entry ({self.entry}), found {self.exit}"
            raise broken(text, "logics.breakout.exit")
        return self


def _gate(bars: Bars, direction: Direction, values: tuple[Options, ...]) -> Floats:
    """Return 1 from an entry until an exit, 0 elsewhere; NaN until there is a channel."""
    own = BreakoutOptions.among(values)
    top, bottom = before(bars.high, 1), before(bars.low, 1)
    if direction is Direction.LONG:
        enters = above(bars.level, _since(highest, top, own.entry)) > 0.0
        leaves = above(bars.level, _since(lowest, bottom, own.exit)) < 0.0
    else:
        enters = above(bars.level, _since(lowest, bottom, own.entry)) < 0.0
        leaves = above(bars.level, _since(highest, top, own.exit)) > 0.0
    return _held(enters, leaves, own.entry)


def _since(figure: Callable[[Floats, int], Floats], earlier: Floats, bars: int) -> Floats:
    """Return the figure of the last `bars` of values of which the first is missing; NaN where they are fewer."""
    return np.concatenate([earlier[:1], figure(earlier[1:], bars)])


def _held(enters: Bools, leaves: Bools, first: int) -> Floats:
    """Return 1 where the last of both was an entry, else 0; NaN before bar `first`."""
    last = np.maximum.accumulate(np.where(enters | leaves, np.arange(len(enters)), -1))
    held = ((last >= 0) & enters[last]).astype(np.float64)
    held[:first] = np.nan
    return held


BREAKOUT = Logic(
    name="breakout",
    meaning="Held from a close above the channel of earlier highs (LONG) or below that of lows (SHORT) to its exit.",
    source="Donchian's channel; Faith 2007",
    gate=_gate,
    options=(BreakoutOptions,),
)
