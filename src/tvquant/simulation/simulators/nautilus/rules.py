"""What a book is played by: its market in contracts, and the rules of the house.

A contract is a number of units of an instrument: as many as one unit of the first row has become by splits, times a
power of ten that puts the price of its first bar between 1 and 10. So a split changes no quantity, and the fixed
decimals of the engine lose nothing. Nothing later than that first bar is looked at.
"""

from typing import NamedTuple

import numpy as np

from tvquant.core.panel import Floats, units_of
from tvquant.simulation.account import DIVIDEND, SPLIT, PriceRows

STEPS = 10**9
"""Steps of a contract: a quantity is a whole number of them."""


class Contracts(NamedTuple):
    """A market in contracts: T rows, N names.

    `units` are units per contract, `marks` and `opens` prices of a contract (0 or NaN: none), `dividends` cash per
    contract; without rows where there are none.
    """

    units: Floats
    marks: Floats
    opens: Floats
    dividends: Floats


class Rules(NamedTuple):
    """How the K orders of a plan for N names are traded, beyond what the plan says; rates are per year.

    `lots` and `least` (K x N; of no row without lots) are the contracts that a holding is a whole number of, and the
    least value of an order, where the book starts with 1. `capital` is what a book of 1 begins with at the engine;
    `assumed_funding` is per value and hour; `margin` the least equity per gross, 0 is no such rule.
    """

    lots: Floats
    least: Floats
    capital: float
    slippage: float
    commission: float
    borrow_rate: float
    assumed_funding: float
    haircut: float
    margin: float

    @property
    def step(self) -> float:
        """The smallest change of a quantity, in contracts of a book of 1."""
        return 1.0 / (STEPS * self.capital)

    @property
    def fee(self) -> float:
        """The house's cost of one unit of traded value."""
        return self.slippage + self.commission


def contracts_of(market: PriceRows) -> Contracts:
    """Return the market in contracts."""
    marks = market.marks
    rows, names = marks.shape
    started = marks[np.argmax(marks > 0.0, axis=0), np.arange(names)]
    scale = 10.0 ** -np.floor(np.log10(np.where(started > 0.0, started, 1.0)))
    has_actions = market.actions.shape[1] > 0
    units = scale * (units_of(market.actions[SPLIT]) if has_actions else np.ones((rows, names)))
    return Contracts(
        units=units,
        marks=marks * units,
        opens=market.opens * units if len(market.opens) else market.opens,
        dividends=market.actions[DIVIDEND] * units if has_actions else np.empty((0, names)),
    )
