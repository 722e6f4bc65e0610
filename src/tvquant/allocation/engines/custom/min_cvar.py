"""Minimum CVaR: the least mean loss in the worst rows of training, by a linear program.

With losses -R w of T rows, CVaR at level b is the minimum over a of a + sum max(0, -R w - a) / ((1 - b) T). So
min a + sum u / ((1 - b) T) over the feasible w, a, and u >= 0 with u >= -R w - a. Returns are divided by their mean
volatility first, so that tolerances mean the same for every scale.
Few rows lie in the tail (three of sixty at .95), and books of equal CVaR may differ: the solver's is taken.
Source: Rockafellar & Uryasev (2000), Optimization of conditional value-at-risk, Journal of Risk 2.
"""

import numpy as np

from tvquant.allocation.caps import FeasibleSet
from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.core.allocations import Attempt
from tvquant.core.panel import Floats

TOLERANCE = 1e-10
RESIDUAL = 1e-9
"""Largest miss of a bound or of the budget that a solution may have."""


def solve(returns: Floats, feasible: FeasibleSet, level: float) -> EngineAnswer:
    """Minimise the CVaR at `level` of T x N returns over the feasible set."""
    from scipy import sparse
    from scipy.optimize import linprog

    rows, n = returns.shape
    scaled = returns / returns.std(axis=0).mean()
    lower, upper, budget = feasible.lower, feasible.upper, feasible.budget
    losses = sparse.hstack((sparse.csr_matrix(-scaled), -np.ones((rows, 1)), -sparse.eye(rows)))
    kept = sparse.hstack((sparse.csr_matrix(feasible.rows), sparse.csr_matrix((len(feasible.rows), rows + 1))))
    found = linprog(
        np.concatenate((np.zeros(n), [1.0], np.full(rows, 1.0 / ((1.0 - level) * rows)))),
        A_ub=sparse.vstack((losses, kept)),
        b_ub=np.concatenate((np.zeros(rows), feasible.bounds)),
        A_eq=np.concatenate((np.ones(n), np.zeros(rows + 1)))[None, :],
        b_eq=[budget],
        bounds=[*zip(lower.tolist(), upper.tolist(), strict=True), (None, None), *((0.0, None) for _ in range(rows))],
        method="highs-ds",
        options={"primal_feasibility_tolerance": TOLERANCE, "dual_feasibility_tolerance": TOLERANCE},
    )
    if found.status != 0:
        return _answer(None, found.message)
    weights = np.clip(found.x[:n], lower, upper)
    miss = max(float(np.abs(weights - found.x[:n]).max()), abs(float(weights.sum()) - budget))
    if not miss <= RESIDUAL:
        return _answer(None, f"bounds are missed by {miss:.1e}, expected {RESIDUAL:.0e}")
    return _answer(weights, f"solved, iterations: {found.nit}")


def _answer(weights: Floats | None, outcome: str) -> EngineAnswer:
    return EngineAnswer(weights=weights, attempts=(Attempt(what="highs", outcome=outcome),))
