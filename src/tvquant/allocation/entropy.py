"""The projection in relative entropy onto any linear limits: by a cone program, where no filling is exact.

min sum w ln(w / t) over lower <= w <= upper, sum w = budget, rows @ w <= bounds. With s >= w ln(w / t) for each
name, that is (-s, w, t) in the exponential cone {(x, y, z): y exp(x / y) <= z}. The sum is flat at its minimum,
so weights are found to about 1e-6 of equity; the limits themselves are then met exactly, by cutting.
Source: Boyd & Vandenberghe (2004), Convex optimization, section 3.1.5 (the perspective of the logarithm).
"""

import numpy as np

from tvquant.allocation.caps import FeasibleSet
from tvquant.allocation.cutting import cut
from tvquant.core.panel import Floats

TOLERANCE = 1e-10
NEXT_TO_NOTHING = 1e-9
"""Share of the largest that stands for a name without any: it may be needed to reach a least."""


def nearest(target: Floats, feasible: FeasibleSet) -> tuple[Floats | None, str]:
    """Return the N weights in the feasible set nearest to `target` (>= 0), or None, and how the solver ended."""
    import clarabel
    from scipy import sparse

    n = len(target)
    wanted = np.maximum(target / target.max(), NEXT_TO_NOTHING)
    wanted *= feasible.budget / wanted.sum()
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
    return cut(np.maximum(np.array(result.x[:n]), 0.0), feasible).weights, outcome
