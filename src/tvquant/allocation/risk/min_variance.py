"""Minimum variance: the least risky way to hold the whole budget under the caps.

Attempts in order: the active-set solver (when no cluster has more than one name); an interior-point solver on the same
problem; the latter again on a covariance whose ridge is raised to .15, .50 and .95 of the mean variance (R-RSK-08).
"""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from tvquant.allocation import caps, quadratic
from tvquant.allocation.engines.contract import Answer
from tvquant.allocation.quadratic import Solution
from tvquant.allocation.risk.contract import RiskProfile
from tvquant.core.allocations import Attempt, Problem

RAISED_RIDGES = (0.15, 0.50, 0.95)


def solve(problem: Problem) -> Answer:
    """Minimise w'Sw subject to sum w = budget, 0 <= w <= ceilings and the cluster caps."""
    attempts = []
    for what, attempt in _plan(problem):
        solution = attempt()
        attempts.append(Attempt(what=what, outcome=solution.outcome))
        if solution.weights is not None:
            return Answer(weights=solution.weights, attempts=tuple(attempts))
    return Answer(weights=None, attempts=tuple(attempts))


def _plan(problem: Problem) -> Iterator[tuple[str, Callable[[], Solution]]]:
    matrix, ridge = problem.covariance.matrix, problem.covariance.ridge
    upper, total, shared = caps.ceilings(problem), caps.budget(problem), caps.shared_clusters(problem)
    if not len(shared):
        yield "active_set", partial(quadratic.active_set, matrix, upper, total)
    interior = partial(quadratic.interior_point, upper=upper, total=total, groups=shared, cap=problem.limits.cluster)
    yield "clarabel", partial(interior, matrix)
    unridged_variance = float(np.trace(matrix)) / len(matrix) / (1.0 + ridge)
    for raised in RAISED_RIDGES:
        if raised > ridge:
            lifted = matrix + (raised - ridge) * unridged_variance * np.eye(len(matrix))
            yield f"clarabel, ridge {raised:.2f}", partial(interior, lifted)


MIN_VARIANCE = RiskProfile(name="min_variance", meaning="The least variance for the capital invested.", solve=solve)
