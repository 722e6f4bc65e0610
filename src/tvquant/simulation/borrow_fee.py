"""Borrow fee: which shorts pay one. The kernel accrues it on the loan (`_accrue`) at `CostModel.borrow_rate`."""

from tvquant.core.instruments import Instrument, Kind

BORROWED = frozenset({Kind.SPOT, Kind.STOCK, Kind.ETF})
"""Shorts of these are borrowed for a fee; a swap is sold short without."""


def pays_borrow_fee(instrument: Instrument) -> bool:
    """Return whether a short of the instrument is borrowed for a fee (R-SIM-17)."""
    return not instrument.kinds.isdisjoint(BORROWED) and Kind.SWAP not in instrument.kinds
