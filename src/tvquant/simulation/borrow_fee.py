"""Borrow fee: which shorts pay one, and at which rate. The kernel accrues it on the loan (`_accrue`)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tvquant.core.books import CostModel
from tvquant.core.errors import ProfileError
from tvquant.core.instruments import Instrument, Kind, by_kinds
from tvquant.core.panel import Floats, frozen

BORROWED = frozenset({Kind.SPOT, Kind.STOCK, Kind.ETF})
"""Shorts of these are borrowed for a fee; a swap is sold short without."""


class Loans(NamedTuple):
    """Yearly rates of N shorts as a `unit` times their `shares` (N); 0 where a short is no loan."""

    unit: float
    shares: Floats


def pays_borrow_fee(kinds: frozenset[Kind]) -> bool:
    """Return whether a short of an instrument of these kinds is borrowed for a fee (R-SIM-17)."""
    return not kinds.isdisjoint(BORROWED) and Kind.SWAP not in kinds


def loans_of(costs: CostModel, instruments: Sequence[Instrument]) -> Loans:
    """Return what shorts of the instruments cost: `borrow_rate`, or their own of `borrow_rates`.

    A rate of an instrument that pays none is refused; one of a symbol that is not among them concerns others.

    Raises
    ------
    ProfileError : a rate for what is not borrowed.
    """
    own = dict(costs.borrow_rates)
    pays = by_kinds(instruments, pays_borrow_fee).astype(np.float64)
    if not own:
        return Loans(costs.borrow_rate, frozen(pays * (costs.borrow_rate > 0.0)))
    for one, borrowed in zip(instruments, pays, strict=True):
        if one.symbol in own and not borrowed:
            raise ProfileError(
                f"costs.borrow_rates names {one.symbol}, a short of which is not borrowed but pays funding or nothing; "
                "take it out there"
            )
    rates = np.array([own.get(one.symbol, costs.borrow_rate) for one in instruments])
    return Loans(1.0, frozen(pays * rates))
