"""skfolio (BSD-3): its estimators on our covariance and means, handed over by a prior that estimates nothing.

1. The matrix is scaled to a mean variance of 1, returns by its root, means to a largest of 1: tolerances then mean the
   same for any data.
2. Where an estimator cannot be told a matrix (distances of herc, programs within clusters of nco), it is given returns
   whose sample mean and covariance are ours to rounding.
3. It raises on failure, names the solver and not the reason, and only warns of an inaccurate solution: all of that is
   read, and none of its own fallbacks is switched on.
4. herc and nco cut their tree by the library's own count of clusters; hrp takes scipy's optimal leaf ordering.
5. Its EqualWeighted knows no limits: what they take of it is cash, as by the house.
Source: Nicolini, Manzi & Delatte (2025), skfolio: portfolio optimization in Python.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from types import MappingProxyType
from typing import Any

import numpy as np

from tvquant.allocation.caps import FeasibleSet
from tvquant.allocation.cutting import cut
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

ESTIMATORS = MappingProxyType(
    {
        Objective.EQUAL_WEIGHT: "EqualWeighted",
        Objective.INVERSE_VOLATILITY: "InverseVolatility",
        Objective.MIN_VARIANCE: "MeanRisk",
        Objective.MIN_CVAR: "MeanRisk",
        Objective.MAX_RATIO: "MeanRisk",
        Objective.MAX_DIVERSIFICATION: "MaximumDiversification",
        Objective.EQUAL_RISK: "RiskBudgeting",
        Objective.HIERARCHICAL: "HierarchicalRiskParity",
        Objective.HIERARCHICAL_RISK: "HierarchicalEqualRiskContribution",
        Objective.NESTED: "NestedClustersOptimization",
    }
)
"""Objective -> the class that solves it."""


@dataclass(frozen=True, slots=True)
class Skfolio:
    """Convex programs with Clarabel; hierarchical and naive estimators."""

    name: str = "skfolio"
    objectives: frozenset[Objective] = frozenset(ESTIMATORS)
    library: str = "skfolio"
    from_previous: bool = False
    keeps_turnover: bool = False
    weighs_costs: bool = False
    options: tuple[type[Options], ...] = ()

    def solve(
        self, problem: Problem, feasible: FeasibleSet, risk_profile: RiskProfile, options: tuple[Options, ...]
    ) -> EngineAnswer:
        """Solve by the estimator of the profile's objective."""
        goal = risk_profile.objective
        if goal not in ESTIMATORS:
            raise ProfileError(f"engine {self.name} does not solve {goal}")
        if (trivial := unasked(problem.covariance, feasible, risk_profile)) is not None:
            return trivial
        fitted = partial(_fitted, goal=goal, problem=problem)
        if goal is Objective.EQUAL_WEIGHT:
            return _equal(fitted(problem.covariance.matrix), feasible)
        if risk_profile.capping is Capping.PROJECTED:
            return first_solution(problem.covariance, {ESTIMATORS[goal]: lambda matrix: unlimited(fitted(matrix))})
        limits, level = _limits(feasible), Tail.among(options).level if goal is Objective.MIN_CVAR else None

        def within(matrix: Floats) -> Solution:
            found = fitted(matrix, limits=limits, level=level)
            return looked_at(found.weights, found.status, feasible)

        if level is not None:  # of the returns, which no ridge changes
            answer = within(problem.covariance.matrix)
            return EngineAnswer(
                weights=answer.weights, attempts=(Attempt(what=ESTIMATORS[goal], outcome=answer.outcome),)
            )
        return first_solution(problem.covariance, {ESTIMATORS[goal]: within})


def _equal(found: Called, feasible: FeasibleSet) -> EngineAnswer:
    """Return the library's equal weights of the budget, cut at the limits: what they take is cash."""
    what, solution = ESTIMATORS[Objective.EQUAL_WEIGHT], unlimited(found)
    attempts = (Attempt(what=what, outcome=solution.outcome),)
    if solution.weights is None:
        return EngineAnswer(weights=None, attempts=attempts)
    made = cut(feasible.wanted * solution.weights, feasible)
    return EngineAnswer(weights=made.weights, attempts=attempts, taken=made.taken)


def _fitted(
    matrix: Floats, *, goal: Objective, problem: Problem, limits: Mapping[str, Any] | None = None,
    level: float | None = None,
) -> Called:  # fmt: skip
    """Return the weights of the objective's estimator, and how its solver ended."""
    from skfolio.exceptions import SkfolioError

    unit = np.sqrt(np.trace(matrix) / len(matrix))
    moments = scaled(matrix), scaled_means(problem.covariance.means)

    def fit() -> object:
        if level is None:
            return _estimator(goal, *moments, limits or {}).fit(_sample(*moments)).weights_
        return _tail(*moments, limits or {}, level).fit(problem.returns / unit).weights_

    return called(fit, faults=(SkfolioError,))


def _estimator(goal: Objective, matrix: Floats, means: Floats, limits: Mapping[str, Any]) -> Any:
    """Return the library's estimator of an objective, not fitted yet."""
    from skfolio import optimization as of
    from skfolio.cluster import HierarchicalClustering
    from skfolio.distance import CovarianceDistance
    from skfolio.seriation import HierarchicalSeriation

    prior, solver = _prior()(matrix, means), {"solver": CLARABEL, "solver_params": dict(SETTINGS)}
    match goal:
        case Objective.EQUAL_WEIGHT:
            return of.EqualWeighted()
        case Objective.INVERSE_VOLATILITY:
            return of.InverseVolatility(prior_estimator=prior)
        case Objective.MIN_VARIANCE:
            return of.MeanRisk(prior_estimator=prior, **limits, **solver)
        case Objective.MAX_RATIO:
            ratio = of.ObjectiveFunction.MAXIMIZE_RATIO
            return of.MeanRisk(objective_function=ratio, prior_estimator=prior, **limits, **solver)
        case Objective.MAX_DIVERSIFICATION:
            return of.MaximumDiversification(prior_estimator=prior, **limits, **solver)
        case Objective.EQUAL_RISK:
            return of.RiskBudgeting(prior_estimator=prior, **solver)
        case Objective.HIERARCHICAL:
            return of.HierarchicalRiskParity(
                prior_estimator=prior,
                distance_estimator=CovarianceDistance(covariance_estimator="precomputed"),
                seriation_estimator=HierarchicalSeriation(
                    hierarchical_clustering_estimator=HierarchicalClustering(), optimal_ordering=True
                ),
            )
        case Objective.HIERARCHICAL_RISK:
            return of.HierarchicalEqualRiskContribution(prior_estimator=prior, **solver)
        case Objective.NESTED:
            least = of.MeanRisk(**solver)
            return of.NestedClustersOptimization(inner_estimator=least, outer_estimator=least, cv="ignore")
    raise ProfileError(f"engine skfolio does not solve {goal}")


def _tail(matrix: Floats, means: Floats, limits: Mapping[str, Any], level: float) -> Any:
    """Return the library's estimator of the least CVaR, of the returns that it is fitted on."""
    from skfolio import RiskMeasure
    from skfolio.optimization import MeanRisk

    solver = {"solver": CLARABEL, "solver_params": dict(SETTINGS)}
    prior = _prior()(matrix, means)
    return MeanRisk(risk_measure=RiskMeasure.CVAR, cvar_beta=level, prior_estimator=prior, **limits, **solver)


def _limits(feasible: FeasibleSet) -> dict[str, Any]:
    """Return the feasible set as the parameters of a convex estimator."""
    found = {"budget": feasible.budget, "min_weights": feasible.lower, "max_weights": feasible.upper}
    rows = {"left_inequality": feasible.rows, "right_inequality": feasible.bounds} if len(feasible.rows) else {}
    return {**found, **rows}


def _sample(matrix: Floats, means: Floats) -> Floats:
    """Return N + 1 rows of N returns whose sample covariance and means are these."""
    from scipy.linalg import helmert

    n = len(means)
    rows: Floats = np.sqrt(n) * helmert(n + 1).T @ np.linalg.cholesky(matrix).T + means
    return rows


@cache
def _prior() -> type[Any]:
    """Return the class of a prior that knows the moments already."""
    from skfolio.prior import BasePrior, ReturnDistribution

    class Given(BasePrior):  # type: ignore[misc]  # the library has no types
        """Means and covariance as they are; the returns are those that it is fitted on."""

        def __init__(self, matrix: Floats, means: Floats) -> None:
            self.matrix = matrix
            self.means = means

        def fit(self, X: Floats, y: None = None, **_: Any) -> Any:  # noqa: ARG002 (as the library calls it)
            """Take the moments as they are."""
            self.return_distribution_ = ReturnDistribution(mu=self.means, covariance=self.matrix, returns=X)
            return self

    return Given
