"""Many accounts side by side, row by row, compiled. Importing this module imports numba.

The order of events within a row is that of `kernel.py`, with flat costs. Here every event is one loop over the books
of a chunk, for what happens in a row is the same for all that decide on the same rows: prices, actions, close-outs,
which names can be filled, and the price at which a short loses its collateral, for all of them posted it at one fill.
Books lie innermost in memory, so each is a lane of a vector instruction, and the values of a stretch of calm rows are
one matrix product, rows of marks x quantities.

Sums over names run in their order, so that a book's figures are those of `kernel.py`, to the last digit but for
funding, and depend neither on the books beside it nor on the size of a chunk.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tvquant.simulation.account import BARE, EARLY_BARE, EARLY_RATES, RATES, ROUNDING, PriceRows
from tvquant.simulation.batch_account import (
    BEFORE,
    CASH,
    COST,
    DECIDED,
    ENDED,
    FILLED,
    HELD,
    LENT,
    LIQUIDATED,
    LOST_FROM,
    NOW,
    PRICE,
    STRETCH,
    SWAPPED,
    Accounts,
    Books,
    Plans,
)  # fmt: skip
from tvquant.simulation.batch_rows import (
    accrue,
    apply_actions,
    close_lost,
    close_out,
    fill_orders,
    multiply,
    order_quantities,
    owe,
    pay_funding,
    take_stock,
    value_holdings,
)
from tvquant.simulation.compiling import SOURCES, compiled, part
from tvquant.simulation.row_parts import calm_until, set_open_prices


def run(market: PriceRows, plans: Plans, books: Books, start: int, count: int) -> None:
    """Play `count` books from number `start` on and write them; other books are not touched."""
    _play(tuple(market), tuple(plans), tuple(books), start, count)


def _player(sources: int) -> Callable[..., None]:
    """Return the function that plays a chunk, of these sources (see `compiling`)."""

    @compiled
    def play(
        market_: tuple[Any, ...], plans_: tuple[Any, ...], books_: tuple[Any, ...], start: int, count: int
    ) -> None:
        """Play the books of one chunk, each row by a step of its own or in a stretch of calm ones."""
        assert sources > 0
        market, plans, books = PriceRows(*market_), Plans(*plans_), Books(*books_)
        rows, names = market.marks.shape
        account = Accounts(
            names=np.zeros((3, names, count)),
            ordered=np.zeros((plans.pending, names, count)),
            money=np.zeros((8, count)),
            values=np.zeros((3, STRETCH, count)),
            common=np.full((2, names), np.inf),
            tally=np.zeros(3, np.int64),
            start=start,
        )
        for k in range(count):
            account.money[CASH, k] = account.money[BEFORE, k] = 1.0
        busy = market.eventful.copy()
        for fill in range(len(plans.filled)):
            busy[plans.decided[fill]] = busy[plans.filled[fill]] = True
        t, first = plans.decided[0], plans.filled[0]
        while t < rows:
            until = t if busy[t] else calm_until(market.marks, busy, account.common[LOST_FROM], t)
            if until == t:
                _step(market, plans, books, account, t)
                until = t + 1
            elif t > first:
                _hold(market, plans, books, account, t, until)
            t = until

    return play


_play = _player(SOURCES)


@part
def _hold(market: PriceRows, plans: Plans, books: Books, account: Accounts, t: int, until: int) -> None:
    """Play rows from `t` to before `until`, in which only marks and accruals change, a product of rows at a time."""
    while t < until:
        end = min(t + STRETCH, until)
        multiply(market.marks[t:end], account.names[HELD], account.values[HELD])
        if plans.accrues:
            multiply(market.marks[t:end], account.names[LENT], account.values[LENT])
            multiply(market.marks[t:end], account.names[SWAPPED], account.values[SWAPPED])
            t = _mark_and_accrue(market, plans, books, account, t, end)
        else:
            t = _mark(books, account, t - plans.filled[0], end - plans.filled[0]) + plans.filled[0]


@part
def _mark_and_accrue(market: PriceRows, plans: Plans, books: Books, account: Accounts, t: int, end: int) -> int:
    """Play calm rows from `t` to before `end` with what accrues in each; return the row behind the last one played."""
    first, i, alive = plans.filled[0], 0, True
    while t < end and alive:
        accrue(market, plans, books, account, t)
        if market.funding.shape[0] > 0:
            pay_funding(plans, books, account, market.marks[t], market.funding[RATES, t], market.funding[BARE, t])
        account.values[HELD, 0] = account.values[HELD, i]
        living = account.tally[ENDED]
        _mark(books, account, t - first, t + 1 - first)
        alive = account.tally[ENDED] == living
        owe(books, account, account.values[LENT, i], account.values[SWAPPED, i])
        t, i = t + 1, i + 1
    return t


@part
def _mark(books: Books, account: Accounts, out: int, until: int) -> int:
    """Write the equity of rows from `out` to before `until`; return the row behind the last, or behind the first ruin.

    What is held changes in that row, and with it the values of those that follow.
    """
    cash, before, start, value = account.money[CASH], account.money[BEFORE], account.start, account.values[HELD]
    for i in range(until - out):
        ruined = False
        for k in range(len(cash)):
            equity = cash[k] + value[i, k]
            gone = (equity <= ROUNDING * before[k]) & (before[k] > 0.0)
            ruined |= gone
            before[k] = 0.0 if gone else equity
            books.equity[out + i, start + k] = before[k]
        if ruined:
            _bury(books, account)
            return out + i + 1
    return until


@part
def _end_ruined(books: Books, account: Accounts) -> None:
    """End the books whose equity is no more than rounding of what it was a row earlier."""
    before, now = account.money[BEFORE], account.money[NOW]
    ruined = False
    for k in range(len(now)):
        ruined |= (now[k] <= ROUNDING * before[k]) & (before[k] > 0.0)
    if ruined:
        for k in range(len(now)):
            if now[k] <= ROUNDING * before[k]:
                before[k] = 0.0
        _bury(books, account)


@part
def _bury(books: Books, account: Accounts) -> None:
    """Take everything from the books that had equity and have none: what they hold, owe and have ordered."""
    for k in range(account.money.shape[1]):
        if account.money[BEFORE, k] == 0.0 and books.events[LIQUIDATED, account.start + k] == 0:
            books.events[LIQUIDATED, account.start + k] = 1
            account.tally[ENDED] += 1
            account.money[:, k] = 0.0
            account.names[:, :, k] = 0.0
            account.ordered[:, :, k] = 0.0


@part
def _step(market: PriceRows, plans: Plans, books: Books, account: Accounts, t: int) -> None:
    """Play one row with everything that can happen in it, in the order of `kernel._step`."""
    decision, fill, out = account.tally[DECIDED], account.tally[FILLED], t - plans.filled[0]
    decides = decision < len(plans.decided) and plans.decided[decision] == t
    trades = fill < len(plans.filled) and plans.filled[fill] == t
    price = account.common[PRICE]
    if out > 0 and plans.accrues:
        accrue(market, plans, books, account, t)
        if market.funding.shape[0] > EARLY_RATES:
            rates, bare = market.funding[EARLY_RATES, t], market.funding[EARLY_BARE, t]
            pay_funding(plans, books, account, market.marks[t - 1], rates, bare)
    if market.eventful[t] and market.actions.shape[1] > 0:
        apply_actions(market, account, t)
    if trades and plans.at_open:
        set_open_prices(market, price, t)
        close_lost(books, account)
        value_holdings(account)
        _end_ruined(books, account)
        fill_orders(market, plans, books, account, t)
    for j in range(len(price)):
        price[j] = market.marks[t, j]
    if out >= 0:
        if market.funding.shape[0] > 0:
            pay_funding(plans, books, account, price, market.funding[RATES, t], market.funding[BARE, t])
        close_lost(books, account)
    value_holdings(account)
    if market.eventful[t] and market.ends.shape[0] > 0:
        close_out(market, plans, books, account, t)
        value_holdings(account)
    if decides and plans.at_once:
        order_quantities(plans, account)
    if trades and not plans.at_open:
        _end_ruined(books, account)
        fill_orders(market, plans, books, account, t)
        for k in range(account.money.shape[1]):
            account.money[NOW, k] -= account.money[COST, k]
    _end_ruined(books, account)
    if decides and not plans.at_once:
        order_quantities(plans, account)
    account.tally[DECIDED] += decides
    take_stock(plans, books, account)
    if out >= 0:
        for k in range(account.money.shape[1]):
            books.equity[out, account.start + k] = account.money[NOW, k]
            account.money[BEFORE, k] = account.money[NOW, k]
