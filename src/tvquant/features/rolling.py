"""Kernels between rows of a panel and bars of a name, and over windows of bars. Importing this module imports numba.

Blocks are those of `tiles`, W x K, the newest bar at the bottom. A window is summed or
sorted anew in one fixed order, so that a value depends on its own bars only.
"""

import numpy as np
from numpy.typing import NDArray

from tvquant.core.panel import Floats
from tvquant.features.moving_averages import simple
from tvquant.features.tiles import TILE
from tvquant.statistics.first_valid import Integers
from tvquant.statistics.kernels import compiled, inner


@compiled
def on_rows(values: Floats, close: Floats) -> Floats:
    """Return values at the last bars of each name (N x rows) on the last rows (rows x N).

    NaN in a row without a bar.
    """
    rows, skipped = values.shape[1], len(close) - values.shape[1]
    out = np.full((rows, len(values)), np.nan)
    bars = np.full(len(values), rows)
    for end in range(rows, 0, -TILE):
        for j in range(len(values)):
            for t in range(end - 1, max(end - TILE, 0) - 1, -1):
                if not np.isnan(close[skipped + t, j]):
                    bars[j] -= 1
                    out[t, j] = values[j, bars[j]]
    return out


@compiled
def last_known(values: Floats) -> Floats:
    """Return T x N: each cell's value, or the last one known before it; NaN before the first."""
    out = values.copy()
    for t in range(1, len(out)):
        for j in range(out.shape[1]):
            if np.isnan(out[t, j]):
                out[t, j] = out[t - 1, j]
    return out


@compiled
def rolling_median(series: Floats, length: int, rows: int) -> Floats:
    """Return median of the last n values, rows x K, NaN with a NaN among them; `series` is W x K, W >= rows + n - 1."""
    first = len(series) - rows - length + 1
    out = np.full((rows, series.shape[1]), np.nan)
    window = np.empty(length)
    for j in range(series.shape[1]):
        count = 0
        for i in range(rows + length - 1):
            if i >= length:
                count = _removed(window, count, series[first + i - length, j])
            count = _inserted(window, count, series[first + i, j])
            if count == length and i >= length - 1:
                out[i - length + 1, j] = (window[(length - 1) // 2] + window[length // 2]) / 2.0
    return out


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


@compiled
def band_position(series: Floats, lengths: Integers, width: float, rows: int) -> Floats:
    """Return the close's place in the band of `width` deviations around the mean of n bars, rows x K (0 to 1).

    `lengths` is the one n. The deviation is that of the population. NaN where prices do not move. `series` is W x K,
    W >= rows + n - 1.
    """
    prices: Floats = series.reshape(-1)
    out: Floats = simple(series, lengths, rows)[0]
    mean, first = out.reshape(-1), (len(series) - rows) * series.shape[1]
    squares = np.zeros(len(mean))
    for back in range(lengths[0]):
        _add_squares(squares, prices[first - back * series.shape[1] :], mean)
    _place_in_band(mean, prices[first:], squares, float(lengths[0]), 2.0 * width)
    return out


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


@compiled
def gathered(values: Floats, close: Floats, period: NDArray[np.int64], periods: int, how: int) -> Floats:
    """Return bars of longer periods from T x N bars, periods x N; a bar of which the value is not known makes it NaN.

    Parameters
    ----------
    period : T, increasing: the period that each row is of; rows of later ones than the last asked for are left out.
    how : LAST, HIGHEST, LOWEST or SUM.
    """
    out = np.full((periods, close.shape[1]), np.nan)
    begun = np.full(close.shape[1], -1)
    for t in range(len(close)):
        p = period[t]
        if p >= periods:
            break
        for j in range(close.shape[1]):
            if np.isnan(close[t, j]):
                continue
            value, so_far = values[t, j], out[p, j]
            if begun[j] != p or how == 0:
                begun[j] = p
                out[p, j] = value
            elif how == 3:
                out[p, j] = so_far + value
            elif np.isnan(value) or (value > so_far if how == 1 else value < so_far):
                out[p, j] = value
    return out
