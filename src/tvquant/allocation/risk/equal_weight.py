"""Equal weight: the same share for every cluster and, within it, for every name."""

from collections import Counter

import numpy as np

from tvquant.allocation import caps
from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.allocation.risk.contract import RiskProfile
from tvquant.core.allocations import Attempt, Problem


def solve(problem: Problem) -> EngineAnswer:
    """Equal shares of the budget; what a limit cuts off is cash and is not handed to the others, or they would differ.

    A net limit cuts one side, all its names alike.
    """
    sizes = Counter(problem.clusters)
    share = min(caps.budget(problem) / len(sizes), problem.limits.cluster)
    weights = np.array([share / sizes[cluster] for cluster in problem.clusters])
    attempt = Attempt(what="closed_form", outcome="solved")
    capped = np.minimum(weights, problem.limits.position)
    return EngineAnswer(weights=caps.within_net(capped, problem), attempts=(attempt,))


EQUAL_WEIGHT = RiskProfile(
    name="equal_weight", meaning="The same weight for every cluster, cut at the caps.", solve=solve
)
