"""Nested clustered optimisation: minimum variance within each cluster, then across the clusters.

1. The clusters are those of `correlation_tree`.
2. Within a cluster names have the weights, of sum 1 and not negative, of least variance.
3. So do the clusters, each held as step 2 says, on their covariance.

What is estimated badly across clusters does not reach the weights within, and the other way round.
Source: Lopez de Prado (2020), Machine learning for asset managers, section 7.5, with Ward's tree for its k-means and
without shorts.
"""

import numpy as np

from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.allocation.engines.custom.correlation_tree import cluster_tree
from tvquant.allocation.engines.custom.programs import Region
from tvquant.allocation.engines.custom.quadratic import least_variance
from tvquant.allocation.solver_attempts import Solution, first_solution
from tvquant.core.panel import Floats
from tvquant.core.problems import Covariance


def solve(covariance: Covariance) -> EngineAnswer:
    """Return weights of least variance, nested over clusters, before caps."""
    return first_solution(covariance, {"nested": _nested})


def _nested(matrix: Floats) -> Solution:
    groups = list(cluster_tree(matrix).members.values())
    held = np.zeros((len(matrix), len(groups)))
    for column, names in enumerate(groups):
        within = _least_variance(matrix[np.ix_(names, names)])
        if within.weights is None:
            return within
        held[names, column] = within.weights
    across = _least_variance(held.T @ matrix @ held)
    return across if across.weights is None else Solution(held @ across.weights, "solved")


def _least_variance(matrix: Floats) -> Solution:
    """Return weights of sum 1, not negative, of least variance: the first solver's, else the last one's answer."""
    found = Solution(None, "no solver")
    for solver in least_variance(Region.simplex(len(matrix))).values():
        found = solver(matrix)
        if found.weights is not None:
            break
    return found
