"""PyPortfolioOpt (MIT): mean-variance and CVaR programs by cvxpy, and HRP in the order that a linkage happens to have.

1. Its programs spend everything, sum w = 1, so bounds and rows are divided by the budget and weights multiplied by it.
2. It raises on failure, with cvxpy's status, and takes an inaccurate solution without a word: the status is read.
3. Its hrp orders names as the linkage does, without optimal leaf ordering, on correlations of six decimals. That moves
   some points of weight against ours: another hrp, not a worse solution of the same.
4. Bounds go in as one pair per name: of two arrays it makes pairs where there are two names.
Source: Martin (2021), PyPortfolioOpt: portfolio optimization in Python, Journal of Open Source Software 6.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from tvquant.allocation.caps import FeasibleSet
from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.allocation.engines.library_answers import CLARABEL, SETTINGS, looked_at, scaled, silence
from tvquant.allocation.engines.unasked import unasked
from tvquant.allocation.risk.contract import Objective, RiskProfile
from tvquant.allocation.risk.tail import Tail
from tvquant.allocation.solver_attempts import Solution, first_solution
from tvquant.core.allocations import Attempt
from tvquant.core.errors import ProfileError
from tvquant.core.panel import Floats
from tvquant.core.problems import Problem
from tvquant.profiles.options import Options

LINKAGES = ("single", "complete", "average", "weighted", "centroid", "median", "ward")
"""Methods of scipy's linkage."""


@dataclass(frozen=True, slots=True)
class PyPortfolioOpt:
    """EfficientFrontier and EfficientCVaR with Clarabel, HRPOpt with Ward linkage."""

    name: str = "pyportfolioopt"
    objectives: frozenset[Objective] = frozenset(
        {Objective.MIN_VARIANCE, Objective.MAX_RATIO, Objective.HIERARCHICAL, Objective.MIN_CVAR}
    )
    library: str = "pypfopt"
    from_previous: bool = False
    keeps_turnover: bool = False
    weighs_costs: bool = False
    options: tuple[type[Options], ...] = ()

    def solve(
        self, problem: Problem, feasible: FeasibleSet, risk_profile: RiskProfile, options: tuple[Options, ...]
    ) -> EngineAnswer:
        """Solve by the library's method of the profile's objective."""
        covariance = problem.covariance
        if (answer := unasked(covariance, feasible, risk_profile)) is not None:
            return answer
        match risk_profile.objective:
            case Objective.MIN_VARIANCE:
                return first_solution(covariance, {"EfficientFrontier": partial(_least_variance, feasible=feasible)})
            case Objective.MAX_RATIO:
                ratio = partial(_best_ratio, means=covariance.means, feasible=feasible)
                return first_solution(covariance, {"EfficientFrontier": ratio})
            case Objective.HIERARCHICAL:
                return first_solution(covariance, {"HRPOpt, ward, linkage order": _hierarchical})
            case Objective.MIN_CVAR:
                found = _least_tail(problem.returns, Tail.among(options).level, feasible)
                attempt = Attempt(what="EfficientCVaR", outcome=found.outcome)
                return EngineAnswer(weights=found.weights, attempts=(attempt,))
        raise ProfileError(f"engine {self.name} does not solve {risk_profile.objective}")


def _least_variance(matrix: Floats, *, feasible: FeasibleSet) -> Solution:
    frontier = _frontier(None, matrix, feasible)
    return _tried(frontier, frontier.min_volatility, feasible)


def _best_ratio(matrix: Floats, *, means: Floats, feasible: FeasibleSet) -> Solution:
    frontier = _frontier(means / means.max(), matrix, feasible)
    return _tried(frontier, partial(frontier.max_sharpe, risk_free_rate=0.0), feasible)


def _least_tail(returns: Floats, level: float, feasible: FeasibleSet) -> Solution:
    """Return the weights of the least CVaR of T x N returns; no ridge helps a linear program."""
    from pypfopt import EfficientCVaR

    unit = returns.std(axis=0).mean()
    frontier = _limited(partial(EfficientCVaR, None, returns / unit, beta=level), feasible)
    return _tried(frontier, frontier.min_cvar, feasible)


def _frontier(means: Floats | None, matrix: Floats, feasible: FeasibleSet) -> Any:
    """Return the library's mean-variance program."""
    from pypfopt import EfficientFrontier

    return _limited(partial(EfficientFrontier, means, scaled(matrix)), feasible)


def _limited(program: Callable[..., Any], feasible: FeasibleSet) -> Any:
    """Return a program of the library within the limits, all as fractions of the budget."""
    rows, bounds = feasible.rows, feasible.bounds / feasible.budget
    made = program(
        weight_bounds=(np.column_stack((feasible.lower, feasible.upper)) / feasible.budget).tolist(),
        solver=CLARABEL,
        solver_options=dict(SETTINGS),
    )
    if len(rows):
        made.add_constraint(lambda weights: rows @ weights <= bounds)
    return made


def _tried(frontier: Any, solve: Callable[[], object], feasible: FeasibleSet) -> Solution:
    """Return what a program answers: its weights, or the status that it failed with."""
    from cvxpy.error import SolverError
    from pypfopt.exceptions import OptimizationError

    try:
        with silence():
            solve()
    except SolverError as error:
        return Solution(None, f"solver_error: {error}")
    except OptimizationError:
        return looked_at(None, frontier._opt.status, feasible)
    return looked_at(feasible.budget * frontier.weights, frontier._opt.status, feasible)


def _hierarchical(matrix: Floats) -> Solution:
    """Return HRP weights of sum 1, before caps."""
    from pandas import DataFrame
    from pypfopt import HRPOpt

    with silence(), _named_linkages():
        weights = np.array(list(HRPOpt(cov_matrix=DataFrame(scaled(matrix))).optimize("ward").values()))
    if not (np.isfinite(weights).all() and (weights > 0.0).all()):
        return Solution(None, "a branch has no positive variance")
    return Solution(weights, "solved")


@contextmanager
def _named_linkages() -> Iterator[None]:
    """Lend scipy, for the time of a call, the list of linkages that pypfopt 1.6 looks up and scipy 1.18 has no more."""
    from scipy.cluster import hierarchy

    if hasattr(hierarchy, "_LINKAGE_METHODS"):
        yield
        return
    hierarchy._LINKAGE_METHODS = LINKAGES
    try:
        yield
    finally:
        del hierarchy._LINKAGE_METHODS
