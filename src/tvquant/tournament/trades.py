"""Trades of a book: what changed hands at each fill, and what was closed that nobody ordered, by name.

1. At a fill every name that could be traded went from what was held, through a split of that row, to its new quantity;
   the price is the row's open or close, as the book fills; a name that never had an open is filled at the close.
2. A position that was closed out or called, or a short that lost its collateral, is a trade at the price that its event
   names.
   Where a name was closed and filled in one row, the fill is what the event leaves of the change.
3. What the simulator wiped out with the whole book (liquidation) is no trade.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self, overload

import numpy as np
from numpy.typing import NDArray

from tvquant.core.books import BookEvent, CostModel, EventKind, Execution, SimResult
from tvquant.core.panel import Floats, Panel
from tvquant.simulation.accruals import CLOSED
from tvquant.simulation.preflight import fill_prices

FILL = "fill"
FIGURES = ("quantity", "price", "value", "share", "slippage", "commission", "impact")
ROUNDING = 1e-12
"""A change below this share of equity is the rounding of none; the simulators' own bound."""


type Integers = NDArray[np.int64]


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trades(Sequence[Trade]):
    """Trades of a book in columns (M each), by row and then by name; see `Trade`.

    Parameters
    ----------
    keys : of all names; `name` counts in them.
    """

    keys: tuple[str, ...]
    row: Integers
    fill: Integers
    name: Integers
    kind: tuple[str, ...]
    quantity: Floats
    price: Floats
    value: Floats
    share: Floats
    slippage: Floats
    commission: Floats
    impact: Floats

    @classmethod
    def of(cls, keys: tuple[str, ...], every: Sequence[Trade]) -> Self:
        """Return the trades in columns."""
        place = {key: j for j, key in enumerate(keys)}
        row, fill, name = np.array([(o.row, o.fill, place[o.key]) for o in every], dtype=np.int64).reshape(-1, 3).T
        figures = np.array([[getattr(one, name) for name in FIGURES] for one in every], dtype=np.float64)
        columns = dict(zip(FIGURES, figures.reshape(-1, len(FIGURES)).T, strict=True))
        return cls(keys=keys, row=row, fill=fill, name=name, kind=tuple(one.kind for one in every), **columns)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.kind)

    def __iter__(self) -> Iterator[Trade]:
        """Give them in order."""
        names = [self.keys[j] for j in self.name.tolist()]
        figures = (getattr(self, figure).tolist() for figure in FIGURES)
        return map(Trade, self.row.tolist(), self.fill.tolist(), names, self.kind, *figures)

    @overload
    def __getitem__(self, at: int) -> Trade: ...
    @overload
    def __getitem__(self, at: slice) -> list[Trade]: ...
    def __getitem__(self, at: int | slice) -> Trade | list[Trade]:
        """Return one, or some."""
        return list(self)[at]


def trades(panel: Panel, result: SimResult, execution: Execution, costs: CostModel) -> Trades:
    """Return every trade of a book over the columns of the panel, by row and then by name."""
    end = next((event.row for event in result.events if event.kind is EventKind.LIQUIDATED), len(panel.times))
    of = _Book(panel=panel, result=result, execution=execution, costs=costs)
    closings = [_closing(of, event) for event in result.events if event.kind in CLOSED and event.row < end]
    filled = result.filled[result.filled < end]
    moved = result.quantities[filled - of.first] - of.before(filled)
    for trade in closings:
        moved[filled == trade.row, of.column(trade.key)] -= trade.quantity
    level = result.fill_equity[: len(filled), None]
    prices = np.array([fill_prices(panel, row, execution.convention) for row in filled.tolist()]).reshape(moved.shape)
    fill, name = np.nonzero(np.abs(moved * prices) > ROUNDING * level)  # of no price, nothing is
    quantity, price = moved[fill, name], prices[fill, name]
    value = quantity * price
    slippage, commission, impact = of.charged(fill, name, np.abs(value))
    found = Trades(
        keys=panel.keys, row=filled[fill], fill=fill, name=name, kind=(FILL,) * len(fill), quantity=quantity,
        price=price, value=value, share=value / level[fill, 0], slippage=slippage, commission=commission, impact=impact,
    )  # fmt: skip
    if not closings:
        return found
    # Of one name in one row what was closed comes first, in the order of its events.
    return Trades.of(panel.keys, sorted((*closings, *found), key=lambda one: (one.row, of.column(one.key))))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Book:
    """A book whose trades are told."""

    panel: Panel
    result: SimResult
    execution: Execution
    costs: CostModel

    @property
    def first(self) -> int:
        """Row of the panel that is the book's first."""
        return len(self.panel.times) - len(self.result.times)

    def column(self, key: str) -> int:
        """Return the column of a name."""
        return int(self.panel.columns((key,))[0])

    def last_fill(self, row: int) -> int:
        """Return the number of the last fill before a close-out of a row: that of the row itself, where it opens it."""
        at_open = self.execution.at_open
        return int(np.searchsorted(self.result.filled, row, side="right" if at_open else "left")) - 1

    def before(self, rows: Integers) -> Floats:
        """Return what was held when rows of the panel began, through their splits."""
        at = rows - self.first
        held: Floats = np.where((at > 0)[:, None], self.result.quantities[at - 1], 0.0)
        split = self.panel.fields["split"][rows] if "split" in self.panel.fields else 1.0
        held *= np.where(np.isnan(split), 1.0, split)
        return held

    def charged(self, fill: Integers, name: Integers, value: Floats) -> tuple[Floats, Floats, Floats]:
        """Return slippage, commission and impact of traded values without their signs."""
        if self.result.rates is not None:
            three = map(self.result.rates.charged, fill.tolist(), name.tolist(), value.tolist())
            slippage, commission, impact = np.array(list(three), dtype=np.float64).reshape(-1, 3).T
            return slippage, commission, impact
        paid = value * 1e-4
        return self.costs.slippage_bps * paid, self.costs.commission_bps * paid, np.zeros_like(paid)


def _closing(of: _Book, event: BookEvent) -> Trade:
    """Return the trade of what was closed that nobody ordered; who lost collateral pays nothing for it."""
    j, at = of.column(event.key), event.row - of.first
    prior = float(of.result.equity[at - 1]) if at > 0 else 1.0
    if event.kind is EventKind.CLOSED_OUT:
        quantity = -float(of.before(np.array([event.row]))[0, j])
    else:  # lost at the open, bought, and called at the close: a name may be closed twice
        quantity = -event.value * prior / event.price
    value = quantity * event.price
    slippage, commission, impact = (0.0, 0.0, 0.0)
    if event.kind is not EventKind.COLLATERAL_LOST:
        fill = of.last_fill(event.row)
        charged = of.charged(np.array([fill]), np.array([j]), np.array([abs(value)]))
        slippage, commission, impact = (float(part[0]) for part in charged)
    return Trade(
        row=event.row, fill=-1, key=event.key, kind=event.kind, quantity=quantity, price=event.price, value=value,
        share=value / prior, slippage=slippage, commission=commission, impact=impact,
    )  # fmt: skip
