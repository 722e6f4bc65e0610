"""The simulator `custom`: an account of quantities and cash in one compiled pass."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from tvquant.core.books import (
    COST_KINDS,
    BookEvent,
    Convention,
    CostModel,
    Execution,
    FillRates,
    SimResult,
    WeightPath,
)
from tvquant.core.instruments import Instrument, Kind
from tvquant.core.panel import Bools, Panel, frozen
from tvquant.core.stamps import Stamp, Stamps
from tvquant.profiles.options import Options
from tvquant.simulation.borrow_fee import loans_of, pays_borrow_fee
from tvquant.simulation.cash_yield import yields_of
from tvquant.simulation.fill_rates import name_rates, tiers_of
from tvquant.simulation.order_bounds import bounds_of
from tvquant.simulation.preflight import (
    check_path,
    check_rules,
    check_supported,
    check_traded,
    columns_of,
    fill_rows,
    ordered,
)
from tvquant.simulation.simulators.contract import Capability, Support

if TYPE_CHECKING:
    from tvquant.simulation.account import Book, PriceRows, Terms

OVERDRAWN = 1e-9
"""More cash owed than this at a close is an overdraft; what is nearer to zero is rounding."""


class Custom:
    """Account-based simulator: quantities are fixed at the decision mark and held, so weights drift with prices.

    It starts with capital 1 and trades fractions. `simulation/kernel.py` opens with the order of events within a row.
    """

    name: ClassVar[str] = "custom"
    needs: ClassVar[tuple[str, str] | None] = None
    capabilities: ClassVar[Mapping[Capability, Support]] = MappingProxyType(dict.fromkeys(Capability, Support.NATIVE))
    options: ClassVar[tuple[type[Options], ...]] = ()

    def simulate(
        self,
        panel: Panel,
        path: WeightPath,
        _: tuple[Options, ...] = (),
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
        from tvquant.simulation import account, kernel, quotes

        check_rules(costs, execution)
        check_supported(self, costs, execution)
        check_path(panel, path)
        path = ordered(path, execution, len(panel.times))
        columns = columns_of(panel, path)
        instruments = panel.instruments if columns is None else tuple(panel.instruments[j] for j in columns)
        at_open = execution.convention is Convention.NEXT_OPEN
        filled = fill_rows(path.decided, execution, len(panel.times))
        market = quotes.market_of(
            panel, columns, halt_limit=execution.halt_limit, open_fills=filled if at_open else None
        )
        check_traded(market.marks, path)
        fills, loans = len(filled), loans_of(costs, instruments)
        net, decided = np.ascontiguousarray(path.net[:fills]), np.ascontiguousarray(path.decided[:fills])
        bounds, assumed = bounds_of(panel, columns, market.marks, decided=decided, execution=execution)
        busy = market.eventful.copy()
        busy[decided] = busy[filled] = True
        orders = account.Orders(
            net=frozen(net), bounds=bounds, decided=frozen(decided), filled=frozen(filled), busy=frozen(busy)
        )
        terms = account.Terms(
            at_open=at_open,
            at_once=bool(filled[0] == path.decided[0]),
            band=float(execution.band),
            partial=float(execution.partial),
            slippage=costs.slippage_bps * 1e-4,
            tiers=tiers_of(costs, execution.nav),
            rates=name_rates(panel, columns, replace(path, net=net, decided=decided), costs, execution.nav),
            borrow_rate=costs.borrow_rate,
            assumed_funding=costs.assumed_funding_bps * 1e-4 / 8.0,
            haircut=execution.delisting_haircut,
            margin=execution.maintenance_margin,
            loan_rate=loans.unit,
            loans=loans.shares,
            swaps=np.array([Kind.SWAP in i.kinds for i in instruments]),
            yields=yields_of(costs, panel, int(filled[0])),
        )
        book = account.blank(len(panel.times) - int(filled[0]), len(instruments), fills)
        kernel.run(market, orders, terms, book)
        result = _result(panel, path.keys, market, filled, book, _stamps(execution, book, instruments, assumed))
        return result if costs.is_flat else replace(result, rates=_rates(terms, book))


def _stamps(execution: Execution, book: "Book", instruments: tuple[Instrument, ...], assumed: Bools) -> Stamps:
    """Return what a reader must know about this book."""
    from tvquant.simulation import account

    stamps = set()
    if execution.convention is Convention.SAME_CLOSE:
        stamps.add(Stamp.OPTIMISTIC_EXECUTION)
    if assumed.any() and (book.quantities[:, assumed] != 0.0).any():
        stamps.add(Stamp.ASSUMED_METADATA)
    if book.tally[account.LATE]:
        stamps.add(Stamp.LATE_FILL)
    if book.rows[account.OWED].max() > OVERDRAWN:
        stamps.add(Stamp.OVERDRAFT)
    if book.rows[account.ASSUMED].any():
        stamps.add(Stamp.ASSUMED_FUNDING)
    if any(
        short and Kind.SPOT in i.kinds and pays_borrow_fee(i)
        for short, i in zip(book.shorted.tolist(), instruments, strict=True)
    ):
        stamps.add(Stamp.RESEARCH_ONLY)
    return frozenset(stamps)


def _result(
    panel: Panel, keys: tuple[str, ...], market: "PriceRows", filled: NDArray[np.int64], book: "Book", stamps: Stamps
) -> SimResult:
    """Return the book as a value; a mark before a name's first bar is NaN."""
    from tvquant.simulation import account

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
        failure=account.EVENTS[int(account.LIQUIDATED)] if book.rows[account.EQUITY, -1] == 0.0 else None,
    )


def _rates(terms: "Terms", book: "Book") -> FillRates:
    """Return what each fill was charged."""
    from tvquant.simulation.account import COMMISSION_RATE, FILLED

    fills, names = int(book.tally[FILLED]), book.quantities.shape[1]
    per_name = terms.rates[:, :fills] if len(terms.rates) else np.zeros((2, fills, names))
    if not len(terms.rates):
        per_name[0] = terms.slippage
    slippage, impact = frozen(per_name)
    return FillRates(slippage=slippage, commission=frozen(book.fills[COMMISSION_RATE, :fills]), impact=impact)


def _event(noted: list[float], keys: tuple[str, ...]) -> BookEvent:
    """Return an event from its row, column, kind, value and price; a liquidation is of no name."""
    from tvquant.simulation.account import EVENTS, LIQUIDATED

    row, column, kind, value, price = noted
    key = "" if kind == LIQUIDATED else keys[int(column)]
    return BookEvent(row=int(row), key=key, kind=EVENTS[int(kind)], value=value, price=price)
