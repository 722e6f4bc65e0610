"""Minimum variance: the least risky way to hold the whole budget under the caps.

Attempts in order: the active-set solver (when no cluster has more than one name and no net limit binds); an
interior-point solver on the same problem; the latter again on raised ridges (see `allocation.ladder`).
"""

from functools import partial

from tvquant.allocation import caps, quadratic
from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.allocation.risk.contract import RiskProfile
from tvquant.allocation.solver_attempts import Solver, first_solution
from tvquant.core.allocations import Problem


def solve(problem: Problem) -> EngineAnswer:
    """Minimise w'Sw subject to sum w = budget, 0 <= w <= ceilings, the cluster caps and the net limits."""
    upper, total, (rows, bounds) = caps.ceilings(problem), caps.budget(problem), caps.rows(problem)
    solvers: dict[str, Solver] = {}
    if not len(rows):
        solvers["active_set"] = partial(quadratic.active_set, upper=upper, total=total)
    solvers["clarabel"] = partial(quadratic.interior_point, upper=upper, total=total, groups=rows, cap=bounds)
    return first_solution(problem, solvers)


MIN_VARIANCE = RiskProfile(name="min_variance", meaning="The least variance for the capital invested.", solve=solve)
