"""Momentum of a name's own past: held on the side that its past return is on.

Source: Moskowitz, Ooi and Pedersen (2012), "Time series momentum", Journal of Financial Economics 104: the sign of the
past year's return. The last month, which reverses, is left out (Jegadeesh and Titman 1993, Journal of Finance 48).
"""

from typing import Self

import numpy as np
from pydantic import Field, model_validator

from tvquant.atoms.logics.contract import Bars, Logic, above, before, side
from tvquant.core.atoms import Direction
from tvquant.core.panel import Floats
from tvquant.profiles.fields import broken
from tvquant.profiles.options import Options


class MomentumOptions(Options):
    """Options of `momentum`.

    Parameters
    ----------
    lookback : bars that the past return begins before.
    skip : bars that it ends before; the newest ones reverse.
    """

    under = "momentum"

    lookback: int = Field(default=252, strict=True, ge=1, le=2000)
    skip: int = Field(default=21, strict=True, ge=0)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.skip >= self.lookback:
            text = f"expected fewer bars than logics.momentum.lookback ({self.lookback}), found {self.skip}"
            raise broken(text, "logics.momentum.skip")
        return self


def _gate(bars: Bars, direction: Direction, values: tuple[Options, ...]) -> Floats:
    """Return 1 where the level `skip` bars ago is on the direction's side of that `lookback` bars ago."""
    own = MomentumOptions.among(values)
    end, start = before(bars.level, own.skip), before(bars.level, own.lookback)
    return side(above(end, np.where(start > 0.0, start, np.nan)), direction)


MOMENTUM = Logic(
    name="momentum",
    meaning="Held while its return from lookback to skip bars ago is above 0 (LONG) or below it (SHORT).",
    source="Moskowitz, Ooi and Pedersen 2012; Jegadeesh and Titman 1993",
    gate=_gate,
    options=(MomentumOptions,),
)
