"""What the account of a meta-portfolio holds at its last row, and which atoms of which sleeves stand behind it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tvquant.app.meta.context import Held
from tvquant.core.books import SimResult
from tvquant.tournament.rebalances import DUST
from tvquant.tournament.sleeves.netting import put_back
from tvquant.tournament.sleeves.shares import drifted


def holdings(held: Held, book: SimResult) -> dict[str, Any]:
    """Return the net weights of a book at its last close, the shares of the sleeves then, and the tree behind them.

    A weight is of what is really held: drifted since the last decision, and with what could not be traded. Its tree is
    that of the last decision, brought to what is held; what is still held of before has no atom behind it.
    """
    last = held.book.rebalances[-1]
    times, keys = held.group.account.panel.times, held.group.account.panel.keys
    equity = float(book.equity[-1])
    value = np.nan_to_num(book.quantities[-1] * book.marks[-1])
    net = value / equity if equity > 0.0 else np.zeros(len(value))
    weights = {key: float(weight) for key, weight in zip(keys, net.tolist(), strict=True) if abs(weight) > DUST}
    shares = _shares(held)
    return {
        "at": str(book.times[-1]),
        "decided_at": str(times[last.row]),
        "weights": dict(sorted(weights.items())),
        "shares": shares,
        "tree": _tree(held, net),
    }


def _shares(held: Held) -> dict[str, float]:
    """Return the shares of the sleeves at the last common date, drifted since they were weighed."""
    path, levels = held.path, held.group.joined.levels
    growth = levels[-1] / levels[path.decisions[-1].row]
    found = drifted(path.weights[-1:], growth[None])[0]
    return dict(zip(path.names, found.tolist(), strict=True))


def _tree(held: Held, net: Any) -> list[Mapping[str, Any]]:
    """Return what each atom of the last decision contributes to what is held."""
    tree, date = held.book.tree, len(held.book.rebalances) - 1
    own = np.flatnonzero(tree.date == date)
    there = {(date, int(j)): float(net[j]) for j in np.unique(tree.column[own])}
    parts = put_back(tree, there)[own]
    return [
        {
            "sleeve": held.book.sleeves[int(k)],
            "atom": tree.atoms[int(a)],
            "symbol": held.book.keys[int(j)],
            "weight": float(part),
        }
        for k, a, j, part in zip(tree.sleeve[own], tree.atom[own], tree.column[own], parts, strict=True)
    ]
