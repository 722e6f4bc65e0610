"""Budgets: the most that weights within bounds and rows can be in sum.

1. A ceiling that follows from some of the limits is given by whoever knows a closed form.
2. Weights at their upper bounds are cut down row by row. If what is left still reaches the ceiling, and keeps the rows
   that no fall mends, the ceiling is the answer.
3. Otherwise it is a linear program.
"""

import numpy as np

from tvquant.core.panel import Floats

DUST = 1e-12
"""Cash that is nearer to zero is rounding and is written as 0."""
LP_TOLERANCE = 1e-10
"""Of HiGHS; its own, 1e-7, is wider than what a limit may be exceeded by."""
NOTHING = -1.0
"""What no weights at all can be in sum."""


def most(lower: Floats, upper: Floats, rows: Floats, bounds: Floats, ceiling: float) -> float:
    """Return the largest sum of weights up to `ceiling` with lower <= w <= upper and rows @ w <= bounds.

    It is `NOTHING`, below 0, where no weights keep them all.
    """
    if _reached(lower, upper, rows, bounds, ceiling):
        return ceiling
    found = largest(
        np.ones(len(upper)), lower, upper, np.vstack((rows, np.ones(len(upper)))), np.append(bounds, ceiling)
    )
    if found is None:
        return NOTHING
    return ceiling if found > ceiling - DUST else found


def _reached(lower: Floats, upper: Floats, rows: Floats, bounds: Floats, ceiling: float) -> bool:
    """Return whether weights that are cut from their upper bounds prove that the ceiling can be reached."""
    weights = upper.copy()
    for i in np.flatnonzero((rows @ upper > bounds) & (rows >= 0.0).all(axis=1)):
        held = float(rows[i] @ weights)
        if held > bounds[i]:
            weights[rows[i] > 0.0] *= bounds[i] / held
    total = float(weights.sum())
    if total < ceiling - DUST or total <= 0.0:
        return False
    weights *= ceiling / total
    return bool((rows @ weights <= bounds + DUST).all() and (weights >= lower - DUST).all())


def largest(
    values: Floats, lower: Floats, upper: Floats, rows: Floats, bounds: Floats, total: float | None = None
) -> float | None:
    """Return the largest values @ w within the limits, of sum `total` where given; None where no w keeps them."""
    from scipy.optimize import linprog

    if (lower > upper).any():
        return None
    found = linprog(
        -values, A_ub=rows, b_ub=bounds,
        A_eq=None if total is None else np.ones((1, len(upper))), b_eq=None if total is None else [total],
        bounds=np.column_stack((lower, upper)), method="highs",
        options={"primal_feasibility_tolerance": LP_TOLERANCE, "dual_feasibility_tolerance": LP_TOLERANCE},
    )  # fmt: skip
    return -float(found.fun) if found.status == 0 else None
