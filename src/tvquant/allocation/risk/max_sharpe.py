"""Maximum Sharpe ratio: the most expected return per volatility among the ways to hold the whole budget.

The budget is always spent, also when caps force names of negative expected return into the book; a book whose expected
return is not positive is never an answer, for among such books the ratio prefers the more volatile. Whether there is a
better one is known before anything is solved: filling names by their means, best first, gives the highest expected
return under the caps. Where it is not positive there are no weights, and the declared fallbacks act.
"""

from functools import partial

import numpy as np

from tvquant.allocation import caps, quadratic
from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.allocation.risk.contract import RiskProfile
from tvquant.allocation.solver_attempts import first_solution
from tvquant.core.allocations import Attempt, Problem
from tvquant.core.panel import Floats


def solve(problem: Problem) -> EngineAnswer:
    """Maximise m'w / sqrt(w'Sw) subject to sum w = budget, 0 <= w <= ceilings, the cluster caps and the net limits."""
    means, total = problem.covariance.means, caps.budget(problem)
    best = highest_mean(problem)
    if not best > 0.0:
        who = "no name has" if means.max() <= 0.0 else "no book within the caps has"
        attempt = Attempt(what="means", outcome=f"{who} a positive expected return")
        return EngineAnswer(weights=None, attempts=(attempt,))
    rows, bounds = caps.rows(problem)
    ratio = partial(
        quadratic.best_ratio,
        means=means * (total / best),
        upper=caps.ceilings(problem),
        total=total,
        groups=rows,
        cap=bounds,
    )
    return first_solution(problem, {"clarabel": ratio})


def highest_mean(problem: Problem) -> float:
    """Largest m'w of the weights that spend the budget under the limits.

    Best first is optimal because caps on disjoint groups, on their names and on the sum are a polymatroid; where a net
    limit binds too it is a linear program.
    Source: Edmonds (1970), Submodular functions, matroids, and certain polyhedra.
    """
    means, upper = problem.covariance.means, caps.ceilings(problem)
    rows, bounds = caps.rows(problem)
    if len(rows) > len(caps.shared_clusters(problem)):
        return _linear(means, upper, caps.budget(problem), rows, bounds)
    left = caps.budget(problem)
    room = dict.fromkeys(problem.clusters, problem.limits.cluster)
    best = 0.0
    for i in np.argsort(-means, kind="stable"):
        weight = min(float(upper[i]), room[problem.clusters[i]], left)
        room[problem.clusters[i]] -= weight
        left -= weight
        best += weight * float(means[i])
    return best


def _linear(means: Floats, upper: Floats, total: float, rows: Floats, bounds: Floats) -> float:
    """The same with rows @ w <= bounds; minus infinity where no weights keep them."""
    from scipy.optimize import linprog

    found = linprog(
        -means, A_ub=rows, b_ub=bounds, A_eq=np.ones((1, len(means))), b_eq=[total],
        bounds=np.column_stack((np.zeros(len(upper)), upper)), method="highs",
    )  # fmt: skip
    return -float(found.fun) if found.status == 0 else -np.inf


MAX_SHARPE = RiskProfile(
    name="max_sharpe", meaning="The most expected return per volatility for the capital invested.", solve=solve
)
