"""Budgets: the most that weights within bounds and rows can be in sum.

1. A ceiling that follows from some of the limits is given by whoever knows a closed form.
2. Weights at their upper bounds are cut down row by row. If what is left still reaches the ceiling, and keeps the rows
   that no fall mends, the ceiling is the answer.
3. So it is where the nearest weights to these, of the ceiling's sum, keep every limit: whoever found them, they are
   looked at. DAQP takes a twentieth of a linear program's time.
4. Otherwise it is a linear program.
"""

import numpy as np

from tvquant.allocation.turnover import Trades
from tvquant.core.panel import Floats

DUST = 1e-12
"""Cash that is nearer to zero is rounding and is written as 0."""
LP_TOLERANCE = 1e-10
"""Of HiGHS; its own, 1e-7, is wider than what a limit may be exceeded by."""
NOTHING = -1.0
"""What no weights at all can be in sum."""
FEW = 300
"""Weights of which the nearest are asked for: of more a linear program is sooner done."""
NO_LIMIT = 1e30
EQUAL = 5
"""DAQP's sense of a row that is an equation."""
PRIMAL_TOLERANCE = 1e-13


def most(
    lower: Floats, upper: Floats, rows: Floats, bounds: Floats, ceiling: float, trades: Trades | None = None
) -> float:
    """Return the largest sum of weights up to `ceiling` with lower <= w <= upper and rows @ w <= bounds.

    It is `NOTHING`, below 0, where no weights keep them all, and the turnover of `trades`.
    """
    if trades is not None:
        everything = np.vstack((rows, np.ones(len(upper)))), np.append(bounds, ceiling)
        found = largest(np.ones(len(upper)), lower, upper, *everything, trades=trades)
        return NOTHING if found is None else ceiling if found > ceiling - DUST else found
    start = _cut(upper, rows, bounds)
    if _proves(start, lower, upper, rows, bounds, ceiling):
        return ceiling
    nearest = _nearest(start, lower, upper, rows, bounds, ceiling)
    if nearest is not None and _proves(nearest, lower, upper, rows, bounds, ceiling):
        return ceiling
    found = largest(
        np.ones(len(upper)), lower, upper, np.vstack((rows, np.ones(len(upper)))), np.append(bounds, ceiling)
    )
    if found is None:
        return NOTHING
    return ceiling if found > ceiling - DUST else found


def _cut(upper: Floats, rows: Floats, bounds: Floats) -> Floats:
    """Return the upper bounds, cut down until they keep the rows that a fall mends."""
    weights = upper.copy()
    for i in np.flatnonzero((rows @ upper > bounds) & (rows >= 0.0).all(axis=1)):
        held = float(rows[i] @ weights)
        if held > bounds[i]:
            weights[rows[i] > 0.0] *= bounds[i] / held
    return weights


def _proves(weights: Floats, lower: Floats, upper: Floats, rows: Floats, bounds: Floats, ceiling: float) -> bool:
    """Return whether these weights, scaled down to the ceiling, keep every limit: then it can be reached."""
    total = float(weights.sum())
    if total < ceiling - DUST or total <= 0.0:
        return False
    scaled = weights * (ceiling / total)
    kept = (rows @ scaled <= bounds + DUST).all() and (scaled >= lower - DUST).all()
    return bool(kept and (scaled <= upper + DUST).all())


def _nearest(start: Floats, lower: Floats, upper: Floats, rows: Floats, bounds: Floats, total: float) -> Floats | None:
    """Return the weights of that sum nearest to `start` within the limits; None where DAQP finds none or is not asked.

    They are within its tolerance, so whoever takes them for more looks at them.
    """
    import daqp

    n, r = len(upper), len(bounds)
    if n > FEW:
        return None
    below, above = np.full(n + 1 + r, -NO_LIMIT), np.concatenate((upper, [total], bounds))
    below[:n], below[n] = lower, total
    sense = np.zeros(n + 1 + r, np.int32)
    sense[n] = EQUAL
    found, _, flag, _ = daqp.solve(
        np.eye(n), -start, np.vstack((np.ones(n), rows)), above, below, sense, primal_tol=PRIMAL_TOLERANCE, eps_prox=0.0
    )
    return np.clip(found, lower, upper) if flag == 1 else None


def largest(
    values: Floats,
    lower: Floats,
    upper: Floats,
    rows: Floats,
    bounds: Floats,
    total: float | None = None,
    trades: Trades | None = None,
) -> float | None:
    """Return the largest values @ w within the limits, of sum `total` where given; None where no w keeps them."""
    from scipy.optimize import linprog

    if (lower > upper).any():
        return None
    spent = np.ones(len(upper))
    if trades is not None:
        lifted, slopes, offsets = trades.lifted
        bought = lifted.shape[1] - len(upper)
        values, spent, lower = (np.append(one, np.zeros(bought)) for one in (values, spent, lower))
        upper = np.append(upper, np.full(bought, np.inf))
        rows = np.vstack((np.hstack((rows, np.zeros((len(rows), bought)))), lifted))
        bounds = np.append(bounds, slopes * trades.most + offsets)
    found = linprog(
        -values, A_ub=rows, b_ub=bounds,
        A_eq=None if total is None else spent[None, :], b_eq=None if total is None else [total],
        bounds=np.column_stack((lower, upper)), method="highs",
        options={"primal_feasibility_tolerance": LP_TOLERANCE, "dual_feasibility_tolerance": LP_TOLERANCE},
    )  # fmt: skip
    return -float(found.fun) if found.status == 0 else None


def least_turnover(
    trades: Trades, lower: Floats, upper: Floats, rows: Floats, bounds: Floats, ceiling: float
) -> float | None:
    """Return the least turnover of weights of a sum up to `ceiling` within the limits; None where none keep these."""
    lifted, slopes, offsets = trades.lifted
    n, bought = len(upper), lifted.shape[1] - len(upper)
    before = np.vstack((rows, np.ones(n)))
    before = np.hstack((before, np.zeros((len(before), bought))))
    whole = np.hstack((np.vstack((before, lifted)), np.append(np.zeros(len(before)), -slopes)[:, None]))
    found = largest(
        np.append(np.zeros(n + bought), -1.0),
        np.append(lower, np.zeros(bought + 1)),
        np.append(upper, np.full(bought + 1, np.inf)),
        whole,
        np.concatenate((bounds, [ceiling], offsets)),
    )
    return None if found is None else -found
