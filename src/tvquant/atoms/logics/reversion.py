"""Reversion to the mean of recent prices: the further a price is from it, the more is held against the move.

Source: Bollinger (2001), "Bollinger on Bollinger bands": bands of two standard deviations (divisor n) about a mean of
20 bars. That recent moves reverse: Lehmann (1990), Quarterly Journal of Economics 105; Jegadeesh (1990), Journal of
Finance 45. The gate goes straight from 0 at the mean to 1 at the band.
"""

import numpy as np
from pydantic import Field

from tvquant.atoms.logics.contract import NEVER, Bars, Logic
from tvquant.atoms.logics.windows import deviation
from tvquant.core.atoms import Direction
from tvquant.core.panel import Floats
from tvquant.profiles.fields import Real
from tvquant.profiles.options import Options


class ReversionOptions(Options):
    """Options of `reversion`.

    Parameters
    ----------
    mean : bars of the mean and the standard deviation.
    width : standard deviations from the mean at which all is held.
    """

    under = "reversion"

    mean: int = Field(default=20, strict=True, ge=3, le=2000)
    width: Real = Field(default=2.0, gt=0.0, le=10.0)


def _gate(bars: Bars, direction: Direction, values: tuple[Options, ...]) -> Floats:
    """Return the way to the band on the other side of the move, at most 1; 0 where prices have not moved."""
    own = ReversionOptions.among(values)
    mean, spread = deviation(bars.level, own.mean)
    moved = spread > NEVER * np.abs(mean)
    away = np.divide(bars.level - mean, own.width * spread, out=np.zeros(len(mean)), where=moved)
    return np.where(np.isnan(mean), np.nan, np.clip(-direction.sign * away, 0.0, 1.0))


REVERSION = Logic(
    name="reversion",
    meaning="Held by how far it has fallen below (LONG) or risen above (SHORT) its mean, up to a band.",
    source="Bollinger 2001; Lehmann 1990; Jegadeesh 1990",
    gate=_gate,
    options=(ReversionOptions,),
)
