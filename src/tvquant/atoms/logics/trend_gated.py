"""Trend by moving averages: held by the share of averages that the price is on the right side of.

Source: the rules (1, 50), (1, 150) and (1, 200) of Brock, Lakonishok and LeBaron (1992), "Simple technical trading
rules and the stochastic properties of stock returns", Journal of Finance 47; equal parts of several horizons as by
Hurst, Ooi and Pedersen (2017), "A century of evidence on trend-following investing", J. of Portfolio Management 44.
"""

from typing import Annotated

import numpy as np
from pydantic import Field

from tvquant.atoms.logics.contract import Bars, Logic, above, side
from tvquant.atoms.logics.windows import running_mean
from tvquant.core.atoms import Direction
from tvquant.core.panel import Floats
from tvquant.profiles.fields import Distinct
from tvquant.profiles.options import Options

type Length = Annotated[int, Field(strict=True, ge=2, le=2000)]


class TrendOptions(Options):
    """Options of `trend_gated`.

    Parameters
    ----------
    averages : bars of each moving average.
    """

    under = "trend_gated"

    averages: Annotated[Distinct[Length], Field(min_length=1)] = (50, 150, 200)


def _gate(bars: Bars, direction: Direction, values: tuple[Options, ...]) -> Floats:
    """Return the share of the averages that the level is above (LONG) or below (SHORT); NaN until all are there."""
    own = TrendOptions.among(values)
    sides = [side(above(bars.level, running_mean(bars.level, length)), direction) for length in own.averages]
    return np.asarray(np.sum(sides, axis=0) / len(sides))


TREND_GATED = Logic(
    name="trend_gated",
    meaning="Held by the share of its moving averages that the price is above (LONG) or below (SHORT).",
    source="Brock, Lakonishok and LeBaron 1992; Hurst, Ooi and Pedersen 2017",
    gate=_gate,
    options=(TrendOptions,),
)
