"""The account, row by row: quantities and cash, compiled. Importing this module imports numba.

The order of events within a row:

1. Accrual since the previous row, on what was held since: borrow fee on shorts, borrow rate on borrowed cash, yield on
   idle cash, funding that swaps settled until this row's open, all on the previous marks.
2. Corporate actions: quantities held and ordered times split, prices of collateral divided by it, cash plus quantity
   held times dividend.
3. Fills at the open, of names that have ever had one. Before them shorts whose collateral is lost at the opening price
   are closed.
4. The mark: the close, or the last one (through splits) where there is no bar. On it, funding that swaps settled since
   the open; then shorts whose collateral is lost are closed.
5. Close-outs of what has been halted too long or is delisted. Then, where equity is below the maintenance margin, all
   else is closed at its mark and what was ordered until then lapses: only a decision after it opens anything again.
6. Fills at the close; under fills at the open, those of names without one so far.
7. Equity; where no more than rounding is left of it the book is liquidated.
8. A decision fixes quantities: weight x equity / mark, by the rules of `order_rules` where there are any. It comes
   before 6 when it is filled in the very same step.

Cash earns on what equity exceeds the longs of the cash market by: proceeds of shorts earn nothing, and the notional of
swaps is not cash.

A fill that orders a short posts its value as collateral. It is lost at twice that price, and there the short is closed,
at no cost and at whatever price; nothing opens it again before the next fill.

Rows in which only 1, 4 and 7 can happen, and nothing is closed, are taken in stretches. Every sum over names runs in
their order, so that a row's figures do not depend on what surrounds it.

Of the compiled functions `_play` alone is called from Python, so it alone has a wrapper and a place in the cache. A
constant among the arguments of a part has a type of its own: the part would be compiled once more for it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tvquant.core.panel import Bools, Floats
from tvquant.simulation.account import (
    ASSUMED,
    BARE,
    BORROW,
    BOUGHT,
    CASH,
    CASH_YIELD,
    CHARGED,
    CLOSED_OUT,
    COLLATERAL_LOST,
    COMMISSION_RATE,
    DEBT,
    DECIDED,
    DEFERRED,
    DIVIDEND,
    EARLY_BARE,
    EARLY_RATES,
    EQUITY,
    FILL_EQUITY,
    FILLED,
    FUNDING,
    HELD,
    IDLE,
    LATE,
    LENT,
    LIMIT,
    LOAN,
    LONG,
    LOST_AT,
    MARGIN_CALL,
    MONEY,
    MOVED,
    OVERDRAFT,
    OWED,
    PRICE,
    RATES,
    RETURNS,
    ROUNDING,
    SPLIT,
    SWAPPED,
    TRADED,
    UNFILLED,
    YEAR,
    Account,
    Book,
    Orders,
    PriceRows,
    Terms,
)  # fmt: skip
from tvquant.simulation.book_events import liquidate, note
from tvquant.simulation.charges import charge, charge_each, commission_rate
from tvquant.simulation.compiling import SOURCES, compiled, inlined, part
from tvquant.simulation.order_rules import by_the_rules, limit_orders, order
from tvquant.simulation.row_parts import calm_until, dot, set_open_prices, set_row, set_values


def _player(sources: int) -> Callable[..., None]:
    """Return the compiled loop over rows; `sources` enters its key in the cache, as all that it closes over does."""

    @compiled
    def play(
        market_: tuple[Any, ...], orders_: tuple[Any, ...], terms_: tuple[Any, ...], book_: tuple[Any, ...]
    ) -> None:
        """Play the orders, each row by a step of its own or in a stretch of rows that need none."""
        assert sources > 0
        market, orders, terms, book = PriceRows(*market_), Orders(*orders_), Terms(*terms_), Book(*book_)
        rows, names = market.marks.shape
        fills, first = len(orders.filled), orders.filled[0]
        account = Account(
            names=np.zeros((MOVED + 1, names)),
            targets=np.zeros((fills, names)),
            money=np.array([1.0, 0.0, 0.0, 0.0]),
            values=np.empty((4, rows)),
        )
        for j in range(names):
            account.names[LIMIT, j] = np.inf
        t, alive = orders.decided[0], True
        while alive and t < rows:
            calm = t if orders.busy[t] else calm_until(market.marks, orders.busy, account.names[LIMIT], t)
            if calm > t > first:
                calm = _hold(market, terms, book, account, t, calm, t - first)
            if calm < rows:
                alive = _step(market, orders, terms, book, account, calm, calm - first)
            t = calm + 1

    return play


_play = _player(SOURCES)


def run(market: PriceRows, orders: Orders, terms: Terms, book: Book) -> None:
    """Play the orders and write the book.

    Plain tuples enter the compiled code: its cache must not name a class, which a later version may not have.
    """
    _play(tuple(market), tuple(orders), tuple(terms), tuple(book))


@inlined
def _step(market: PriceRows, orders: Orders, terms: Terms, book: Book, account: Account, t: int, out: int) -> bool:
    """Play one row with everything that can happen in it; return false when it ends the book."""
    held, money = account.names[HELD], account.money
    decision, fill = book.tally[DECIDED], book.tally[FILLED]
    decides = decision < len(orders.decided) and orders.decided[decision] == t
    trades = fill < len(orders.filled) and orders.filled[fill] == t
    before = book.rows[EQUITY, out - 1] if out > 0 else 1.0
    nothing, limited = ROUNDING * before, market.opened.shape[0] > 0 or orders.bounds.shape[0] > 0
    ruled = terms.band > 0.0 or terms.partial < 1.0 or orders.bounds.shape[0] > 0
    if out > 0:
        _accrue(market, terms, book, account, t, out)
    if market.eventful[t] and market.actions.shape[1] > 0:
        _apply_actions(market, account, t, account.targets[fill:decision])
    if trades and terms.at_open:
        set_open_prices(market, account.names[PRICE], t)
        _close_lost(book, account, t, before)
        equity = _equity(account)
        if equity <= nothing:
            return liquidate(book, t, out, equity, before)
        if limited:
            limit_orders(market, orders, terms, book, account, t, not terms.at_open, equity)
        _fill(market, terms, book, account, t, out, not terms.at_open, equity)
    set_row(account.names[PRICE], market.marks[t])
    if out >= 0:
        if market.funding.shape[0] > 0:
            _pay_funding(terms, book, account, out, market.marks[t], market.funding[RATES, t], market.funding[BARE, t])
        _close_lost(book, account, t, before)
    equity = _equity(account)
    if market.eventful[t] and market.ends.shape[0] > 0 and equity > nothing:
        _close_out(market, terms, book, account, t, out, equity)
        equity = _equity(account)
    if terms.margin > 0.0 and out >= 0 and equity > nothing:
        _call_margin(terms, book, account, t, out, before, account.targets[fill:decision])
        equity = _equity(account)
    if decides and terms.at_once:
        order(orders, account, decision, equity)
        if ruled:
            by_the_rules(orders.bounds, terms.band, terms.partial, account, fill, decision, equity)
    if trades and equity > nothing and (not terms.at_open or market.opened.shape[0] > 0):
        if limited:
            limit_orders(market, orders, terms, book, account, t, terms.at_open, equity)
        equity -= _fill(market, terms, book, account, t, out, terms.at_open, equity)
    if equity <= nothing:
        return liquidate(book, t, out, equity, before)
    if decides and not terms.at_once:
        order(orders, account, decision, equity)
        if ruled:
            by_the_rules(orders.bounds, terms.band, terms.partial, account, book.tally[FILLED], decision, equity)
    book.tally[DECIDED] += decides
    _take_stock(terms, account, equity)
    if out >= 0:
        book.rows[RETURNS, out] = equity / before - 1.0
        book.rows[EQUITY, out], book.rows[CASH, out], book.rows[OWED, out] = equity, money[MONEY], money[DEBT]
        set_row(book.quantities[out], held)
    return True


@part
def _hold(market: PriceRows, terms: Terms, book: Book, account: Account, t: int, until: int, out: int) -> int:
    """Play rows from `t` to before `until`, in which only marks and accruals change; return the row it stopped before.

    That is `until`, or the first row whose mark ends the book or calls its margin: one for a step.
    """
    stamps, quantities, held, money = market.stamps, book.quantities, account.names[HELD], account.money
    returns, equities, cashes, debts = book.rows[RETURNS], book.rows[EQUITY], book.rows[CASH], book.rows[OWED]
    fees, interests, funding = book.rows[BORROW], book.rows[OVERDRAFT], book.rows[FUNDING]
    marks, swaps, earns = market.marks[t:until], market.funding.shape[0] > 0, terms.yields.shape[0] > 0
    cash, debt, before, borrowed, idle = money[MONEY], money[DEBT], equities[out - 1], money[LOAN], money[IDLE]
    swapped, lent, longs, value = account.values[0], account.values[1], account.values[2], account.values[3]
    lends, gross = borrowed > 0.0, value
    set_values(marks, held, value[: until - t])
    if lends:
        set_values(marks, account.names[LENT], lent[: until - t])
    if earns:
        set_values(marks, account.names[LONG], longs[: until - t])
    if terms.margin > 0.0:
        gross = np.empty(until - t)
        set_values(marks, np.abs(held), gross)
    if swaps:
        set_values(marks, account.names[SWAPPED], swapped[: until - t])
    for i in range(until - t):
        elapsed, paid, assumed, earned = stamps[t + i] - stamps[t + i - 1], 0.0, 0.0, 0.0
        rate = terms.borrow_rate * elapsed / YEAR
        fee, interest = rate * borrowed, rate * debt
        if terms.loan_rate != terms.borrow_rate:
            fee = terms.loan_rate * elapsed / YEAR * borrowed
        left = cash - (fee + interest)
        if earns:
            earned = terms.yields[t + i] * elapsed / YEAR * idle
            left += earned
        if swaps:
            rates, bare = market.funding[RATES, t + i], market.funding[BARE, t + i]
            paid, assumed = _funding(terms.assumed_funding, held, marks[i], rates, bare)
            left -= paid + assumed
        equity = left + value[i]
        if equity <= ROUNDING * before or (terms.margin > 0.0 and equity < terms.margin * gross[i]):
            until = t + i
            break
        cash, debt = left, max(0.0, -(left + swapped[i])) if swaps else max(0.0, -left)
        fees[out + i], interests[out + i] = fee, interest
        if earns:
            book.rows[CASH_YIELD, out + i], idle = -earned, max(0.0, equity - longs[i])
        if swaps:
            funding[out + i], book.rows[ASSUMED, out + i] = paid + assumed, assumed
        returns[out + i], equities[out + i], cashes[out + i], debts[out + i] = equity / before - 1.0, equity, cash, debt
        set_row(quantities[out + i], held)
        before = equity
        if lends:
            borrowed = lent[i]
    money[MONEY], money[DEBT], money[LOAN], money[IDLE] = cash, debt, borrowed, idle
    return until


@part
def _accrue(market: PriceRows, terms: Terms, book: Book, account: Account, t: int, out: int) -> None:
    """Pay simple interest on what has been borrowed since the previous row, names and cash; funding until the open.

    And take what idle cash has earned.
    """
    money, elapsed = account.money, market.stamps[t] - market.stamps[t - 1]
    fee, interest = terms.loan_rate * elapsed / YEAR * money[LOAN], terms.borrow_rate * elapsed / YEAR * money[DEBT]
    book.rows[BORROW, out], book.rows[OVERDRAFT, out] = fee, interest
    money[MONEY] -= fee + interest
    if terms.yields.shape[0] > 0:
        earned = terms.yields[t] * elapsed / YEAR * money[IDLE]
        book.rows[CASH_YIELD, out] = -earned
        money[MONEY] += earned
    if market.funding.shape[0] > EARLY_RATES:
        rates, bare = market.funding[EARLY_RATES, t], market.funding[EARLY_BARE, t]
        _pay_funding(terms, book, account, out, market.marks[t - 1], rates, bare)


@part
def _pay_funding(
    terms: Terms, book: Book, account: Account, out: int, price: Floats, rates: Floats, bare: Floats
) -> None:
    """Take funding of what is held from cash, or add it."""
    paid, assumed = _funding(terms.assumed_funding, account.names[HELD], price, rates, bare)
    book.rows[FUNDING, out] += paid + assumed
    book.rows[ASSUMED, out] += assumed
    account.money[MONEY] -= paid + assumed


@part
def _funding(per_hour: float, held: Floats, price: Floats, rates: Floats, bare: Floats) -> tuple[float, float]:
    """Return what holders pay at these prices: by the rates that longs paid, and for bare hours, on either side."""
    paid, assumed = 0.0, 0.0
    for j in range(len(held)):
        value = held[j] * price[j]
        paid += value * rates[j]
        assumed += abs(value) * bare[j]
    return paid, per_hour * assumed


@part
def _take_stock(terms: Terms, account: Account, equity: float) -> None:
    """Set what accrues after a row: names sold short that a fee is due on, cash owed, and cash that earns.

    Swaps have taken no cash.
    """
    held, lent, swapped, price = account.names[HELD], account.names[LENT], account.names[SWAPPED], account.names[PRICE]
    for j in range(len(held)):
        lent[j] = -held[j] * terms.loans[j] if held[j] < 0.0 else 0.0
        swapped[j] = held[j] if terms.swaps[j] else 0.0
    loan, unpaid = dot(price, lent), dot(price, swapped)
    account.money[LOAN] = loan
    account.money[DEBT] = max(0.0, -(account.money[MONEY] + unpaid))
    if terms.yields.shape[0] > 0:
        paid, long = 0.0, account.names[LONG]
        for j in range(len(held)):
            long[j] = held[j] if held[j] > 0.0 and not terms.swaps[j] else 0.0
            paid += price[j] * long[j]
        account.money[IDLE] = max(0.0, equity - paid)


@part
def _apply_actions(market: PriceRows, account: Account, t: int, pending: Floats) -> None:
    """Split what is held, ordered and posted; then pay dividends on what is held."""
    held, limit = account.names[HELD], account.names[LIMIT]
    split, dividend, paid = market.actions[SPLIT, t], market.actions[DIVIDEND, t], 0.0
    for j in range(len(held)):
        held[j] *= split[j]
        limit[j] /= split[j]
        for k in range(len(pending)):
            pending[k, j] *= split[j]
        paid += dividend[j] * held[j]
    account.money[MONEY] += paid


@part
def _fill(
    market: PriceRows, terms: Terms, book: Book, account: Account, t: int, out: int, late: bool, equity: float
) -> float:
    """Bring every name that can be traded to its ordered quantity; return what that costs.

    Under fills at the open those without one until this row wait for the close, the `late` part of the same fill.
    """
    k, cost, by_close = book.tally[FILLED] - late, 0.0, late or not terms.at_open
    held, price, targets, moved = account.names[HELD], account.names[PRICE], account.targets[k], account.names[MOVED]
    if not late:
        book.fills[COMMISSION_RATE, k] = commission_rate(market.stamps, terms.tiers, book.rows[CHARGED], t, out)
    for j in range(len(held)):
        moved[j] = (targets[j] - held[j]) * price[j]
    rated, buyable = terms.rates.shape[0] > 0, price if by_close else market.opens[t]
    if not rated and _all_filled(targets, market.priced[t], buyable):
        gross, net = _hold_all(targets, account.names, book.shorted)
    else:
        gross, net = 0.0, 0.0
        for j in range(len(held)):
            if np.isnan(targets[j]):
                continue
            if market.priced[t, j] and buyable[j] > 0.0:
                gross += abs(moved[j])
                net += moved[j]
                if rated:
                    cost += charge_each(terms, book, out, k, j, abs(moved[j]))
                held[j] = targets[j]
                account.names[LIMIT, j] = LOST_AT * price[j] if held[j] < 0.0 else np.inf
                book.shorted[j] |= held[j] < 0.0
            elif abs(moved[j]) > ROUNDING * equity:
                note(book, t, j, UNFILLED, moved[j] / equity, price[j])
    if not rated:
        cost = charge(terms, book, out, gross, terms.slippage, book.fills[COMMISSION_RATE, k], 0.0)
    account.money[MONEY] -= net + cost
    if late:
        book.tally[LATE] += gross > 0.0
    else:
        book.fills[FILL_EQUITY, k] = equity
        book.tally[FILLED] = k + 1
    book.fills[TRADED, k] += gross / book.fills[FILL_EQUITY, k]
    book.fills[BOUGHT, k] += net / book.fills[FILL_EQUITY, k]
    return cost


@inlined
def _all_filled(targets: Floats, priced: Bools, price: Floats) -> bool:
    """Return whether every name has an order, a bar, and a price above zero."""
    filled = 0
    for j in range(len(targets)):
        filled += (targets[j] == targets[j]) & priced[j] & (price[j] > 0.0)
    return filled == len(targets)


@inlined
def _hold_all(targets: Floats, names: Floats, shorted: Bools) -> tuple[float, float]:
    """Hold what was ordered of every name; return the value that moves, gross and net."""
    held, limit, price, moved = names[HELD], names[LIMIT], names[PRICE], names[MOVED]
    gross, net = 0.0, 0.0
    for j in range(len(held)):
        held[j] = targets[j]
        limit[j] = LOST_AT * price[j] if targets[j] < 0.0 else np.inf
        shorted[j] |= targets[j] < 0.0
    for j in range(len(held)):
        gross += abs(moved[j])
        net += moved[j]
    return gross, net


@inlined
def _close_lost(book: Book, account: Account, t: int, before: float) -> None:
    """Close every short that has lost its collateral at the prices in force, where it had just lost it."""
    held, limit, price = account.names[HELD], account.names[LIMIT], account.names[PRICE]
    lost = 0
    for j in range(len(held)):
        lost += price[j] >= limit[j]
    if lost == 0:
        return
    for j in range(len(held)):
        if price[j] >= limit[j]:
            value = held[j] * limit[j]
            account.money[MONEY] += value
            note(book, t, j, COLLATERAL_LOST, value / before, limit[j])
            held[j], limit[j] = 0.0, np.inf


@part
def _close_out(market: PriceRows, terms: Terms, book: Book, account: Account, t: int, out: int, equity: float) -> None:
    """Close what cannot be traded any more on the bad side of its last price; no short loses more than collateral."""
    held, limit = account.names[HELD], account.names[LIMIT]
    for j in range(len(held)):
        if market.ends[t, j] and held[j] != 0.0:
            side = 1.0 - terms.haircut if held[j] > 0.0 else 1.0 + terms.haircut
            price = min(account.names[PRICE, j] * side, limit[j])
            proceeds = held[j] * price
            account.money[MONEY] += proceeds - charge_each(terms, book, out, book.tally[FILLED] - 1, j, abs(proceeds))
            held[j], limit[j] = 0.0, np.inf
            note(book, t, j, CLOSED_OUT, proceeds / equity, price)


@part
def _call_margin(terms: Terms, book: Book, account: Account, t: int, out: int, before: float, pending: Floats) -> None:
    """Close everything at its mark where equity is below the maintenance margin of gross; what was ordered lapses."""
    held, limit, price, gross = account.names[HELD], account.names[LIMIT], account.names[PRICE], 0.0
    for j in range(len(held)):
        gross += price[j] * abs(held[j])
    if _equity(account) >= terms.margin * gross:
        return
    for j in range(len(held)):
        if held[j] != 0.0:
            proceeds = held[j] * price[j]
            account.money[MONEY] += proceeds - charge_each(terms, book, out, book.tally[FILLED] - 1, j, abs(proceeds))
            note(book, t, j, MARGIN_CALL, proceeds / before, price[j])
            held[j], limit[j] = 0.0, np.inf
        for k in range(len(pending)):
            pending[k, j] = 0.0
        account.names[DEFERRED, j] = 0.0


@part
def _equity(account: Account) -> float:
    """Return cash and the value of the holdings at the prices in force."""
    equity: float = account.money[MONEY] + dot(account.names[PRICE], account.names[HELD])
    return equity
