"""Hard vetoes on the size and shape of an atom's returns (R-SEL-16).

A single dominating day at n rows gives an excess kurtosis towards n, so the kurtosis rule may drop a name after its
crash; what that costs is measured by the returns of the vetoed, not assumed.
"""

import numpy as np

from tvquant.core.panel import Floats
from tvquant.selection.contract import SelectionContext
from tvquant.selection.vetoes.contract import Judgement, Rule

STATISTICS = ("kurtosis", "volatility")
"""Without these a name cannot be shown to be safe."""


def _no_statistics(context: SelectionContext, _: float) -> Judgement:
    """Value: how many of the statistics the atom has; limit: all of them."""
    found = np.isfinite([context.of_atoms(name) for name in STATISTICS]).sum(axis=0).astype(np.float64)
    limit = float(len(STATISTICS))
    return Judgement(broken=found < limit, values=found, limits=np.full(len(found), limit), thresholds={"limit": limit})


def _kurtosis(context: SelectionContext, _: float) -> Judgement:
    return _above(context.of_atoms("kurtosis"), context.parameters.max_kurtosis)


def _volatility(context: SelectionContext, _: float) -> Judgement:
    return _above(context.of_atoms("volatility"), context.parameters.max_volatility)


def _above(values: Floats, limit: float) -> Judgement:
    return Judgement(
        broken=values > limit, values=values, limits=np.full(len(values), limit), thresholds={"limit": limit}
    )


NO_STATISTICS = Rule(
    name="no_statistics",
    meaning="The stream is too short or too still to have a kurtosis and a volatility.",
    hard=True,
    judge=_no_statistics,
)
KURTOSIS = Rule(
    name="kurtosis", meaning="The excess kurtosis is above the profile's limit.", hard=True, judge=_kurtosis
)
VOLATILITY = Rule(
    name="volatility", meaning="The annual volatility is above the profile's limit.", hard=True, judge=_volatility
)
