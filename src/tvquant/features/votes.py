"""Votes of indicators, and what is equal and what greater in a rating. Importing this module imports numba."""

import numpy as np
from numpy.typing import NDArray

from tvquant.statistics.kernels import compiled, inner

type Votes = NDArray[np.int8]
type Tally = NDArray[np.int8]
"""2 x rows x N: sum and number of votes; `MISSING` where there is no bar."""

MISSING = np.int8(-128)
"""The vote of an indicator that has no value."""
TOLERANCE = 1e-12
"""Share of what values are measured by, a price or a hundred percent: those that differ by no more of it are equal.

Pine's is 1e-10 in units of the price. That is this at a price of 100, but below 1e-7 it sees little but equality, and a
rating shall not depend on the unit."""
WHOLE = 100.0
"""Percent; what an oscillator without a unit is measured by."""


@compiled
def greater(a: float, b: float) -> bool:
    """Return whether a percent value is greater, the one meaning of it in a rating; false when either is NaN."""
    return bool(a - b > TOLERANCE * WHOLE)


@compiled
def dearer(a: float, b: float, price: float) -> bool:
    """Return whether a price or difference is greater, for a name whose price is `price`."""
    return bool(a - b > TOLERANCE * price)


@compiled
def tally(votes: Votes) -> Votes:
    """Return sum and number of the votes there are, from G x M x rows x K to G x 2 x rows x K; M is 127 at most."""
    blocks, indicators, rows, names = votes.shape
    out = np.zeros((blocks, 2, rows, names), np.int8)
    for g in range(blocks):
        for m in range(indicators):
            for t in range(rows):
                _count(votes[g, m, t], out[g, 0, t], out[g, 1, t])
    return out


@inner
def _count(votes: Votes, total: Votes, count: Votes) -> None:
    for j in range(len(votes)):
        there = votes[j] != MISSING
        total[j] += votes[j] if there else np.int8(0)
        count[j] += there
