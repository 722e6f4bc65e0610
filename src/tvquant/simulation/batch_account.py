"""What many accounts side by side read and write: plans and rates, the books, the accounts between rows.

As in `account.py` they are tuples of few arrays, and constants name the rows of these. Books lie innermost.
"""

from typing import NamedTuple

import numpy as np

from tvquant.core.panel import Bools, Floats
from tvquant.simulation.account import Integers

STRETCH = 32
"""Rows of one matrix product."""
KINDS = ("slippage", "commission", "borrow", "overdraft", "funding", "assumed_funding")
SLIPPAGE, COMMISSION, BORROW, OVERDRAFT, FUNDING, ASSUMED = range(6)
"""Rows of `Books.costs`; the last is a part of the one before."""
EVENTS = ("unfilled", "closed_out", "collateral_lost", "liquidated")
UNFILLED, CLOSED_OUT, COLLATERAL_LOST, LIQUIDATED = range(4)
"""Rows of `Books.events`."""
FILL_EQUITY, TRADED, TURNOVER = range(3)
"""Layers of `Books.fills`."""
BORROW_RATE, FUNDING_RATE = 2, 3
"""Rows of `Plans.rates`, behind SLIPPAGE and COMMISSION."""
HELD, LENT, SWAPPED = range(3)
"""Layers of `Accounts.names` and of `Accounts.values`."""
CASH, DEBT, LOAN, BEFORE, NOW, GROSS, NET, COST = range(8)
"""Rows of `Accounts.money`."""
PRICE, LOST_FROM = range(2)
"""Rows of `Accounts.common`."""
DECIDED, FILLED, ENDED = range(3)
"""Places in `Accounts.tally`."""


class Plans(NamedTuple):
    """What K books ask for: P paths of D decisions (P x D x N), the path of each book, and its rates (4 x K).

    `decided` (D), `filled` (F) are rows of the panel; `bears_fee`, `swaps` (N) are set where anything accrues at all.
    """

    net: Floats
    path: Integers
    rates: Floats
    decided: Integers
    filled: Integers
    bears_fee: Bools
    swaps: Bools
    at_open: bool
    at_once: bool
    accrues: bool
    haircut: float
    pending: int


class Books(NamedTuple):
    """What is written of K books: equity after R rows (R x K), figures of F fills (3 x F x K), totals of costs (6 x K).

    `events` (4 x K) are counts, `fills_of` (K) the fills before a ruin, `owed` (K) the most cash owed at a close,
    `shorted` (N) the names that any book sold short, `quantities` (F or 0 x N x K) what is held after each fill.
    """

    equity: Floats
    fills: Floats
    costs: Floats
    events: Integers
    fills_of: Integers
    owed: Floats
    shorted: Bools
    quantities: Floats


class Accounts(NamedTuple):
    """What goes from row to row of C books: quantities (3 x N x C), orders (pending x N x C), money (8 x C).

    `values` (3 x STRETCH x C) are of a stretch of rows. All books share a price, and a price from which shorts have
    lost their collateral (2 x N). `tally` counts decisions, fills and ruins, and `start` is the first book's number.
    """

    names: Floats
    ordered: Floats
    money: Floats
    values: Floats
    common: Floats
    tally: Integers
    start: int


def blank(shape: tuple[int, ...], plans: Plans, *, positions: bool) -> Books:
    """Return unwritten books on a market of T rows and N names."""
    (rows, names), fills, count = shape, len(plans.filled), len(plans.path)
    return Books(
        equity=np.zeros((rows - int(plans.filled[0]), count)),
        fills=np.zeros((3, fills, count)),
        costs=np.zeros((len(KINDS), count)),
        events=np.zeros((len(EVENTS), count), np.int64),
        fills_of=np.zeros(count, np.int64),
        owed=np.zeros(count),
        shorted=np.zeros(names, np.bool_),
        quantities=np.empty((fills if positions else 0, names, count)),
    )
