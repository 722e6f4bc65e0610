"""Kernels over many series at once, compiled. Importing this module imports numba.

Each takes series x time (`series`: K x T, C order, as `by_series` lays it out), reads the finite values of one series
in order of time and writes one figure per series. Sums run in order of time, so that a series' figures do not depend on
its neighbours. Which formula is whose is told where the public functions stand: `predictability` and `tails`.
"""

from collections.abc import Callable
from math import factorial
from typing import Any, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats
from tvquant.statistics.precision import EPSILON

type Integers = NDArray[np.int64]

FLOOR = 8.0 * EPSILON
"""As `precision.rounding_floor`: a spread at or below this times max(1, largest value) is only rounding."""


def compiled[F: Callable[..., Any]](function: F) -> F:
    """Return the function compiled to machine code, cached on disk, in IEEE arithmetic (no fastmath)."""
    return cast(F, njit(cache=True, nogil=True, error_model="numpy")(function))


def inner[F: Callable[..., Any]](function: F) -> F:
    """Return the same for a function that only compiled ones call; it is linked into them and cached with them.

    Without an entry from Python and a place of its own in the cache it compiles faster. Called from Python it would
    end the process.
    """
    # Both options are numba's, but its stubs do not know them.
    compile_inner = cast(Any, njit)(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)
    return cast(F, compile_inner(function))


def by_series(returns: Floats) -> Floats:
    """Return T x K returns as a K x T copy in C order: one memory layout, hence one compilation, for every caller.

    Raises
    ------
    ModelError : not a matrix.
    """
    if returns.ndim != 2:
        raise ModelError(f"returns: expected a matrix of rows x columns, found shape {returns.shape}")
    return np.array(returns.T, dtype=np.float64, order="C")


@inner
def last_finite(values: Floats, most: int, out: Floats) -> int:
    """Put the last `most` finite values into the end of `out`, in order of time, and say how many there are."""
    at = out.size
    for t in range(values.size - 1, -1, -1):
        if out.size - at == most:
            break
        if values[t] - values[t] == 0.0:  # neither NaN nor infinite
            at -= 1
            out[at] = values[t]
    return out.size - at


def entropy_of_patterns(series: Floats, order: int, rows: int) -> Floats:
    """Return Shannon entropy of the ordinal patterns of `order` consecutive values, as a share of ln(order!).

    Entropy takes few values, so equal ones must be equal to the last bit, or a limit that is one of them would part
    them by rounding: the sum runs over how many patterns came c times, which does not know which patterns they were.
    """
    t = series.shape[1]
    out = np.full(len(series), np.nan)
    _entropy(series, order, rows, np.empty(t), np.empty(factorial(order), np.int64), np.empty(t + 1, np.int64), out)
    return out


@compiled
def _entropy(
    series: Floats, order: int, rows: int, buffer: Floats, counts: Integers, times: Integers, out: Floats
) -> None:
    t, patterns = len(buffer), len(counts)
    for j in range(len(out)):
        n = last_finite(series[j], rows, buffer)
        windows, moved = n - order + 1, False
        for i in range(t - n, t):
            moved |= buffer[i] != 0.0
        if windows < 1 or not moved:
            continue
        for i in range(patterns):
            counts[i] = 0
        for w in range(t - n, t - n + windows):
            # The inversions of each place, as digits of the factorial number system, number the permutations.
            code = 0
            for a in range(order - 1):
                inversions = 0
                for b in range(a + 1, order):
                    if buffer[w + b] < buffer[w + a]:
                        inversions += 1
                code = code * (order - a) + inversions
            counts[code] += 1
        for i in range(t + 1):
            times[i] = 0
        for i in range(patterns):
            times[counts[i]] += 1
        entropy = 0.0
        for c in range(1, windows + 1):
            if times[c]:
                entropy -= times[c] * (c / windows) * np.log(c / windows)
        out[j] = min(1.0, max(0.0, entropy / np.log(patterns)))


def net_over_gross(series: Floats, rows: int) -> Floats:
    """Return the size of the sum over the sum of the sizes."""
    out = np.full(len(series), np.nan)
    _net_over_gross(series, rows, np.empty(series.shape[1]), out)
    return out


@compiled
def _net_over_gross(series: Floats, rows: int, buffer: Floats, out: Floats) -> None:
    t = len(buffer)
    for j in range(len(out)):
        n = last_finite(series[j], rows, buffer)
        net = gross = 0.0
        for i in range(t - n, t):
            net += buffer[i]
            gross += abs(buffer[i])
        if gross > 0.0:
            out[j] = min(1.0, abs(net) / gross)


@inner
def rescaled_range(x: Floats) -> float:
    """Return range of the cumulative deviations from the mean, over the standard deviation (divisor n).

    NaN when constant.
    """
    total = largest = 0.0
    for value in x:
        total += value
        largest = max(largest, abs(value))
    mean = total / x.size
    level = high = low = squares = 0.0
    for value in x:
        deviation = value - mean
        squares += deviation * deviation
        level += deviation
        high = max(high, level)
        low = min(low, level)
    std = np.sqrt(squares / x.size)
    return (high - low) / std if std > FLOOR * max(1.0, largest) else np.nan


def slope_of_ranges(series: Floats, lengths: Floats, expected: Floats) -> Floats:
    """Return slope of ln(mean rescaled range) - `expected` on ln(length), over the lengths of which two segments fit.

    Segments end at the last value: what does not fill one is the oldest.
    """
    out = np.full(len(series), np.nan)
    _slope_of_ranges(series, lengths, expected, np.empty(series.shape[1]), np.empty((2, len(lengths))), out)
    return out


@compiled
def _slope_of_ranges(
    series: Floats, lengths: Floats, expected: Floats, buffer: Floats, points: Floats, out: Floats
) -> None:
    t = len(buffer)
    for j in range(len(out)):
        n = last_finite(series[j], t, buffer)
        m, x_total = 0, 0.0
        for i in range(len(lengths)):
            length = int(lengths[i])
            total = 0.0
            used = 0
            for s in range(n // length if 2 * length <= n else 0):
                end = t - s * length
                ratio = rescaled_range(buffer[end - length : end])
                if ratio == ratio:
                    total += ratio
                    used += 1
            if used:
                points[0, m] = np.log(length)
                points[1, m] = np.log(total / used) - expected[i]
                x_total += points[0, m]
                m += 1
        if m >= 2:
            products = squares = 0.0
            for i in range(m):
                dx = points[0, i] - x_total / m
                products += dx * points[1, i]
                squares += dx * dx
            out[j] = products / squares


def moments_of(series: Floats) -> Floats:
    """Return rows of a 5 x K matrix: count, mean, standard deviation (divisor n - 1), skewness, excess kurtosis."""
    out = _none(5, series)
    _moments(series, np.empty(series.shape[1]), out)
    return out


@compiled
def _moments(series: Floats, buffer: Floats, out: Floats) -> None:
    t = len(buffer)
    for j in range(len(series)):
        n = last_finite(series[j], t, buffer)
        out[0, j] = n
        if n == 0:
            continue
        total = largest = 0.0
        for i in range(t - n, t):
            total += buffer[i]
            largest = max(largest, abs(buffer[i]))
        mean = total / n
        second = third = fourth = 0.0
        for i in range(t - n, t):
            deviation = buffer[i] - mean
            square = deviation * deviation
            second += square
            third += square * deviation
            fourth += square * square
        out[1, j] = mean
        if n >= 2:
            out[2, j] = np.sqrt(second / (n - 1))
        spread = np.sqrt(second / n)
        if n >= 4 and spread > FLOOR * max(1.0, largest):
            out[3, j] = third / n / spread**3
            out[4, j] = fourth / n / spread**4 - 3.0


def worst_mean(series: Floats, level: float) -> Floats:
    """Return a 3 x K matrix: mean of the values at or below their quantile, its error, the number of values.

    Of a series of which fewer than half of the values are not zero, those that are zero do not count.
    """
    out = _none(3, series)
    _tail_means(series, level, True, np.empty((2, series.shape[1])), out)
    return out


def best_mean(series: Floats, level: float) -> Floats:
    """Return rows of a 2 x K matrix: mean of the values above their quantile, and its standard error."""
    out = _none(3, series)
    _tail_means(series, level, False, np.empty((2, series.shape[1])), out)
    np.negative(out[0], out=out[0])
    return out[:2]


@compiled
def _tail_means(series: Floats, level: float, worst: bool, scratch: Floats, out: Floats) -> None:
    """Write mean, error and number of the tail of every series; the best one with its sign changed."""
    buffer, least = scratch[0], scratch[1]
    t = len(buffer)
    for j in range(len(series)):
        n = last_finite(series[j], t, buffer)
        first, moved = t - n, 0
        for i in range(first, t):
            moved += buffer[i] != 0.0
            buffer[i] = buffer[i] if worst else -buffer[i]
        if worst and n and 2 * moved < n:
            first = t
            for i in range(t - 1, t - n - 1, -1):
                if buffer[i] != 0.0:
                    first -= 1
                    buffer[first] = buffer[i]
            out[0, j] = 0.0
        out[2, j] = t - first
        if first < t:
            last = t - first - 1
            place = last * level if worst else last - last * level
            bound = _order_statistic(buffer[first:], place, least)
            total = squares = 0.0
            m = 0
            for i in range(first, t):
                if buffer[i] < bound or (buffer[i] == bound and worst):
                    total += buffer[i]
                    m += 1
            mean = total / m
            for i in range(first, t):
                if buffer[i] < bound or (buffer[i] == bound and worst):
                    squares += (buffer[i] - mean) ** 2
            out[0, j], out[1, j] = mean, np.sqrt(squares / (m - 1) / m) if m >= 2 else np.nan


@inner
def _order_statistic(values: Floats, place: float, least: Floats) -> float:
    """Return the value at `place` of the order, between two; quick where few are below. `least` is overwritten."""
    below, held = int(place), 0
    count = min(below + 2, len(values))
    for value in values:
        if held == count and value >= least[count - 1]:
            continue
        held = min(held + 1, count)
        at = held - 1
        while at > 0 and least[at - 1] > value:
            least[at] = least[at - 1]
            at -= 1
        least[at] = value
    bound: float = least[below]
    if place > below:
        bound += (place - below) * (least[below + 1] - least[below])
    return bound


def _none(figures: int, series: Floats) -> Floats:
    """Return F x K unknown figures."""
    return np.full((figures, len(series)), np.nan)
