"""The least variance and the costs of getting there: w'Sw / 2 + c sum |U w - h|, for trades from what was held before.

A trade t costs c |t| = c (2 b - t) with b >= t and b >= 0, so the program is quadratic in the weights and in what is
bought of each asset. It is not strictly convex in the latter, so Clarabel is asked, not DAQP. Its answer is believed
where it keeps the region to 1e-9 and where its multipliers prove that no book is better by a share of 1e-9: with l of
b >= t between 0 and 2 c, c |t| is nowhere below (l - c) t.

A cost above `DEAREST` times the largest variance counts as that: nothing is traded for a lower variance by then, and
more would only drown the variance in rounding.
Source: Mitchell & Braun (2013), Rebalancing an investment portfolio in the presence of convex transaction costs,
Annals of Operations Research 205 (the variables for what is bought).
"""

from functools import partial

import numpy as np

from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.allocation.engines.custom.interior_point import TOLERANCE, optimum
from tvquant.allocation.engines.custom.programs import Answer, Failure, Region, mean_variance
from tvquant.allocation.engines.custom.quadratic import NOT_CONVEX, RESIDUAL, proof
from tvquant.allocation.solver_attempts import Solution, first_solution
from tvquant.allocation.turnover import Trades
from tvquant.core.panel import Floats
from tvquant.core.problems import Covariance, positive_definite

DEAREST = 10.0
LESS_TIGHT = 1e-10
"""Tolerance where Clarabel does not end at its own; the proof is the same."""


def solve(covariance: Covariance, region: Region, trades: Trades, cost: float) -> EngineAnswer:
    """Minimise w'Sw / 2 + cost x traded over a region; `cost` is in units of variance per unit traded."""
    solver = partial(_solved, region=region, trades=trades, cost=cost)
    return first_solution(
        covariance,
        {
            "clarabel with costs": partial(solver, tolerance=TOLERANCE),
            "clarabel with costs, less tight": partial(solver, tolerance=LESS_TIGHT),
        },
    )


def _solved(matrix: Floats, *, region: Region, trades: Trades, cost: float, tolerance: float) -> Solution:
    if not positive_definite(matrix):
        return Solution(None, NOT_CONVEX)
    scale, cost = mean_variance(matrix), min(cost, DEAREST * float(matrix.diagonal().max()))
    found = _program(matrix / scale, region, trades, cost / scale, tolerance)
    if isinstance(found, Failure):
        return Solution(None, found.outcome, found.infeasible)
    answer, prices = found
    weights, miss, _ = proof(matrix / scale, answer, region, None)
    if not miss <= RESIDUAL:
        return Solution(None, f"limits are missed by {miss:.1e}, expected {RESIDUAL:.0e}")
    above = _excess(matrix / scale, answer._replace(weights=weights), region, trades, (prices, cost / scale))
    if not above <= RESIDUAL:
        return Solution(None, f"the least value is missed by a share of {above:.1e}, expected {RESIDUAL:.0e}")
    traded = float(np.abs(trades.units @ weights - trades.held).sum())
    return Solution(weights, f"solved, iterations: {answer.iterations}, traded: {traded:.4g}")


def _program(
    hessian: Floats, region: Region, trades: Trades, cost: float, tolerance: float
) -> tuple[Answer, Floats] | Failure:
    """Return the answer and the multiplier of what is bought of each of A assets."""
    lower, upper, total, rows, bounds = region
    (a, n), r = trades.units.shape, len(bounds)
    widened, below = np.zeros((n + a, n + a)), np.zeros((2 * n + r + 2 * a, n + a))
    widened[:n, :n] = hessian
    below[: 2 * n, :n] = np.vstack((-np.eye(n), np.eye(n)))
    below[2 * n : 2 * n + r, :n] = rows
    below[2 * n + r : 2 * n + r + a] = np.hstack((trades.units, -np.eye(a)))
    below[2 * n + r + a :, n:] = -np.eye(a)
    found = optimum(
        widened,
        linear=np.concatenate((-cost * trades.units.sum(axis=0), np.full(a, 2.0 * cost))),
        equal=np.append(np.ones(n), np.zeros(a))[None, :],
        to=np.array([total]),
        below=below,
        bounds=np.concatenate((-lower, upper, bounds, trades.held, np.zeros(a))),
        tolerance=tolerance,
    )
    if isinstance(found, Failure):
        return found
    multipliers, level = found.below[2 * n : 2 * n + r], -float(found.equal[0])
    return Answer(found.found[:n], multipliers, level, found.iterations), found.below[2 * n + r : 2 * n + r + a]


def _excess(matrix: Floats, answer: Answer, region: Region, trades: Trades, priced: tuple[Floats, float]) -> float:
    """Return by which share of w'Sw the function may be above its least value, by the multipliers of the answer."""
    weights, (prices, cost) = answer.weights, priced
    prices, duals = np.clip(prices, 0.0, 2.0 * cost) - cost, np.maximum(answer.multipliers, 0.0)
    traded, pull = trades.units @ weights - trades.held, matrix @ weights
    slope = pull + prices @ trades.units + duals @ region.rows - answer.level
    above = float(np.maximum(slope, 0.0) @ (weights - region.lower) - np.minimum(slope, 0.0) @ (region.upper - weights))
    above += float(duals @ (region.bounds - region.rows @ weights))
    above += float((cost * np.abs(traded) - prices * traded).sum())
    return above / float(weights @ pull)
