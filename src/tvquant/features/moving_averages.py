"""Moving averages of many series at their last bars, compiled. Importing this module imports numba.

1. Every kernel takes blocks of `tiles` (W x K, all names of a bar before the next bar) and gives the values of the last
   `rows` bars.
2. A block read as one line holds the bar before of the same name K places back: the loops over windows are over lines,
   and those of recursions over the names of a bar, so that several steps of each are taken at once by the machine.
3. A mean is taken as the bar's own price plus the mean distance from it: where prices stand still it is that price
   exactly, and what left the window leaves no rounding behind. Each value is summed in one fixed order from its own
   bar backwards, so that it does not depend on `rows` nor on what came later.
"""

from math import isqrt

import numpy as np

from tvquant.core.panel import Floats, frozen
from tvquant.statistics.first_valid import Integers, first_known
from tvquant.statistics.kernels import compiled, inner


def lengths_of(*bars: int) -> Integers:
    """Return lengths of averages as kernels take them: one read-only array, hence one compilation."""
    return frozen(np.array(bars, dtype=np.int64))


@compiled
def simple(series: Floats, lengths: Integers, rows: int) -> Floats:
    """Return SMA of L increasing lengths, L x rows x K; `series` is W x K with W >= rows + the longest - 1.

    The sum of distances from a bar's own price is put together from shorter windows: one of a bars and one of b bars
    before it are D(t, a) + D(t - a, b) + b (price[t - a] - price[t]).
    """
    columns, joins = series.shape[1], _joins(lengths)
    prices = series[len(series) - (rows + lengths[-1] - 1) :].reshape(-1)
    windows = np.empty((len(joins), len(prices)))
    windows[0] = 0.0
    out = np.empty((len(lengths), rows, columns))
    first, m = len(prices) - rows * columns, 0
    for p in range(len(joins)):
        span, newer, older = joins[p]
        if p > 0:
            step = joins[newer, 0] * columns
            then = windows[older]
            _join(windows[p, step:], windows[newer, step:], prices[step:], then, prices, float(joins[older, 0]))
        if span == lengths[m]:
            _from_own_price(out[m].reshape(-1), prices[first:], windows[p, first:], float(span))
            m += 1
    return out


@inner
def _joins(lengths: Integers) -> Integers:
    """Return windows in the order in which they are made: bars, and the places of the two that it is joined of.

    A window grows to the next length by the longest one there is that does not reach beyond it.
    """
    out, made = np.ones((64, 3), np.int64), 1
    for length in lengths:
        while out[made - 1, 0] < length:
            older = made - 1
            while out[older, 0] > length - out[made - 1, 0]:
                older -= 1
            out[made, 0], out[made, 1], out[made, 2] = out[made - 1, 0] + out[older, 0], made - 1, older
            made += 1
    return out[:made]


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


@compiled
def _smooth(series: Floats, lengths: Integers, rates: Floats) -> Floats:
    """Return L x W x K averages: names without holes side by side, NaN until their first mean."""
    out = np.empty((len(lengths), *series.shape))
    starts = first_known(series)
    for m in range(len(lengths)):
        if starts[0] < 0:
            for j in range(series.shape[1]):
                _smooth_passing(series[:, j], lengths[m], rates[m], out[m, :, j])
        else:
            _smooth_together(series, starts + (lengths[m] - 1), lengths[m], rates[m], out[m])
    return out


@inner
def _smooth_together(series: Floats, begins: Integers, length: int, rate: float, out: Floats) -> None:
    """Smooth names without holes, whose first means are at the rows `begins`."""
    width, columns = series.shape
    begin, last = min(int(begins.min()), width), begins.max()
    out[:begin] = np.nan
    for t in range(begin, width):
        if t == begin:
            out[t] = np.nan
        else:
            for j in range(columns):
                out[t, j] = out[t - 1, j] + rate * (series[t, j] - out[t - 1, j])
        if t <= last:
            for j in range(columns):
                if begins[j] == t:
                    _smooth_passing(series[t - length + 1 : t + 1, j], length, rate, out[t - length + 1 : t + 1, j])


@inner
def _smooth_passing(series: Floats, length: int, rate: float, out: Floats) -> None:
    """Smooth one name, value by value, passing its holes."""
    average, origin, seen = 0.0, 0.0, 0
    for t in range(len(series)):
        value = series[t]
        out[t] = np.nan
        if np.isnan(value):
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
            out[t] = average


@compiled
def weighted(series: Floats, weights: Floats, rows: int) -> Floats:
    """Return average with the given weights (newest first, sum 1), rows x K.

    `series` is W x K, W >= rows + weights - 1.
    """
    width, columns = series.shape
    prices = series.reshape(-1)
    now = prices[(width - rows) * columns :]
    out = np.zeros((rows, columns))
    distance = out.reshape(-1)
    for back in range(len(weights)):
        _add_weighted(distance, now, prices[(width - rows - back) * columns :], weights[back])
    _sum(distance, distance, now)
    return out


@inner
def _add_weighted(distance: Floats, now: Floats, then: Floats, weight: float) -> None:
    for i in range(len(distance)):
        distance[i] += weight * (then[i] - now[i])


@compiled
def volume_weighted(series: Floats, volume: Floats, length: int, rows: int) -> Floats:
    """Return VWMA, rows x K; NaN where the window's volume is zero or has a NaN.

    W >= rows + length - 1 for both blocks.

    Put together from windows of 1, 2, 4 ... bars as `simple`, the distance of an older window being its volume's.
    """
    columns, some, size = series.shape[1], rows * series.shape[1], (rows + length - 1) * series.shape[1]
    prices, total = series.reshape(-1)[series.size - size :], volume.reshape(-1)[volume.size - size :].copy()
    out = np.zeros((rows, columns))
    distance, traded, now = out.reshape(-1), np.zeros(some), prices[size - some :]
    power, wider, wider_total = np.zeros(size), np.zeros(size), np.zeros(size)
    span = 1
    while span <= length:
        step = span * columns
        if length & span:
            back = size - some - (length & (span - 1)) * columns
            _join_traded(distance, distance, now, power[back:], prices[back:], total[back:])
            _add(traded, total[back:])
        if 2 * span <= length:
            _join_traded(wider[step:], power[step:], prices[step:], power, prices, total)
            _sum(wider_total[step:], total[step:], total)
            power, wider, total, wider_total = wider, power, wider_total, total
        span *= 2
    _from_own_price_traded(distance, now, traded)
    return out


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


@compiled
def highest(series: Floats, lengths: Integers, rows: int) -> Floats:
    """Return highest of the last n values for L increasing lengths, L x rows x K; a NaN makes it NaN.

    `series` is W x K with W >= rows + the longest - 1. Of windows of 1, 2, 4 ... bars two that overlap make any other.
    """
    columns, longest = series.shape[1], lengths[-1]
    power = series[len(series) - (rows + longest - 1) :].reshape(-1).copy()
    size, some = len(power), rows * columns
    wider = np.empty(size)
    out = np.empty((len(lengths), rows, columns))
    tops = out.reshape(len(lengths), some)
    span = 1
    for m in range(len(lengths)):
        while 2 * span <= lengths[m]:
            _higher(wider[span * columns :], power[span * columns :], power)
            wider, power = power, wider
            span *= 2
        _higher(tops[m], power[size - some :], power[size - some - (lengths[m] - span) * columns :])
    return out


@inner
def _higher(out: Floats, a: Floats, b: Floats) -> None:
    """Write the higher of two, place by place; NaN if either is: with b NaN nothing compares."""
    for i in range(len(out)):
        out[i] = a[i] if (a[i] > b[i]) | (a[i] != a[i]) else b[i]


@compiled
def midrange(high: Floats, low: Floats, lengths: Integers, rows: int) -> Floats:
    """Return middle of the highest high and the lowest low of L increasing lengths, L x rows x K.

    A NaN makes it NaN.
    """
    middle = highest(high, lengths, rows)
    negated = highest(-low[len(low) - (rows + lengths[-1] - 1) :], lengths, rows)
    _halve(middle.reshape(-1), negated.reshape(-1))
    return middle


@inner
def _halve(top: Floats, negated: Floats) -> None:
    """Write the middle into the top; `negated` is the bottom with its sign changed."""
    for i in range(len(top)):
        top[i] = (top[i] - negated[i]) / 2.0


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
