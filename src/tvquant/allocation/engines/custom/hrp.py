"""Hierarchical risk parity: capital is split down a tree of correlations, at each step by inverse branch variance.

1. Correlation distance sqrt((1 - rho) / 2), Ward linkage of it.
2. Quasi-diagonal order: the leaves of the tree in the order of the least total distance between neighbours
   (`statistics.leaf_order`). Libraries that take scipy's `optimal_leaf_ordering`, which is often longer, or leave the
   linkage's own order get other weights.
3. Recursive bisection: a stretch of names is halved, the left half gets 1 - V_L / (V_L + V_R), V being the variance of
   a half whose names are held by inverse variance.

Names that the covariance cannot tell apart are one in the tree (`twins`). The order of the names plays no part unless
distances are tied: the linkage says which branch of a merge comes first.
Source: Lopez de Prado (2016), Building diversified portfolios that outperform out of sample, Journal of Portfolio
Management 42; Ward linkage instead of its single linkage.
"""

import numpy as np
from numpy.typing import NDArray

from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.allocation.engines.custom.twins import given_out, together, twins
from tvquant.allocation.solver_attempts import Solution, first_solution
from tvquant.core.panel import Floats
from tvquant.core.problems import Covariance
from tvquant.statistics import LeafOrder, correlation_distance, merges

ROUNDING = 1e-9
"""A correlation that is further outside [-1, 1] is none."""


def solve(covariance: Covariance) -> EngineAnswer:
    """Return weights by recursive bisection, before caps."""

    def bisected(matrix: Floats) -> Solution:
        extreme = float(np.abs(_correlation(matrix)).max())
        if extreme > 1.0 + ROUNDING:
            return Solution(None, f"a correlation of size {extreme:.6g} is above 1")
        weights = hrp_weights(matrix)
        if not (weights > 0.0).all():
            return Solution(None, "a branch has no positive variance")
        return Solution(weights, "solved")

    return first_solution(covariance, {"recursive_bisection": bisected})


def hrp_weights(matrix: Floats) -> Floats:
    """Return the N weights, of sum 1, of the covariance `matrix` (N x N) without caps; 0 where twins have none."""
    from tvquant.statistics.leaf_order import leaves_of

    groups = twins(matrix)
    if int(groups.max()) + 1 < len(matrix):
        small = together(matrix, groups)
        return given_out(hrp_weights(small), groups) if (np.diag(small) > 0.0).all() else np.zeros(len(matrix))
    if len(matrix) == 1:
        return np.ones(1)
    distance = correlation_distance(np.clip(_correlation(matrix), -1.0, 1.0))
    return weights_in_order(matrix, leaves_of(merges(distance, leaf_order=LeafOrder.OPTIMAL)))


def weights_in_order(matrix: Floats, leaves: NDArray[np.intp]) -> Floats:
    """Return the N weights, of sum 1, by step 3 for names that stand in the order `leaves`."""
    from tvquant.allocation.engines.custom.kernels import bisect

    weights = np.empty(len(matrix))
    weights[leaves] = bisect(matrix[np.ix_(leaves, leaves)])
    return weights


def _correlation(matrix: Floats) -> Floats:
    deviation = np.sqrt(np.diag(matrix))
    correlation: Floats = matrix / np.outer(deviation, deviation)
    return correlation
