"""What happens to many accounts in a row, one loop over the books per event, compiled; `batch_kernel.py` calls these.

Importing this module imports numba.
"""

import numpy as np

from tvquant.core.panel import Floats
from tvquant.simulation.account import DIVIDEND, LOST_AT, ROUNDING, SPLIT, YEAR, PriceRows
from tvquant.simulation.batch_account import (
    ASSUMED,
    BEFORE,
    BORROW,
    BORROW_RATE,
    CASH,
    CLOSED_OUT,
    COLLATERAL_LOST,
    COMMISSION,
    COST,
    DEBT,
    DECIDED,
    FILL_EQUITY,
    FILLED,
    FUNDING,
    FUNDING_RATE,
    GROSS,
    HELD,
    LENT,
    LOAN,
    LOST_FROM,
    NET,
    NOW,
    OVERDRAFT,
    PRICE,
    SLIPPAGE,
    SWAPPED,
    TRADED,
    TURNOVER,
    UNFILLED,
    Accounts,
    Books,
    Plans,
)  # fmt: skip
from tvquant.simulation.compiling import part
from tvquant.simulation.row_parts import dot, set_values


@part
def accrue(market: PriceRows, plans: Plans, books: Books, account: Accounts, t: int) -> None:
    """Pay simple interest on what has been borrowed since the previous row, names and cash."""
    cash, debt, loan = account.money[CASH], account.money[DEBT], account.money[LOAN]
    passed, start = float(market.stamps[t] - market.stamps[t - 1]), account.start
    for k in range(len(cash)):
        rate = plans.rates[BORROW_RATE, start + k] * passed / YEAR
        fee, interest = rate * loan[k], rate * debt[k]
        books.costs[BORROW, start + k] += fee
        books.costs[OVERDRAFT, start + k] += interest
        cash[k] -= fee + interest


@part
def pay_funding(plans: Plans, books: Books, account: Accounts, price: Floats, rates: Floats, bare: Floats) -> None:
    """Take funding of what is held from cash, or add it: by rates that longs paid, and for bare hours of both sides."""
    held, cash, paid, hours = account.names[HELD], account.money[CASH], account.money[GROSS], account.money[NET]
    for k in range(len(cash)):
        paid[k] = hours[k] = 0.0
    for j in range(len(held)):
        if rates[j] != 0.0 or bare[j] != 0.0:
            for k in range(len(cash)):
                value = held[j, k] * price[j]
                paid[k] += value * rates[j]
                hours[k] += abs(value) * bare[j]
    for k in range(len(cash)):
        assumed = plans.rates[FUNDING_RATE, account.start + k] * hours[k]
        books.costs[FUNDING, account.start + k] += paid[k] + assumed
        books.costs[ASSUMED, account.start + k] += assumed
        cash[k] -= paid[k] + assumed


@part
def owe(books: Books, account: Accounts, lent: Floats, swapped: Floats) -> None:
    """Set what is owed after a row: the value of borrowed names; cash, of which swaps have taken none."""
    cash, debt, loan, before = account.money[CASH], account.money[DEBT], account.money[LOAN], account.money[BEFORE]
    for k in range(len(cash)):
        alive = 1.0 if before[k] > 0.0 else 0.0
        debt[k], loan[k] = max(0.0, -(cash[k] + swapped[k])) * alive, lent[k] * alive
        books.owed[account.start + k] = max(books.owed[account.start + k], debt[k])


@part
def take_stock(plans: Plans, books: Books, account: Accounts) -> None:
    """Set the quantities that are borrowed and those in swaps, and what is owed on them."""
    held, price, lent, swapped = account.names[HELD], account.common[PRICE], account.money[GROSS], account.money[NET]
    for k in range(len(lent)):
        lent[k] = swapped[k] = 0.0
    if plans.accrues:
        for j in range(len(held)):
            bears, swap = 1.0 if plans.bears_fee[j] else 0.0, 1.0 if plans.swaps[j] else 0.0
            for k in range(len(lent)):
                borrowed, swapped_ = max(-held[j, k], 0.0) * bears, held[j, k] * swap
                account.names[LENT, j, k], account.names[SWAPPED, j, k] = borrowed, swapped_
                lent[k] += price[j] * borrowed
                swapped[k] += price[j] * swapped_
    owe(books, account, lent, swapped)


@part
def apply_actions(market: PriceRows, account: Accounts, t: int) -> None:
    """Split what is held, ordered and posted; then pay dividends on what is held."""
    held, cash, paid = account.names[HELD], account.money[CASH], account.money[GROSS]
    for k in range(len(cash)):
        paid[k] = 0.0
    for j in range(len(held)):
        split, dividend = market.actions[SPLIT, t, j], market.actions[DIVIDEND, t, j]
        if split != 1.0:
            account.common[LOST_FROM, j] /= split
            for k in range(len(cash)):
                held[j, k] *= split
                for p in range(len(account.ordered)):
                    account.ordered[p, j, k] *= split
        if dividend != 0.0:
            for k in range(len(cash)):
                paid[k] += dividend * held[j, k]
    for k in range(len(cash)):
        cash[k] += paid[k]


@part
def order_quantities(plans: Plans, account: Accounts) -> None:
    """Turn weights into quantities at the decision mark; without a mark there is no weight."""
    decision, price, equity = account.tally[DECIDED], account.common[PRICE], account.money[NOW]
    ordered = account.ordered[decision % len(account.ordered)]
    if len(equity) == 1:
        _order_one(plans.net[plans.path[account.start], decision], price, equity[0], ordered.ravel())
        return
    for k in range(len(equity)):
        path = plans.path[account.start + k]
        for j in range(len(price)):
            ordered[j, k] = plans.net[path, decision, j]
    for j in range(len(price)):
        if price[j] > 0.0:
            for k in range(len(equity)):
                ordered[j, k] = ordered[j, k] * equity[k] / price[j]


@part
def _order_one(weights: Floats, price: Floats, equity: float, ordered: Floats) -> None:
    """Do `order_quantities` for one book: the loop is over names."""
    for j in range(len(price)):
        ordered[j] = weights[j] * equity / price[j] if price[j] > 0.0 else 0.0


@part
def fill_orders(market: PriceRows, plans: Plans, books: Books, account: Accounts, t: int) -> None:
    """Bring every name that can be traded to its ordered quantity, and charge it."""
    fill, held, cash = account.tally[FILLED], account.names[HELD], account.money[CASH]
    gross, net, equity, cost = account.money[GROSS], account.money[NET], account.money[NOW], account.money[COST]
    start = account.start
    if len(cash) == 1:
        gross[0], net[0] = _trade_one(market, plans, books, account, t)
    else:
        _trade(market, plans, books, account, t)
    for k in range(len(cash)):
        slippage = plans.rates[SLIPPAGE, start + k] * gross[k]
        commission = plans.rates[COMMISSION, start + k] * gross[k]
        books.costs[SLIPPAGE, start + k] += slippage
        books.costs[COMMISSION, start + k] += commission
        cost[k] = slippage + commission
        cash[k] -= net[k] + cost[k]
        if equity[k] > 0.0:
            books.fills[FILL_EQUITY, fill, start + k] = equity[k]
            books.fills[TRADED, fill, start + k] = gross[k] / equity[k]
            books.fills[TURNOVER, fill, start + k] = 0.5 * (gross[k] + abs(net[k])) / equity[k]
            books.fills_of[start + k] += 1
    if len(books.quantities):
        for j in range(len(held)):
            for k in range(len(cash)):
                books.quantities[fill, j, start + k] = held[j, k]
    account.tally[FILLED] = fill + 1


@part
def _trade(market: PriceRows, plans: Plans, books: Books, account: Accounts, t: int) -> None:
    """Do the trades of a fill: set quantities, posted prices, and in GROSS and NET what was traded of each book."""
    held, price, lost_from = account.names[HELD], account.common[PRICE], account.common[LOST_FROM]
    gross, net, equity = account.money[GROSS], account.money[NET], account.money[NOW]
    ordered = account.ordered[account.tally[FILLED] % len(account.ordered)]
    for k in range(len(gross)):
        gross[k] = net[k] = 0.0
    for j in range(len(held)):
        if market.priced[t, j] and (not plans.at_open or market.opens[t, j] > 0.0):
            short = False
            for k in range(len(gross)):
                moved = (ordered[j, k] - held[j, k]) * price[j]
                gross[k] += abs(moved)
                net[k] += moved
                held[j, k] = ordered[j, k]
                short |= ordered[j, k] < 0.0
            lost_from[j] = LOST_AT * price[j] if short else np.inf
            books.shorted[j] |= short
        else:
            for k in range(len(gross)):
                moved = (ordered[j, k] - held[j, k]) * price[j]
                books.events[UNFILLED, account.start + k] += abs(moved) > ROUNDING * equity[k]


@part
def _trade_one(market: PriceRows, plans: Plans, books: Books, account: Accounts, t: int) -> tuple[float, float]:
    """Do `_trade` for one book, where the loop is over names; return what was traded, gross and net."""
    held, price, lost_from = account.names[HELD].ravel(), account.common[PRICE], account.common[LOST_FROM]
    ordered = account.ordered[account.tally[FILLED] % len(account.ordered)].ravel()
    gross, net = 0.0, 0.0
    for j in range(len(held)):
        moved = (ordered[j] - held[j]) * price[j]
        if market.priced[t, j] and (not plans.at_open or market.opens[t, j] > 0.0):
            gross += abs(moved)
            net += moved
            held[j] = ordered[j]
            lost_from[j] = LOST_AT * price[j] if ordered[j] < 0.0 else np.inf
            books.shorted[j] |= ordered[j] < 0.0
        else:
            books.events[UNFILLED, account.start] += abs(moved) > ROUNDING * account.money[NOW, 0]
    return gross, net


@part
def close_lost(books: Books, account: Accounts) -> None:
    """Close every short that has lost its collateral at the prices in force, where it had just lost it."""
    held, price, lost_from = account.names[HELD], account.common[PRICE], account.common[LOST_FROM]
    for j in range(len(held)):
        if price[j] >= lost_from[j]:
            for k in range(held.shape[1]):
                if held[j, k] < 0.0:
                    account.money[CASH, k] += held[j, k] * lost_from[j]
                    books.events[COLLATERAL_LOST, account.start + k] += 1
                    held[j, k] = 0.0
            lost_from[j] = np.inf


@part
def close_out(market: PriceRows, plans: Plans, books: Books, account: Accounts, t: int) -> None:
    """Close what cannot be traded any more on the bad side of its last price; no short loses more than collateral."""
    held, money, start = account.names[HELD], account.money, account.start
    for j in range(len(held)):
        if market.ends[t, j]:
            for k in range(held.shape[1]):
                if held[j, k] != 0.0 and money[NOW, k] > ROUNDING * money[BEFORE, k]:
                    side = 1.0 - plans.haircut if held[j, k] > 0.0 else 1.0 + plans.haircut
                    limit = account.common[LOST_FROM, j] if held[j, k] < 0.0 else np.inf
                    proceeds = held[j, k] * min(account.common[PRICE, j] * side, limit)
                    slippage = plans.rates[SLIPPAGE, start + k] * abs(proceeds)
                    commission = plans.rates[COMMISSION, start + k] * abs(proceeds)
                    books.costs[SLIPPAGE, start + k] += slippage
                    books.costs[COMMISSION, start + k] += commission
                    money[CASH, k] += proceeds - (slippage + commission)
                    books.events[CLOSED_OUT, start + k] += 1
                    held[j, k] = 0.0


@part
def value_holdings(account: Accounts) -> None:
    """Set equity: cash and the value of the holdings at the prices in force."""
    held, price, now = account.names[HELD], account.common[PRICE], account.money[NOW]
    if len(now) == 1:
        now[0] = account.money[CASH, 0] + dot(price, held.ravel())
        return
    for k in range(len(now)):
        now[k] = 0.0
    for j in range(len(price)):
        for k in range(len(now)):
            now[k] += price[j] * held[j, k]
    for k in range(len(now)):
        now[k] = account.money[CASH, k] + now[k]


@part
def multiply(marks: Floats, held: Floats, value: Floats) -> None:
    """Set `value` (rows x C) to marks (rows x N) x held (N x C), the sum over names in their order."""
    rows, names, count = marks.shape[0], marks.shape[1], held.shape[1]
    if count == 1:
        set_values(marks, held.ravel(), value.ravel())
        return
    done, whole = rows // 4 * 4, names // 4 * 4
    for i in range(0, rows):
        for k in range(count):
            value[i, k] = 0.0
    for i in range(0, done, 4):
        v0, v1, v2, v3 = value[i], value[i + 1], value[i + 2], value[i + 3]
        for j in range(0, whole, 4):
            a0, a1, a2, a3 = marks[i, j], marks[i, j + 1], marks[i, j + 2], marks[i, j + 3]
            b0, b1, b2, b3 = marks[i + 1, j], marks[i + 1, j + 1], marks[i + 1, j + 2], marks[i + 1, j + 3]
            c0, c1, c2, c3 = marks[i + 2, j], marks[i + 2, j + 1], marks[i + 2, j + 2], marks[i + 2, j + 3]
            d0, d1, d2, d3 = marks[i + 3, j], marks[i + 3, j + 1], marks[i + 3, j + 2], marks[i + 3, j + 3]
            q0, q1, q2, q3 = held[j], held[j + 1], held[j + 2], held[j + 3]
            for k in range(count):
                x0, x1, x2, x3 = q0[k], q1[k], q2[k], q3[k]
                v0[k] = v0[k] + a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3
                v1[k] = v1[k] + b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3
                v2[k] = v2[k] + c0 * x0 + c1 * x1 + c2 * x2 + c3 * x3
                v3[k] = v3[k] + d0 * x0 + d1 * x1 + d2 * x2 + d3 * x3
        for j in range(whole, names):
            a0, b0, c0, d0 = marks[i, j], marks[i + 1, j], marks[i + 2, j], marks[i + 3, j]
            q0 = held[j]
            for k in range(count):
                v0[k] += a0 * q0[k]
                v1[k] += b0 * q0[k]
                v2[k] += c0 * q0[k]
                v3[k] += d0 * q0[k]
    for i in range(done, rows):
        for j in range(names):
            for k in range(count):
                value[i, k] += marks[i, j] * held[j, k]
