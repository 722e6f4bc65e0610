"""Trades of a book: what changed hands at each fill, and what was closed that nobody ordered, by name.

1. At a fill every name that could be traded went from what was held, through a split of that row, to its new quantity;
   the price is the row's open or close, as the book fills; a name that never had an open is filled at the close.
2. A position that was closed out or called, or a short that lost its collateral, is a trade at the price that its event
   names.
   Where a name was closed and filled in one row, the fill is what the event leaves of the change.
3. What the simulator wiped out with the whole book (liquidation) is no trade.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tvquant.core.books import BookEvent, CostModel, EventKind, Execution, SimResult
from tvquant.core.panel import Floats, Panel
from tvquant.simulation.accruals import CLOSED
from tvquant.simulation.preflight import fill_prices

FILL = "fill"
ROUNDING = 1e-12
"""A change below this share of equity is the rounding of none; the simulators' own bound."""


class Trade(NamedTuple):
    """One name changing hands.

    Parameters
    ----------
    row : of the panel.
    fill : number of the fill that it is part of, from 0; -1 for what nobody ordered.
    kind : `fill`, or that of the event.
    quantity : units bought, below 0 sold; of a book that starts with a capital of 1.
    value : quantity x price, in starting capitals.
    share : value as a fraction of equity, at the fill or before the row.
    slippage, commission, impact : in starting capitals.
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
    impact: float


def trades(panel: Panel, result: SimResult, execution: Execution, costs: CostModel) -> list[Trade]:
    """Return every trade of a book over the columns of the panel, by row and then by name."""
    closed: dict[int, list[BookEvent]] = {}
    end = len(panel.times)
    for event in result.events:
        if event.kind in CLOSED:
            closed.setdefault(event.row, []).append(event)
        elif event.kind is EventKind.LIQUIDATED:
            end = event.row
    fills = {int(row): k for k, row in enumerate(result.filled)}
    rows = sorted(row for row in {*fills, *closed} if row < end)
    of = _Book(panel=panel, result=result, execution=execution, costs=costs, keys=panel.keys)
    return [one for row in rows for one in _of_row(of, row, fills.get(row), closed.get(row, []))]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Book:
    """A book whose trades are told."""

    panel: Panel
    result: SimResult
    execution: Execution
    costs: CostModel
    keys: tuple[str, ...]

    def last_fill(self, row: int) -> int:
        """Return the number of the last fill before a close-out of a row: that of the row itself, where it opens it."""
        at_open = self.execution.at_open
        return int(np.searchsorted(self.result.filled, row, side="right" if at_open else "left")) - 1

    def priced(self, fill: int, name: int, value: float) -> tuple[float, float, float]:
        """Return slippage, commission and impact of a traded value."""
        if self.result.rates is not None:
            return self.result.rates.charged(fill, name, abs(value))
        paid = abs(value) * 1e-4
        return self.costs.slippage_bps * paid, self.costs.commission_bps * paid, 0.0


def _of_row(of: _Book, row: int, fill: int | None, closed: list[BookEvent]) -> Iterator[Trade]:
    """Give the trades of one row by name: what was closed, then what was filled."""
    at = row - (len(of.panel.times) - len(of.result.times))
    before = _held_before(of.panel, of.result, row, at)
    prior = float(of.result.equity[at - 1]) if at > 0 else 1.0
    moved = of.result.quantities[at] - before
    gone: dict[int, list[tuple[BookEvent, float]]] = {}
    for event in closed:  # lost at the open, bought, and called at the close: a name may be closed twice
        j = of.keys.index(event.key)
        quantity = -event.value * prior / event.price if event.kind is not EventKind.CLOSED_OUT else -float(before[j])
        gone.setdefault(j, []).append((event, quantity))
        moved[j] -= quantity
    level, filled = prior, np.zeros(len(moved), np.bool_)
    prices = fill_prices(of.panel, row, of.execution.convention)
    if fill is not None:
        level = float(of.result.fill_equity[fill])
        filled = np.abs(moved * prices) > ROUNDING * level  # of no price, nothing is
    for j in sorted({*np.flatnonzero(filled).tolist(), *gone}):
        for event, quantity in gone.get(j, ()):
            priced = of.priced(of.last_fill(row), j, quantity * event.price)
            yield _trade((row, -1, of.keys[j], event.kind), (quantity, event.price), prior, priced)
        if fill is not None and filled[j]:
            quantity, price = float(moved[j]), float(prices[j])
            yield _trade((row, fill, of.keys[j], FILL), (quantity, price), level, of.priced(fill, j, quantity * price))


def _held_before(panel: Panel, result: SimResult, row: int, at: int) -> Floats:
    """Return what was held when the row began, through its splits."""
    if at == 0:
        return np.zeros(result.quantities.shape[1])
    split = panel.fields["split"][row] if "split" in panel.fields else 1.0
    held: Floats = result.quantities[at - 1] * np.where(np.isnan(split), 1.0, split)
    return held


def _trade(
    named: tuple[int, int, str, str],
    traded: tuple[float, float],
    level: float,
    priced: tuple[float, float, float],
) -> Trade:
    """Return a trade with what its value costs: slippage, commission, impact; who lost collateral pays none."""
    (row, fill, key, kind), (quantity, price) = named, traded
    value = quantity * price
    slippage, commission, impact = (0.0, 0.0, 0.0) if kind == EventKind.COLLATERAL_LOST else priced
    return Trade(
        row=row, fill=fill, key=key, kind=kind, quantity=quantity, price=price, value=value, share=value / level,
        slippage=slippage, commission=commission, impact=impact,
    )  # fmt: skip
