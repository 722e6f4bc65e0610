"""Moving averages of many series at their last bars, compiled. Importing this module imports numba.

1. Every kernel takes blocks of `tiles` (W x K, all names of a bar before the next bar) and gives the values of the last
   `rows` bars.
2. A block read as one line holds the bar before of the same name K places back: the loops over windows are over lines,
   and those of recursions over the names of a bar, so that several steps of each are taken at once by the machine.
3. A mean is taken as the bar's own price plus the mean distance from it: where prices stand still it is that price
   exactly, and what left the window leaves no rounding behind. Each value is summed in one fixed order from its own
   bar backwards, so that it does not depend on `rows` nor on what came later.
"""

from functools import lru_cache
from math import isqrt

import numpy as np

from tvquant.core.panel import Floats, frozen
from tvquant.statistics.first_valid import Integers, first_known
from tvquant.statistics.kernels import compiled, inner


def lengths_of(*bars: int) -> Integers:
    """Return lengths of averages as kernels take them: one read-only array, hence one compilation."""
    return frozen(np.array(bars, dtype=np.int64))


def simple(series: Floats, lengths: Integers, rows: int) -> Floats:
    """Return SMA of L increasing lengths, L x rows x K; `series` is W x K with W >= rows + the longest - 1.

    The sum of distances from a bar's own price is put together from shorter windows: one of a bars and one of b bars
    before it are D(t, a) + D(t - a, b) + b (price[t - a] - price[t]).
    """
    columns, joins = series.shape[1], _joins(tuple(lengths.tolist()))
    prices = series[len(series) - (rows + int(lengths[-1]) - 1) :].reshape(-1)
    out = np.empty((len(lengths), rows, columns))
    _simple(prices, joins, columns, np.empty((len(joins), len(prices))), out.reshape(len(lengths), -1))
    return out


@lru_cache
def _joins(lengths: tuple[int, ...]) -> Integers:
    """Return windows in the order in which they are made: bars, the places of the two that it is joined of, its length.

    A window grows to the next length by the longest one there is that does not reach beyond it. The last column is the
    place of its bars among the lengths, -1 where they are none of them.
    """
    made = [(1, 0, 0)]
    for length in lengths:
        while made[-1][0] < length:
            newer = older = len(made) - 1
            while made[older][0] > length - made[newer][0]:
                older -= 1
            made.append((made[newer][0] + made[older][0], newer, older))
    asked = {length: m for m, length in enumerate(lengths)}
    return np.array([(*window, asked.get(window[0], -1)) for window in made])


@compiled
def _simple(prices: Floats, joins: Integers, columns: int, windows: Floats, out: Floats) -> None:
    """Write the averages (L lines), by way of sums of distances of all windows."""
    first = len(prices) - out.shape[1]
    for i in range(len(prices)):
        windows[0, i] = 0.0
    for p in range(len(joins)):
        if p > 0:
            newer, older = joins[p, 1], joins[p, 2]
            step = joins[newer, 0] * columns
            now, then, span = prices[step:], windows[older], float(joins[older, 0])
            _join(windows[p, step:], windows[newer, step:], now, then, prices, span)
        if joins[p, 3] >= 0:
            _from_own_price(out[joins[p, 3]], prices[first:], windows[p, first:], float(joins[p, 0]))


# Innermost loops are functions of their own: only so are several of their steps taken at once by the machine.
@inner
def _join(out: Floats, newer: Floats, now: Floats, older: Floats, then: Floats, span: float) -> None:
    """Write a window's distances, from its newer part's and those of the `span` older bars, which end at `then`."""
    for i in range(len(out)):
        out[i] = newer[i] + (older[i] + span * (then[i] - now[i]))


@inner
def _from_own_price(out: Floats, now: Floats, distance: Floats, length: float) -> None:
    """Write the mean of a sum of distances from each bar's price."""
    for i in range(len(out)):
        out[i] = now[i] + distance[i] / length


def smoothed(series: Floats, length: int, rate: float, rows: int) -> Floats:
    """Return exponential smoothing, rows x K; `series` is W x K and holds every bar since the first.

    The n-th known value of a name gives the mean of the first n, each later one previous + rate (value - previous).
    What is not known is passed over: NaN at its place, and the next known value goes on from the last.
    """
    return _smooth(series, lengths_of(length), np.array([rate]))[0, len(series) - rows :]


def exponential(series: Floats, lengths: Integers, rows: int) -> Floats:
    """Return EMA of L lengths, L x rows x K: smoothing at the rate 2 / (n + 1).

    `series` is W x K since the first bar.
    """
    return _smooth(series, lengths, 2.0 / (lengths + 1))[:, len(series) - rows :]


def _smooth(series: Floats, lengths: Integers, rates: Floats) -> Floats:
    """Return L x W x K averages: names without holes side by side, NaN until their first mean."""
    out = np.empty((len(lengths), *series.shape))
    starts = first_known(series)
    for length, rate, averages in zip(lengths.tolist(), rates.tolist(), out, strict=True):
        if starts[0] < 0:
            _smooth_passing(series, length, rate, averages)
        else:
            _smooth_together(series, starts, length, rate, np.zeros(len(starts)), averages)
    return out


@compiled
def _smooth_together(series: Floats, starts: Integers, length: int, rate: float, seeds: Floats, out: Floats) -> None:
    """Smooth names without holes, whose first values are at the rows `starts`; `seeds` are K zeros."""
    width, columns = series.shape
    first, last = width, 0
    for j in range(columns):
        begin = starts[j] + (length - 1)
        first, last = min(first, begin), max(last, begin)
        for t in range(starts[j], min(begin + 1, width)):
            seeds[j] += series[t, j] - series[starts[j], j]
        if begin < width:
            seeds[j] = series[starts[j], j] + seeds[j] / length
    for t in range(min(first + 1, width)):
        for j in range(columns):
            out[t, j] = seeds[j] if starts[j] + (length - 1) == t else np.nan
    for t in range(first + 1, width):
        for j in range(columns):
            out[t, j] = out[t - 1, j] + rate * (series[t, j] - out[t - 1, j])
        if t <= last:
            for j in range(columns):
                out[t, j] = seeds[j] if starts[j] + (length - 1) == t else out[t, j]


@compiled
def _smooth_passing(series: Floats, length: int, rate: float, out: Floats) -> None:
    """Smooth name by name and value by value, passing holes."""
    for j in range(series.shape[1]):
        average, origin, seen = 0.0, 0.0, 0
        for t in range(len(series)):
            value = series[t, j]
            out[t, j] = np.nan
            if value != value:
                continue
            if seen >= length:
                average += rate * (value - average)
            else:
                origin = value if seen == 0 else origin
                average += value - origin
                seen += 1
                if seen == length:
                    average = origin + average / length
            if seen == length:
                out[t, j] = average


def weighted(series: Floats, weights: Floats, rows: int) -> Floats:
    """Return average with the given weights (newest first, sum 1), rows x K.

    `series` is W x K, W >= rows + weights - 1.
    """
    out = np.zeros((rows, series.shape[1]))
    _weighted(series.reshape(-1), weights, series.shape[1], out.reshape(-1))
    return out


@compiled
def _weighted(prices: Floats, weights: Floats, columns: int, distance: Floats) -> None:
    """Write the average over zeros."""
    first = len(prices) - len(distance)
    for back in range(len(weights)):
        _add_weighted(distance, prices[first:], prices[first - back * columns :], weights[back])
    _add(distance, prices[first:])


@inner
def _add_weighted(distance: Floats, now: Floats, then: Floats, weight: float) -> None:
    for i in range(len(distance)):
        distance[i] += weight * (then[i] - now[i])


def volume_weighted(series: Floats, volume: Floats, length: int, rows: int) -> Floats:
    """Return VWMA, rows x K; NaN where the window's volume is zero or has a NaN.

    W >= rows + length - 1 for both blocks.

    Put together from windows of 1, 2, 4 ... bars as `simple`, the distance of an older window being its volume's.
    """
    columns, size = series.shape[1], (rows + length - 1) * series.shape[1]
    prices, traded = series.reshape(-1)[series.size - size :], volume.reshape(-1)[volume.size - size :]
    out = np.zeros((rows, columns))
    windows = np.zeros((4, size))
    windows[TOTAL] = traded
    _volume_weighted(prices, windows, length, columns, np.zeros(out.size), out.reshape(-1))
    return out


TOTAL, WIDER_TOTAL, POWER, WIDER = range(4)
"""Rows of the windows of a VWMA: volume of those of the power of two, of twice as many bars, and their distances."""


@compiled
def _volume_weighted(
    prices: Floats, windows: Floats, length: int, columns: int, traded: Floats, distance: Floats
) -> None:
    """Write the average over zeros; `traded` are zeros, too."""
    total, wider_total, power, wider = windows[TOTAL], windows[WIDER_TOTAL], windows[POWER], windows[WIDER]
    first, span = len(prices) - len(distance), 1
    while span <= length:
        step = span * columns
        if length & span:
            back = first - (length & (span - 1)) * columns
            _join_traded(distance, distance, prices[first:], power[back:], prices[back:], total[back:])
            _add(traded, total[back:])
        if 2 * span <= length:
            _join_traded(wider[step:], power[step:], prices[step:], power, prices, total)
            _sum(wider_total[step:], total[step:], total)
            power, wider, total, wider_total = wider, power, wider_total, total
        span *= 2
    _from_own_price_traded(distance, prices[first:], traded)


@inner
def _join_traded(out: Floats, newer: Floats, now: Floats, older: Floats, then: Floats, traded: Floats) -> None:
    """Join as `_join` does, with the volume of the older bars for their number."""
    for i in range(len(out)):
        out[i] = newer[i] + (older[i] + traded[i] * (then[i] - now[i]))


@inner
def _sum(out: Floats, a: Floats, b: Floats) -> None:
    for i in range(len(out)):
        out[i] = a[i] + b[i]


@inner
def _add(out: Floats, more: Floats) -> None:
    for i in range(len(out)):
        out[i] += more[i]


@inner
def _from_own_price_traded(distance: Floats, now: Floats, traded: Floats) -> None:
    for i in range(len(distance)):
        distance[i] = now[i] + distance[i] / traded[i] if traded[i] > 0.0 else np.nan


def highest(series: Floats, lengths: Integers, rows: int) -> Floats:
    """Return highest of the last n values for L increasing lengths, L x rows x K; a NaN makes it NaN.

    `series` is W x K with W >= rows + the longest - 1. Of windows of 1, 2, 4 ... bars two that overlap make any other.
    """
    return _tops(series[len(series) - (rows + int(lengths[-1]) - 1) :].copy(), lengths, rows)


def negated_lowest(series: Floats, lengths: Integers, rows: int) -> Floats:
    """Return the lowest of the same with their sign changed."""
    return _tops(-series[len(series) - (rows + int(lengths[-1]) - 1) :], lengths, rows)


def _tops(bars: Floats, lengths: Integers, rows: int) -> Floats:
    """Return what `highest` does of no more bars than it looks at, and overwrite them."""
    out = np.empty((len(lengths), rows, bars.shape[1]))
    power = bars.reshape(-1)
    _highest(power, np.empty(len(power)), lengths, bars.shape[1], out.reshape(len(lengths), -1))
    return out


@compiled
def _highest(power: Floats, wider: Floats, lengths: Integers, columns: int, tops: Floats) -> None:
    """Write the highest (L lines); `power` is overwritten, and so is what `wider` holds."""
    first, span = len(power) - tops.shape[1], 1
    for m in range(len(lengths)):
        while 2 * span <= lengths[m]:
            _higher(wider[span * columns :], power[span * columns :], power)
            wider, power = power, wider
            span *= 2
        _higher(tops[m], power[first:], power[first - (lengths[m] - span) * columns :])


@inner
def _higher(out: Floats, a: Floats, b: Floats) -> None:
    """Write the higher of two, place by place; NaN if either is: with b NaN nothing compares."""
    for i in range(len(out)):
        out[i] = a[i] if (a[i] > b[i]) | (a[i] != a[i]) else b[i]


def midrange(high: Floats, low: Floats, lengths: Integers, rows: int) -> Floats:
    """Return middle of the highest high and the lowest low of L increasing lengths, L x rows x K.

    A NaN makes it NaN.
    """
    middle = highest(high, lengths, rows)
    middle -= negated_lowest(low, lengths, rows)
    middle /= 2.0
    return middle


def hull_weights(length: int) -> Floats:
    """Return weights (newest first) of the Hull average: a WMA over sqrt(n) bars of 2 WMA(n / 2) - WMA(n).

    It is linear in the prices, so its three averages are one of n + sqrt(n) - 1 weights. Source: A. Hull (2005).
    """
    faster = np.zeros(length)
    faster[: length // 2] = 2.0 * _linear(length // 2)
    return np.convolve(faster - _linear(length), _linear(isqrt(length)))


def _linear(length: int) -> Floats:
    """Return weights n, n - 1 ... 1 over their sum."""
    weights = np.arange(length, 0, -1, dtype=np.float64)
    return np.asarray(weights / weights.sum())
