"""skfolio (BSD-3): its estimators on our covariance and means, handed over by a prior that estimates nothing.

1. Matrix and means are scaled to a mean variance of 1, returns by its root: tolerances then mean the same for any data.
2. Where an estimator cannot be told a matrix (distances of herc, programs within clusters of nco), it is given returns
   whose sample mean and covariance are ours to rounding.
3. It raises on failure, names the solver and not the reason, and only warns of an inaccurate solution: all of that is
   read, and none of its own fallbacks is switched on.
4. herc and nco cut their tree into as many clusters as the problem has, hrp takes scipy's optimal leaf ordering.
Source: Nicolini, Manzi & Delatte (2025), skfolio: portfolio optimization in Python.
"""

from dataclasses import dataclass
from functools import cache, partial
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

ESTIMATORS = MappingProxyType(
    {
        Objective.MIN_VARIANCE: "MeanRisk",
        Objective.MAX_RATIO: "MeanRisk",
        Objective.EQUAL_RISK: "RiskBudgeting",
        Objective.HIERARCHICAL: "HierarchicalRiskParity",
    }
)
"""Objective -> the class that solves it."""


@dataclass(frozen=True, slots=True)
class Skfolio:
    """Convex programs with Clarabel; hierarchical and naive estimators."""

    name: str = "skfolio"
    objectives: frozenset[Objective] = frozenset(ESTIMATORS)
    library: str = "skfolio"
    options: tuple[type[Options], ...] = ()

    def solve(
        self, problem: Problem, feasible: FeasibleSet, risk_profile: RiskProfile, _: tuple[Options, ...]
    ) -> EngineAnswer:
        """Solve by the estimator of the profile's objective."""
        goal = risk_profile.objective
        if goal not in ESTIMATORS:
            raise ProfileError(f"engine {self.name} does not solve {goal}")
        if (answer := unasked(problem.covariance, feasible, risk_profile)) is not None:
            return answer
        within = feasible if risk_profile.capping is Capping.INSIDE else None
        solver = partial(_fitted, goal, problem=problem, feasible=within)
        return first_solution(problem.covariance, {ESTIMATORS[goal]: solver})


def _fitted(goal: Objective, matrix: Floats, *, problem: Problem, feasible: FeasibleSet | None) -> Solution:
    """Return the weights of the objective's estimator, within the feasible set where there is one."""
    from skfolio.exceptions import SkfolioError

    unit = np.sqrt(np.trace(matrix) / len(matrix))
    moments = scaled(matrix), problem.covariance.means / unit

    def fit() -> object:
        made = _estimator(goal, *moments, {} if feasible is None else _limits(feasible))
        return made.fit(_sample(*moments)).weights_

    found = called(fit, faults=(SkfolioError,))
    return unlimited(found) if feasible is None else looked_at(found.weights, found.status, feasible)


def _estimator(goal: Objective, matrix: Floats, means: Floats, limits: dict[str, Any]) -> Any:
    """Return the library's estimator of an objective, not fitted yet."""
    from skfolio import optimization as of
    from skfolio.cluster import HierarchicalClustering
    from skfolio.distance import CovarianceDistance
    from skfolio.seriation import HierarchicalSeriation

    prior, solver = _prior()(matrix, means), {"solver": CLARABEL, "solver_params": dict(SETTINGS)}
    match goal:
        case Objective.MIN_VARIANCE:
            return of.MeanRisk(prior_estimator=prior, **limits, **solver)
        case Objective.MAX_RATIO:
            ratio = of.ObjectiveFunction.MAXIMIZE_RATIO
            return of.MeanRisk(objective_function=ratio, prior_estimator=prior, **limits, **solver)
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
    raise ProfileError(f"engine skfolio does not solve {goal}")


def _limits(feasible: FeasibleSet) -> dict[str, Any]:
    """Return the feasible set as the parameters of a convex estimator."""
    found = {"budget": feasible.budget, "max_weights": feasible.upper}
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

    class Given(BasePrior):  # type: ignore[misc]
        """Means and covariance as they are; the returns are those that it is fitted on."""

        def __init__(self, matrix: Floats, means: Floats) -> None:
            self.matrix = matrix
            self.means = means

        def fit(self, X: Floats, y: None = None, **_: Any) -> Any:  # noqa: ARG002
            """Take the moments as they are."""
            self.return_distribution_ = ReturnDistribution(mu=self.means, covariance=self.matrix, returns=X)
            return self

    return Given
