"""Answers that keep a turnover: a solve is made again with the row that its answer breaks, until it breaks none.

What `allocation.turnover` says of the rows is why that ends, and with the best answer.
"""

from collections.abc import Callable
from dataclasses import replace

from tvquant.allocation.caps import Family, FeasibleSet
from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.core.allocations import Attempt

ROUNDS = 40
"""Rows per name, after which a solve is given up."""


def within_turnover(feasible: FeasibleSet, solve: Callable[[FeasibleSet], EngineAnswer]) -> EngineAnswer:
    """Return the answer of `solve` in a feasible set, its turnover kept; its last attempt says by how many rows."""
    answer, trades = solve(feasible), feasible.trades
    if trades is None:
        return answer
    rounds = ROUNDS * trades.units.shape[1]
    for count in range(rounds):
        cut = None if answer.weights is None else trades.broken(answer.weights)
        if cut is None:
            return _told(answer, count)
        feasible = feasible.beside(*cut, Family.TURNOVER)
        answer = solve(feasible)
    over = Attempt(what="turnover", outcome=f"not kept after {rounds} solves")
    return EngineAnswer(weights=None, attempts=(*answer.attempts, over))


def _told(answer: EngineAnswer, count: int) -> EngineAnswer:
    if not count:
        return answer
    *before, last = answer.attempts
    return replace(answer, attempts=(*before, replace(last, outcome=f"{last.outcome}, rows of turnover: {count}")))
