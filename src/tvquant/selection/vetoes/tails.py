"""Hard vetoes on the size and shape of an atom's returns, and on how it takes stress (R-SEL-16, R-SEL-19).

A single dominating day at n rows gives an excess kurtosis towards n, so the kurtosis rule may drop a name after its
crash; what that costs is measured by the returns of the vetoed, not assumed.
"""

import numpy as np
from pydantic import Field

from tvquant.profiles.fields import Real
from tvquant.profiles.options import Options
from tvquant.selection.contract import SelectionContext
from tvquant.selection.relaxation import Relaxation
from tvquant.selection.vetoes.contract import Judgement, Rule, above, below

STATISTICS = ("kurtosis", "volatility")
"""Without these a name cannot be shown to be safe."""


class KurtosisLimit(Options):
    """Option of `kurtosis`.

    Parameters
    ----------
    max_kurtosis : largest excess kurtosis; a hard veto.
    """

    max_kurtosis: Real = Field(default=20.0, gt=0)


class VolatilityLimit(Options):
    """Option of `volatility`.

    Parameters
    ----------
    max_volatility : largest annual volatility; a hard veto.
    """

    max_volatility: Real = Field(default=2.5, gt=0)


class SurvivalLimit(Options):
    """Option of `survival`.

    Parameters
    ----------
    min_survival : smallest survival score; a hard veto.
    """

    min_survival: Real = Field(default=0.1, ge=0, le=1)


def _no_statistics(context: SelectionContext, _: Relaxation) -> Judgement:
    """Return the judgement by value: how many of the statistics the atom has; limit: all of them."""
    found = np.isfinite([context.of_atoms(name) for name in STATISTICS]).sum(axis=0).astype(np.float64)
    limit = float(len(STATISTICS))
    return Judgement(broken=found < limit, values=found, limits=np.full(len(found), limit), thresholds={"limit": limit})


def _kurtosis(context: SelectionContext, _: Relaxation) -> Judgement:
    return above(context.of_atoms("kurtosis"), context.parameters.options(KurtosisLimit).max_kurtosis)


def _volatility(context: SelectionContext, _: Relaxation) -> Judgement:
    return above(context.of_atoms("volatility"), context.parameters.options(VolatilityLimit).max_volatility)


def _survival(context: SelectionContext, _: Relaxation) -> Judgement:
    return below(context.of_atoms("survival"), context.parameters.options(SurvivalLimit).min_survival)


NO_STATISTICS = Rule(
    name="no_statistics",
    meaning="The stream is too short or too still to have a kurtosis and a volatility.",
    hard=True,
    judge=_no_statistics,
)
KURTOSIS = Rule(
    name="kurtosis",
    meaning="The excess kurtosis is above the profile's limit.",
    hard=True,
    judge=_kurtosis,
    options=(KurtosisLimit,),
)
VOLATILITY = Rule(
    name="volatility",
    meaning="The annual volatility is above the profile's limit.",
    hard=True,
    judge=_volatility,
    options=(VolatilityLimit,),
)
SURVIVAL = Rule(
    name="survival",
    meaning="History, completeness and stress windows survived make a score below the profile's limit.",
    hard=True,
    judge=_survival,
    options=(SurvivalLimit,),
)
