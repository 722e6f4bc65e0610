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

from tvquant.core.books import Execution, SimResult
from tvquant.core.panel import Floats, Panel
from tvquant.tournament.rebalances import Rebalance, first_fills, restored


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
    starts = first_fills(decision)
    rows = [*result.filled[starts].tolist(), None]
    for i, k in enumerate(decision[starts].tolist()):
        if rebalances[k].holdings["atom"]:
            parts = _parts(panel, rows[i], rows[i + 1], at_open=execution.at_open)
            streams[k] = np.prod(1.0 + _stream(panel, rebalances[k], execution.buffer, parts)) - 1.0
            book[k] = 0.0
    np.add.at(book, np.asarray(brought["decision"], dtype=np.int64), brought["gross"])
    return {"synthetic": streams, "gross_return": book, "synthetic_gap": book - streams}


def _parts(panel: Panel, fill: int, end: int | None, *, at_open: bool) -> Floats:
    """Return the returns of all names (P x N) from a fill until the next; NaN where a name has none."""
    returns = panel.fields["total_return"]
    if not at_open:
        return returns[fill + 1 : None if end is None else end + 1]
    first = _from_open(panel, fill)
    if end is None:
        return np.vstack([first, returns[fill + 1 :]])
    return np.vstack([first, returns[fill + 1 : end], (1.0 + returns[end]) / (1.0 + _from_open(panel, end)) - 1.0])


def _from_open(panel: Panel, row: int) -> Floats:
    """Return the returns of all names from the open of a row to its close; of a name without an open, of the row."""
    opens = panel.fields["open"][row]
    there = panel.tradable[row] & (opens > 0.0)
    ratio = panel.fields["close"][row] / np.where(there, opens, 1.0) - 1.0
    found: Floats = np.where(there, ratio, panel.fields["total_return"][row])
    return found


def _stream(panel: Panel, one: Rebalance, buffer: float, parts: Floats) -> Floats:
    """Return the sum over atoms of weight x gate x stream (P) of what was decided."""
    sizes = np.array(one.sizes, dtype=np.float64)
    held = sizes != 0.0
    names, sizes = panel.columns(tuple(one.holdings["symbol"]))[held], sizes[held]
    streams = np.nan_to_num(parts[:, names])
    streams = np.where(sizes < 0.0, np.minimum(streams, 1.0), streams)
    found: Floats = (streams * sizes).sum(axis=1) * (1.0 - buffer)
    return found
