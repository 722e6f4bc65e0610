"""Bars of many names in blocks that fit a processor's cache, and values of blocks back at their rows.

1. `Tile.stacked` puts the bars of every name one below the other, the newest at the bottom and NaN above the first, so
   that a row without a bar is no bar, as in a chart's series, and a window that reaches before the first bar is NaN.
2. `by_tiles` has values of such blocks made, in threads, and puts those of the last bars back at their rows.

Importing this module imports numba.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
from numpy.typing import NDArray

from tvquant.core.panel import Floats, frozen
from tvquant.statistics.first_valid import Integers
from tvquant.statistics.kernels import compiled, inner

LANES, CHUNK = 32, 512
"""Names and bars taken at once: what is worked on at a time stays in the processor's cache."""
TILE = 256
"""Names read and written at once: as many lie beside each other in a row."""


def by_rows(values: Floats) -> Floats:
    """Return T x N values read-only in C order: one memory layout, hence one compilation, for every caller.

    They are copied where they lie otherwise in memory.
    """
    return frozen(np.ascontiguousarray(values))


def aligned(values: Floats, close: Floats, width: int) -> Floats:
    """Return `values` (T x N) at the last `width` bars of each column, N x width; a bar is a row with a close."""
    return np.ascontiguousarray(Tile(close, 0, close.shape[1], close.shape[1]).stacked(values, width)[0].T)


class Tile:
    """Some names beside each other, to be worked on in G blocks of `lanes` names; of the last some lanes may be idle.

    Rows are read and written across all of the tile, as they lie in memory.
    """

    def __init__(self, close: Floats, begin: int, end: int, lanes: int) -> None:
        """Take the columns from `begin` to `end` of T x N closes."""
        self.close, self.begin, self.end, self.lanes = by_rows(close), begin, end, lanes
        after = np.zeros(end - begin, np.int64)
        _after_last_hole(self.close, begin, after)
        self.whole = np.maximum.reduceat(after, range(0, end - begin, lanes))
        """The row of each block from which on all of its names have a bar."""

    def stacked(self, values: Floats, width: int) -> Floats:
        """Return `values` (T x N) at the last `width` bars of each name, G x width x lanes, NaN where there is none.

        A bar is a row with a close.
        """
        out = np.empty((len(self.whole), width, self.lanes))
        _stack(by_rows(values), self.close, self.begin, self.end, int(self.whole.min()), self.whole, out)
        return out


@compiled
def _after_last_hole(close: Floats, begin: int, after: Integers) -> None:
    """Write the row after the last without a bar of each of the columns from `begin` on; 0 where there is none."""
    for t in range(len(close)):
        for j in range(len(after)):
            after[j] = t + 1 if close[t, begin + j] != close[t, begin + j] else after[j]


@compiled
def _stack(values: Floats, close: Floats, begin: int, end: int, first: int, whole: Integers, out: Floats) -> None:
    """Write bars of the columns from `begin` to `end` in blocks; before the row `first` no block is whole."""
    lanes, shift = out.shape[2], out.shape[1] - len(close)
    for t in range(max(first, -shift), len(close)):
        for g in range(len(whole)):
            column = begin + g * lanes
            if t >= whole[g]:
                _copy(values[t, column:], out[g, shift + t, : min(lanes, end - column)])
    for g in range(len(whole)):
        for j in range(lanes):
            place, column = shift + max(whole[g], -shift) - 1, begin + g * lanes + j
            if column < end:
                for t in range(whole[g] - 1, -1, -1):
                    if place >= 0 and close[t, column] == close[t, column]:
                        out[g, place, j] = values[t, column]
                        place -= 1
            for i in range(place + 1 if column < end else out.shape[1]):
                out[g, i, j] = np.nan


@inner
def _copy(values: Floats, out: Floats) -> None:
    """Copy the first values into the places of `out`."""
    for i in range(len(out)):
        out[i] = values[i]


def by_tiles[T: np.generic](
    close: Floats, rows: int, planes: int, missing: T, work: Callable[[Tile], NDArray[T]]
) -> NDArray[T]:
    """Return M x rows x N values that `work` gives for each tile (G x M x rows x lanes) of T x N closes.

    Where there is no bar it is `missing`, whose type is that of the result.

    Several tiles are worked on at once in threads, as many as NUMBA_NUM_THREADS allows. Each writes to places of its
    own, so the result is the same for any number of threads.
    """
    out, begins = np.empty((planes, rows, close.shape[1]), missing.dtype), range(0, close.shape[1], TILE)
    threads = min(vars(numba.config)["NUMBA_NUM_THREADS"], len(begins))

    def run(begin: int) -> None:
        tile = Tile(close, begin, min(begin + TILE, close.shape[1]), min(LANES, close.shape[1]))
        placed(work(tile), tile, missing, out)

    if threads > 1:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(run, begins))
    else:
        for begin in begins:
            run(begin)
    return out


def by_blocks(
    close: Floats, width: int, rows: int, kernel: Callable[[Floats], Floats], values: Floats | None = None
) -> Floats:
    """Return what a kernel (W x K to rows x K) gives of the last W bars of T x N values, of the closes if none.

    Rows x N.
    """
    given = close if values is None else values

    def work(tile: Tile) -> Floats:
        return np.array([[kernel(bars)] for bars in tile.stacked(given, width)])

    return np.asarray(by_tiles(close, rows, 1, np.float64(np.nan), work)[0])


def placed[T: np.generic](values: NDArray[T], tile: Tile, missing: T, out: NDArray[T]) -> None:
    """Move values of the last bars (G x M x rows x lanes) to their rows and columns of `out`, M x rows x N.

    Blocks whose names all have all of the bars are at the rows already.
    """
    rows, lanes = values.shape[2:]
    for g, block in enumerate(values):
        first = tile.begin + g * lanes
        width = min(lanes, tile.end - first)
        if tile.whole[g] <= len(tile.close) - rows:
            out[:, :, first : first + width] = block[:, :, :width]
        else:
            _place_by_bars(block, tile.close, first, missing, np.full(width, rows), out)


@compiled
def _place_by_bars[T: np.generic](
    values: NDArray[T], close: Floats, first: int, missing: T, bars: Integers, out: NDArray[T]
) -> None:
    """Write values of bars at the rows of the names from column `first` on; `bars` are how many there are of each."""
    planes, rows = out.shape[:2]
    for t in range(rows - 1, -1, -1):
        row = close[len(close) - rows + t]
        for j in range(len(bars)):
            there = row[first + j] == row[first + j]
            bars[j] -= there
            for m in range(planes):
                out[m, t, first + j] = values[m, bars[j], j] if there else missing
