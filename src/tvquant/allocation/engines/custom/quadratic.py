"""Solvers of quadratic programs in weights with sum w = total, 0 <= w <= upper.

`active_set` minimises w'Sw / 2; it is exact and fast, and may give up. `interior_point` (clarabel) does the same also
under caps on groups of names, and `best_ratio` maximises m'w / sqrt(w'Sw) there. All divide S by its mean diagonal
first, so that tolerances mean the same for daily and for yearly variances.
"""

import numpy as np
from numpy.typing import NDArray

from tvquant.allocation.solver_attempts import Solution
from tvquant.core.panel import Bools, Floats

MAX_ITERATIONS = 50
TOLERANCE = 1e-12
RESIDUAL = 1e-9
"""Largest miss of an optimality condition or bound that a solution may have."""
NOT_CONVEX = "covariance is not positive definite"
FREE, LOWER, UPPER = 0, -1, 1


def active_set(matrix: Floats, upper: Floats, total: float) -> Solution:
    """Minimise w'Sw / 2 by guesses of which bounds bind: solve the rest exactly, move every wrong guess at once.

    Ends when all optimality conditions hold: S w is one number on free names, not less on names at 0 and not more on
    names at their upper bound. Source: Hintermueller, Ito & Kunisch (2003), The primal-dual active set strategy as a
    semismooth Newton method, SIAM Journal on Optimization 13, with the budget as one more equation; a guess that leaves
    no name free releases the one that is worth most at the margin.
    """
    scaled = matrix / (np.trace(matrix) / len(matrix))
    state = np.full(len(upper), FREE, dtype=np.int8)
    for iteration in range(1, MAX_ITERATIONS + 1):
        weights = np.where(state == UPPER, upper, 0.0)
        if not (state == FREE).any():
            if _release(state, scaled @ weights, total - weights.sum()):
                return Solution(weights, f"solved, iterations: {iteration}")
            continue
        multiplier = _fill_free(weights, state, scaled, total)
        if multiplier is None:
            return Solution(None, NOT_CONVEX)
        slope = scaled @ weights - multiplier
        moves = _wrong(state, weights, upper, slope)
        if not any(move.any() for move in moves.values()):
            miss = float(np.abs(slope[state == FREE]).max())
            if miss > RESIDUAL:
                return Solution(None, f"optimality is missed by {miss:.1e}, expected {RESIDUAL:.0e}")
            return Solution(weights, f"solved, iterations: {iteration}")
        for target, move in moves.items():
            state[move] = target
    return Solution(None, f"no convergence in {MAX_ITERATIONS} iterations")


def _fill_free(weights: Floats, state: NDArray[np.int8], matrix: Floats, total: float) -> float | None:
    """Write a guess's optimal free weights into `weights`; return the budget's multiplier, None if not convex."""
    from scipy.linalg.lapack import dposv

    free, capped = np.flatnonzero(state == FREE), np.flatnonzero(state == UPPER)
    sides = np.column_stack((np.ones(len(free)), matrix[np.ix_(free, capped)] @ weights[capped]))
    _, solved, fault = dposv(matrix[np.ix_(free, free)], sides, lower=1)
    if fault:
        return None
    one, push = solved.T
    multiplier = float((total - weights[capped].sum() + push.sum()) / one.sum())
    weights[free] = multiplier * one - push
    return multiplier


def _wrong(state: NDArray[np.int8], weights: Floats, upper: Floats, slope: Floats) -> dict[int, Bools]:
    """Return the names whose guess is refuted, by where they belong instead."""
    free = state == FREE
    leave_lower = (state == LOWER) & (slope < -TOLERANCE)
    leave_upper = (state == UPPER) & (slope > TOLERANCE)
    return {
        LOWER: free & (weights < -TOLERANCE),
        UPPER: free & (weights > upper + TOLERANCE),
        FREE: leave_lower | leave_upper,
    }


def _release(state: NDArray[np.int8], gradient: Floats, missing: float) -> bool:
    """Return whether every name at a bound is optimal; where not, set free the best to add or the best to cut."""
    capped = state == UPPER
    cut = int(np.argmax(np.where(capped, gradient, -np.inf)))
    add = int(np.argmin(np.where(capped, np.inf, gradient)))
    nothing_to_add, nothing_to_cut = bool(capped.all()), not capped.any()
    if abs(missing) <= TOLERANCE and (nothing_to_add or nothing_to_cut or gradient[cut] <= gradient[add] + TOLERANCE):
        return True
    if missing <= TOLERANCE and not nothing_to_cut:
        state[cut] = FREE
    if missing >= -TOLERANCE and not nothing_to_add:
        state[add] = FREE
    return False


def interior_point(matrix: Floats, *, upper: Floats, total: float, groups: Floats, cap: float | Floats) -> Solution:
    """Minimise w'Sw / 2 also with groups @ w <= cap (groups: C x N; one cap or C), by clarabel."""
    n = len(upper)
    if not convex(matrix):
        return Solution(None, NOT_CONVEX)
    solution = _cone_program(
        matrix / (np.trace(matrix) / n),
        equal=np.ones((1, n)),
        to=np.array([total]),
        below=np.vstack((-np.eye(n), np.eye(n), groups)),
        bounds=np.concatenate((np.zeros(n), upper, np.full(len(groups), cap))),
    )
    return solution if solution.weights is None else _inside(solution.weights, solution.outcome, upper, total)


def best_ratio(
    matrix: Floats, *, means: Floats, upper: Floats, total: float, groups: Floats, cap: float | Floats
) -> Solution:
    """Maximise m'w / sqrt(w'Sw) over the same weights, by clarabel; m'w must be positive for some of them.

    The ratio does not depend on the size of w, so it is largest where y'Sy is least among y = w / m'w: those with
    m'y = 1, 0 <= y <= z upper / total and groups @ y <= z cap / total, where z = sum y; then w = total y / z. The means
    should be scaled so that m'w is about total for the best w: tolerances then mean the same for all.
    Source: Schaible (1974), Parameter-free convex equivalent and dual programs of fractional programming problems,
    Zeitschrift fuer Operations Research 18; with z as a variable of its own, to keep the rows sparse.
    """
    n, c = len(upper), len(groups)
    if not convex(matrix):
        return Solution(None, NOT_CONVEX)
    scaled = np.zeros((n + 1, n + 1))
    scaled[:n, :n] = matrix / (np.trace(matrix) / n)
    below = np.zeros((2 * n + c, n + 1))
    below[:n, :n], below[n : 2 * n, :n], below[2 * n :, :n] = -np.eye(n), np.eye(n), groups
    below[n:, n] = -np.concatenate((upper, np.full(c, cap))) / total
    equal = np.vstack((np.append(means, 0.0), np.append(np.ones(n), -1.0)))
    solution = _cone_program(scaled, equal=equal, to=np.array([1.0, 0.0]), below=below, bounds=np.zeros(2 * n + c))
    if solution.weights is None:
        return solution
    raw = solution.weights[:n]
    return _inside(total * raw / raw.sum(), solution.outcome, upper, total)


def convex(matrix: Floats) -> bool:
    """Return whether a matrix is positive definite; given one that is not, clarabel may report a saddle as solved."""
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return False
    return True


def _cone_program(matrix: Floats, *, equal: Floats, to: Floats, below: Floats, bounds: Floats) -> Solution:
    """Minimise x'Px / 2 with equal @ x = to and below @ x <= bounds, to tight tolerances, on one thread."""
    import clarabel
    from scipy import sparse

    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = TOLERANCE
    result = clarabel.DefaultSolver(
        sparse.csc_matrix(np.triu(matrix)),
        np.zeros(len(matrix)),
        sparse.csc_matrix(np.vstack((equal, below))),
        np.concatenate((to, bounds)),
        [clarabel.ZeroConeT(len(to)), clarabel.NonnegativeConeT(len(bounds))],
        settings,
    ).solve()
    if result.status != clarabel.SolverStatus.Solved:
        return Solution(None, str(result.status))
    return Solution(np.array(result.x), f"solved, iterations: {result.iterations}")


def _inside(raw: Floats, outcome: str, upper: Floats, total: float) -> Solution:
    """Return a solution that meets bounds to a tolerance cut to them and, if above the total in sum, scaled down."""
    weights = np.clip(raw, 0.0, upper)
    miss = max(float(np.abs(weights - raw).max()), abs(float(weights.sum()) - total))
    if not miss <= RESIDUAL:
        return Solution(None, f"bounds are missed by {miss:.1e}, expected {RESIDUAL:.0e}")
    if weights.sum() > total:
        weights *= total / weights.sum()
    return Solution(weights, outcome)
