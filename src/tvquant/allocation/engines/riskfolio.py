"""Riskfolio-Lib (BSD-3): its portfolios with our means and covariance set by hand.

1. Matrix and means are scaled to a mean variance of 1, returns by its root. Bounds of single names go in as rows, like
   the others: A w <= b.
2. It prints a sentence and returns None on any failure; it takes inaccurate solutions without a word and makes weights
   of abs(w) / sum abs(w), which hides those below zero: limits are verified on what comes out.
3. Where every mean is negative it returns a book that loses on average: it is not asked then.
4. herc and nco cut their tree into as many clusters as the problem has. The programs within nco run at its own
   tolerances, 1e-8: it hands no others down.
Source: Cajas (2025), Riskfolio-Lib: portfolio optimization in Python.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from tvquant.allocation.caps import FeasibleSet
from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.allocation.engines.library_answers import CLARABEL, SETTINGS, looked_at, scaled
from tvquant.allocation.engines.library_calls import called, unlimited
from tvquant.allocation.engines.unasked import unasked
from tvquant.allocation.risk.contract import Capping, Objective, RiskProfile
from tvquant.allocation.solver_attempts import Solution, first_solution
from tvquant.core.allocations import Problem
from tvquant.core.errors import ProfileError
from tvquant.core.panel import Floats
from tvquant.profiles.options import Options

METHODS: Mapping[Objective, str] = MappingProxyType(
    {
        Objective.MIN_VARIANCE: "Portfolio.optimization",
        Objective.MAX_RATIO: "Portfolio.optimization",
        Objective.EQUAL_RISK: "Portfolio.rp_optimization",
        Objective.HIERARCHICAL: "HCPortfolio",
    }
)
"""Objective -> the method that solves it."""


@dataclass(frozen=True, slots=True)
class Riskfolio:
    """Convex programs with Clarabel, and hierarchical portfolios with Ward linkage."""

    name: str = "riskfolio"
    objectives: frozenset[Objective] = frozenset(METHODS)
    library: str = "riskfolio"
    options: tuple[type[Options], ...] = ()

    def solve(
        self, problem: Problem, feasible: FeasibleSet, risk_profile: RiskProfile, _: tuple[Options, ...]
    ) -> EngineAnswer:
        """Solve by the library's method of the profile's objective."""
        goal = risk_profile.objective
        if goal not in METHODS:
            raise ProfileError(f"engine {self.name} does not solve {goal}")
        if (answer := unasked(problem.covariance, feasible, risk_profile)) is not None:
            return answer
        within = feasible if risk_profile.capping is Capping.INSIDE else None
        solver = partial(_solved, goal=goal, problem=problem, feasible=within)
        return first_solution(problem.covariance, {METHODS[goal]: solver})


def _solved(matrix: Floats, *, goal: Objective, problem: Problem, feasible: FeasibleSet | None) -> Solution:
    """Return the weights of the objective's method, within the feasible set where there is one."""
    unit = np.sqrt(np.trace(matrix) / len(matrix))
    moments = scaled(matrix), problem.covariance.means / unit

    def solve() -> object:
        match goal:
            case Objective.MIN_VARIANCE | Objective.MAX_RATIO:
                portfolio = _portfolio(problem.returns / unit, *moments, feasible)
                aim = "Sharpe" if goal is Objective.MAX_RATIO else "MinRisk"
                return portfolio.optimization(model="Classic", rm="MV", obj=aim, rf=0.0, hist=True)
            case Objective.EQUAL_RISK:
                return _portfolio(problem.returns / unit, *moments, None).rp_optimization(model="Classic", rm="MV")
            case _:
                return _hierarchical(goal, problem.returns / unit, *moments, len(set(problem.clusters)))

    found = called(solve)
    return unlimited(found) if feasible is None else looked_at(found.weights, found.status, feasible)


def _portfolio(returns: Floats, matrix: Floats, means: Floats, feasible: FeasibleSet | None) -> Any:
    """Return the library's portfolio with these moments and limits."""
    from pandas import DataFrame
    from riskfolio import Portfolio

    made = Portfolio(returns=DataFrame(returns))
    made.mu, made.cov = DataFrame(means[None, :]), DataFrame(matrix)
    made.solvers, made.sol_params = [CLARABEL], {CLARABEL: dict(SETTINGS)}
    if feasible is not None:
        made.budget = feasible.budget
        made.ainequality = np.vstack((np.eye(len(matrix)), feasible.rows))
        made.binequality = np.concatenate((feasible.upper, feasible.bounds))[:, None]
    return made


def _hierarchical(goal: Objective, returns: Floats, matrix: Floats, means: Floats, clusters: int) -> Any:
    """Return the weights of a hierarchical portfolio: hrp, herc or nco, on Ward linkage and optimal leaf ordering."""
    from pandas import DataFrame, Series
    from riskfolio import HCPortfolio

    model = {Objective.HIERARCHICAL: "HRP"}[goal]
    return HCPortfolio(returns=DataFrame(returns), solvers=[CLARABEL]).optimization(
        model=model, codependence="custom_cov", obj="MinRisk", rm="MV", method_mu="custom_mu", method_cov="custom_cov",
        custom_mu=Series(means), custom_cov=DataFrame(matrix), linkage="ward", leaf_order=True, k=clusters,
    )  # fmt: skip
