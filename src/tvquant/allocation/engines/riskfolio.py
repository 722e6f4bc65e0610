"""Riskfolio-Lib (BSD-3): its portfolios with our means and covariance set by hand.

1. The matrix is scaled to a mean variance of 1, returns by its root, means to a largest of 1. Bounds of single names
   go in as rows, like the others: A w <= b.
2. It prints a sentence and returns None on any failure; it takes inaccurate solutions without a word and makes weights
   of abs(w) / sum abs(w), which hides those below zero: limits are verified on what comes out.
3. Where every mean is negative it returns a book that loses on average: it is not asked then.
4. herc and nco cut their tree by the library's own count of clusters. The programs within nco run at its own
   tolerances, 1e-8, for it hands no others down: what they leave inaccurate is no answer.
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
from tvquant.allocation.engines.library_answers import CLARABEL, SETTINGS, looked_at, scaled, scaled_means
from tvquant.allocation.engines.library_calls import Called, called, unlimited
from tvquant.allocation.engines.unasked import unasked
from tvquant.allocation.risk.contract import Capping, Objective, RiskProfile
from tvquant.allocation.risk.tail import Tail
from tvquant.allocation.solver_attempts import Solution, first_solution
from tvquant.core.allocations import Attempt
from tvquant.core.errors import ProfileError
from tvquant.core.panel import Floats
from tvquant.core.problems import Problem
from tvquant.profiles.options import Options

METHODS: Mapping[Objective, str] = MappingProxyType(
    {
        Objective.MIN_VARIANCE: "Portfolio.optimization",
        Objective.MIN_CVAR: "Portfolio.optimization",
        Objective.MAX_RATIO: "Portfolio.optimization",
        Objective.EQUAL_RISK: "Portfolio.rp_optimization",
        Objective.HIERARCHICAL: "HCPortfolio, HRP",
        Objective.HIERARCHICAL_RISK: "HCPortfolio, HERC",
        Objective.NESTED: "HCPortfolio, NCO",
    }
)
"""Objective -> the method that solves it."""


@dataclass(frozen=True, slots=True)
class Riskfolio:
    """Convex programs with Clarabel, and hierarchical portfolios with Ward linkage."""

    name: str = "riskfolio"
    objectives: frozenset[Objective] = frozenset(METHODS)
    library: str = "riskfolio"
    from_previous: bool = False
    keeps_turnover: bool = False
    weighs_costs: bool = False
    options: tuple[type[Options], ...] = ()

    def solve(
        self, problem: Problem, feasible: FeasibleSet, risk_profile: RiskProfile, options: tuple[Options, ...]
    ) -> EngineAnswer:
        """Solve by the library's method of the profile's objective."""
        goal = risk_profile.objective
        if goal not in METHODS:
            raise ProfileError(f"engine {self.name} does not solve {goal}")
        if (trivial := unasked(problem.covariance, feasible, risk_profile)) is not None:
            return trivial
        solved = partial(_solved, goal=goal, problem=problem)
        if risk_profile.capping is Capping.PROJECTED:
            return first_solution(problem.covariance, {METHODS[goal]: lambda matrix: unlimited(solved(matrix))})
        tail = 1.0 - Tail.among(options).level if goal is Objective.MIN_CVAR else None

        def within(matrix: Floats) -> Solution:
            found = solved(matrix, feasible=feasible, tail=tail)
            return looked_at(found.weights, found.status, feasible)

        if tail is not None:  # of the returns, which no ridge changes
            answer = within(problem.covariance.matrix)
            return EngineAnswer(weights=answer.weights, attempts=(Attempt(what=METHODS[goal], outcome=answer.outcome),))
        return first_solution(problem.covariance, {METHODS[goal]: within})


def _solved(
    matrix: Floats, *, goal: Objective, problem: Problem, feasible: FeasibleSet | None = None,
    tail: float | None = None,
) -> Called:  # fmt: skip
    """Return the weights of the objective's method, and how its solver ended."""
    unit = np.sqrt(np.trace(matrix) / len(matrix))
    returns, moments = problem.returns / unit, (scaled(matrix), scaled_means(problem.covariance.means))

    def solve() -> object:
        if METHODS[goal].startswith("HCPortfolio"):
            return _hierarchical(METHODS[goal].rpartition(" ")[2], returns, *moments)
        portfolio = _portfolio(returns, *moments, feasible)
        if goal is Objective.EQUAL_RISK:
            return portfolio.rp_optimization(model="Classic", rm="MV")
        portfolio.alpha = tail or portfolio.alpha
        aim, measure = "Sharpe" if goal is Objective.MAX_RATIO else "MinRisk", "MV" if tail is None else "CVaR"
        return portfolio.optimization(model="Classic", rm=measure, obj=aim, rf=0.0, hist=True)

    found = called(solve)
    loose = goal is Objective.NESTED and found.status != "optimal"  # its programs run at tolerances of their own
    return Called(None, found.status) if loose else found


def _portfolio(returns: Floats, matrix: Floats, means: Floats, feasible: FeasibleSet | None) -> Any:
    """Return the library's portfolio with these moments and limits."""
    from pandas import DataFrame
    from riskfolio import Portfolio

    made = Portfolio(returns=DataFrame(returns))
    made.mu, made.cov = DataFrame(means[None, :]), DataFrame(matrix)
    made.solvers, made.sol_params = [CLARABEL], {CLARABEL: dict(SETTINGS)}
    if feasible is not None:
        names = np.eye(len(matrix))
        made.budget = feasible.budget
        made.ainequality = np.vstack((names, -names, feasible.rows))
        made.binequality = np.concatenate((feasible.upper, -feasible.lower, feasible.bounds))[:, None]
    return made


def _hierarchical(model: str, returns: Floats, matrix: Floats, means: Floats) -> Any:
    """Return the weights of a hierarchical portfolio, on Ward linkage and optimal leaf ordering."""
    from pandas import DataFrame, Series
    from riskfolio import HCPortfolio

    return HCPortfolio(returns=DataFrame(returns), solvers=[CLARABEL]).optimization(
        model=model, codependence="custom_cov", obj="MinRisk", rm="MV", method_mu="custom_mu", method_cov="custom_cov",
        custom_mu=Series(means), custom_cov=DataFrame(matrix), linkage="ward", leaf_order=True,
    )  # fmt: skip
