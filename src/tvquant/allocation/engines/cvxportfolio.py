"""Cvxportfolio (GPL-3): the least variance as one step, or several, of a trading policy.

1. The program is the library's: maximise - w'Sw under LongOnly, MinWeights, MaxWeights, FactorMaxLimit (the rows) and
   FixedImbalance (the budget; what is left is its cash account).
2. Of a plan over several steps only the first is traded. Forecasts here are the same for every step and no trade costs
   anything in the program, so later steps say nothing new: the weights are those of a single step, and take longer.
3. It raises on an infeasible program, takes inaccurate solutions without a word (the status is read), and would try SCS
   behind one's back after a failure of the solver (that is switched off).

This file and the simulator of that name are the only ones that import the library: its licence binds whoever
distributes it with this file.
Source: Boyd, Busseti, Diamond, Kahn, Koh, Nystrup & Speth (2017), Multi-period trading via convex optimization,
Foundations and Trends in Optimization 3, sections 4 and 5.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from pydantic import Field

from tvquant.allocation.caps import FeasibleSet
from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.allocation.engines.library_answers import CLARABEL, SETTINGS, looked_at, scaled, silence
from tvquant.allocation.risk.contract import Objective, RiskProfile
from tvquant.allocation.solver_attempts import Solution, first_solution
from tvquant.core.errors import ProfileError
from tvquant.core.panel import Floats
from tvquant.core.problems import Problem
from tvquant.profiles.options import Options


class Horizon(Options):
    """How far cvxportfolio plans.

    Parameters
    ----------
    horizon : steps of its plan, of which the first is traded; as forecasts are constant, more steps only take longer.
    """

    under = "cvxportfolio"
    horizon: int = Field(default=1, strict=True, ge=1, le=20)


@dataclass(frozen=True, slots=True)
class Cvxportfolio:
    """MultiPeriodOptimization with Clarabel; one step is its SinglePeriodOptimization."""

    name: str = "cvxportfolio"
    objectives: frozenset[Objective] = frozenset({Objective.MIN_VARIANCE})
    library: str = "cvxportfolio"
    from_previous: bool = True
    keeps_turnover: bool = False
    weighs_costs: bool = False
    options: tuple[type[Options], ...] = (Horizon,)

    def solve(
        self, problem: Problem, feasible: FeasibleSet, risk_profile: RiskProfile, options: tuple[Options, ...]
    ) -> EngineAnswer:
        """Solve min_variance as a trade from the previous weights."""
        if risk_profile.objective is not Objective.MIN_VARIANCE:
            raise ProfileError(f"engine {self.name} does not solve {risk_profile.objective}")
        horizon = Horizon.among(options).horizon
        what = "MultiPeriodOptimization" if horizon > 1 else "SinglePeriodOptimization"
        traded = partial(_traded, previous=problem.previous, feasible=feasible, horizon=horizon)
        return first_solution(problem.covariance, {what: traded})


def _traded(matrix: Floats, *, previous: Floats, feasible: FeasibleSet, horizon: int) -> Solution:
    """Return the N weights after the first trade of the plan."""
    from cvxpy.error import SolverError
    from pandas import DatetimeIndex, Series, Timestamp

    with silence():  # what pandas says of its own old spellings there
        from cvxportfolio.errors import ProgramInfeasible, ProgramUnbounded

    now, names = Timestamp(0), [str(i) for i in range(len(matrix))]
    held = Series(np.append(previous, 1.0 - previous.sum()), [*names, "cash"])
    policy = _policy(scaled(matrix), feasible, names, horizon)
    try:
        with silence():
            policy.initialize_estimator_recursive(universe=held.index, trading_calendar=DatetimeIndex([now]))
            weights = policy.values_in_time_recursive(
                t=now, current_weights=held, current_portfolio_value=1.0, past_returns=None, past_volumes=None,
                current_prices=None,
            )  # fmt: skip
    except (ProgramInfeasible, ProgramUnbounded):
        return looked_at(None, policy._problem.status, feasible)
    except SolverError as error:
        return Solution(None, f"solver_error: {error}")
    return looked_at(weights.to_numpy()[:-1], policy._problem.status, feasible)


def _policy(matrix: Floats, feasible: FeasibleSet, names: list[str], horizon: int) -> Any:
    import cvxportfolio as cvx
    from pandas import DataFrame, Series

    limits = [
        cvx.MinWeights(Series(feasible.lower, names)),
        cvx.MaxWeights(Series(feasible.upper, names)),
        cvx.FixedImbalance(feasible.budget),
    ]
    if len(feasible.rows):
        limits.append(cvx.FactorMaxLimit(DataFrame(feasible.rows.T, names), Series(feasible.bounds)))
    return cvx.MultiPeriodOptimization(
        -1.0 * cvx.FullCovariance(Sigma=DataFrame(matrix, names, names)),
        limits,
        include_cash_return=False,
        planning_horizon=horizon,
        fallback_solver=None,
        solver=CLARABEL,
        **SETTINGS,
    )
