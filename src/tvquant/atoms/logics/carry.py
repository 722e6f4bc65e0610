"""Carry of perpetual swaps: held on the side that is paid funding.

Source: Koijen, Moskowitz, Pedersen and Vrugt (2018), "Carry", Journal of Financial Economics 127: what a position earns
if prices stay as they are. Of a perpetual swap that is its funding: shorts earn what longs pay. Names without payments
(spot, stocks, swaps whose payments nobody has) have no gate: it is not known, and never taken for 0.
"""

import numpy as np
from pydantic import Field

from tvquant.atoms.logics.contract import Bars, Logic
from tvquant.atoms.logics.windows import mean
from tvquant.core.atoms import Direction
from tvquant.core.panel import Floats
from tvquant.profiles.fields import Real
from tvquant.profiles.options import Options

YEAR = 365.0 * 24.0
"""Hours."""


class CarryOptions(Options):
    """Options of `carry`.

    Parameters
    ----------
    bars : of which the payments are averaged; each must have some.
    hurdle : funding received per year, as a fraction of the position, that must be exceeded.
    """

    under = "carry"

    bars: int = Field(default=7, strict=True, ge=1, le=2000)
    hurdle: Real = Field(default=0.0, ge=0.0)


def _gate(bars: Bars, direction: Direction, values: tuple[Options, ...]) -> Floats:
    """Return 1 where the mean funding of the window, per year, is received and above the hurdle."""
    own = CarryOptions.among(values)
    known = (bars.funding_hours > 0.0) & np.isfinite(bars.funding)
    paid, hours = (np.where(known, one, 0.0) for one in (bars.funding, bars.funding_hours))
    whole = mean(known.astype(np.float64), own.bars) > 1.0 - 0.5 / own.bars
    rate = np.divide(mean(paid, own.bars), mean(hours, own.bars), out=np.full(len(paid), np.nan), where=whole)
    received = -direction.sign * rate * YEAR
    return np.where(np.isnan(received), np.nan, (received > own.hurdle).astype(np.float64))


CARRY = Logic(
    name="carry",
    meaning="Held while longs receive funding (LONG) or pay it (SHORT), beyond a hurdle.",
    source="Koijen, Moskowitz, Pedersen and Vrugt 2018",
    gate=_gate,
    options=(CarryOptions,),
)
