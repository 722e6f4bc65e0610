"""The projection in relative entropy onto any linear limits: by Newton's method, where no filling is exact.

min sum w ln(w / t) over lower <= w <= upper, sum w = budget, rows @ w <= bounds. With the rows that bind as equations
the weights are t exp(-rows' v) cut to their bounds, and Newton's method finds v to the last digits. Which rows bind is
found by trying: to begin with those that t breaks; one whose multiplier is negative leaves, one that is broken joins.
Where none does either, the conditions of optimality hold, and the minimum is the only one.

Where that does not end, a cone program says which rows bind. With s >= w ln(w / t) for each name, it is (-s, w, t) in
the exponential cone {(x, y, z): y exp(x / y) <= z}. The sum is flat at its minimum, so that gives weights to about 1e-6
of equity, from which Newton's method goes on. The limits themselves are then met exactly, by cutting.
Sources: Boyd & Vandenberghe (2004), Convex optimization, section 3.1.5 (the perspective of the logarithm); Csiszar
(1975), I-divergence geometry of probability distributions, Annals of Probability 3 (the form of the projection).
"""

import numpy as np

from tvquant.allocation.caps import FeasibleSet
from tvquant.allocation.cutting import cut
from tvquant.core.panel import Bools, Floats

SOLVED = "Solved"
"""How Clarabel, too, says that nothing is missing."""
TOLERANCE = 1e-10
MISS = 1e-13
"""Largest miss of a binding row, of what does not bind and of a multiplier's sign after Newton's method."""
EDGE = 1e-7
"""A weight nearer to its bound may be at it: it does not say what the multipliers are."""
STEPS, ROUNDS = 50, 20
LARGEST = 700.0
"""Exponent beyond which e^x is no number; weights are at their bounds long before."""
NEXT_TO_NOTHING = 1e-9
"""Share of the largest that stands for a name without any: it may be needed to reach a least."""


def nearest(target: Floats, feasible: FeasibleSet) -> tuple[Floats | None, str]:
    """Return the N weights in the feasible set nearest to `target` (>= 0), or None, and how the solver ended."""
    wanted = np.maximum(target / target.max(), NEXT_TO_NOTHING)
    wanted *= feasible.budget / wanted.sum()
    start = np.clip(wanted, feasible.lower, feasible.upper)
    found = _refined(wanted, start, feasible, feasible.rows @ start > feasible.bounds)
    return _by_cones(wanted, feasible) if found is None else (cut(found, feasible).weights, SOLVED)


def _by_cones(wanted: Floats, feasible: FeasibleSet) -> tuple[Floats | None, str]:
    """Return the same of N weights that spend the budget, by the cone program."""
    import clarabel
    from scipy import sparse

    n = len(wanted)
    weight = sparse.eye(n, format="csc")
    # The variables are (w, s). A triple of rows per name: -s, w, t.
    triple = sparse.lil_matrix((3 * n, 2 * n))
    for i in range(n):
        triple[3 * i, n + i] = 1.0
        triple[3 * i + 1, i] = -1.0
    right = np.zeros(3 * n)
    right[2::3] = wanted
    limits = sparse.vstack((-weight, weight, sparse.csc_matrix(feasible.rows)))
    settings = clarabel.DefaultSettings()
    settings.verbose, settings.max_threads = False, 1
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = TOLERANCE
    result = clarabel.DefaultSolver(
        sparse.csc_matrix((2 * n, 2 * n)),
        np.concatenate((np.zeros(n), np.ones(n))),
        sparse.vstack((
            sparse.csc_matrix(np.concatenate((np.ones(n), np.zeros(n)))[None, :]),
            sparse.hstack((limits, sparse.csc_matrix((limits.shape[0], n)))),
            triple,
        ), format="csc"),
        np.concatenate(([feasible.budget], -feasible.lower, feasible.upper, feasible.bounds, right)),
        [
            clarabel.ZeroConeT(1), clarabel.NonnegativeConeT(limits.shape[0]),
            *(clarabel.ExponentialConeT() for _ in range(n)),
        ],
        settings,
    ).solve()  # fmt: skip
    outcome = str(result.status)
    if result.status not in (clarabel.SolverStatus.Solved, clarabel.SolverStatus.AlmostSolved):
        return None, outcome
    ends = slice(1 + 2 * n, 1 + limits.shape[0])
    binding = np.array(result.z[ends]) > np.array(result.s[ends])
    near = np.clip(np.array(result.x[:n]), feasible.lower, feasible.upper)
    refined = _refined(wanted, near, feasible, binding)
    if refined is None:
        return cut(near, feasible).weights, f"{outcome}, not refined"
    return cut(refined, feasible).weights, outcome


def _refined(wanted: Floats, near: Floats, feasible: FeasibleSet, binding: Bools) -> Floats | None:
    """Return the projection of N weights from `near` it, where the rows `binding` (R) bind, or others in their place.

    None where Newton's method does not end, or rows come and go.
    """
    for _ in range(ROUNDS):
        found = _newton(wanted, near, feasible, binding)
        if found is None:
            return None
        weights, multipliers = found
        needless = binding.copy()
        needless[binding] = multipliers < -MISS
        broken = feasible.rows @ weights > feasible.bounds + MISS
        if not needless.any() and not (broken & ~binding).any():
            return weights
        binding = (binding & ~needless) | broken
    return None


def _newton(wanted: Floats, near: Floats, feasible: FeasibleSet, binding: Bools) -> tuple[Floats, Floats] | None:
    """Return N weights that spend the budget with the rows `binding` as equations, and the multipliers of these."""
    rows = np.vstack((np.ones(len(wanted)), feasible.rows[binding]))
    right = np.append(feasible.budget, feasible.bounds[binding])
    inside = (near > feasible.lower + EDGE) & (near < feasible.upper - EDGE)
    multipliers = np.linalg.lstsq(rows[:, inside].T, np.log(wanted[inside] / near[inside]), rcond=None)[0]
    weights, miss = _weights(wanted, feasible, rows, multipliers), np.inf
    for _ in range(STEPS):
        missed = rows @ weights - right
        miss = float(np.abs(missed).max())
        if miss <= MISS:
            return weights, multipliers[1:]
        free = weights * ((weights > feasible.lower) & (weights < feasible.upper))
        step = np.linalg.lstsq((rows * free) @ rows.T, missed, rcond=None)[0]
        length = 1.0
        while length > MISS:
            tried = _weights(wanted, feasible, rows, multipliers + length * step)
            if float(np.abs(rows @ tried - right).max()) < miss:
                break
            length /= 2.0
        else:
            return None
        multipliers, weights = multipliers + length * step, tried
    return None


def _weights(wanted: Floats, feasible: FeasibleSet, rows: Floats, multipliers: Floats) -> Floats:
    exponents = np.clip(-multipliers @ rows, -LARGEST, LARGEST)
    return np.clip(wanted * np.exp(exponents), feasible.lower, feasible.upper)
