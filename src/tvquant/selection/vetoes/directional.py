"""Soft vetoes on the strength of a trend, downstream of the lean scanners (R-SEL-32).

Calibrated: the ADX is below what the share of noise of as many bars does not reach; the side does not count, for
with it a fixed limit rejects two thirds of noise. As specified: below 20, or the other side leads. Logics that bet on
reversal want no trend and are not judged.
"""

import numpy as np

from tvquant.core.panel import Bools
from tvquant.selection.contract import SelectionContext
from tvquant.selection.relaxation import Relaxation
from tvquant.selection.vetoes.contract import Judgement, Rule
from tvquant.selection.vetoes.predictability import NoiseShare, noise_judgement, noise_limits, noise_share
from tvquant.statistics import NullStatistic

WEAK = 20.0
"""The fixed limit of the ADX."""
REVERSAL = frozenset({"rating_osc", "mean_reversion", "reversion"})
"""Logics for which a weak trend is no fault."""


def _no_adx(context: SelectionContext, _: Relaxation) -> Judgement:
    """Return the judgement by value: how many ADX the atom has; limit: one.

    Where the data have none at all, its absence is no fault.
    """
    assert context.atom_features is not None
    found = np.isfinite(context.of_atoms("adx")).astype(np.float64)
    broken = (found < 1.0) & _trends(context) & ("adx" not in context.atom_features.absent)
    return Judgement(broken=broken, values=found, limits=np.ones(len(found)), thresholds={"limit": 1.0})


def _weak(context: SelectionContext, _: Relaxation) -> Judgement:
    values, share = context.of_atoms("adx"), noise_share(context)
    limits = noise_limits(context, NullStatistic.ADX, share)
    return noise_judgement((values < limits) & _trends(context), values, limits, share)


def _weak_or_contrary(context: SelectionContext, _: Relaxation) -> Judgement:
    """Return the judgement by value and limit: the ADX and 20, or the DI of the atom's side and that of the other."""
    strength, own, other = (context.of_atoms(name) for name in ("adx", "own_di", "other_di"))
    weak = strength < WEAK
    contrary = ~weak & (own < other)
    return Judgement(
        broken=(weak | contrary) & _trends(context),
        values=np.where(contrary, own, strength),
        limits=np.where(contrary, other, WEAK),
        thresholds={"limit": WEAK},
    )


def _trends(context: SelectionContext) -> Bools:
    return np.array([atom.logic not in REVERSAL for atom in context.pool.atoms], dtype=np.bool_)


NO_ADX = Rule(
    name="no_adx",
    meaning="The instrument has too few bars with high and low for an ADX.",
    hard=False,
    judge=_no_adx,
)
ADX = Rule(
    name="adx",
    meaning="The ADX is below that of the share of noise; as specified, below 20, or the other side leads.",
    hard=False,
    judge=_weak,
    options=(NoiseShare,),
    specified=_weak_or_contrary,
)
