"""The attempts of an engine at one covariance, in order, and their record.

Each solver gets the covariance as it is; if none answers, the last of them gets it again with its ridge raised to
.15, .50 and .95 of the mean variance (R-RSK-08). No ridge makes room in an empty set: who says that it is empty is not
asked again.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.core.allocations import Attempt, Recourse
from tvquant.core.panel import Floats
from tvquant.core.problems import Covariance

RAISED_RIDGES = (0.15, 0.50, 0.95)


class Solution(NamedTuple):
    """Weights, or None, what happened, and whether there are none because nothing keeps the limits."""

    weights: Floats | None
    outcome: str
    infeasible: bool = False


type Solver = Callable[[Floats], Solution]
"""From a covariance (N x N) to weights."""


def first_solution(covariance: Covariance, solvers: Mapping[str, Solver]) -> EngineAnswer:
    """Return the first solution with every attempt until then; without weights where none has one."""
    attempts = []
    for count, (what, solver, matrix, recourse) in enumerate(_tries(covariance, solvers), start=1):
        solution = solver(matrix)
        attempts.append(Attempt(what=what, outcome=solution.outcome, recourse=recourse))
        if solution.weights is not None:
            return EngineAnswer(weights=solution.weights, attempts=tuple(attempts))
        if solution.infeasible and count >= len(solvers):
            break
    return EngineAnswer(weights=None, attempts=tuple(attempts))


def _tries(
    covariance: Covariance, solvers: Mapping[str, Solver]
) -> Iterator[tuple[str, Solver, Floats, tuple[Recourse, ...]]]:
    matrix, ridge = covariance.matrix, covariance.ridge
    recourse: tuple[Recourse, ...] = ()
    for what, solver in solvers.items():
        yield what, solver, matrix, recourse
        recourse = (Recourse.SECOND_SOLVER,)
    what, solver = list(solvers.items())[-1]
    recourse = (*(recourse if len(solvers) > 1 else ()), Recourse.RAISED_RIDGE)
    unridged_variance = float(np.trace(matrix)) / len(matrix) / (1.0 + ridge)
    for raised in RAISED_RIDGES:
        if raised > ridge:
            lifted = matrix + (raised - ridge) * unridged_variance * np.eye(len(matrix))
            yield f"{what}, ridge {raised:.2f}", solver, lifted, recourse
