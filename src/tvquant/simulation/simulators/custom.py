"""The simulator `custom`: an account of quantities and cash in one compiled pass."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from tvquant.core.books import (
    COST_KINDS,
    BookEvent,
    CostModel,
    EventKind,
    Execution,
    FillRates,
    SimResult,
    WeightPath,
)
from tvquant.core.instruments import Instrument
from tvquant.core.panel import Panel, frozen
from tvquant.core.stamps import Stamp, Stamps
from tvquant.simulation import account
from tvquant.simulation.account import Book, PriceRows, Terms
from tvquant.simulation.borrow_fee import loans_of
from tvquant.simulation.cash_yield import yields_of
from tvquant.simulation.caveats import caveats_of
from tvquant.simulation.fill_rates import name_rates, tiers_of
from tvquant.simulation.order_bounds import bounds_of
from tvquant.simulation.preflight import swaps_of
from tvquant.simulation.simulators.contract import Capability, Support

if TYPE_CHECKING:
    from tvquant.profiles.options import Options
    from tvquant.simulation.checked_orders import CheckedOrders


class Custom:
    """Account-based simulator: quantities are fixed at the decision mark and held, so weights drift with prices.

    It starts with capital 1 and trades fractions. `simulation/kernel.py` opens with the order of events within a row.
    """

    name: ClassVar[str] = "custom"
    needs: ClassVar[tuple[str, str] | None] = None
    capabilities: ClassVar[Mapping[Capability, Support]] = MappingProxyType(dict.fromkeys(Capability, Support.NATIVE))
    options: ClassVar[tuple[type["Options"], ...]] = ()

    def simulate(
        self,
        panel: Panel,
        path: WeightPath,
        _: tuple["Options", ...] = (),
        /,
        *,
        costs: CostModel,
        execution: Execution,
    ) -> SimResult:
        """Return the account of the decisions, from their first fill to the last row of the panel.

        `next_open` fills at the open of row `decided + 1 + lag`, `next_close` at its close, `same_close` at the close
        of row `decided + lag`. Every fill brings every name to its quantity. A name without a price at the fill keeps
        the quantity it has and its order lapses (`unfilled`). A short is closed at twice the price of the fill that
        ordered it last, without a cost, where a mark or a fill's opening price is not below that (`collateral_lost`).
        Swaps pay and receive the funding of the panel, take no cash and pay no fee. A holding that is delisted, or
        without a bar for more than `halt_limit` rows, is closed out with the haircut and the house cost, which `traded`
        does not count. Turnover of a fill is (sum |dw| + |dw of cash|) / 2 at fill prices before its cost: a full buy-
        in is 1, and so is a full switch (which trades 2). A liquidated book fills no more: later fills are not in
        `filled`; its event has no key, and its value is what was left before the floor, as a fraction of the equity one
        row earlier.

        Raises
        ------
        ProfileError : a rule out of range, or `next_open` on a panel without opens.
        ModelError : weights that cannot be traded: not finite, an unknown or never traded name, no fill in the panel.
        DataError : an impossible price or corporate action.
        """
        from tvquant.simulation import kernel
        from tvquant.simulation.checked_orders import checked_orders

        asked = checked_orders(self, panel, path, costs, execution)
        filled, decided, market = asked.filled, asked.path.decided, asked.market
        bounds, assumed = bounds_of(panel, asked.columns, market.marks, decided=decided, execution=execution)
        busy = market.eventful.copy()
        busy[decided] = busy[filled] = True
        orders = account.Orders(net=asked.path.net, bounds=bounds, decided=decided, filled=filled, busy=frozen(busy))
        terms = _terms(panel, asked, costs, execution)
        book = account.blank(len(panel.times) - int(filled[0]), len(asked.instruments), len(filled))
        kernel.run(market, orders, terms, book)
        stamps = _stamps(asked.instruments, execution, book)
        if assumed.any() and (book.quantities[:, assumed] != 0.0).any():
            stamps |= {Stamp.ASSUMED_METADATA}
        result = _result(panel, path.keys, market, filled, book, stamps)
        return result if costs.is_flat else replace(result, rates=_rates(terms, book))


def _terms(panel: Panel, asked: "CheckedOrders", costs: CostModel, execution: Execution) -> Terms:
    """Return the rules that orders are played by; rates are floats, for a whole number would compile all anew."""
    loans = loans_of(costs, asked.instruments)
    return Terms(
        at_open=execution.at_open,
        at_once=bool(asked.filled[0] == asked.path.decided[0]),
        band=float(execution.band),
        partial=float(execution.partial),
        slippage=float(costs.slippage_bps) * 1e-4,
        tiers=tiers_of(costs, execution.nav),
        rates=name_rates(panel, asked.columns, asked.path, costs, execution.nav),
        borrow_rate=float(costs.borrow_rate),
        assumed_funding=float(costs.assumed_funding),
        haircut=float(execution.delisting_haircut),
        margin=float(execution.maintenance_margin),
        loan_rate=float(loans.unit),
        loans=loans.shares,
        swaps=swaps_of(panel, asked.columns),
        yields=yields_of(costs, panel, int(asked.filled[0])),
    )


def _stamps(instruments: Sequence[Instrument], execution: Execution, book: Book) -> Stamps:
    """Return what a reader must know about a book that was played."""
    owed, assumed = book.rows[account.OWED], book.rows[account.ASSUMED]
    found = caveats_of(instruments, execution, owed=owed, assumed=assumed, shorted=book.shorted)
    return found | {Stamp.LATE_FILL} if book.tally[account.LATE] else found


def _result(
    panel: Panel, keys: tuple[str, ...], market: PriceRows, filled: NDArray[np.int64], book: Book, stamps: Stamps
) -> SimResult:
    """Return the book as a value; a mark before a name's first bar is NaN."""
    first, (_, fills, count, _) = int(filled[0]), book.tally.tolist()
    marks = market.marks[first:]
    if not marks[0].all():
        marks = np.where(marks > 0.0, marks, np.nan)
    rows = frozen(book.rows)
    per_fill = frozen(book.fills[:, :fills])
    return SimResult(
        simulator=Custom.name,
        times=panel.times[first:],
        returns=rows[account.RETURNS],
        equity=rows[account.EQUITY],
        cash=rows[account.CASH],
        quantities=frozen(book.quantities),
        marks=frozen(marks),
        costs=dict(zip(COST_KINDS, rows, strict=False)),
        assumed_funding=rows[account.ASSUMED],
        filled=frozen(filled[:fills]),
        fill_equity=per_fill[account.FILL_EQUITY],
        traded=per_fill[account.TRADED],
        turnover=frozen(0.5 * (per_fill[account.TRADED] + np.abs(per_fill[account.BOUGHT]))),
        events=tuple(_event(event, keys) for event in book.events[:count].tolist()),
        stamps=stamps,
        failure=EventKind.LIQUIDATED.value if book.rows[account.EQUITY, -1] == 0.0 else None,
    )


def _rates(terms: Terms, book: Book) -> FillRates:
    """Return what each fill was charged."""
    fills, names = int(book.tally[account.FILLED]), book.quantities.shape[1]
    per_name = terms.rates[:, :fills] if len(terms.rates) else np.zeros((2, fills, names))
    if not len(terms.rates):
        per_name[0] = terms.slippage
    slippage, impact = frozen(per_name)
    return FillRates(slippage=slippage, commission=frozen(book.fills[account.COMMISSION_RATE, :fills]), impact=impact)


def _event(noted: list[float], keys: tuple[str, ...]) -> BookEvent:
    """Return an event from its row, column, kind, value and price; a liquidation is of no name."""
    row, column, kind, value, price = noted
    key = "" if kind == account.LIQUIDATED else keys[int(column)]
    return BookEvent(row=int(row), key=key, kind=account.EVENTS[int(kind)], value=value, price=price)
