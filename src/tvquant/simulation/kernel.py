"""The account, row by row: quantities and cash, compiled. Importing this module imports numba.

The order of events within a row:

1. Accrual since the previous row, on what was held since: borrow fee on shorts, borrow rate on cash below zero.
2. Corporate actions: quantities held and ordered times split, cash plus quantity held times dividend.
3. Fills at the open.
4. The mark: the close, or the last one (through splits) where there is no bar.
5. Close-outs of what has been halted too long or is delisted.
6. Fills at the close.
7. Equity; at or below zero the book is liquidated.
8. A decision fixes quantities: weight x equity / mark. It comes before 6 when it is filled in the very same step.

Rows in which only 1, 4 and 7 can happen are taken in stretches. Every sum over names runs in their order, so that a
row's figures do not depend on what surrounds it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tvquant.core.panel import Bools, Floats

type Integers = NDArray[np.int64]

YEAR = 365 * 86_400e6
"""Microseconds of the year that rates are per."""
ROUNDING = 1e-12
"""An order below this share of equity is the rounding of one that changes nothing."""
COSTS = ("slippage", "commission", "borrow", "overdraft")
SLIPPAGE, COMMISSION, BORROW, OVERDRAFT = range(4)
EVENTS = ("unfilled", "closed_out", "liquidated")
UNFILLED, CLOSED_OUT, LIQUIDATED = range(3)
DECIDED, FILLED, NOTED = range(3)
CASH, LENT = range(2)


def compiled[F: Callable[..., Any]](function: F) -> F:
    """The function compiled to machine code, cached on disk, in IEEE arithmetic (no fastmath)."""
    return cast(F, njit(cache=True, nogil=True, error_model="numpy", forceinline=True)(function))


class Market(NamedTuple):
    """What there was to trade: T rows, N names.

    `marks` are 0 before a name's first bar. `ends` are the cells in which a holding must be closed out: nothing can
    be bought again before there is another bar. `opens`, `ends`, `dividend` and `split` have no rows when there is
    nothing of the kind; `eventful` are the rows with an end, a dividend or a split.
    """

    stamps: Integers
    marks: Floats
    opens: Floats
    priced: Bools
    ends: Bools
    dividend: Floats
    split: Floats
    eventful: Bools


class Orders(NamedTuple):
    """K decisions: weights (K x N), the rows of their marks and of their fills; `busy` rows (T) need every step."""

    net: Floats
    decided: Integers
    filled: Integers
    busy: Bools


class Terms(NamedTuple):
    """The rules: fill at the open or the close, in the deciding step or later; rates; which names pay for shorts."""

    at_open: bool
    at_once: bool
    slippage: float
    commission: float
    borrow_rate: float
    haircut: float
    bears_fee: Bools


class Book(NamedTuple):
    """What is written: R rows, K fills; `events` are (row, column, kind), `tally` counts decisions, fills, events."""

    returns: Floats
    equity: Floats
    cash: Floats
    quantities: Floats
    costs: Floats
    fill_equity: Floats
    traded: Floats
    turnover: Floats
    shorted: Bools
    events: Integers
    event_values: Floats
    tally: Integers


class Account(NamedTuple):
    """What goes from row to row: N quantities held and borrowed, K x N ordered; cash and the value borrowed."""

    held: Floats
    lent: Floats
    targets: Floats
    money: Floats


def blank(rows: int, names: int, fills: int) -> Book:
    """An unwritten book. A name can lapse once per fill and be closed out once per fill, and a book ends once."""
    events = 2 * fills * names + 1
    return Book(
        returns=np.empty(rows),
        equity=np.empty(rows),
        cash=np.empty(rows),
        quantities=np.empty((rows, names)),
        costs=np.zeros((len(COSTS), rows)),
        fill_equity=np.empty(fills),
        traded=np.empty(fills),
        turnover=np.empty(fills),
        shorted=np.zeros(names, np.bool_),
        events=np.empty((events, 3), np.int64),
        event_values=np.empty(events),
        tally=np.zeros(3, np.int64),
    )


@compiled
def run(market: Market, orders: Orders, terms: Terms, book: Book) -> None:
    """Play the orders and write the book."""
    rows, names = market.marks.shape
    fills, first = len(orders.filled), orders.filled[0]
    account = Account(np.zeros(names), np.zeros(names), np.zeros((fills, names)), np.array([1.0, 0.0]))
    t, alive = orders.decided[0], True
    while alive and t < rows:
        until = t + 1
        if orders.busy[t]:
            alive = _step(market, orders, terms, book, account, t, t - first)
        else:
            while until < rows and not orders.busy[until]:
                until += 1
            if t > first:
                alive = _hold(market, terms, book, account, t, until, t - first)
        t = until


@compiled
def _step(market: Market, orders: Orders, terms: Terms, book: Book, account: Account, t: int, out: int) -> bool:
    """One row with everything that can happen in it; false when it ends the book."""
    held, money, marks = account.held, account.money, market.marks[t]
    decision, fill = book.tally[DECIDED], book.tally[FILLED]
    decides = decision < len(orders.decided) and orders.decided[decision] == t
    trades = fill < len(orders.filled) and orders.filled[fill] == t
    if out > 0:
        _pay_interest(market, terms, book, account, t, out)
    if market.eventful[t]:
        _apply_actions(market, account, t, account.targets[fill:decision])
    if trades and terms.at_open:
        price, can = _opening(market, t)
        equity = money[CASH] + _dot(price, held)
        if equity <= 0.0:
            return _liquidate(book, t, out, equity)
        _fill(terms, book, account, t, out, price, can, equity)
    equity = money[CASH] + _dot(marks, held)
    if market.eventful[t] and market.ends.shape[0] > 0 and equity > 0.0:
        _close_out(terms, book, account, t, out, marks, market.ends[t], equity)
        equity = money[CASH] + _dot(marks, held)
    if decides and terms.at_once:
        _order(orders, account, decision, equity, marks)
    if trades and not terms.at_open and equity > 0.0:
        equity -= _fill(terms, book, account, t, out, marks, market.priced[t], equity)
    if equity <= 0.0:
        return _liquidate(book, t, out, equity)
    if decides and not terms.at_once:
        _order(orders, account, decision, equity, marks)
    book.tally[DECIDED] += decides
    if out >= 0:
        book.returns[out] = equity / (book.equity[out - 1] if out > 0 else 1.0) - 1.0
        book.equity[out], book.cash[out] = equity, money[CASH]
        for j in range(len(held)):
            book.quantities[out, j] = held[j]
    _borrow(terms, account, marks)
    return True


@compiled
def _hold(market: Market, terms: Terms, book: Book, account: Account, t: int, until: int, out: int) -> bool:
    """Rows from `t` to before `until`, in which only marks and accruals change; false when one ends the book."""
    stamps, quantities, held = market.stamps, book.quantities, account.held
    returns, equities, cashes = book.returns, book.equity, book.cash
    fees, interests = book.costs[BORROW], book.costs[OVERDRAFT]
    value, lent = _values(market.marks[t:until], held), np.zeros(until - t)
    cash, before, borrowed = account.money[CASH], equities[out - 1], account.money[LENT]
    if borrowed > 0.0:
        lent = _values(market.marks[t:until], account.lent)
    for i in range(until - t):
        rate = terms.borrow_rate * (stamps[t + i] - stamps[t + i - 1]) / YEAR
        fee, interest = rate * borrowed, rate * (-cash if cash < 0.0 else 0.0)
        fees[out + i], interests[out + i] = fee, interest
        cash -= fee + interest
        equity = cash + value[i]
        if equity <= 0.0:
            return _liquidate(book, t + i, out + i, equity)
        returns[out + i], equities[out + i], cashes[out + i] = equity / before - 1.0, equity, cash
        for j in range(len(held)):
            quantities[out + i, j] = held[j]
        before, borrowed = equity, lent[i]
    account.money[CASH], account.money[LENT] = cash, borrowed
    return True


@compiled
def _pay_interest(market: Market, terms: Terms, book: Book, account: Account, t: int, out: int) -> None:
    """Simple interest on what has been borrowed since the previous row: short names and cash below zero."""
    money = account.money
    rate = terms.borrow_rate * (market.stamps[t] - market.stamps[t - 1]) / YEAR
    fee, interest = rate * money[LENT], rate * (-money[CASH] if money[CASH] < 0.0 else 0.0)
    book.costs[BORROW, out], book.costs[OVERDRAFT, out] = fee, interest
    money[CASH] -= fee + interest


@compiled
def _borrow(terms: Terms, account: Account, marks: Floats) -> None:
    """Take stock of the short quantities that a fee is due on, and of their value."""
    short = False
    for j in range(len(marks)):
        pays = terms.bears_fee[j] and account.held[j] < 0.0
        account.lent[j] = -account.held[j] if pays else 0.0
        short |= pays
    account.money[LENT] = _dot(marks, account.lent) if short else 0.0


@compiled
def _apply_actions(market: Market, account: Account, t: int, pending: Floats) -> None:
    """Split what is held and ordered; then dividends on what is held."""
    if market.split.shape[0] > 0:
        for j in range(len(account.held)):
            account.held[j] *= market.split[t, j]
            for k in range(len(pending)):
                pending[k, j] *= market.split[t, j]
    if market.dividend.shape[0] > 0:
        account.money[CASH] += _dot(market.dividend[t], account.held)


@compiled
def _opening(market: Market, t: int) -> tuple[Floats, Bools]:
    """Opening prices and where there is one; elsewhere the last mark, through a split."""
    names = market.marks.shape[1]
    price, can = np.empty(names), np.empty(names, np.bool_)
    for j in range(names):
        can[j] = market.priced[t, j] and market.opens[t, j] > 0.0
        price[j] = market.opens[t, j] if can[j] else market.marks[t - 1, j]
        if not can[j] and market.split.shape[0] > 0:
            price[j] /= market.split[t, j]
    return price, can


@compiled
def _order(orders: Orders, account: Account, decision: int, equity: float, marks: Floats) -> None:
    """Turn weights into quantities at the decision mark."""
    for j in range(len(marks)):
        weight = orders.net[decision, j]
        account.targets[decision, j] = weight * equity / marks[j] if weight != 0.0 else 0.0


@compiled
def _fill(
    terms: Terms, book: Book, account: Account, t: int, out: int, price: Floats, can: Bools, equity: float
) -> float:
    """Bring every name that can be traded to its ordered quantity; what that costs."""
    k, held = book.tally[FILLED], account.held
    gross, net = 0.0, 0.0
    for j in range(len(held)):
        target = account.targets[k, j]
        ordered = (target - held[j]) * price[j]
        if can[j]:
            gross += abs(ordered)
            net += ordered
            held[j] = target
            book.shorted[j] |= target < 0.0
        elif abs(ordered) > ROUNDING * equity:
            _note(book, t, j, UNFILLED, ordered / equity)
    cost = _charge(terms, book, out, gross)
    account.money[CASH] -= net + cost
    book.fill_equity[k] = equity
    book.traded[k] = gross / equity
    book.turnover[k] = 0.5 * (gross + abs(net)) / equity
    book.tally[FILLED] = k + 1
    return cost


@compiled
def _close_out(
    terms: Terms, book: Book, account: Account, t: int, out: int, marks: Floats, ends: Bools, equity: float
) -> None:
    """Close what cannot be traded any more on the bad side of its last price."""
    held = account.held
    for j in range(len(held)):
        if ends[j] and held[j] != 0.0:
            side = 1.0 - terms.haircut if held[j] > 0.0 else 1.0 + terms.haircut
            proceeds = held[j] * marks[j] * side
            account.money[CASH] += proceeds - _charge(terms, book, out, abs(proceeds))
            held[j] = 0.0
            _note(book, t, j, CLOSED_OUT, proceeds / equity)


@compiled
def _charge(terms: Terms, book: Book, out: int, notional: float) -> float:
    """House cost of traded notional, its two parts booked apart."""
    slippage, commission = terms.slippage * notional, terms.commission * notional
    book.costs[SLIPPAGE, out] += slippage
    book.costs[COMMISSION, out] += commission
    return slippage + commission


@compiled
def _note(book: Book, t: int, column: int, kind: int, value: float) -> None:
    """Add one event."""
    i = book.tally[NOTED]
    book.events[i, 0], book.events[i, 1], book.events[i, 2] = t, column, kind
    book.event_values[i] = value
    book.tally[NOTED] = i + 1


@compiled
def _liquidate(book: Book, t: int, out: int, equity: float) -> bool:
    """End the book: nothing is held or earned from this row on; always false, as in "not alive"."""
    _note(book, t, -1, LIQUIDATED, equity / (book.equity[out - 1] if out > 0 else 1.0))
    for i in range(out, len(book.equity)):
        book.returns[i] = -1.0 if i == out else 0.0
        book.equity[i], book.cash[i] = 0.0, 0.0
        for j in range(book.quantities.shape[1]):
            book.quantities[i, j] = 0.0
    return False


@compiled
def _values(marks: Floats, held: Floats) -> Floats:
    """Value of the holdings in each row; four rows at a time, for four sums run as fast as one."""
    value = np.empty(len(marks))
    done = len(marks) // 4 * 4
    for i in range(0, done, 4):
        v0 = v1 = v2 = v3 = 0.0
        for j in range(len(held)):
            q = held[j]
            v0 += marks[i, j] * q
            v1 += marks[i + 1, j] * q
            v2 += marks[i + 2, j] * q
            v3 += marks[i + 3, j] * q
        value[i], value[i + 1], value[i + 2], value[i + 3] = v0, v1, v2, v3
    for i in range(done, len(marks)):
        value[i] = _dot(marks[i], held)
    return value


@compiled
def _dot(a: Floats, b: Floats) -> float:
    """Sum of products in order."""
    total = 0.0
    for j in range(len(a)):
        total += a[j] * b[j]
    return total
