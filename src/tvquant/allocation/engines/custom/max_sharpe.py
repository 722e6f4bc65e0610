"""Maximum Sharpe ratio: the most expected return per volatility among the ways to hold the whole budget.

The budget is always spent, also when caps force names of negative expected return into the book; a book whose expected
return is not positive is never an answer, for among such books the ratio prefers the more volatile. Whether there is a
better one is known before anything is solved: filling names by their means, best first, gives the highest expected
return under the caps. Where it is not positive there are no weights, and the declared fallbacks act.
"""

from functools import partial

import numpy as np

from tvquant.allocation.caps import Family, FeasibleSet
from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.allocation.engines.custom import quadratic
from tvquant.allocation.solver_attempts import first_solution
from tvquant.core.allocations import Attempt, Covariance
from tvquant.core.panel import Floats


def solve(covariance: Covariance, feasible: FeasibleSet) -> EngineAnswer:
    """Maximise m'w / sqrt(w'Sw) over the feasible set."""
    means, total = covariance.means, feasible.budget
    best = highest_mean(means, feasible)
    if not best > 0.0:
        who = "no name has" if means.max() <= 0.0 else "no book within the caps has"
        attempt = Attempt(what="means", outcome=f"{who} a positive expected return")
        return EngineAnswer(weights=None, attempts=(attempt,))
    ratio = partial(
        quadratic.best_ratio,
        means=means * (total / best),
        upper=feasible.upper,
        total=total,
        groups=feasible.rows,
        cap=feasible.bounds,
    )
    return first_solution(covariance, {"clarabel": ratio})


def highest_mean(means: Floats, feasible: FeasibleSet) -> float:
    """Return the largest m'w in the feasible set.

    Best first is optimal because caps on disjoint groups, on their names and on the sum are a polymatroid; where a net
    limit binds too it is a linear program.
    Source: Edmonds (1970), Submodular functions, matroids, and certain polyhedra.
    """
    if set(feasible.families) - {Family.CLUSTER}:
        return _linear(means, feasible)
    left, upper, cluster = feasible.budget, feasible.upper, feasible.cluster.tolist()
    room = dict.fromkeys(cluster, feasible.limits.cluster)
    best = 0.0
    for i in np.argsort(-means, kind="stable"):
        weight = min(float(upper[i]), room[cluster[i]], left)
        room[cluster[i]] -= weight
        left -= weight
        best += weight * float(means[i])
    return best


def _linear(means: Floats, feasible: FeasibleSet) -> float:
    """Return the same by a linear program; minus infinity where the set is empty."""
    from scipy.optimize import linprog

    found = linprog(
        -means, A_ub=feasible.rows, b_ub=feasible.bounds, A_eq=np.ones((1, len(means))), b_eq=[feasible.budget],
        bounds=np.column_stack((np.zeros(len(means)), feasible.upper)), method="highs",
    )  # fmt: skip
    return -float(found.fun) if found.status == 0 else -np.inf
