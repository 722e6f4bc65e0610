"""Hard vetoes on the speed of an instrument, in percent as a screener gives it (R-SEL-17).

A long and a short atom are held against the same bounds: who doubled in nine bars is no better a short than a long.
"""

import numpy as np

from tvquant.selection.contract import SelectionContext
from tvquant.selection.relaxation import Relaxation
from tvquant.selection.vetoes.contract import Judgement, Rule, above


def _roc(context: SelectionContext, _: Relaxation) -> Judgement:
    values, low, high = context.of_atoms("roc"), context.parameters.min_roc, context.parameters.max_roc
    return Judgement(
        broken=(values < low) | (values > high),
        values=values,
        limits=np.where(values < 0.0, low, high),
        thresholds={"low": low, "high": high},
    )


def _volatility_d(context: SelectionContext, _: Relaxation) -> Judgement:
    return above(context.of_atoms("volatility_d"), context.parameters.max_volatility_d)


ROC = Rule(name="roc", meaning="The change over 9 bars is outside of the profile's limits.", hard=True, judge=_roc)
VOLATILITY_D = Rule(
    name="volatility_d",
    meaning="The range of the last bar is above the profile's limit.",
    hard=True,
    judge=_volatility_d,
)
