"""What the answers of libraries have in common: one solver with one set of tolerances, silence, and a second look.

Libraries hand their programs to cvxpy, and cvxpy hands them to Clarabel. The covariance is divided by its mean variance
first, so that tolerances mean something; what then comes back keeps every limit to about 1e-10, or it is no answer.
"""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

import numpy as np

from tvquant.allocation.caps import FeasibleSet
from tvquant.allocation.cutting import cut
from tvquant.allocation.solver_attempts import Solution
from tvquant.core.panel import Floats

CLARABEL = "CLARABEL"
"""The solver, as cvxpy names it."""
TIGHT = 1e-11
"""Gap that is asked for; at a tenth of it Clarabel gives up on one program in ten of skfolio, and a ridge is raised."""
ENOUGH = 1e-7
"""Gap at which a program counts as solved where the solver gets no nearer: weights are then within 3e-6 of ours. At a
hundredth of it Clarabel gives up on one program in twenty."""
SETTINGS: Mapping[str, float | int] = MappingProxyType(
    {
        "tol_gap_abs": TIGHT, "tol_gap_rel": TIGHT, "tol_feas": TIGHT,
        "reduced_tol_gap_abs": ENOUGH, "reduced_tol_gap_rel": ENOUGH, "reduced_tol_feas": ENOUGH,
        "max_threads": 1,
    }
)  # fmt: skip
"""Tolerances of Clarabel, by its own names."""
RESIDUAL = 1e-8
"""Largest miss of a bound, of the budget or of a row that an answer may have; it is then cut to the limits."""
OUTCOMES: Mapping[str, str] = MappingProxyType(
    {"optimal": "solved", "optimal_inaccurate": f"solved, to a gap of {ENOUGH:.0e}"}
)

NOWHERE = ("infeasible", "infeasible_inaccurate")
"""What cvxpy says where nothing keeps the limits: no other covariance would help."""


@contextmanager
def silence() -> Iterator[None]:
    """Keep the warnings of a library from whoever reads our output: what went wrong is in its answer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def scaled(matrix: Floats) -> Floats:
    """Return a covariance (N x N) divided by its mean variance."""
    unit: Floats = matrix / (np.trace(matrix) / len(matrix))
    return unit


def scaled_means(means: Floats) -> Floats:
    """Return N means divided by the largest of their sizes: what asks for a mean of 1 finds it among small weights."""
    unit: Floats = means / max(float(np.abs(means).max()), np.finfo(float).tiny)
    return unit


def looked_at(raw: Floats | None, status: str, feasible: FeasibleSet) -> Solution:
    """Return N weights that a library answered with cvxpy's `status`, cut to the limits that they keep to a rounding.

    There are none where the status is no success, a weight is not finite, or a limit is missed by more.
    """
    if status not in OUTCOMES:
        return Solution(None, status, infeasible=status in NOWHERE)
    if raw is None or not np.isfinite(raw).all():
        return Solution(None, f"{status}, but not every weight is a finite number")
    outside = np.maximum(raw - feasible.upper, feasible.lower - raw).max()
    miss = max(
        float(outside), abs(float(raw.sum()) - feasible.budget), *(feasible.rows @ raw - feasible.bounds).tolist()
    )
    if not miss <= RESIDUAL:
        return Solution(None, f"{status}, but a limit is missed by {miss:.1e}, expected {RESIDUAL:.0e}")
    return Solution(cut(raw, feasible).weights, OUTCOMES[status])
