"""Minimum variance: the least risky way to hold the whole budget under the caps.

Attempts in order: the active-set solver (when no cluster has more than one name and no net limit binds); an
interior-point solver on the same problem; the latter again on raised ridges (see `allocation.solver_attempts`).
"""

from functools import partial

from tvquant.allocation.caps import FeasibleSet
from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.allocation.engines.custom import quadratic
from tvquant.allocation.solver_attempts import Solver, first_solution
from tvquant.core.allocations import Covariance


def solve(covariance: Covariance, feasible: FeasibleSet) -> EngineAnswer:
    """Minimise w'Sw over the feasible set."""
    upper, total, rows = feasible.upper, feasible.budget, feasible.rows
    solvers: dict[str, Solver] = {}
    if not len(rows):
        solvers["active_set"] = partial(quadratic.active_set, upper=upper, total=total)
    solvers["clarabel"] = partial(quadratic.interior_point, upper=upper, total=total, groups=rows, cap=feasible.bounds)
    return first_solution(covariance, solvers)
