"""The account, row by row: quantities and cash, compiled. Importing this module imports numba.

The order of events within a row:

1. Accrual since the previous row, on what was held since: borrow fee on shorts, borrow rate on borrowed cash, funding
   that swaps settled until this row's open, all on the previous marks.
2. Corporate actions: quantities held and ordered times split, prices of collateral divided by it, cash plus quantity
   held times dividend.
3. Fills at the open. Before them shorts whose collateral is lost at the opening price are closed.
4. The mark: the close, or the last one (through splits) where there is no bar. On it, funding that swaps settled since
   the open; then shorts whose collateral is lost are closed.
5. Close-outs of what has been halted too long or is delisted.
6. Fills at the close.
7. Equity; where no more than rounding is left of it the book is liquidated.
8. A decision fixes quantities: weight x equity / mark. It comes before 6 when it is filled in the very same step.

A fill that orders a short posts its value as collateral. It is lost at twice that price, and there the short is closed,
at no cost and wherever the price stands; nothing opens it again before the next fill.

Rows in which only 1, 4 and 7 can happen, and 4 closes nothing, are taken in stretches. Every sum over names runs in
their order, so that a row's figures do not depend on what surrounds it.
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numba import njit

from tvquant.core.panel import Bools, Floats
from tvquant.simulation.account import Account, Book, Orders, PriceRows, Terms

YEAR = 365 * 86_400e6
"""Microseconds of the year that rates are per."""
ROUNDING = 1e-12
"""An order below this share of equity is the rounding of one that changes nothing; equity that is not above this share
of what it was a row earlier is the rounding of nothing."""
LOST_AT = 2.0
"""A short has lost its collateral at this multiple of the price that it was posted at."""
COSTS = ("slippage", "commission", "borrow", "overdraft", "funding")
SLIPPAGE, COMMISSION, BORROW, OVERDRAFT, FUNDING = range(5)
EVENTS = ("unfilled", "closed_out", "collateral_lost", "liquidated")
UNFILLED, CLOSED_OUT, COLLATERAL_LOST, LIQUIDATED = range(4)
DECIDED, FILLED, NOTED = range(3)
CASH, DEBT, LENT = range(3)


def compiled[F: Callable[..., Any]](function: F) -> F:
    """The function compiled to machine code, cached on disk, in IEEE arithmetic (no fastmath)."""
    return cast(F, njit(cache=True, nogil=True, error_model="numpy", forceinline=True)(function))


def blank(rows: int, names: int, fills: int) -> Book:
    """An unwritten book. A name can lapse, be closed out and lose collateral once per fill, and a book ends once."""
    events = 3 * fills * names + 1
    return Book(
        returns=np.empty(rows),
        equity=np.empty(rows),
        cash=np.empty(rows),
        borrowed=np.zeros(rows),
        quantities=np.empty((rows, names)),
        costs=np.zeros((len(COSTS), rows)),
        assumed=np.zeros(rows),
        fill_equity=np.empty(fills),
        traded=np.empty(fills),
        turnover=np.empty(fills),
        shorted=np.zeros(names, np.bool_),
        events=np.empty((events, 3), np.int64),
        event_values=np.empty(events),
        event_prices=np.empty(events),
        tally=np.zeros(3, np.int64),
    )


@compiled
def run(market: PriceRows, orders: Orders, terms: Terms, book: Book) -> None:
    """Play the orders and write the book."""
    rows, names = market.marks.shape
    fills, first = len(orders.filled), orders.filled[0]
    account = Account(
        held=np.zeros(names),
        swapped=np.zeros(names),
        lent=np.zeros(names),
        limit=np.full(names, np.inf),
        targets=np.zeros((fills, names)),
        money=np.array([1.0, 0.0, 0.0]),
    )
    t, alive = orders.decided[0], True
    while alive and t < rows:
        until = t if orders.busy[t] else _calm_until(market, orders, account, t)
        if until == t:
            alive, until = _step(market, orders, terms, book, account, t, t - first), t + 1
        elif t > first:
            alive = _hold(market, terms, book, account, t, until, t - first)
        t = until


@compiled
def _calm_until(market: PriceRows, orders: Orders, account: Account, t: int) -> int:
    """The first row from `t` on that needs every step: it is busy, or a short loses its collateral at its mark."""
    rows, names = market.marks.shape
    posted = False
    for j in range(names):
        posted |= account.limit[j] < np.inf
    while t < rows and not orders.busy[t]:
        lost = False
        if posted:
            for j in range(names):
                lost |= market.marks[t, j] >= account.limit[j]
        if lost:
            break
        t += 1
    return t


@compiled
def _step(market: PriceRows, orders: Orders, terms: Terms, book: Book, account: Account, t: int, out: int) -> bool:
    """One row with everything that can happen in it; false when it ends the book."""
    held, money, marks = account.held, account.money, market.marks[t]
    decision, fill = book.tally[DECIDED], book.tally[FILLED]
    decides = decision < len(orders.decided) and orders.decided[decision] == t
    trades = fill < len(orders.filled) and orders.filled[fill] == t
    before = book.equity[out - 1] if out > 0 else 1.0
    nothing = ROUNDING * before
    if out > 0:
        _accrue(market, terms, book, account, t, out)
    if market.eventful[t]:
        _apply_actions(market, account, t, account.targets[fill:decision])
    if trades and terms.at_open:
        price, can = _opening(market, t)
        _close_lost(book, account, t, price, before)
        equity = money[CASH] + _dot(price, held)
        if equity <= nothing:
            return _liquidate(book, t, out, equity, before)
        _fill(terms, book, account, t, out, price, can, equity)
    if out >= 0:
        if market.rates.shape[0] > 0:
            _pay_funding(terms, book, account, out, marks, market.rates[t], market.bare[t])
        _close_lost(book, account, t, marks, before)
    equity = money[CASH] + _dot(marks, held)
    if market.eventful[t] and market.ends.shape[0] > 0 and equity > nothing:
        _close_out(terms, book, account, t, out, marks, market.ends[t], equity)
        equity = money[CASH] + _dot(marks, held)
    if decides and terms.at_once:
        _order(orders, account, decision, equity, marks)
    if trades and not terms.at_open and equity > nothing:
        equity -= _fill(terms, book, account, t, out, marks, market.priced[t], equity)
    if equity <= nothing:
        return _liquidate(book, t, out, equity, before)
    if decides and not terms.at_once:
        _order(orders, account, decision, equity, marks)
    book.tally[DECIDED] += decides
    _take_stock(terms, account, marks)
    if out >= 0:
        book.returns[out] = equity / before - 1.0
        book.equity[out], book.cash[out], book.borrowed[out] = equity, money[CASH], money[DEBT]
        for j in range(len(held)):
            book.quantities[out, j] = held[j]
    return True


@compiled
def _hold(market: PriceRows, terms: Terms, book: Book, account: Account, t: int, until: int, out: int) -> bool:
    """Rows from `t` to before `until`, in which only marks and accruals change; false when one ends the book."""
    stamps, quantities, held = market.stamps, book.quantities, account.held
    returns, equities, cashes, debts = book.returns, book.equity, book.cash, book.borrowed
    fees, interests, funding = book.costs[BORROW], book.costs[OVERDRAFT], book.costs[FUNDING]
    marks, swaps = market.marks[t:until], market.rates.shape[0] > 0
    value, lent, swapped = _values(marks, held), np.zeros(until - t), np.zeros(until - t)
    cash, debt, before, borrowed = account.money[CASH], account.money[DEBT], equities[out - 1], account.money[LENT]
    if borrowed > 0.0:
        lent = _values(marks, account.lent)
    if swaps:
        swapped = _values(marks, account.swapped)
    for i in range(until - t):
        rate = terms.borrow_rate * (stamps[t + i] - stamps[t + i - 1]) / YEAR
        fee, interest = rate * borrowed, rate * debt
        fees[out + i], interests[out + i] = fee, interest
        cash -= fee + interest
        if swaps:
            paid, assumed = _funding(terms, held, marks[i], market.rates[t + i], market.bare[t + i])
            funding[out + i], book.assumed[out + i] = paid + assumed, assumed
            cash -= paid + assumed
        equity = cash + value[i]
        if equity <= ROUNDING * before:
            return _liquidate(book, t + i, out + i, equity, before)
        debt = max(0.0, -(cash + swapped[i]))
        returns[out + i], equities[out + i], cashes[out + i], debts[out + i] = equity / before - 1.0, equity, cash, debt
        for j in range(len(held)):
            quantities[out + i, j] = held[j]
        before, borrowed = equity, lent[i]
    account.money[CASH], account.money[DEBT], account.money[LENT] = cash, debt, borrowed
    return True


@compiled
def _accrue(market: PriceRows, terms: Terms, book: Book, account: Account, t: int, out: int) -> None:
    """Simple interest on what has been borrowed since the previous row, names and cash; funding until the open."""
    money = account.money
    rate = terms.borrow_rate * (market.stamps[t] - market.stamps[t - 1]) / YEAR
    fee, interest = rate * money[LENT], rate * money[DEBT]
    book.costs[BORROW, out], book.costs[OVERDRAFT, out] = fee, interest
    money[CASH] -= fee + interest
    if market.early_rates.shape[0] > 0:
        _pay_funding(terms, book, account, out, market.marks[t - 1], market.early_rates[t], market.early_bare[t])


@compiled
def _pay_funding(
    terms: Terms, book: Book, account: Account, out: int, price: Floats, rates: Floats, bare: Floats
) -> None:
    """Take funding of what is held from cash, or add it."""
    paid, assumed = _funding(terms, account.held, price, rates, bare)
    book.costs[FUNDING, out] += paid + assumed
    book.assumed[out] += assumed
    account.money[CASH] -= paid + assumed


@compiled
def _funding(terms: Terms, held: Floats, price: Floats, rates: Floats, bare: Floats) -> tuple[float, float]:
    """What holders pay at these prices: by the rates that longs paid, and for bare hours, which cost either side."""
    paid, assumed = 0.0, 0.0
    for j in range(len(held)):
        value = held[j] * price[j]
        paid += value * rates[j]
        assumed += abs(value) * bare[j]
    return paid, terms.assumed_funding * assumed


@compiled
def _take_stock(terms: Terms, account: Account, marks: Floats) -> None:
    """What is owed after a row: names sold short that a fee is due on, and cash, of which swaps have taken none."""
    short, swapped = False, False
    for j in range(len(marks)):
        pays = terms.bears_fee[j] and account.held[j] < 0.0
        account.lent[j] = -account.held[j] if pays else 0.0
        account.swapped[j] = account.held[j] if terms.swaps[j] else 0.0
        short |= pays
        swapped |= terms.swaps[j]
    account.money[LENT] = _dot(marks, account.lent) if short else 0.0
    own = account.money[CASH] + (_dot(marks, account.swapped) if swapped else 0.0)
    account.money[DEBT] = max(0.0, -own)


@compiled
def _apply_actions(market: PriceRows, account: Account, t: int, pending: Floats) -> None:
    """Split what is held, ordered and posted; then dividends on what is held."""
    if market.split.shape[0] > 0:
        for j in range(len(account.held)):
            account.held[j] *= market.split[t, j]
            account.limit[j] /= market.split[t, j]
            for k in range(len(pending)):
                pending[k, j] *= market.split[t, j]
    if market.dividend.shape[0] > 0:
        account.money[CASH] += _dot(market.dividend[t], account.held)


@compiled
def _opening(market: PriceRows, t: int) -> tuple[Floats, Bools]:
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
            account.limit[j] = LOST_AT * price[j] if target < 0.0 else np.inf
            book.shorted[j] |= target < 0.0
        elif abs(ordered) > ROUNDING * equity:
            _note(book, t, j, UNFILLED, ordered / equity, price[j])
    cost = _charge(terms, book, out, gross)
    account.money[CASH] -= net + cost
    book.fill_equity[k] = equity
    book.traded[k] = gross / equity
    book.turnover[k] = 0.5 * (gross + abs(net)) / equity
    book.tally[FILLED] = k + 1
    return cost


@compiled
def _close_lost(book: Book, account: Account, t: int, price: Floats, before: float) -> None:
    """Close every short that has lost its collateral at these prices, where it had just lost it."""
    held, limit = account.held, account.limit
    for j in range(len(held)):
        if price[j] >= limit[j]:
            value = held[j] * limit[j]
            account.money[CASH] += value
            _note(book, t, j, COLLATERAL_LOST, value / before, limit[j])
            held[j], limit[j] = 0.0, np.inf


@compiled
def _close_out(
    terms: Terms, book: Book, account: Account, t: int, out: int, marks: Floats, ends: Bools, equity: float
) -> None:
    """Close what cannot be traded any more on the bad side of its last price; no short loses more than collateral."""
    held = account.held
    for j in range(len(held)):
        if ends[j] and held[j] != 0.0:
            side = 1.0 - terms.haircut if held[j] > 0.0 else 1.0 + terms.haircut
            price = min(marks[j] * side, account.limit[j])
            proceeds = held[j] * price
            account.money[CASH] += proceeds - _charge(terms, book, out, abs(proceeds))
            held[j], account.limit[j] = 0.0, np.inf
            _note(book, t, j, CLOSED_OUT, proceeds / equity, price)


@compiled
def _charge(terms: Terms, book: Book, out: int, notional: float) -> float:
    """House cost of traded notional, its two parts booked apart."""
    slippage, commission = terms.slippage * notional, terms.commission * notional
    book.costs[SLIPPAGE, out] += slippage
    book.costs[COMMISSION, out] += commission
    return slippage + commission


@compiled
def _note(book: Book, t: int, column: int, kind: int, value: float, price: float) -> None:
    """Add one event."""
    i = book.tally[NOTED]
    book.events[i, 0], book.events[i, 1], book.events[i, 2] = t, column, kind
    book.event_values[i], book.event_prices[i] = value, price
    book.tally[NOTED] = i + 1


@compiled
def _liquidate(book: Book, t: int, out: int, equity: float, before: float) -> bool:
    """End the book: nothing is held or earned from this row on; always false, as in "not alive"."""
    _note(book, t, -1, LIQUIDATED, equity / before, 0.0)
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
