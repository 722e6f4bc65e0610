"""Kernels between rows of a panel and bars of a name, and over windows of bars. Importing this module imports numba.

Blocks are those of `tiles`, W x K, the newest bar at the bottom. A window is summed or
sorted anew in one fixed order, so that a value depends on its own bars only.
"""

import numpy as np
from numpy.typing import NDArray

from tvquant.core.panel import Floats
from tvquant.features.moving_averages import simple
from tvquant.features.tiles import by_rows
from tvquant.statistics.first_valid import Integers
from tvquant.statistics.kernels import compiled, inner


def on_rows(values: Floats, close: Floats) -> Floats:
    """Return values at the last bars of each name (N x rows) on the last rows (rows x N).

    NaN in a row without a bar.
    """
    rows = values.shape[1]
    out = np.full((rows, len(values)), np.nan)
    there = ~np.isnan(close[len(close) - rows :])
    bars = rows - np.cumsum(there[::-1], axis=0)[::-1]
    at, names = np.nonzero(there)
    out[at, names] = values[names, bars[at, names]]
    return out


def last_known(values: Floats) -> Floats:
    """Return T x N: each cell's value, or the last one known before it; NaN before the first."""
    rows = np.where(np.isnan(values), 0, np.arange(len(values))[:, None])
    return np.take_along_axis(values, np.maximum.accumulate(rows, axis=0), axis=0)


def rolling_median(series: Floats, length: int, rows: int) -> Floats:
    """Return median of the last n values, rows x K, NaN with a NaN among them; `series` is W x K, W >= rows + n - 1."""
    out = np.full((rows, series.shape[1]), np.nan)
    _rolling_median(series[len(series) - rows - length + 1 :], np.empty(length), out)
    return out


@compiled
def _rolling_median(series: Floats, window: Floats, out: Floats) -> None:
    length = len(window)
    for j in range(series.shape[1]):
        count = 0
        for i in range(len(series)):
            if i >= length:
                count = _removed(window, count, series[i - length, j])
            count = _inserted(window, count, series[i, j])
            if count == length and i >= length - 1:
                out[i - length + 1, j] = (window[(length - 1) // 2] + window[length // 2]) / 2.0


@inner
def _removed(window: Floats, count: int, value: float) -> int:
    """Return the number of sorted values after one of them was taken out; a NaN was never in."""
    if np.isnan(value):
        return count
    place = 0
    while window[place] != value:
        place += 1
    for k in range(place, count - 1):
        window[k] = window[k + 1]
    return count - 1


@inner
def _inserted(window: Floats, count: int, value: float) -> int:
    """Return the number of sorted values after one was put in its place; a NaN is left out."""
    if np.isnan(value):
        return count
    place = count
    while place > 0 and window[place - 1] > value:
        window[place] = window[place - 1]
        place -= 1
    window[place] = value
    return count + 1


def band_position(series: Floats, lengths: Integers, width: float, rows: int) -> Floats:
    """Return the close's place in the band of `width` deviations around the mean of n bars, rows x K (0 to 1).

    `lengths` is the one n. The deviation is that of the population. NaN where prices do not move. `series` is W x K,
    W >= rows + n - 1.
    """
    out: Floats = simple(series, lengths, rows)[0]
    mean = out.reshape(-1)
    _band(series.reshape(-1), series.shape[1], int(lengths[0]), 2.0 * width, np.zeros(len(mean)), mean)
    return out


@compiled
def _band(prices: Floats, columns: int, length: int, breadth: float, squares: Floats, mean: Floats) -> None:
    """Write the place in the band over the mean; `squares` are zeros."""
    first = len(prices) - len(mean)
    for back in range(length):
        _add_squares(squares, prices[first - back * columns :], mean)
    _place_in_band(mean, prices[first:], squares, float(length), breadth)


@inner
def _add_squares(total: Floats, values: Floats, mean: Floats) -> None:
    for i in range(len(total)):
        total[i] += (values[i] - mean[i]) * (values[i] - mean[i])


@inner
def _place_in_band(mean: Floats, price: Floats, squares: Floats, length: float, breadth: float) -> None:
    """Write the place in the band over the mean."""
    for i in range(len(mean)):
        deviation = np.sqrt(squares[i] / length)
        mean[i] = 0.5 + (price[i] - mean[i]) / (breadth * deviation) if deviation > 0.0 else np.nan


LAST, HIGHEST, LOWEST, SUM = range(4)


def gathered(values: Floats, close: Floats, period: NDArray[np.int64], periods: int, how: int) -> Floats:
    """Return bars of longer periods from T x N bars, periods x N; a bar of which the value is not known makes it NaN.

    Parameters
    ----------
    period : T, increasing: the period that each row is of; rows of later ones than the last asked for are left out.
    how : LAST, HIGHEST, LOWEST or SUM.
    """
    out = np.full((periods, close.shape[1]), np.nan)
    _gather(by_rows(values), by_rows(close), period, np.full(close.shape[1], -1), how, out)
    return out


@compiled
def _gather(values: Floats, close: Floats, period: Integers, begun: Integers, how: int, out: Floats) -> None:
    """Write the bars over NaN; `begun` is -1 for each name, and then the period of its last bar."""
    for t in range(len(close)):
        p = period[t]
        if p >= len(out):
            break
        for j in range(close.shape[1]):
            if close[t, j] != close[t, j]:
                continue
            value, so_far = values[t, j], out[p, j]
            if begun[j] != p or how == 0:
                begun[j] = p
                out[p, j] = value
            elif how == 3:
                out[p, j] = so_far + value
            elif value != value or (value > so_far if how == 1 else value < so_far):
                out[p, j] = value
