"""A second engine, as crude as it is short: what a new member of the family needs."""

import numpy as np
from pydantic import Field

from tvquant.allocation.caps import FeasibleSet
from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.allocation.risk.contract import Objective, RiskProfile
from tvquant.core.allocations import Attempt
from tvquant.core.problems import Problem
from tvquant.profiles import Options
from tvquant.profiles.fields import Real


class InverseVariance(Options):
    """Option of the toy engine.

    Parameters
    ----------
    power : of the variances, by whose inverse it weights for equal risk; 0.5 is inverse volatility.
    """

    under = "toy"
    power: Real = Field(default=0.5, gt=0, le=2)


class Toy:
    """Least weighted variance by a linear program; inverse volatility for equal risk."""

    name = "toy"
    objectives = frozenset({Objective.MIN_VARIANCE, Objective.EQUAL_RISK})
    library = ""
    from_previous = False
    keeps_turnover = False
    weighs_costs = False
    options = (InverseVariance,)

    def solve(
        self, problem: Problem, feasible: FeasibleSet, risk_profile: RiskProfile, options: tuple[Options, ...]
    ) -> EngineAnswer:
        """Return the weights of a vertex of the feasible set, or those that no limit has touched."""
        variances = np.diag(problem.covariance.matrix) / problem.covariance.matrix.trace()
        if risk_profile.objective is Objective.EQUAL_RISK:
            return EngineAnswer(
                weights=variances ** -InverseVariance.among(options).power,
                attempts=(Attempt(what="closed_form", outcome="solved"),),
            )
        from scipy.optimize import linprog

        found = linprog(
            variances, A_ub=feasible.rows, b_ub=feasible.bounds,
            A_eq=np.ones((1, len(variances))), b_eq=[feasible.budget],
            bounds=np.column_stack((feasible.lower, feasible.upper)), method="highs",
        )  # fmt: skip
        outcome = "solved" if found.status == 0 else found.message
        return EngineAnswer(weights=found.x, attempts=(Attempt(what="linear_program", outcome=outcome),))
