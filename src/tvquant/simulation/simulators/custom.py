"""The simulator `custom`: an account of quantities and cash in one compiled pass."""

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from tvquant.core.books import BookEvent, Convention, CostModel, Execution, SimResult, WeightPath
from tvquant.core.errors import ModelError, ProfileError
from tvquant.core.instruments import Instrument, Kind
from tvquant.core.panel import Panel, frozen
from tvquant.core.stamps import Stamp, Stamps

if TYPE_CHECKING:
    from tvquant.simulation.account import Book, PriceRows
    from tvquant.simulation.quotes import Columns

BORROWED = frozenset({Kind.SPOT, Kind.STOCK, Kind.ETF})
"""Shorts of these are borrowed for a fee; a swap is sold short without."""
OVERDRAWN = 1e-9
"""More cash owed than this at a close is an overdraft; what is nearer to zero is rounding."""


class Custom:
    """Account-based simulator: quantities are fixed at the decision mark and held, so weights drift with prices.

    It starts with capital 1 and trades fractions. `simulation/kernel.py` opens with the order of events within a row.
    """

    name: ClassVar[str] = "custom"
    conventions: ClassVar[frozenset[Convention]] = frozenset(Convention)

    def simulate(self, panel: Panel, path: WeightPath, *, costs: CostModel, execution: Execution) -> SimResult:
        """The account of the decisions, from their first fill to the last row of the panel.

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

        _check_rules(costs, execution)
        _check_path(panel, path)
        columns = _columns(panel, path)
        instruments = panel.instruments if columns is None else tuple(panel.instruments[j] for j in columns)
        shift = execution.lag + (execution.convention is not Convention.SAME_CLOSE)
        at_open = execution.convention is Convention.NEXT_OPEN
        filled = _filled(path.decided + shift, len(panel.times))
        market = quotes.market_of(
            panel, columns, halt_limit=execution.halt_limit, open_fills=filled if at_open else None
        )
        _check_traded(market, path)
        fills = len(filled)
        net, decided = np.ascontiguousarray(path.net[:fills]), np.ascontiguousarray(path.decided[:fills])
        busy = market.eventful.copy()
        busy[decided] = busy[filled] = True
        orders = account.Orders(net=frozen(net), decided=frozen(decided), filled=frozen(filled), busy=frozen(busy))
        terms = account.Terms(
            at_open=at_open,
            at_once=shift == 0,
            slippage=costs.slippage_bps * 1e-4,
            commission=costs.commission_bps * 1e-4,
            borrow_rate=costs.borrow_rate,
            assumed_funding=costs.assumed_funding_bps * 1e-4 / 8.0,
            haircut=execution.delisting_haircut,
            bears_fee=np.array([costs.borrow_rate > 0.0 and _is_borrowed(i) for i in instruments]),
            swaps=np.array([Kind.SWAP in i.kinds for i in instruments]),
        )
        book = account.blank(len(panel.times) - int(filled[0]), len(instruments), fills)
        kernel.run(market, orders, terms, book)
        return _result(panel, path.keys, market, filled, book, _stamps(execution, book, instruments))


def _is_borrowed(instrument: Instrument) -> bool:
    return not instrument.kinds.isdisjoint(BORROWED) and Kind.SWAP not in instrument.kinds


def _check_rules(costs: CostModel, execution: Execution) -> None:
    """Every rate and count must be one that can be meant."""
    for name, value, most in (
        ("costs.slippage_bps", costs.slippage_bps, 1e4),
        ("costs.commission_bps", costs.commission_bps, 1e4),
        ("costs.borrow_rate", costs.borrow_rate, np.inf),
        ("costs.assumed_funding_bps", costs.assumed_funding_bps, 1e4),
        ("execution.lag", execution.lag, np.inf),
        ("execution.halt_limit", execution.halt_limit, np.inf),
        ("execution.delisting_haircut", execution.delisting_haircut, 1.0),
    ):
        if not 0.0 <= value <= most or value == np.inf:
            raise ProfileError(f"{name} must be a number from 0 to {most:g}, found {value}")


def _check_path(panel: Panel, path: WeightPath) -> None:
    """Finite weights at increasing rows of the panel."""
    shape, rows = (len(path.decided), len(path.keys)), path.decided
    if path.net.shape != shape:
        raise ValueError(f"weights have shape {path.net.shape}, expected decisions x keys {shape}")
    if not np.isfinite(path.net).all():
        k, j = (int(i) for i in np.argwhere(~np.isfinite(path.net))[0])
        raise ModelError(
            f"{path.keys[j]}: weight at decision {k} (row {rows[k]}) is {path.net[k, j]}, expected a finite number"
        )
    if shape[0] and not (rows[0] >= 0 and rows[-1] < len(panel.times) and (rows[1:] > rows[:-1]).all()):
        raise ValueError(f"decision rows must increase within 0..{len(panel.times) - 1}, found {rows.tolist()}")


def _columns(panel: Panel, path: WeightPath) -> "Columns":
    """Where the weights' names stand in the panel."""
    known = panel.keys
    if path.keys == known:
        return None
    unknown = sorted(set(path.keys).difference(known))
    if unknown or len(set(path.keys)) < len(path.keys):
        raise ModelError(f"weights must name instruments of the panel, once each; unknown: {unknown or 'none'}")
    return panel.columns(path.keys)


def _filled(rows: NDArray[np.int64], end: int) -> NDArray[np.int64]:
    """The fill rows that the panel reaches."""
    filled = rows[: np.searchsorted(rows, end)]
    if len(filled) == 0:
        raise ModelError(f"no decision is filled: fills are due at rows {rows.tolist()} and the panel has {end} rows")
    return filled


def _check_traded(market: "PriceRows", path: WeightPath) -> None:
    """A weight needs a price to become a quantity."""
    if market.marks[path.decided[0]].all():
        return
    bad = np.argwhere((path.net != 0.0) & (market.marks[path.decided] == 0.0))
    if len(bad):
        k, j = (int(i) for i in bad[0])
        raise ModelError(
            f"{path.keys[j]}: weight {path.net[k, j]:g} at decision {k} (row {path.decided[k]}) comes before its first "
            "bar; a decision must not name it yet"
        )


def _stamps(execution: Execution, book: "Book", instruments: tuple[Instrument, ...]) -> Stamps:
    """Return what a reader must know about this book."""
    from tvquant.simulation import account

    stamps = set()
    if execution.convention is Convention.SAME_CLOSE:
        stamps.add(Stamp.OPTIMISTIC_EXECUTION)
    if book.rows[account.OWED].max() > OVERDRAWN:
        stamps.add(Stamp.OVERDRAFT)
    if book.rows[account.ASSUMED].any():
        stamps.add(Stamp.ASSUMED_FUNDING)
    if any(
        short and Kind.SPOT in i.kinds and _is_borrowed(i)
        for short, i in zip(book.shorted.tolist(), instruments, strict=True)
    ):
        stamps.add(Stamp.RESEARCH_ONLY)
    return frozenset(stamps)


def _result(
    panel: Panel, keys: tuple[str, ...], market: "PriceRows", filled: NDArray[np.int64], book: "Book", stamps: Stamps
) -> SimResult:
    """The book as a value; a mark before a name's first bar is NaN."""
    from tvquant.simulation import account

    first, (_, fills, count) = int(filled[0]), book.tally.tolist()
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
        costs=dict(zip(account.COSTS, rows, strict=False)),
        assumed_funding=rows[account.ASSUMED],
        filled=frozen(filled[:fills]),
        fill_equity=per_fill[account.FILL_EQUITY],
        traded=per_fill[account.TRADED],
        turnover=per_fill[account.TURNOVER],
        events=tuple(_event(event, keys) for event in book.events[:count].tolist()),
        stamps=stamps,
        failure=account.EVENTS[-1] if book.rows[account.EQUITY, -1] == 0.0 else None,
    )


def _event(noted: list[float], keys: tuple[str, ...]) -> BookEvent:
    """Return an event from its row, column, kind, value and price; a liquidation is of no name."""
    from tvquant.simulation.account import EVENTS, LIQUIDATED

    row, column, kind, value, price = noted
    key = "" if kind == LIQUIDATED else keys[int(column)]
    return BookEvent(row=int(row), key=key, kind=EVENTS[int(kind)], value=value, price=price)
