"""Equal weight: the same share for every cluster and, within it, for every name."""

import math

import numpy as np

from tvquant.allocation.caps import DUST, FeasibleSet
from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.core.allocations import Attempt
from tvquant.core.panel import Floats


def solve(feasible: FeasibleSet) -> EngineAnswer:
    """Return equal shares of the budget, cut at the caps.

    What a cap cuts off is cash and is not handed to the others, or they would differ. A net limit cuts one side, all
    its names alike.
    """
    sizes = np.bincount(feasible.cluster)
    share = min(feasible.budget / len(sizes), feasible.limits.cluster)
    weights = np.minimum(share / sizes[feasible.cluster], feasible.limits.position)
    attempt = Attempt(what="closed_form", outcome="solved")
    return EngineAnswer(weights=_within_net(weights, feasible), attempts=(attempt,))


def _within_net(weights: Floats, feasible: FeasibleSet) -> Floats:
    """Return weights whose one side is scaled down where net leaves its interval."""
    signs, (low, high) = feasible.signs, feasible.limits.net
    net = math.fsum(weights * signs)
    side = 1.0 if net > high else -1.0
    total = math.fsum(weights[signs == side])
    excess = max(net - high, low - net)
    if not DUST < excess <= total:
        return weights
    return np.where(signs == side, weights * ((total - excess) / total), weights)
