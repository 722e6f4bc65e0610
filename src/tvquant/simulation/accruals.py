"""Accruals: every cost of a book by kind, name and row.

A simulator gives costs by kind and row. Which name they are of follows from what was held, at which marks, and what
changed hands; nothing but the book, its panel and its rates is looked at, so the ledger is one for every simulator.

1. Costs of trading are of the name that was traded, in the row of the trade.
2. Borrow fee: rate x time x value of the short at the previous mark, of each name that is borrowed.
3. Funding: until the open on what was held at the previous mark; from there to the close on what was held then, after
   a fill at the open, before one at the close, and before what the close took away.
4. Interest and yield are of cash, and so of no name.
5. The row that ends a book keeps no holdings; its costs stand with no name.

Added to the equity, cumulated costs are the gross account: the same quantities, and nothing paid for them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from tvquant.core.books import CostModel, EventKind, Execution, SimResult
from tvquant.core.panel import Bools, Floats, Panel
from tvquant.simulation.borrow_fee import loans_of
from tvquant.simulation.preflight import first_opens

YEAR = np.timedelta64(365, "D")
"""What rates are per."""
OF_CASH = frozenset({"overdraft", "cash_yield"})
"""Kinds that are of no name."""
CLOSED = frozenset({EventKind.CLOSED_OUT, EventKind.COLLATERAL_LOST, EventKind.MARGIN_CALL})
"""Kinds of events that take a holding away in its row."""


class Traded(Protocol):
    """A trade of one name; it has an attribute of each kind of cost that trading has, in starting capitals."""

    @property
    def row(self) -> int:
        """Row of the panel."""
        ...

    @property
    def key(self) -> str:
        """Instrument key."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Accruals:
    """What a book paid: R rows, N names of the panel; amounts are fractions of starting capital, received below zero.

    Parameters
    ----------
    trades : all of the book.
    """

    panel: Panel
    result: SimResult
    costs: CostModel
    execution: Execution
    trades: Sequence[Traded]

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of costs of the book."""
        return tuple(self.result.costs)

    def of(self, kind: str) -> Floats:
        """Return costs of one kind (R x (N + 1)): by name, and in the last column what is of none."""
        total = self.result.costs[kind]
        found = np.zeros((len(total), len(self.panel.keys) + 1))
        if not total.any():
            return found
        if kind in OF_CASH:
            found[:, -1] = total
        elif kind == "borrow":
            found[:, :-1] = self._borrow()
        elif kind == "funding":
            early, late = self.funding
            found[:, :-1] = early + late
        else:
            self._scatter(kind, found)
        if (end := self.end) is not None:
            found[end] = 0.0
            found[end, -1] = total[end]
        return found

    @cached_property
    def funding(self) -> tuple[Floats, Floats]:
        """Funding settled before the row's open, and from there to its close (R x N each).

        In the row that ends a book it is what would have been due.
        """
        from tvquant.simulation import quotes
        from tvquant.simulation.account import BARE, EARLY_BARE, EARLY_RATES, RATES

        given = quotes.funding_of(self.panel, None, self.panel.instruments)
        marks = self._marks
        early, late = np.zeros_like(marks), np.zeros_like(marks)
        per_hour = self.costs.assumed_funding
        if len(given):
            rows = given[:, self._first :]
            value = self.held_at_close * marks
            late = value * rows[RATES] + np.abs(value) * rows[BARE] * per_hour
        if len(given) > EARLY_RATES:
            value = self.result.quantities[:-1] * marks[:-1]
            early[1:] = value * rows[EARLY_RATES, 1:] + np.abs(value) * rows[EARLY_BARE, 1:] * per_hour
        return early, late

    def late(self) -> Bools:
        """Return where a fill at the open would wait for the close, as the name has not had an open yet (R x N)."""
        result = self.result
        if not self.execution.at_open:
            return np.zeros(result.quantities.shape, np.bool_)
        rows = np.arange(self._first, len(self.panel.times))
        return np.asarray(rows[:, None] < first_opens(self.panel.fields["open"]))

    @property
    def _first(self) -> int:
        """Row of the panel that is the book's first."""
        return len(self.panel.times) - len(self.result.times)

    @property
    def _marks(self) -> Floats:
        return np.nan_to_num(self.result.marks)

    @property
    def end(self) -> int | None:
        """The book's row that ended it in ruin; None where none did."""
        return next((e.row - self._first for e in self.result.events if e.kind is EventKind.LIQUIDATED), None)

    def _scatter(self, kind: str, found: Floats) -> None:
        """Add what trades cost."""
        rows = np.array([one.row - self._first for one in self.trades], dtype=np.int64)
        names = self.panel.columns(tuple(one.key for one in self.trades))
        np.add.at(found, (rows, names), np.array([getattr(one, kind) for one in self.trades], dtype=np.float64))

    def _borrow(self) -> Floats:
        """Return fees of shorts (R x N), simple interest by the calendar on the previous mark."""
        marks, years = self._marks, np.diff(self.result.times) / YEAR
        loans, fees = loans_of(self.costs, self.panel.instruments), np.zeros_like(marks)
        rates = loans.unit * loans.shares
        fees[1:] = rates * years[:, None] * np.maximum(-self.result.quantities, 0.0)[:-1] * marks[:-1]
        return fees

    @cached_property
    def held_at_close(self) -> Floats:
        """What was held when a row came to its close (R x N): after a fill at the open, before one at the close.

        What the close took away is still in it.
        """
        result, first = self.result, self._first
        held = np.zeros_like(result.quantities)
        held[1:] = result.quantities[:-1]
        if "split" in self.panel.fields:
            held *= np.where(np.isnan(split := self.panel.fields["split"][first:]), 1.0, split)
        if not self.execution.at_open:
            return held
        opens, place = self.panel.fields["open"], {key: j for j, key in enumerate(self.panel.keys)}
        rows = np.unique(result.filled - first)
        late = self.late()[rows]
        before = held[rows]
        held[rows] = np.where(late, before, result.quantities[rows])
        for event in result.events:
            if event.kind not in CLOSED:
                continue
            row, column = event.row - first, place[event.key]
            k = int(np.searchsorted(rows, row))
            if k == len(rows) or rows[k] != row or late[k, column]:
                continue
            lost = event.kind is EventKind.COLLATERAL_LOST and not opens[event.row, column] >= event.price
            if event.kind is EventKind.CLOSED_OUT:
                held[row, column] = before[k, column]
            elif lost or event.kind is EventKind.MARGIN_CALL:
                equity = result.equity[row - 1] if row > 0 else 1.0
                held[row, column] += event.value * equity / event.price
        return held


def gross_equity(result: SimResult) -> Floats:
    """Return the equity of the same quantities with nothing paid for them (R); after the end of a book it stands."""
    return np.asarray(result.equity + np.cumsum(np.sum(list(result.costs.values()), axis=0)))
