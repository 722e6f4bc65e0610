"""Rebalances to order: atoms with direction, weight and gate; their flattened net weights."""

from collections.abc import Sequence

import numpy as np

from tvquant.core.books import WeightPath
from tvquant.core.decisions import Footing
from tvquant.core.panel import Panel
from tvquant.core.selection import SelectionFunnel
from tvquant.tournament.rebalances import HOLDINGS, Rebalance

NOBODY = SelectionFunnel(
    universe=0, discovery=0, refined=0, selected=0, atoms_discovery=0, atoms_refined=0, atoms_selected=0, vetoed={}
)

type Held = tuple[str, str, float, float]
"""Symbol, direction, weight and gate of an atom."""


def rebalance_of(panel: Panel, row: int, *held: Held, window: int = 0) -> Rebalance:
    """Return the rebalance at a row that holds these atoms, the k-th of them for the logic `k`."""
    columns: dict[str, list[object]] = {name: [] for name in HOLDINGS}
    net: dict[str, float] = {}
    for k, (symbol, direction, weight, gate) in enumerate(held):
        given = {"atom": f"{symbol}_{k}_{direction}", "symbol": symbol, "direction": direction, "weight": weight,
                 "gate": gate, "how": "", "score": 0.0, "cluster": k, "allocation_cluster": k}  # fmt: skip
        for name, values in columns.items():
            values.append(given[name])
        net[symbol] = net.get(symbol, 0.0) + (1.0 if direction == "LONG" else -1.0) * weight * gate
    at = panel.times[row]
    return Rebalance(
        window=window, row=row, weights={key: weight for key, weight in net.items() if weight}, digest="", inputs="",
        footing=Footing(asked=at, bar=at, quorum=True, alive=0, present=0, missing=()), status="solved", funnel=NOBODY,
        stamps=frozenset(), holdings=columns,
    )  # fmt: skip


def path_of(panel: Panel, rebalances: Sequence[Rebalance], sign: float = 1.0) -> WeightPath:
    """Return their net weights, or the very opposite of them."""
    net = np.array([[sign * one.weights.get(key, 0.0) for key in panel.keys] for one in rebalances])
    return WeightPath(keys=panel.keys, decided=np.array([one.row for one in rebalances]), net=net)
