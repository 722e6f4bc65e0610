"""Hard vetoes on the speed of an instrument, in percent as a screener gives it (R-SEL-17).

A long and a short atom are held against the same bounds: who doubled in nine bars is no better a short than a long.
"""

import numpy as np
from pydantic import Field

from tvquant.profiles.fields import Real
from tvquant.profiles.options import Options
from tvquant.selection.contract import SelectionContext
from tvquant.selection.relaxation import Relaxation
from tvquant.selection.vetoes.contract import Judgement, Rule, above


class RocLimits(Options):
    """Options of `roc`.

    Parameters
    ----------
    min_roc : smallest change over 9 bars, in percent; a hard veto.
    max_roc : largest change over 9 bars, in percent; a hard veto.
    """

    min_roc: Real = Field(default=-80.0, ge=-100, lt=0)
    max_roc: Real = Field(default=100.0, gt=0)


class DailyVolatilityLimit(Options):
    """Option of `volatility_d`.

    Parameters
    ----------
    max_volatility_d : largest range of the last bar, in percent of its low; a hard veto.
    """

    max_volatility_d: Real = Field(default=100.0, gt=0)


def _roc(context: SelectionContext, _: Relaxation) -> Judgement:
    values, limits = context.of_atoms("roc"), context.parameters.options(RocLimits)
    low, high = limits.min_roc, limits.max_roc
    return Judgement(
        broken=(values < low) | (values > high),
        values=values,
        limits=np.where(values < 0.0, low, high),
        thresholds={"low": low, "high": high},
    )


def _volatility_d(context: SelectionContext, _: Relaxation) -> Judgement:
    return above(context.of_atoms("volatility_d"), context.parameters.options(DailyVolatilityLimit).max_volatility_d)


ROC = Rule(
    name="roc",
    meaning="The change over 9 bars is outside of the profile's limits.",
    hard=True,
    judge=_roc,
    options=(RocLimits,),
)
VOLATILITY_D = Rule(
    name="volatility_d",
    meaning="The range of the last bar is above the profile's limit.",
    hard=True,
    judge=_volatility_d,
    options=(DailyVolatilityLimit,),
)
