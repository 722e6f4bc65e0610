"""Rebalances to order: atoms with direction, weight and gate; their flattened net weights."""

from collections.abc import Mapping, Sequence

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


def rebalance_with(
    panel: Panel, row: int, holdings: Mapping[str, list[object]], *, window: int, weights: Mapping[str, float]
) -> Rebalance:
    """Return the rebalance at a row with these columns of holdings, `HOLDINGS` or some of them; the others are 0."""
    count, at = len(holdings["atom"]), panel.times[row]
    return Rebalance(
        window=window, row=row, weights=weights, digest="", inputs="",
        footing=Footing(asked=at, bar=at, quorum=True, alive=0, present=0, missing=()), status="solved", funnel=NOBODY,
        stamps=frozenset(), holdings={name: holdings.get(name, [0] * count) for name in HOLDINGS},
    )  # fmt: skip


def rebalance_of(panel: Panel, row: int, *held: Held, window: int = 0) -> Rebalance:
    """Return the rebalance at a row that holds these atoms, the k-th of them for the logic `k`."""
    columns: dict[str, list[object]] = {name: [] for name in ("atom", "symbol", "direction", "weight", "gate")}
    net: dict[str, float] = {}
    for k, (symbol, direction, weight, gate) in enumerate(held):
        for values, given in zip(
            columns.values(), (f"{symbol}_{k}_{direction}", symbol, direction, weight, gate), strict=True
        ):
            values.append(given)
        net[symbol] = net.get(symbol, 0.0) + (1.0 if direction == "LONG" else -1.0) * weight * gate
    weights = {key: weight for key, weight in net.items() if weight}
    return rebalance_with(panel, row, columns, window=window, weights=weights)


def path_of(panel: Panel, rebalances: Sequence[Rebalance], sign: float = 1.0) -> WeightPath:
    """Return their net weights, or the very opposite of them."""
    net = np.array([[sign * one.weights.get(key, 0.0) for key in panel.keys] for one in rebalances])
    return WeightPath(keys=panel.keys, decided=np.array([one.row for one in rebalances]), net=net)
