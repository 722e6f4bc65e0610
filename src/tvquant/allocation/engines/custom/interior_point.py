"""Clarabel, an interior-point solver, on the same programs as `active_set`: for where that has no answer.

Source of the ratio program: Schaible (1974), with z = sum y as a variable of its own, to keep the rows sparse.
"""

from typing import NamedTuple

import numpy as np

from tvquant.allocation.engines.custom.programs import Answer, Failure, Region, mean_variance
from tvquant.core.panel import Floats

TOLERANCE = 1e-12


class Optimum(NamedTuple):
    """Variables, and the multipliers of equations and of inequalities."""

    found: Floats
    equal: Floats
    below: Floats
    iterations: int


def answer(matrix: Floats, region: Region, means: Floats | None) -> Answer | Failure:
    """Return the least variance over the region or, with means, the best ratio; else how Clarabel ended."""
    hessian = matrix / mean_variance(matrix)
    return _least_variance(hessian, region) if means is None else _best_ratio(hessian, region, means)


def _least_variance(hessian: Floats, region: Region) -> Answer | Failure:
    lower, upper, total, rows, bounds = region
    n = len(lower)
    ended = optimum(
        hessian,
        equal=np.ones((1, n)),
        to=np.array([total]),
        below=np.vstack((-np.eye(n), np.eye(n), rows)),
        bounds=np.concatenate((-lower, upper, bounds)),
    )
    if isinstance(ended, Failure):
        return ended
    return Answer(ended.found, ended.below[2 * n :], -float(ended.equal[0]), ended.iterations)


def _best_ratio(hessian: Floats, region: Region, means: Floats) -> Answer | Failure:
    """Return w = total y / z of the least y'Sy with m'y = 1, sum y = z and the limits of w times z / total."""
    lower, upper, total, rows, bounds = region
    n, r = len(lower), len(bounds)
    widened = np.zeros((n + 1, n + 1))
    widened[:n, :n] = hessian
    right = np.concatenate((-lower, upper, bounds))
    below = np.zeros((2 * n + r, n + 1))
    below[:n, :n], below[n : 2 * n, :n], below[2 * n :, :n] = -np.eye(n), np.eye(n), rows
    below[:, n] = -right / total
    equal = np.vstack((np.append(means, 0.0), np.append(np.ones(n), -1.0)))
    ended = optimum(widened, equal=equal, to=np.array([1.0, 0.0]), below=below, bounds=np.zeros(2 * n + r))
    if isinstance(ended, Failure):
        return ended
    raw = ended.found[:n]
    size = total / float(raw.sum())
    of_limits = size * ended.below
    return Answer(size * raw, of_limits[2 * n :], float(of_limits @ right) / total, ended.iterations)


def optimum(
    matrix: Floats, *, equal: Floats, to: Floats, below: Floats, bounds: Floats, linear: Floats | None = None,
    tolerance: float = TOLERANCE,
) -> Optimum | Failure:  # fmt: skip
    """Minimise x'Px / 2 + q'x with equal @ x = to and below @ x <= bounds, to a tolerance, on one thread."""
    import clarabel
    from scipy import sparse

    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = tolerance
    result = clarabel.DefaultSolver(
        sparse.csc_matrix(np.triu(matrix)),
        np.zeros(len(matrix)) if linear is None else linear,
        sparse.csc_matrix(np.vstack((equal, below))),
        np.concatenate((to, bounds)),
        [clarabel.ZeroConeT(len(to)), clarabel.NonnegativeConeT(len(bounds))],
        settings,
    ).solve()
    if result.status != clarabel.SolverStatus.Solved:
        return Failure(str(result.status), result.status == clarabel.SolverStatus.PrimalInfeasible)
    duals = np.array(result.z)
    return Optimum(np.array(result.x), duals[: len(to)], duals[len(to) :], result.iterations)
