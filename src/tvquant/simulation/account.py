"""What the kernel reads and writes: market, orders and rules of one book, the book, the account between rows.

They are tuples of few arrays, for compiled code takes these as they are, and each array costs it time to compile:
figures of one shape share an array, and the constants here name its rows.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tvquant.core.books import COST_KINDS, EventKind
from tvquant.core.panel import Bools, Floats

type Integers = NDArray[np.int64]

YEAR = 365 * 86_400e6
"""Microseconds of the year that rates are per."""
LOST_AT = 2.0
"""A short has lost its collateral at this multiple of the price that it was posted at."""
ROUNDING = 1e-12
"""An order below this share of equity is the rounding of one that changes nothing; equity that is not above this share
of what it was a row earlier is the rounding of nothing."""
DIVIDEND, SPLIT = range(2)
"""Rows of `PriceRows.actions`."""
RATES, BARE, EARLY_RATES, EARLY_BARE = range(4)
"""Rows of `PriceRows.funding`."""
SLIPPAGE, COMMISSION, BORROW, OVERDRAFT, FUNDING, CASH_YIELD, IMPACT = range(len(COST_KINDS))
RETURNS, EQUITY, CASH, OWED, ASSUMED, CHARGED = range(len(COST_KINDS), len(COST_KINDS) + 6)
"""Rows of `Book.rows`; the costs come first, in the order of their kinds."""
FILL_EQUITY, TRADED, BOUGHT, COMMISSION_RATE = range(4)
"""Rows of `Book.fills`: equity, of it the value that was traded, and what was bought less what was sold; a rate."""
EVENTS = tuple(EventKind)
UNFILLED, CLOSED_OUT, COLLATERAL_LOST, MARGIN_CALL, PARTLY_FILLED, LIQUIDATED = 0.0, 1.0, 2.0, 3.0, 4.0, 5.0
"""Kinds of events, as the number of their name: floats, of which compiled code has one type."""
DECIDED, FILLED, NOTED, LATE = range(4)
"""Places in `Book.tally`."""
HELD, SWAPPED, LENT, LONG, DEFERRED, LIMIT, PRICE, MOVED = range(8)
"""Rows of `Account.names`."""
MONEY, DEBT, LOAN, IDLE = range(4)
"""Places in `Account.money`."""
LOT, LEAST, MOST = range(3)
"""Rows of `Orders.bounds`."""


class PriceRows(NamedTuple):
    """What there was to trade: T rows, N names.

    `marks` are 0 before a name's first bar. `ends` are the cells in which a holding must be closed out: nothing can
    be bought again before there is another bar. `actions` are dividends and splits (2 x T x N). `funding` (2 or 4 x
    T x N) is what longs of a swap paid per value from the open to the close of a row, the hours of it that no payment
    covers, and the same two from the previous close to the open. Of `opens`, `ends`, `actions` and `funding` there are
    no rows when there is nothing of the kind; `eventful` are the rows with an end, a dividend, a split or anything
    early. `opened` (N) is the first row with an open, empty where every name has had one by the first fill.
    """

    stamps: Integers
    marks: Floats
    opens: Floats
    opened: Integers
    priced: Bools
    ends: Bools
    actions: Floats
    funding: Floats
    eventful: Bools


class Orders(NamedTuple):
    """K decisions: weights (K x N), the rows of their marks and of their fills; `busy` rows (T) need every step.

    `bounds` (3 x K x N, or none) are the lot in units, the least value of an order and the most of a fill, in starting
    capitals; a lot of 0 is none.
    """

    net: Floats
    bounds: Floats
    decided: Integers
    filled: Integers
    busy: Bools


class Terms(NamedTuple):
    """The rules: fill at the open or the close, in the deciding step or later; how near a target is near enough and
    how far a step goes to it; rates, per year where they accrue.

    Commissions are `tiers` (2 x n): values traded in 30 days, from 0, and the rates from there on. Where `rates` (2 x K
    x N, or none) are given, the slippage of each fill and name, and its impact per value^1.5, they are in the place of
    `slippage`.
    `assumed_funding` is per value and hour; `margin` the least equity per gross, 0 is no such rule. A short of a name
    costs `loan_rate` times its number in `loans` (N). `swaps` are the names that are held without paying for them in
    cash; `yields` (T, or none) is what cash earns from one row to the next.
    """

    at_open: bool
    at_once: bool
    band: float
    partial: float
    slippage: float
    tiers: Floats
    rates: Floats
    borrow_rate: float
    assumed_funding: float
    haircut: float
    margin: float
    loan_rate: float
    loans: Floats
    swaps: Bools
    yields: Floats


class Book(NamedTuple):
    """What is written: of R rows the figures (13 x R) and quantities (R x N); of K fills the figures (4 x K).

    `events` are (row, column, kind, value, price); `shorted` names (N) were ordered short; `tally` counts decisions,
    fills, events, and orders of names without an open that were filled late. Of the figures, OWED is the cash owed
    after each close, ASSUMED the part of the funding that the data do not hold, CHARGED the traded value that house
    costs were taken of, where tiers go by it.
    """

    rows: Floats
    quantities: Floats
    fills: Floats
    events: Floats
    shorted: Bools
    tally: Integers


class Account(NamedTuple):
    """What goes from row to row: of N names (8 x N) the quantity held, of it in swaps, of it borrowed (times what that
    costs), of it bought for cash, what is ordered for a later price of the row, the price at which a short has lost its
    collateral (infinite where there is none), the price in force, and the value that a fill moves; K x N quantities
    ordered, NaN where nothing is; `money` is cash, the part of it that is owed, the value of the borrowed quantities,
    and the cash that earns. `values` (4 x T) are what a stretch of rows is worked out in.
    """

    names: Floats
    targets: Floats
    money: Floats
    values: Floats


def blank(rows: int, names: int, fills: int) -> Book:
    """Return an unwritten book of R rows, N names and K fills.

    An order can lapse, a name be closed out, lose collateral and be called once per fill, and a book ends once.
    """
    return Book(
        rows=np.zeros((CHARGED + 1, rows)),
        quantities=np.empty((rows, names)),
        fills=np.zeros((4, fills)),
        events=np.empty((4 * fills * names + 1, 5)),
        shorted=np.zeros(names, np.bool_),
        tally=np.zeros(4, np.int64),
    )
