"""Price and quantity steps that are assumed where no provider gives any (R-DAT-24).

Shares trade in the steps of their market. Of a coin the tick is read off the decimals that its own closes have, and the
lot is the power of ten that is worth a dollar at most: what exchanges of coins mostly do.
"""

from dataclasses import dataclass

import numpy as np

from tvquant.core.errors import DataError
from tvquant.core.instruments import Kind
from tvquant.core.panel import Floats
from tvquant.symbology import venues
from tvquant.symbology.kinds import ROUND_THE_CLOCK, structure

MOST_DECIMALS = 10
EXACT = 1e-9
"""Relative difference below which a price has so many decimals and no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Smallest step of a price, in its currency, and of a quantity, in units."""

    tick: float
    lot: float


def assumed_steps(symbol: str, closes: Floats) -> Steps:
    """Return steps of a symbol, as its closes known by then suggest them (the last one is the newest; NaN is no bar).

    Raises
    ------
    DataError : the symbol is none, or there is no close above zero.
    """
    prices = closes[np.isfinite(closes) & (closes > 0)]
    if not len(prices):
        raise DataError(f"steps of {symbol} cannot be assumed: no close above zero is known")
    last = float(prices[-1])
    if not structure(symbol).kinds & ROUND_THE_CLOCK:
        tick = venues.SHARE_TICK if last >= venues.PENNY_BELOW else venues.PENNY_TICK
        return Steps(tick=tick, lot=venues.SHARE_LOT)
    lot = float(assumed_lots(ROUND_THE_CLOCK, np.array([last]))[0])
    return Steps(tick=float(f"1e-{_decimals(prices)}"), lot=lot)


def assumed_lots(kinds: frozenset[Kind], prices: Floats) -> Floats:
    """Return the lot that is assumed at each price (K) of an instrument of these kinds; that of no price is of 1."""
    if not kinds & ROUND_THE_CLOCK:
        return np.full(len(prices), venues.SHARE_LOT)
    value = np.where(prices > 0.0, prices, 1.0)
    steps = np.floor(np.log10(venues.COIN_LOT_VALUE / value))
    return np.array([min(venues.LARGEST_COIN_LOT, float(f"1e{int(step)}")) for step in steps.tolist()])


def _decimals(prices: Floats) -> int:
    """Return decimals that are enough for every one of the prices."""
    for count in range(MOST_DECIMALS):
        if (np.abs(np.round(prices, count) - prices) <= EXACT * prices).all():
            return count
    return MOST_DECIMALS
