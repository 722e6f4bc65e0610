"""What holding made of the streams that were decided: their own return beside the book's before costs, by window.

1. Allocation weighs streams that are reset on every row: a short earns -min(r, 1) of a constant weight. A book in which
   weights are restored at every row earns just that. One that buys and holds drifts: what gains grows, longs and shorts
   apart.
2. The streams' return of a window is the product over its rows of 1 + sum of weight x gate x stream, from the fill to
   the next decision's fill; a fill at the open splits its row there.
3. The book's is what it brought before all costs and funding, as a fraction of the equity at the fill. The gap is the
   book's less the streams': drift, moves between the decision mark and the fill, and orders that were not filled.

Source of the two returns: a paper portfolio beside the one held, as by Perold (1988), "The implementation shortfall".
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tvquant.core.books import Execution, SimResult
from tvquant.core.panel import Floats, Panel
from tvquant.tournament.attribution import growth_of
from tvquant.tournament.path_holdings import PathHoldings, first_fills, restored
from tvquant.tournament.rebalances import Rebalance


def synthetic_gap(
    panel: Panel, result: SimResult, execution: Execution, rebalances: Sequence[Rebalance], brought: Mapping[str, Any]
) -> dict[str, Floats]:
    """Return `synthetic`, `gross_return` and `synthetic_gap` by rebalance (K each).

    NaN where nothing was filled, or no atom stands behind what was.

    Parameters
    ----------
    brought : what atoms brought, by `decision`, `part` and `gross` (`atom_attribution.attribution`).
    """
    streams, book = np.full(len(rebalances), np.nan), np.full(len(rebalances), np.nan)
    decision = restored(rebalances, result.filled, execution)
    first = first_fills(decision)
    if len(first):
        parts, begins = _parts(panel, result.filled[first], at_open=execution.at_open)
        window = np.repeat(decision[first], np.diff(begins, append=len(parts)))
        growth = 1.0 + _streams(panel, rebalances, parts, window) * (1.0 - execution.buffer)
        # One row more, without growth, is all that a fill at the very last close has.
        reset = np.multiply.reduceat(np.append(growth, 1.0), begins) - 1.0
        held = PathHoldings.of(panel, rebalances).winners[decision[first]] > 0
        streams[decision[first][held]], book[decision[first][held]] = reset[held], 0.0
    np.add.at(book, np.asarray(brought["decision"], dtype=np.int64), brought["gross"])
    return {"synthetic": streams, "gross_return": book, "synthetic_gap": book - streams}


def _parts(panel: Panel, fills: NDArray[np.int64], *, at_open: bool) -> tuple[Floats, NDArray[np.int64]]:
    """Return the returns of all names (P x N) from each fill until the next, and the first of each; 0 where none is.

    A row with a fill at its open has two parts, but for the first.
    """
    returns, growth, start = panel.fields["total_return"], growth_of(panel), int(fills[0])
    if not at_open:
        return growth[start + 1 :], fills - start
    parted = np.ones(len(returns) - start, dtype=np.int64)
    parted[fills[1:] - start] = 2
    begins = np.cumsum(parted)[fills - start] - 1
    parts, late = growth[np.repeat(np.arange(start, len(returns)), parted)], _from_open(panel, fills)
    parts[begins] = np.nan_to_num(late)
    parts[begins[1:] - 1] = np.nan_to_num((1.0 + returns[fills[1:]]) / (1.0 + late[1:]) - 1.0)
    return parts, begins


def _from_open(panel: Panel, rows: NDArray[np.int64]) -> Floats:
    """Return the returns of all names from the open of rows to their close; of a name without an open, of the row."""
    opens = panel.fields["open"][rows]
    there = panel.tradable[rows] & (opens > 0.0)
    ratio = panel.fields["close"][rows] / np.where(there, opens, 1.0) - 1.0
    found: Floats = np.where(there, ratio, panel.fields["total_return"][rows])
    return found


def _streams(panel: Panel, rebalances: Sequence[Rebalance], parts: Floats, window: NDArray[np.int64]) -> Floats:
    """Return the sum over atoms of weight x gate x stream (P) of what was decided; `window` is the rebalance (P)."""
    longs, shorts = PathHoldings.of(panel, rebalances).sides
    found: Floats = np.einsum("pn,pn->p", parts, longs[window])
    if shorts.any():  # of many paths nothing is short
        found += np.einsum("pn,pn->p", np.minimum(parts, 1.0), shorts[window])
    return found
