"""What traded value is charged, compiled: slippage, commission and impact, each booked apart."""

import math

from tvquant.core.panel import Floats
from tvquant.simulation.account import (
    CHARGED,
    COMMISSION,
    COMMISSION_RATE,
    IMPACT,
    SLIPPAGE,
    Book,
    Integers,
    Terms,
)  # fmt: skip
from tvquant.simulation.compiling import part

MONTH = 30 * 86_400_000_000
"""Microseconds of the days whose traded value sets the tier of a fee."""


@part
def charge(
    terms: Terms, book: Book, out: int, value: float, slippage: float, commission: float, impact: float
) -> float:
    """Book what a traded value costs; return it. Impact is per value^1.5, the others are per value."""
    lost, paid, moved = slippage * value, commission * value, 0.0
    book.rows[SLIPPAGE, out] += lost
    book.rows[COMMISSION, out] += paid
    if impact > 0.0:
        moved = impact * value * math.sqrt(value)
        book.rows[IMPACT, out] += moved
    if terms.tiers.shape[1] > 1:
        book.rows[CHARGED, out] += value
    return lost + paid + moved


@part
def charge_each(terms: Terms, book: Book, out: int, fill: int, name: int, value: float) -> float:
    """Book what a traded value of one name costs at the rates of a fill; return it."""
    slippage, impact = terms.slippage, 0.0
    if terms.rates.shape[0] > 0:
        slippage, impact = terms.rates[0, fill, name], terms.rates[1, fill, name]
    return charge(terms, book, out, value, slippage, book.fills[COMMISSION_RATE, fill], impact)


@part
def commission_rate(stamps: Integers, tiers: Floats, charged: Floats, t: int, out: int) -> float:
    """Return the commission of a fill: that of the tier which the value charged in the 30 days before its row reaches.

    `tiers` (2 x n) are values, from 0 upwards, and rates.
    """
    tier, traded, back = 0, 0.0, 1
    if tiers.shape[1] > 1:
        while back <= out and stamps[t] - stamps[t - back] <= MONTH:
            traded += charged[out - back]
            back += 1
        while tier + 1 < tiers.shape[1] and traded >= tiers[0, tier + 1]:
            tier += 1
    rate: float = tiers[1, tier]
    return rate
