"""Directional purity: whether every short atom was held short and every long one long (R-SYN-06).

1. A contribution is an atom's weight x sign x gate at a decision. It is judged by itself, not by what is left of its
   asset net: there a short and a larger long of one name are a long.
2. Flattening kept its sign where the asset's net weight is the sum of its contributions; else none of the asset's is
   pure.
3. The book kept it where the asset brought money on the side of that sum: on every row between the decision's fill and
   the next one, what it brought and what its price did agree. Here no sign that was decided is read again: what it
   brought is of units and prices.

A row in which the price did not move tells nothing; neither does one with two decisions in it, a name that was closed,
not filled or not held, or a book that goes only a part of the way to its orders.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tvquant.core.books import EventKind, Execution, SimResult
from tvquant.core.panel import Bools, Panel
from tvquant.tournament.attribution import Earned
from tvquant.tournament.path_holdings import PathHoldings, first_fills, restored
from tvquant.tournament.rebalances import Rebalance

CONSERVED = 1e-10
"""Most by which a net weight may differ from the sum of its contributions (R-SYN-10)."""

type Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Purity:
    """Counts of contributions by rebalance (K each).

    Parameters
    ----------
    contributions, shorts : all, and those of short atoms.
    inverted : whose sign flattening lost.
    contradicted : whose asset brought money on the other side.
    confirmed : whose asset brought money on their net's side wherever that could be seen, and could be seen.
    """

    contributions: Counts
    shorts: Counts
    inverted: Counts
    contradicted: Counts
    confirmed: Counts

    @property
    def impure(self) -> int:
        """Contributions that are not what was decided."""
        return int(self.inverted.sum() + self.contradicted.sum())


def purity(
    panel: Panel, result: SimResult, execution: Execution, rebalances: Sequence[Rebalance], earned: Earned
) -> Purity:
    """Return the counts of a book; `earned` is what each of its names brought by row."""
    held = PathHoldings.of(panel, rebalances)
    own, short, net = held.contributions
    lost = (own > 0) & (np.abs(net - held.weights.net) > CONSERVED)
    up, down = _sides(panel, result, execution, rebalances, earned)
    judged = (own > 0) & ~lost & (np.abs(net) > CONSERVED) & (up | down)
    kept = np.where(net > 0.0, ~down, ~up)
    return Purity(
        contributions=own.sum(axis=1),
        shorts=short.sum(axis=1),
        inverted=own.sum(axis=1, where=lost),
        contradicted=own.sum(axis=1, where=judged & ~kept),
        confirmed=own.sum(axis=1, where=judged & kept),
    )


def _sides(
    panel: Panel, result: SimResult, execution: Execution, rebalances: Sequence[Rebalance], earned: Earned
) -> tuple[Bools, Bools]:
    """Return whether each name brought money as a long, and as a short, after each decision (K x N each).

    Neither where nothing can be told.
    """
    first, ends = len(panel.times) - len(result.times), len(result.times)
    up, down = (np.zeros((len(rebalances), len(panel.keys)), np.bool_) for _ in range(2))
    if execution.partial != 1.0 or execution.participation is not None:
        return up, down
    decision = restored(rebalances, result.filled, execution)
    starts = first_fills(decision)
    fills = result.filled[starts] - first
    until = np.append(fills[1:], ends)
    # A fill at the open splits its row between two decisions; one at the close ends the row of the one before.
    stop = until if execution.at_open else np.minimum(until + 1, ends)
    brought, moved = earned[0] + earned[1], panel.fields["total_return"][first:]
    odd = _odd(panel, result, fills, (until, stop))
    begin = np.minimum(fills + 1, stop)
    rows, told = np.column_stack([begin, stop]).ravel(), (begin < stop)[:, None] & ~odd
    gained, lost, rose, fell = brought > 0.0, brought < 0.0, moved > 0.0, moved < 0.0
    for into, seen in ((up, gained & rose | lost & fell), (down, gained & fell | lost & rose)):
        seen = np.vstack([seen, np.zeros((1, seen.shape[1]), np.bool_)])  # where the last of them stops
        into[decision[starts]] = np.logical_or.reduceat(seen, rows, axis=0)[::2] & told
    return up, down


def _odd(panel: Panel, result: SimResult, fills: Counts, ends: tuple[Counts, Counts]) -> Bools:
    """Return where a name was closed, or not filled, after each fill (F x N).

    `ends` are the rows of the next fill, and where the rows of this one stop. An order that was not filled is of the
    decision that made it.
    """
    found = np.zeros((len(fills), len(panel.keys)), np.bool_)
    named = [event for event in result.events if event.key]
    if not named:
        return found
    row = np.array([event.row for event in named], dtype=np.int64) - (len(panel.times) - len(result.times))
    column = panel.columns(tuple(event.key for event in named))
    unfilled = np.array([event.kind is EventKind.UNFILLED for event in named])
    last = np.searchsorted(fills, row, side="right") - 1
    for k in (last, last - 1):  # a row that ends with a fill at the close is of two decisions
        at = np.maximum(k, 0)
        there = (k >= 0) & (row < np.where(unfilled, ends[0][at], ends[1][at]))
        found[at[there], column[there]] = True
    return found
