"""Projection: the weights under the caps that are nearest to those a method without caps asks for.

Nearest is meant in relative entropy, sum w ln(w / t): a cap that binds is met exactly, and names that no cap holds keep
their proportions. The conditions of optimality give w_i = min(p_i, level_g t_i): all clusters g below their cap share
one level, and a cluster at its cap has a lower one of its own, which fills the cap. Both are found by filling: names
above their ceiling are cut to it, the level of the others rises, until nothing is above. A net limit that binds adds
one multiplier more: longs are scaled against shorts, t_i exp(+-x), by the x at which the projection meets the limit.
Source: Csiszar (1975), I-divergence geometry of probability distributions and minimization problems, Annals of
Probability 3 (the I-projection on a convex set).
"""

import numpy as np

from tvquant.allocation import caps
from tvquant.allocation.solver_attempts import Solution
from tvquant.core.allocations import Problem
from tvquant.core.panel import Floats

TILT = 300.0
"""Largest multiplier of a net limit: beyond it one side holds all that it can."""
EPSILON = 1e-13


def project(target: Floats, problem: Problem) -> Floats:
    """Weights (N) that keep every limit, sum to the budget and are nearest to `target` (N, >= 0, of any sum).

    A name at 0 stays at 0; what the others cannot hold under their caps is then not invested.
    """
    weights, signs = _onto_sums(target, problem), caps.signs_of(problem)
    low, high = problem.limits.net
    net = float(weights @ signs)
    if low - caps.DUST <= net <= high + caps.DUST or (signs == signs[0]).all():
        return weights
    bound = high if net > high else low
    least, most = -TILT, TILT
    while most - least > EPSILON:
        middle = 0.5 * (least + most)
        weights = _onto_sums(target * np.exp(middle * signs), problem)
        if float(weights @ signs) > bound:
            most = middle
        else:
            least = middle
    return _onto_sums(target * np.exp((least if net > high else most) * signs), problem)


def _onto_sums(target: Floats, problem: Problem) -> Floats:
    """The projection without net limits."""
    _, cluster = np.unique(np.array(problem.clusters), return_inverse=True)
    upper, cap, total = caps.ceilings(problem), problem.limits.cluster, caps.budget(problem)
    full = np.zeros(int(cluster.max()) + 1, dtype=np.bool_)
    while True:
        free = ~full[cluster]
        weights = np.zeros(len(target))
        weights[free] = fill(target[free], upper[free], total - cap * int(full.sum()))
        over = ~full & (np.bincount(cluster, weights) > cap + caps.DUST)
        if not over.any():
            break
        full |= over
    for one in np.flatnonzero(full):
        members = cluster == one
        weights[members] = fill(target[members], upper[members], cap)
    return weights


def fill(target: Floats, upper: Floats, total: float) -> Floats:
    """min(upper, level x target) with the level that makes the sum `total`, or all that the names above 0 can hold."""
    held = target > 0.0
    if total >= upper[held].sum() - caps.DUST:
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


def onto_caps(solution: Solution, problem: Problem) -> Solution:
    """The solution (weights of any sum) projected, and in its outcome the share of the invested capital that moved.

    That share is half the L1 distance between both books, each as fractions of its sum.
    """
    if solution.weights is None:
        return solution
    weights = project(solution.weights, problem)
    moved = 0.5 * float(np.abs(weights / weights.sum() - solution.weights / solution.weights.sum()).sum())
    if moved <= caps.NEGLIGIBLE:
        return Solution(weights, solution.outcome)
    return Solution(weights, f"{solution.outcome}, projected onto the caps: {100.0 * moved:.3g} % of the weights moved")
