"""What the kernel reads and writes: market, orders and rules of one book, the book, the account between rows.

They are tuples of arrays, for compiled code takes these as they are.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tvquant.core.panel import Bools, Floats

type Integers = NDArray[np.int64]


class PriceRows(NamedTuple):
    """What there was to trade: T rows, N names.

    `marks` are 0 before a name's first bar. `ends` are the cells in which a holding must be closed out: nothing can
    be bought again before there is another bar. `rates` are what longs of a swap paid per value from the open to the
    close of a row, `bare` the hours of it that no payment covers; `early_rates` and `early_bare` are the same from the
    previous close to the open. All but `marks` and `priced` have no rows when there is nothing of the kind; `eventful`
    are the rows with an end, a dividend, a split or anything early.
    """

    stamps: Integers
    marks: Floats
    opens: Floats
    priced: Bools
    ends: Bools
    dividend: Floats
    split: Floats
    rates: Floats
    bare: Floats
    early_rates: Floats
    early_bare: Floats
    eventful: Bools


class Orders(NamedTuple):
    """K decisions: weights (K x N), the rows of their marks and of their fills; `busy` rows (T) need every step."""

    net: Floats
    decided: Integers
    filled: Integers
    busy: Bools


class Terms(NamedTuple):
    """The rules: fill at the open or the close, in the deciding step or later; rates; which names pay for shorts.

    `assumed_funding` is per value and hour; `swaps` are the names that are held without paying for them in cash.
    """

    at_open: bool
    at_once: bool
    slippage: float
    commission: float
    borrow_rate: float
    assumed_funding: float
    haircut: float
    bears_fee: Bools
    swaps: Bools


class Book(NamedTuple):
    """What is written: R rows, K fills; `events` are (row, column, kind), `tally` counts decisions, fills, events.

    `borrowed` is the cash owed after each close, `assumed` the part of the funding that nothing tells of.
    """

    returns: Floats
    equity: Floats
    cash: Floats
    borrowed: Floats
    quantities: Floats
    costs: Floats
    assumed: Floats
    fill_equity: Floats
    traded: Floats
    turnover: Floats
    shorted: Bools
    events: Integers
    event_values: Floats
    event_prices: Floats
    tally: Integers


class Account(NamedTuple):
    """What goes from row to row: N quantities held, of them in swaps, of them borrowed; K x N ordered.

    `limit` is where each short has lost its collateral (N, infinite where there is none); `money` is cash, the part of
    it that is owed, and the value of the borrowed quantities.
    """

    held: Floats
    swapped: Floats
    lent: Floats
    limit: Floats
    targets: Floats
    money: Floats
