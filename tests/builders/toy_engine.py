"""A second engine, as crude as it is short: what a new member of the family needs."""

import numpy as np

from tvquant.allocation.caps import FeasibleSet
from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.allocation.risk.contract import Objective, RiskProfile
from tvquant.core.allocations import Attempt, Problem


class Toy:
    """Least weighted variance by a linear program; inverse volatility for equal risk."""

    name = "toy"
    objectives = frozenset({Objective.MIN_VARIANCE, Objective.EQUAL_RISK})

    def solve(self, problem: Problem, feasible: FeasibleSet, risk_profile: RiskProfile) -> EngineAnswer:
        """Return the weights of a vertex of the feasible set, or those that no limit has touched."""
        variances = np.diag(problem.covariance.matrix) / problem.covariance.matrix.trace()
        if risk_profile.objective is Objective.EQUAL_RISK:
            return EngineAnswer(
                weights=1.0 / np.sqrt(variances), attempts=(Attempt(what="closed_form", outcome="solved"),)
            )
        from scipy.optimize import linprog

        found = linprog(
            variances, A_ub=feasible.rows, b_ub=feasible.bounds,
            A_eq=np.ones((1, len(variances))), b_eq=[feasible.budget],
            bounds=[(0.0, most) for most in feasible.upper], method="highs",
        )  # fmt: skip
        outcome = "solved" if found.status == 0 else found.message
        return EngineAnswer(weights=found.x, attempts=(Attempt(what="linear_program", outcome=outcome),))
