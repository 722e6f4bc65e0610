"""Projection: the weights under the caps that are nearest to those a method without caps asks for.

Nearest is meant in relative entropy, sum w ln(w / t): a cap that binds is met exactly, and names that no cap holds keep
their proportions. The conditions of optimality give w_i = min(p_i, level_g t_i): all clusters g below their cap share
one level, and a cluster at its cap has a lower one of its own, which fills the cap. Both are found by filling: names
above their ceiling are cut to it, the level of the others rises, until nothing is above. A net limit that binds adds
one multiplier more: longs are scaled against shorts, t_i exp(+-x), by the x at which the projection meets the limit.
Source: Csiszar (1975), I-divergence geometry of probability distributions and minimization problems, Annals of
Probability 3 (the I-projection on a convex set).
"""

from dataclasses import replace

import numpy as np

from tvquant.allocation.caps import CLOSED, DUST, NEGLIGIBLE, Family, FeasibleSet
from tvquant.allocation.cutting_planes import within_turnover
from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.allocation.entropy import SOLVED, nearest
from tvquant.core.allocations import Attempt, Projection, Recourse
from tvquant.core.panel import Floats

TILT = 300.0
"""Largest multiplier of a net limit: beyond it one side holds all that it can."""
EPSILON = 1e-13
NEXT_TO_NOTHING = 1e-13
"""Share of the largest that stands for a name without any: it is held where the caps leave the others no room."""
STILL_HELD = 1e-3
"""The same of a name that is still held where a row of turnover binds."""


def project(target: Floats, feasible: FeasibleSet) -> Floats:
    """Return the N weights that keep every limit, sum to the budget and are nearest to `target` (>= 0, of any sum).

    A name at 0 stays at 0; what the others cannot hold under their caps is then not invested.
    """
    weights, signed = _onto_sums(target, feasible), feasible.units.net
    low, high = feasible.limits.net
    net = float(weights @ signed)
    if low - DUST <= net <= high + DUST or (signed == signed[0]).all():
        return weights
    bound = high if net > high else low
    least, most = -TILT, TILT
    while most - least > EPSILON:
        middle = 0.5 * (least + most)
        weights = _onto_sums(target * np.exp(middle * signed), feasible)
        if float(weights @ signed) > bound:
            most = middle
        else:
            least = middle
    return _onto_sums(target * np.exp((least if net > high else most) * signed), feasible)


def _onto_sums(target: Floats, feasible: FeasibleSet) -> Floats:
    """Project without net limits."""
    cluster, upper, cap, total = feasible.cluster, feasible.upper, feasible.limits.cluster, feasible.budget
    full = np.zeros(int(cluster.max()) + 1, dtype=np.bool_)
    while True:
        free = ~full[cluster]
        weights = np.zeros(len(target))
        weights[free] = fill(target[free], upper[free], total - cap * int(full.sum()))
        over = ~full & (np.bincount(cluster, weights) > cap + DUST)
        if not over.any():
            break
        full |= over
    for one in np.flatnonzero(full):
        members = cluster == one
        weights[members] = fill(target[members], upper[members], cap)
    return weights


def fill(target: Floats, upper: Floats, total: float) -> Floats:
    """Return min(upper, level x target) of the level that makes the sum `total`, or all that names above 0 can hold."""
    held = target > 0.0
    if total >= upper[held].sum() - DUST:
        return np.where(held, upper, 0.0)
    weights = np.zeros(len(target))
    free = held.copy()
    while True:
        size = target[free] / target[free].max()
        weights[free] = max(0.0, total - float(upper[held & ~free].sum())) * size / size.sum()
        over = free & (weights > upper)
        if not over.any():
            return weights
        weights[over] = upper[over]
        free &= ~over


def onto_caps(answer: EngineAnswer, feasible: FeasibleSet, matrix: Floats) -> EngineAnswer:
    """Project the weights of an answer by an N x N covariance; its last attempt says what moved, and what that costs.

    Filling is exact for upper bounds, clusters of allocation and net, and for other limits where it keeps them as it
    is; else they need the cone program.
    """
    if answer.weights is None:
        return answer
    own = answer.weights
    return within_turnover(feasible, lambda within: _projected(answer, own, within, matrix))


def _projected(answer: EngineAnswer, own: Floats, feasible: FeasibleSet, matrix: Floats) -> EngineAnswer:
    """Return an answer with its own weights projected onto the limits.

    Where a row of turnover binds, a name that the method has left and that is still held stands for a thousandth of the
    largest: relative entropy knows no way from nothing to what cannot be sold at once.
    """
    aim = own
    if feasible.trades is not None and Family.TURNOVER in feasible.families:
        aim = np.where(feasible.trades.room > 0.0, np.maximum(own, STILL_HELD * float(own.max())), own)
    least = NEXT_TO_NOTHING * float(aim.max())
    weights, said = project(np.maximum(aim, least), feasible), ""
    if not _exact(weights, feasible):
        found, status = nearest(aim, feasible)
        if found is None:
            failed = Attempt(what="projection onto the limits", outcome=status, recourse=(Recourse.PROJECTION,))
            return EngineAnswer(weights=None, attempts=(*answer.attempts, failed))
        weights, said = found, "" if status == SOLVED else f" ({status})"
    books = own / own.sum(), weights / weights.sum()
    moved = 0.5 * float(np.abs(books[1] - books[0]).sum())
    if moved <= NEGLIGIBLE:
        return replace(answer, weights=weights)
    *before, last = answer.attempts
    outcome = f"{last.outcome}, projected onto the caps: {100.0 * moved:.3g} % of the weights moved{said}"
    volatility = [float(np.sqrt(book @ matrix @ book)) for book in books]
    projected = replace(
        last,
        outcome=outcome,
        recourse=(*last.recourse, Recourse.PROJECTION),
        projection=Projection(moved=moved, before=volatility[0], after=volatility[1]),
    )
    return EngineAnswer(weights=weights, attempts=(*before, projected))


def _exact(weights: Floats, feasible: FeasibleSet) -> bool:
    """Return whether filling found the projection: it knows upper bounds, clusters and net, and nothing else binds."""
    if not feasible.units.whole:
        return False
    if set(feasible.families) <= CLOSED and not feasible.lower.any():
        return True
    kept = (weights >= feasible.lower - DUST).all() and (feasible.rows @ weights <= feasible.bounds + DUST).all()
    return bool(kept) and float(weights.sum()) >= feasible.budget - DUST
