"""Moving averages of many series at their last bars, compiled. Importing this module imports numba.

1. `aligned` puts the bars of every column side by side, the newest to the right and NaN before the first, so that a
   row without a bar is no bar, as in a chart's series, and a window that reaches behind the first bar is NaN.
2. Every other kernel takes such blocks (N x W) and gives the values of the last `rows` bars.
3. A mean is taken as the bar's own price plus the mean distance from it: where prices stand still it is that price
   exactly, and what left the window leaves no rounding behind. Each value is summed in one fixed order from its own
   bar backwards, so that it does not depend on `rows` nor on what came later.
"""

from collections.abc import Callable
from math import isqrt
from typing import Any, cast

import numpy as np
from numba import njit

from tvquant.core.panel import Floats


def compiled[F: Callable[..., Any]](function: F) -> F:
    """The function compiled to machine code, cached on disk, in IEEE arithmetic (no fastmath)."""
    return cast(F, njit(cache=True, nogil=True, error_model="numpy")(function))


@compiled
def aligned(values: Floats, close: Floats, width: int) -> Floats:
    """`values` (T x N) at the last `width` bars of each column, N x width; a bar is a row with a close."""
    rows, columns = close.shape
    out = np.full((columns, width), np.nan)
    for j in range(columns):
        place = width
        for t in range(rows - 1, -1, -1):
            if place == 0:
                break
            if not np.isnan(close[t, j]):
                place -= 1
                out[j, place] = values[t, j]
    return out


@compiled
def simple(series: Floats, lengths: tuple[int, ...], rows: int) -> Floats:
    """SMA of L increasing lengths, L x N x rows; `series` is N x W with W >= rows + the longest - 1."""
    columns, width = series.shape
    first = width - rows
    out = np.empty((len(lengths), columns, rows))
    for j in range(columns):
        now = series[j, first:]
        distance = np.zeros(rows)
        taken = 0
        for m in range(len(lengths)):
            for back in range(taken, lengths[m]):  # a longer window goes on where the shorter one ended
                then = series[j, first - back : width - back]
                for i in range(rows):
                    distance[i] += then[i] - now[i]
            taken = lengths[m]
            for i in range(rows):
                out[m, j, i] = now[i] + distance[i] / lengths[m]
    return out


@compiled
def exponential(series: Floats, lengths: tuple[int, ...], rows: int) -> Floats:
    """EMA of L lengths, L x N x rows; `series` is N x W and holds every bar since the first.

    a = 2 / (n + 1); the n-th bar has the SMA of the first n, each later one previous + a (price - previous).
    """
    columns, width = series.shape
    first = width - rows
    out = np.empty((len(lengths), columns, rows))
    average = np.empty(len(lengths))
    for j in range(columns):
        begin = 0
        while begin < width and np.isnan(series[j, begin]):
            begin += 1
        average[:] = np.nan
        for t in range(min(begin, first), width):
            price, bars = series[j, t], t - begin + 1
            for m in range(len(lengths)):
                n = lengths[m]
                if bars > n:
                    average[m] += 2.0 / (n + 1) * (price - average[m])
                elif bars == n:
                    distance = 0.0
                    for back in range(n):
                        distance += series[j, t - back] - price
                    average[m] = price + distance / n
                if t >= first:
                    out[m, j, t - first] = average[m]
    return out


@compiled
def weighted(series: Floats, weights: Floats, rows: int) -> Floats:
    """Average with the given weights (newest first, sum 1), N x rows; `series` is N x W, W >= rows + K - 1."""
    columns, width = series.shape
    first = width - rows
    out = np.empty((columns, rows))
    for j in range(columns):
        now = series[j, first:]
        distance = np.zeros(rows)
        for back in range(len(weights)):
            then = series[j, first - back : width - back]
            for i in range(rows):
                distance[i] += weights[back] * (then[i] - now[i])
        for i in range(rows):
            out[j, i] = now[i] + distance[i]
    return out


@compiled
def volume_weighted(series: Floats, volume: Floats, length: int, rows: int) -> Floats:
    """VWMA, N x rows; NaN where the window's volume is zero or has a NaN. W >= rows + length - 1 for both blocks."""
    columns, width = series.shape[0], volume.shape[1]
    first, shift = width - rows, series.shape[1] - width
    out = np.empty((columns, rows))
    for j in range(columns):
        prices = series[j, shift:]
        now = prices[first:]
        distance, total = np.zeros(rows), np.zeros(rows)
        for back in range(length):
            then, traded = prices[first - back : width - back], volume[j, first - back : width - back]
            for i in range(rows):
                distance[i] += traded[i] * (then[i] - now[i])
                total[i] += traded[i]
        for i in range(rows):
            out[j, i] = now[i] + distance[i] / total[i] if total[i] > 0.0 else np.nan
    return out


@compiled
def midrange(high: Floats, low: Floats, lengths: tuple[int, ...], rows: int) -> Floats:
    """Middle of the highest high and the lowest low of L increasing lengths, L x N x rows; a NaN makes it NaN."""
    columns, width = high.shape
    first = width - rows
    out = np.empty((len(lengths), columns, rows))
    for j in range(columns):
        top, bottom = np.full(rows, -np.inf), np.full(rows, np.inf)
        taken = 0
        for m in range(len(lengths)):
            for back in range(taken, lengths[m]):
                highs, lows = high[j, first - back : width - back], low[j, first - back : width - back]
                for i in range(rows):
                    h, w = highs[i], lows[i]
                    # A NaN gets in and, as nothing compares with it, never out again.
                    top[i] = h if h > top[i] or h != h else top[i]
                    bottom[i] = w if w < bottom[i] or w != w else bottom[i]
            taken = lengths[m]
            for i in range(rows):
                out[m, j, i] = (top[i] + bottom[i]) / 2.0
    return out


def hull_weights(length: int) -> Floats:
    """Weights (newest first) of the Hull average: a WMA over sqrt(n) bars of 2 WMA(n / 2) - WMA(n), both floored.

    It is linear in the prices, so its three averages are one of n + sqrt(n) - 1 weights. Source: A. Hull (2005).
    """
    faster = np.zeros(length)
    faster[: length // 2] = 2.0 * _linear(length // 2)
    return np.convolve(faster - _linear(length), _linear(isqrt(length)))


def _linear(length: int) -> Floats:
    """Weights n, n - 1 ... 1 over their sum."""
    weights = np.arange(length, 0, -1, dtype=np.float64)
    return np.asarray(weights / weights.sum())
