"""Votes of indicators, and what is equal and what greater in a rating. Importing this module imports numba."""

import numpy as np
from numpy.typing import NDArray

from tvquant.core.panel import Floats
from tvquant.features.moving_averages import TILE, compiled

type Votes = NDArray[np.int8]

MISSING = np.int8(-128)
"""The vote of an indicator that has no value."""
TOLERANCE = 1e-10
"""Absolute, as in Pine: values that differ by no more are equal. A price below 1e-7 sees little but equality."""


@compiled
def greater(a: float, b: float) -> bool:
    """The one meaning of `greater` in a rating; false when either is NaN."""
    return bool(a - b > TOLERANCE)


@compiled
def placed(votes: Votes, close: Floats, out: Votes) -> None:
    """Move votes from the last bars of each name (M x N x rows) to their rows (rows x N x M).

    Some rows at a time, so that what is read in one order and written in the other stays in the processor's cache.
    """
    rows, skipped = len(out), len(close) - len(out)
    bars = np.full(close.shape[1], rows)
    place = np.empty(TILE, np.int64)
    for end in range(rows, 0, -TILE):
        begin = max(end - TILE, 0)
        for j in range(close.shape[1]):
            for t in range(end - 1, begin - 1, -1):
                there = not np.isnan(close[skipped + t, j])
                bars[j] -= there
                place[t - begin] = bars[j] if there else -1
            for m in range(len(votes)):
                for t in range(begin, end):
                    bar = place[t - begin]
                    out[t, j, m] = votes[m, j, bar] if bar >= 0 else MISSING


@compiled
def tally(votes: Votes, t: int, j: int) -> tuple[int, int]:
    """Sum and number of the votes there are at row t of name j; `votes` is rows x N x M."""
    total = count = 0
    for m in range(votes.shape[2]):
        there = votes[t, j, m] != MISSING
        total += votes[t, j, m] * there
        count += there
    return total, count
