"""The least variance and the best ratio over a region: who solves them, and the proof of what they answer.

DAQP is asked first, Clarabel where it has no answer. Neither is believed: an answer stands when it keeps the region to
1e-9 and no book of the region can have a variance (of the best ratio: at its mean) that is lower by a share of 1e-9.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np

from tvquant.allocation.engines.custom import active_set, interior_point
from tvquant.allocation.engines.custom.programs import Answer, Failure, Region
from tvquant.allocation.solver_attempts import Solution, Solver
from tvquant.core.panel import Floats, frozen
from tvquant.core.problems import positive_definite

RESIDUAL = 1e-9
"""Largest miss of a limit that a solution may have, and largest share by which it may be above the least value."""
NOT_CONVEX = "covariance is not positive definite"

type Program = Callable[[Floats, Region, Floats | None], Answer | Failure]
"""From S, the region and the means of a ratio to an answer, or why there is none."""
PROGRAMS: Mapping[str, Program] = {"daqp": active_set.answer, "clarabel": interior_point.answer}


def least_variance(region: Region, *, definite: bool = False) -> Mapping[str, Solver]:
    """Return the solvers of the least w'Sw over the region, in order; each takes S, as it is or with a raised ridge.

    `definite`: S is known to be positive definite. Otherwise each solver looks.
    """
    return _solvers(region, None, definite)


def best_ratio(means: Floats, region: Region, *, definite: bool = False) -> Mapping[str, Solver]:
    """Return the solvers of the largest m'w / sqrt(w'Sw) over the region, as for the least variance.

    The ratio does not depend on the size of the means; m'w must be positive for some w of the region.
    """
    return _solvers(region, means / np.abs(means).max(), definite)


def _solvers(region: Region, means: Floats | None, definite: bool) -> Mapping[str, Solver]:
    return {
        what: partial(_proved, region=region, means=means, program=program, definite=definite)
        for what, program in PROGRAMS.items()
    }


def _proved(matrix: Floats, *, region: Region, means: Floats | None, program: Program, definite: bool) -> Solution:
    """Return the program's answer inside the bounds, or why it is none; a ridge leaves definite what is `definite`."""
    if not (definite or positive_definite(matrix)):
        return Solution(None, NOT_CONVEX)
    found = program(matrix, region, means)
    if isinstance(found, Failure):
        return Solution(None, found.outcome, found.infeasible)
    weights, miss, excess = proof(matrix, found, region, means)
    if not miss <= RESIDUAL:
        return Solution(None, f"limits are missed by {miss:.1e}, expected {RESIDUAL:.0e}")
    if not excess <= RESIDUAL:
        return Solution(None, f"the least value is missed by a share of {excess:.1e}, expected {RESIDUAL:.0e}")
    return Solution(weights, f"solved, iterations: {found.iterations}")


class Proof(NamedTuple):
    """Weights (N) inside the bounds and not above the total, the largest miss of a limit, and the excess."""

    weights: Floats
    miss: float
    excess: float


def proof(matrix: Floats, answer: Answer, region: Region, means: Floats | None) -> Proof:
    """Return what an answer comes to, and how good it is at worst, whoever made it.

    A weight within `DUST` of a bound is at it; weights of more than the total are scaled down to it. The miss is that
    of the bounds, the total and the rows.

    The excess is by which share of w'Sw the function may be above its least value in the region. A convex function is
    nowhere below its tangent, and the least of a tangent over bounds and budget is a sum over names; rows enter by
    their multipliers, of which the negative count as 0 (the Lagrangian bound).
    """
    from tvquant.allocation.engines.custom.kernels import prove

    raw, multipliers, level, _ = answer
    lower, upper, total, rows, bounds = region
    vectors = np.array((raw, lower, upper) if means is None else (raw, lower, upper, means))
    made = np.empty((2, len(raw)))
    found = prove(frozen(matrix), vectors, frozen(rows), np.array((bounds, multipliers)), total, level, made)
    return Proof(made[0], *found)
