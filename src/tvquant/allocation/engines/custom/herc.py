"""Hierarchical equal risk contribution: capital goes down the tree of correlations as far as its clusters.

1. The tree and its clusters are those of `correlation_tree`.
2. Within a cluster names are held by inverse variance; its risk is the variance of that.
3. From the root down each merge splits its capital: the left side gets 1 - R_L / (R_L + R_R), R being the sum of the
   risks of the clusters on a side.

HRP halves the order of the leaves; here the splits are the tree's own. Names that the covariance cannot tell apart are
one in the tree (`twins`), for a cut may fall between them.
Source: Raffinot (2018), The hierarchical equal risk contribution portfolio, SSRN 3237540, with variance as the risk.
"""

import numpy as np

from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.allocation.engines.custom.correlation_tree import cluster_tree
from tvquant.allocation.engines.custom.twins import given_out, together, twins
from tvquant.allocation.solver_attempts import Solution, first_solution
from tvquant.core.panel import Floats
from tvquant.core.problems import Covariance

NO_VARIANCE = "a cluster has no positive variance"


def solve(covariance: Covariance) -> EngineAnswer:
    """Return weights by bisection down the tree, before caps."""
    return first_solution(covariance, {"tree_bisection": _split})


def _split(matrix: Floats) -> Solution:
    groups = twins(matrix)
    if int(groups.max()) + 1 < len(matrix):
        small = together(matrix, groups)
        found = _split(small) if (np.diag(small) > 0.0).all() else Solution(None, NO_VARIANCE)
        return found if found.weights is None else Solution(given_out(found.weights, groups), found.outcome)
    tree = cluster_tree(matrix)
    within, risk = dict[int, Floats](), dict[int, float]()
    for node, names in tree.members.items():
        inverse = 1.0 / np.diag(matrix)[names]
        within[node] = inverse / inverse.sum()
        risk[node] = float(within[node] @ matrix[np.ix_(names, names)] @ within[node])
        if not risk[node] > 0.0:
            return Solution(None, NO_VARIANCE)
    for node, left, right in reversed(tree.above):
        risk[node] = risk[left] + risk[right]
    share = {tree.above[0][0] if tree.above else next(iter(tree.members)): 1.0}
    for node, left, right in tree.above:
        of_left = 1.0 - risk[left] / risk[node]
        share[left], share[right] = share[node] * of_left, share[node] * (1.0 - of_left)
    weights = np.empty(len(matrix))
    for node, names in tree.members.items():
        weights[names] = share[node] * within[node]
    return Solution(weights, "solved")
