"""Votes of indicators, and what is equal and what greater in a rating. Importing this module imports numba."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
from numpy.typing import NDArray

from tvquant.core.panel import Floats
from tvquant.features.moving_averages import Tile, compiled, copied
from tvquant.statistics.known import Integers

type Votes = NDArray[np.int8]
type Tally = NDArray[np.int8]
"""2 x rows x N: sum and number of votes; `MISSING` where there is no bar."""

MISSING = np.int8(-128)
"""The vote of an indicator that has no value."""
LANES, CHUNK = 32, 256
"""Names and bars taken at once: what is worked on at a time stays in the processor's cache."""
TILE = 256
"""Names read and written at once: as many lie beside each other in a row."""
TOLERANCE = 1e-10
"""Absolute, as in Pine: values that differ by no more are equal. A price below 1e-7 sees little but equality."""


@compiled
def greater(a: float, b: float) -> bool:
    """The one meaning of `greater` in a rating; false when either is NaN."""
    return bool(a - b > TOLERANCE)


def by_tiles(close: Floats, lanes: int, rows: int, planes: int, work: Callable[[Tile], Votes]) -> Votes:
    """What the work gives for each tile of T x N closes (G x M x rows x lanes) at its rows and columns: M x rows x N.

    Several tiles are worked on at once in threads, as many as NUMBA_NUM_THREADS allows. Each writes to places of its
    own, so the result is the same for any number of threads.
    """
    out, begins = np.empty((planes, rows, close.shape[1]), np.int8), range(0, close.shape[1], TILE)
    threads = min(vars(numba.config)["NUMBA_NUM_THREADS"], len(begins))

    def run(begin: int) -> None:
        tile = Tile(close, begin, min(begin + TILE, close.shape[1]), lanes)
        placed(work(tile), tile, out)

    if threads > 1:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(run, begins))
    else:
        for begin in begins:
            run(begin)
    return out


def placed(votes: Votes, tile: Tile, out: Votes) -> None:
    """Move votes of the last bars (G x M x rows x lanes) to their rows and columns of `out`, M x rows x N."""
    _place(votes, tile.close, tile.begin, tile.end, tile.whole, out)


@compiled
def _place(votes: Votes, close: Floats, begin: int, end: int, whole: Integers, out: Votes) -> None:
    """Blocks of which all names have all of the bars first: their bars stand at the rows already."""
    blocks, indicators, rows, lanes = votes.shape
    skipped = len(close) - rows
    for m in range(indicators):
        for t in range(rows):
            for g in range(blocks):
                first = begin + g * lanes
                if whole[g] <= skipped:
                    copied(votes[g, m, t], out[m, t, first : min(first + lanes, end)])
    for g in range(blocks):
        if whole[g] > skipped:
            first = begin + g * lanes
            cut = slice(first, min(first + lanes, end))
            _place_by_bars(votes[g], close[skipped:, cut], out[:, :, cut])


@compiled
def _place_by_bars(votes: Votes, close: Floats, out: Votes) -> None:
    rows, columns = close.shape
    bars, left = np.full((rows, columns), -1), np.full(columns, rows)
    for t in range(rows - 1, -1, -1):
        for j in range(columns):
            if not np.isnan(close[t, j]):
                left[j] -= 1
                bars[t, j] = left[j]
    for m in range(len(votes)):
        for t in range(rows):
            for j in range(columns):
                out[m, t, j] = votes[m, bars[t, j], j] if bars[t, j] >= 0 else MISSING


@compiled
def tally(votes: Votes) -> Votes:
    """Sum and number of the votes there are, from G x M x rows x K to G x 2 x rows x K; M is 127 at most."""
    blocks, indicators, rows, names = votes.shape
    out = np.zeros((blocks, 2, rows, names), np.int8)
    for g in range(blocks):
        for m in range(indicators):
            for t in range(rows):
                _count(votes[g, m, t], out[g, 0, t], out[g, 1, t])
    return out


@compiled
def _count(votes: Votes, total: Votes, count: Votes) -> None:
    for j in range(len(votes)):
        there = votes[j] != MISSING
        total[j] += votes[j] if there else np.int8(0)
        count[j] += there
