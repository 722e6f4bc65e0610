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
from tvquant.simulation.row_parts import dot, first_lost, set_values


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
        path, held, lost_from = books.equity.ravel(), np.zeros(names), np.full(names, np.inf)
        moved, least = np.empty(names), np.zeros(names)
        cash, slippage, commission, owed = 1.0, 0.0, 0.0, 0.0
        for fill in range(len(plans.filled)):
            t, decided, last = plans.filled[fill], plans.decided[fill], fill + 1 == len(plans.filled)
            equity, ordered_at, before = 1.0, 1.0, 1.0
            if fill > 0:  # the row of the fill has been marked too, before it, where it is filled at the close
                equity, ordered_at, before = path[t - first], path[decided - first], path[t - first - 1]
            price = marks[t]
            if plans.at_open:
                price = market.opens[t]
                if not _tradable(price, lost_from):
                    return False
                equity = cash + dot(price, held)
            _trade(plans.net[0, fill], ordered_at, marks[decided], price, held, moved, lost_from, least)
            gross, net = _traded(moved)
            cost = plans.rates[SLIPPAGE, 0] * gross + plans.rates[COMMISSION, 0] * gross
            if not equity - cost > ROUNDING * before or not equity > ROUNDING * before:
                return False
            if len(books.quantities):
                books.quantities[fill, :, 0] = held
            cash -= net + cost
            owed = max(owed, -cash)
            slippage += plans.rates[SLIPPAGE, 0] * gross
            commission += plans.rates[COMMISSION, 0] * gross
            fills[FILL_EQUITY, fill, 0], fills[TRADED, fill, 0] = equity, gross / equity
            fills[TURNOVER, fill, 0] = 0.5 * (gross + abs(net)) / equity
            start, end = t, rows if last else plans.filled[fill + 1]
            if not plans.at_open:
                path[t - first], before, start, end = equity - cost, equity - cost, t + 1, min(end + 1, rows)
            if not _hold(marks[start:end], held, lost_from, cash, before, path[start - first : end - first]):
                return False
        for j in range(names):
            books.shorted[j] = least[j] < 0.0
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
def _trade(
    weights: Floats,
    equity: float,
    mark: Floats,
    price: Floats,
    held: Floats,
    moved: Floats,
    lost_from: Floats,
    least: Floats,
) -> None:
    """Hold weights (N) of equity at the decision's mark, posted at the fill's price; set the values that this moves."""
    for j in range(len(held)):
        ordered = weights[j] * equity / mark[j]
        moved[j] = (ordered - held[j]) * price[j]
        lost_from[j] = LOST_AT * price[j] if ordered < 0.0 else np.inf
        least[j] = ordered if ordered < least[j] else least[j]
        held[j] = ordered


@part
def _traded(moved: Floats) -> tuple[float, float]:
    """Return the value that a fill trades, gross and net."""
    gross, net = 0.0, 0.0
    for j in range(len(moved)):
        gross += abs(moved[j])
        net += moved[j]
    return gross, net


@part
def _hold(marks: Floats, held: Floats, lost_from: Floats, cash: float, before: float, path: Floats) -> bool:
    """Write the equity of a stretch of rows; return false where a mark takes collateral or leaves nothing."""
    if first_lost(marks, lost_from) < len(marks):
        return False
    set_values(marks, held, path)
    fallen = 0
    for i in range(len(path)):
        path[i] = cash + path[i]
        fallen += not path[i] > ROUNDING * before
        before = path[i]
    return fallen == 0
