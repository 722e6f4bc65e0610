"""Trades of a book: what changed hands at each fill, and what was closed that nobody ordered, by name.

1. At a fill every name that could be traded went from what was held, through a split of that row, to its new quantity;
   the price is the row's open or close, as the book fills.
2. A position that was closed out, or a short that lost its collateral, is a trade at the price that its event names.
   Where a name was closed and filled in one row, the fill is what the event leaves of the change.
3. What the simulator wiped out with the whole book (liquidation) is no trade.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from tvquant.core.books import BookEvent, Convention, CostModel, Execution, SimResult
from tvquant.core.panel import Floats, Panel

FILL, CLOSED_OUT, LOST, LIQUIDATED = "fill", "closed_out", "collateral_lost", "liquidated"
ROUNDING = 1e-12
"""A change below this share of equity is the rounding of none; the simulators' own bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One name changing hands.

    Parameters
    ----------
    row : of the panel.
    fill : number of the fill that it is part of, from 0; -1 for what nobody ordered.
    quantity : units bought, below 0 sold; of a book that starts with a capital of 1.
    value : quantity x price, in starting capitals.
    share : value as a fraction of equity, at the fill or before the row.
    slippage, commission : in starting capitals.
    """

    row: int
    fill: int
    key: str
    kind: str
    quantity: float
    price: float
    value: float
    share: float
    slippage: float
    commission: float


def trades(panel: Panel, result: SimResult, execution: Execution, costs: CostModel) -> list[Trade]:
    """Return every trade of a book over the columns of the panel, by row and then by name."""
    closed: dict[int, dict[str, BookEvent]] = {}
    end = len(panel.times)
    for event in result.events:
        if event.kind in (CLOSED_OUT, LOST):
            closed.setdefault(event.row, {})[event.key] = event
        elif event.kind == LIQUIDATED:
            end = event.row
    fills = {int(row): k for k, row in enumerate(result.filled)}
    rows = sorted(row for row in {*fills, *closed} if row < end)
    made = (one for row in rows for one in _of_row(panel, result, execution, row, fills.get(row), closed.get(row, {})))
    return [one if one.kind == LOST else _charged(one, costs) for one in made]


def _of_row(
    panel: Panel, result: SimResult, execution: Execution, row: int, fill: int | None, closed: dict[str, BookEvent]
) -> Iterator[Trade]:
    """Give the trades of one row, not charged yet."""
    first = len(panel.times) - len(result.times)
    at = row - first
    before = _held_before(panel, result, row, at)
    change = result.quantities[at] - before
    prior = float(result.equity[at - 1]) if at > 0 else 1.0
    prices = panel.fields["open" if execution.convention is Convention.NEXT_OPEN else "close"][row]
    level = prior if fill is None else float(result.fill_equity[fill])
    gone_too = np.isin(panel.keys, list(closed)) if closed else False
    for j in np.flatnonzero((change != 0.0) | gone_too).tolist():
        key, moved = panel.keys[j], float(change[j])
        if (event := closed.get(key)) is not None:
            gone = -event.value * prior / event.price if event.kind == LOST else -float(before[j])
            yield _trade(row, -1, key, (gone, event.price), prior, event.kind)
            moved -= gone
        if fill is not None and np.isfinite(prices[j]) and abs(moved * prices[j]) > ROUNDING * level:
            yield _trade(row, fill, key, (moved, float(prices[j])), level, FILL)


def _held_before(panel: Panel, result: SimResult, row: int, at: int) -> Floats:
    """Return what was held when the row began, through its splits."""
    if at == 0:
        return np.zeros(result.quantities.shape[1])
    split = panel.fields["split"][row] if "split" in panel.fields else 1.0
    held: Floats = result.quantities[at - 1] * np.where(np.isnan(split), 1.0, split)
    return held


def _trade(row: int, fill: int, key: str, traded: tuple[float, float], level: float, kind: str) -> Trade:
    quantity, price = traded
    value = quantity * price
    return Trade(row=row, fill=fill, key=key, kind=kind, quantity=quantity, price=price, value=value,
                 share=value / level, slippage=0.0, commission=0.0)  # fmt: skip


def _charged(one: Trade, costs: CostModel) -> Trade:
    """Return the trade with the house cost of its value; who lost collateral pays none."""
    paid = abs(one.value) * 1e-4
    return replace(one, slippage=costs.slippage_bps * paid, commission=costs.commission_bps * paid)
