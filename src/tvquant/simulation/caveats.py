"""Caveats: what a reader must know about a book, whoever has played it."""

from collections.abc import Sequence
from itertools import compress

from tvquant.core.books import Convention, Execution
from tvquant.core.instruments import Instrument, Kind
from tvquant.core.panel import Bools, Floats
from tvquant.core.stamps import Stamp, Stamps
from tvquant.simulation.borrow_fee import pays_borrow_fee

OVERDRAWN = 1e-9
"""More cash owed than this at a close is an overdraft; what is nearer to zero is rounding."""


def caveats_of(
    instruments: Sequence[Instrument], execution: Execution, *, owed: Floats, assumed: Floats, shorted: Bools
) -> Stamps:
    """Return the stamps of a book of N instruments, or of several, by cash owed and funding assumed in their rows.

    `shorted` (N) are those that were ever short: a short of a spot asset is research.
    """
    found = [Stamp.OPTIMISTIC_EXECUTION] if execution.convention is Convention.SAME_CLOSE else []
    if owed.max() > OVERDRAWN:
        found.append(Stamp.OVERDRAFT)
    if assumed.any():
        found.append(Stamp.ASSUMED_FUNDING)
    sold = set(compress([one.kinds for one in instruments], shorted.tolist()))
    if any(Kind.SPOT in kinds and pays_borrow_fee(kinds) for kinds in sold):
        found.append(Stamp.RESEARCH_ONLY)
    return frozenset(found)
