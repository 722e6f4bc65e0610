"""Maximum Sharpe ratio: the most expected return per volatility among the ways to hold the whole budget.

The budget is always spent, also when caps force names of negative expected return into the book; a book whose expected
return is not positive is never an answer, for among such books the ratio prefers the more volatile. Where no solver
finds a book, a linear program says whether there is one: where its highest expected return is not positive, there is
none, and the declared fallbacks act.
"""

import numpy as np

from tvquant.allocation.budgets import largest
from tvquant.allocation.caps import FeasibleSet
from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.allocation.engines.custom.programs import Region
from tvquant.allocation.engines.custom.quadratic import best_ratio
from tvquant.allocation.solver_attempts import first_solution
from tvquant.core.allocations import Attempt
from tvquant.core.panel import Floats
from tvquant.core.problems import Covariance


def solve(covariance: Covariance, feasible: FeasibleSet) -> EngineAnswer:
    """Maximise m'w / sqrt(w'Sw) over the feasible set."""
    means, region = covariance.means, Region.of(feasible)
    if means.max() <= 0.0:
        return _without_mean("no name has")
    answer = first_solution(covariance, best_ratio(means, region, definite=covariance.definite))
    if answer.weights is None and highest_mean(means, region) <= 0.0:
        return _without_mean("no book within the caps has")
    return answer


def highest_mean(means: Floats, region: Region) -> float:
    """Return the largest m'w in the region; plus infinity where that has no answer."""
    found = largest(means, region.lower, region.upper, region.rows, region.bounds, region.total)
    return np.inf if found is None else found


def _without_mean(who: str) -> EngineAnswer:
    attempt = Attempt(what="means", outcome=f"{who} a positive expected return")
    return EngineAnswer(weights=None, attempts=(attempt,))
