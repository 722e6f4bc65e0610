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

TILE = 32
"""Rows turned at once from names side by side to bars side by side, or back."""


def compiled[F: Callable[..., Any]](function: F) -> F:
    """The function compiled to machine code, cached on disk, in IEEE arithmetic (no fastmath)."""
    return cast(F, njit(cache=True, nogil=True, error_model="numpy")(function))


@compiled
def aligned(values: Floats, close: Floats, width: int) -> Floats:
    """`values` (T x N) at the last `width` bars of each column, N x width; a bar is a row with a close.

    Some rows at a time, so that what is read across and written along stays in the processor's cache.
    """
    rows, columns = close.shape
    out = np.empty((columns, width))
    place, to_do = np.full(columns, width), columns
    for end in range(rows, 0, -TILE):
        if not to_do:
            break
        for j in range(columns):
            at = place[j]
            for t in range(end - 1, max(end - TILE, 0) - 1, -1):
                if at > 0 and not np.isnan(close[t, j]):
                    at -= 1
                    out[j, at] = values[t, j]
            to_do -= place[j] > 0 and at == 0
            place[j] = at
    for j in range(columns):
        out[j, : place[j]] = np.nan
    return out


@compiled
def simple(series: Floats, lengths: tuple[int, ...], rows: int) -> Floats:
    """SMA of L increasing lengths, L x N x rows; `series` is N x W with W >= rows + the longest - 1.

    The sum of distances from a bar's own price is put together from windows of 1, 2, 4 ... bars: one of a bars and one
    of b bars before it are D(t, a) + D(t - a, b) + b (price[t - a] - price[t]).
    """
    columns, longest = series.shape[0], lengths[-1]
    size = rows + longest - 1
    begin, first = series.shape[1] - size, size - rows
    out = np.empty((len(lengths), columns, rows))
    wider, power = np.zeros(size), np.zeros(size)
    for j in range(columns):
        prices = series[j, begin:]
        now = prices[first:]
        power[:] = 0.0
        span = 1
        while span <= longest:
            for m in range(len(lengths)):
                taken = lengths[m] & (span - 1)
                if lengths[m] & span and not taken:
                    _copy(power[first:], out[m, j])
                elif lengths[m] & span:
                    back = first - taken
                    _lengthen(out[m, j], now, power[back : back + rows], prices[back : back + rows], float(span))
            if 2 * span <= longest:
                _join(wider[span:], power[span:], prices[span:], power[:-span], prices[:-span], float(span))
                wider, power = power, wider
            span *= 2
        for m in range(len(lengths)):
            _from_own_price(out[m, j], now, float(lengths[m]))
    return out


# Innermost loops stand in functions of their own: only so are several of their steps taken at once by the machine.
@compiled
def _copy(values: Floats, out: Floats) -> None:
    for i in range(len(out)):
        out[i] = values[i]


@compiled
def _join(out: Floats, newer: Floats, now: Floats, older: Floats, then: Floats, span: float) -> None:
    """Distances of a window from those of its newer part and those of the `span` older bars, which end at `then`."""
    for i in range(len(out)):
        out[i] = newer[i] + (older[i] + span * (then[i] - now[i]))


@compiled
def _lengthen(distance: Floats, now: Floats, older: Floats, then: Floats, span: float) -> None:
    """The same in place."""
    for i in range(len(distance)):
        distance[i] += older[i] + span * (then[i] - now[i])


@compiled
def _from_own_price(distance: Floats, now: Floats, length: float) -> None:
    """Turn a sum of distances from each bar's price into the mean."""
    for i in range(len(distance)):
        distance[i] = now[i] + distance[i] / length


def smoothed(series: Floats, length: int, rate: float, rows: int) -> Floats:
    """Exponential smoothing, N x rows; `series` is N x W and holds every bar since the first.

    The n-th known value of a name gives the mean of the first n, each later one previous + rate (value - previous).
    What is not known is passed over: NaN at its place, and the next known value goes on from the last.
    """
    out = np.empty((len(series), rows))
    _smooth(series, length, rate, out)
    return out


def exponential(series: Floats, lengths: tuple[int, ...], rows: int) -> Floats:
    """EMA of L lengths, L x N x rows: smoothing at the rate 2 / (n + 1); `series` is N x W since the first bar."""
    out = np.empty((len(lengths), len(series), rows))
    for m, n in enumerate(lengths):
        _smooth(series, n, 2.0 / (n + 1), out[m])
    return out


@compiled
def _smooth(series: Floats, length: int, rate: float, out: Floats) -> None:
    columns, width = series.shape
    first = width - out.shape[1]
    average, origin, seen = np.zeros(columns), np.zeros(columns), np.zeros(columns, np.int64)
    for t in range(width):
        for j in range(columns):  # side by side: the steps of one name wait for each other, those of several do not
            value, now = series[j, t], np.nan
            if not np.isnan(value):
                if seen[j] >= length:
                    now = average[j] + rate * (value - average[j])
                    average[j] = now
                else:
                    if seen[j] == 0:
                        origin[j] = value
                    average[j] += value - origin[j]
                    seen[j] += 1
                    if seen[j] == length:
                        now = origin[j] + average[j] / length
                        average[j] = now
            if t >= first:
                out[j, t - first] = now


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
def highest(series: Floats, lengths: tuple[int, ...], rows: int) -> Floats:
    """Highest of the last n values for L increasing lengths, L x N x rows; a NaN makes it NaN.

    `series` is N x W with W >= rows + the longest - 1. Of windows of 1, 2, 4 ... bars two that overlap make any other.
    """
    columns, longest = series.shape[0], lengths[-1]
    size = rows + longest - 1
    begin, first = series.shape[1] - size, size - rows
    out = np.empty((len(lengths), columns, rows))
    wider, power = np.empty(size), np.empty(size)
    for j in range(columns):
        _copy(series[j, begin:], power)
        span = 1
        for m in range(len(lengths)):
            while 2 * span <= lengths[m]:
                _higher(wider[span:], power[span:], power[:-span])
                wider, power = power, wider
                span *= 2
            back = first - (lengths[m] - span)
            _higher(out[m, j], power[first:], power[back : back + rows])
    return out


@compiled
def _higher(out: Floats, a: Floats, b: Floats) -> None:
    """The higher of two, place by place; NaN if either is: with b NaN nothing compares."""
    for i in range(len(out)):
        out[i] = a[i] if (a[i] > b[i]) | (a[i] != a[i]) else b[i]


def midrange(high: Floats, low: Floats, lengths: tuple[int, ...], rows: int) -> Floats:
    """Middle of the highest high and the lowest low of L increasing lengths, L x N x rows; a NaN makes it NaN."""
    return (highest(high, lengths, rows) - highest(-low, lengths, rows)) / 2.0


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
