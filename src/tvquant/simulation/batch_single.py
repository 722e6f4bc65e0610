"""One book of which only the path is asked, and in which nothing happens but marks and fills, compiled.

The general kernel (`batch_kernel.py`) plays such a book too, to the same digits; here nothing is kept but what it
needs. Where anything else comes up (a ruin, lost collateral, a name that a fill cannot trade) the book is given up, to
be played there from its beginning. Importing this module imports numba.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tvquant.core.panel import Floats
from tvquant.simulation.account import LOST_AT, ROUNDING, PriceRows
from tvquant.simulation.batch_account import COMMISSION, FILL_EQUITY, SLIPPAGE, TRADED, TURNOVER, Books, Plans
from tvquant.simulation.compiling import SOURCES, compiled, part
from tvquant.simulation.row_parts import dot, set_values


def is_plain(market: PriceRows, plans: Plans) -> bool:
    """Return whether marks and fills are all that the market and the rules can bring; one order waits at a time."""
    eventful = market.actions.shape[1] or len(market.ends) or market.funding.shape[0]
    return plans.pending == 1 and not plans.accrues and not eventful


def run(market: PriceRows, plans: Plans, books: Books) -> bool:
    """Play the first book and write it; return false where it is given up, with figures that are to be overwritten."""
    return bool(_play(tuple(market), tuple(plans), tuple(books)))


def _player(sources: int) -> Callable[..., bool]:
    """Return the function that plays one book, of these sources (see `compiling`)."""

    @compiled
    def play(market_: tuple[Any, ...], plans_: tuple[Any, ...], books_: tuple[Any, ...]) -> bool:
        """Play fill after fill, and behind each the stretch of rows until the next one."""
        assert sources > 0
        market, plans, books = PriceRows(*market_), Plans(*plans_), Books(*books_)
        marks, fills, first = market.marks, books.fills, plans.filled[0]
        rows, names = marks.shape
        path, held, ordered, lost_from = books.equity.ravel(), np.zeros(names), np.empty(names), np.full(names, np.inf)
        cash, equity, slippage, commission, owed = 1.0, 1.0, 0.0, 0.0, 0.0
        for fill in range(len(plans.filled)):
            t, decided = plans.filled[fill], plans.decided[fill]
            end = plans.filled[fill + 1] if fill + 1 < len(plans.filled) else rows
            weights, price = plans.net[0, fill], marks[decided]
            if fill > 0:
                equity = cash + dot(price, held)
            for j in range(names):
                ordered[j] = weights[j] * equity / price[j]
            price = market.opens[t] if plans.at_open else marks[t]
            if not _tradable(price, lost_from):
                return False
            equity = cash + dot(price, held)
            gross, net = _traded(ordered, held, price)
            cost = plans.rates[SLIPPAGE, 0] * gross + plans.rates[COMMISSION, 0] * gross
            before = path[t - first - 1] if fill > 0 else 1.0
            if not equity - cost > ROUNDING * before or not equity > ROUNDING * before:
                return False
            for j in range(names):
                held[j] = ordered[j]
                lost_from[j] = LOST_AT * price[j] if ordered[j] < 0.0 else np.inf
                books.shorted[j] |= ordered[j] < 0.0
            if len(books.quantities):
                books.quantities[fill, :, 0] = held
            cash -= net + cost
            owed = max(owed, -cash)
            slippage += plans.rates[SLIPPAGE, 0] * gross
            commission += plans.rates[COMMISSION, 0] * gross
            fills[FILL_EQUITY, fill, 0], fills[TRADED, fill, 0] = equity, gross / equity
            fills[TURNOVER, fill, 0] = 0.5 * (gross + abs(net)) / equity
            start = t
            if not plans.at_open:
                path[t - first], before, start = equity - cost, equity - cost, t + 1
            if not _hold(marks[start:end], held, lost_from, cash, before, path[start - first : end - first]):
                return False
        books.costs[SLIPPAGE, 0], books.costs[COMMISSION, 0] = slippage, commission
        books.owed[0], books.fills_of[0] = owed, len(plans.filled)
        return True

    return play


_play = _player(SOURCES)


@part
def _tradable(price: Floats, lost_from: Floats) -> bool:
    """Return whether every name has a price, and one at which no short has lost its collateral."""
    good = 0
    for j in range(len(price)):
        good += (price[j] > 0.0) & (price[j] < lost_from[j])
    return good == len(price)


@part
def _traded(ordered: Floats, held: Floats, price: Floats) -> tuple[float, float]:
    """Return the value that a fill trades, gross and net."""
    gross, net = 0.0, 0.0
    for j in range(len(price)):
        moved = (ordered[j] - held[j]) * price[j]
        gross += abs(moved)
        net += moved
    return gross, net


@part
def _hold(marks: Floats, held: Floats, lost_from: Floats, cash: float, before: float, path: Floats) -> bool:
    """Write the equity of a stretch of rows; return false where a mark takes collateral or leaves nothing."""
    rows, names = marks.shape
    done, lost = rows // 8 * 8, 0
    for i in range(0, done, 8):
        m0, m1, m2, m3, m4, m5, m6, m7 = (
            marks[i], marks[i + 1], marks[i + 2], marks[i + 3], marks[i + 4], marks[i + 5], marks[i + 6], marks[i + 7]
        )  # fmt: skip
        for j in range(names):
            level = lost_from[j]
            lost += (m0[j] >= level) | (m1[j] >= level) | (m2[j] >= level) | (m3[j] >= level)
            lost += (m4[j] >= level) | (m5[j] >= level) | (m6[j] >= level) | (m7[j] >= level)
    for i in range(done, rows):
        for j in range(names):
            lost += marks[i, j] >= lost_from[j]
    if lost > 0:
        return False
    set_values(marks, held, path)
    for i in range(rows):
        path[i] = cash + path[i]
        if not path[i] > ROUNDING * before:
            return False
        before = path[i]
    return True
