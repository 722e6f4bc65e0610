"""Kernels over many series at once, compiled. Importing this module imports numba.

Each takes series x time (`series`: K x T, C order, as `by_series` lays it out), reads the finite values of one series
in order of time and writes one figure per series. Sums run in order of time, so that a series' figures do not depend on
its neighbours. Which formula is whose is told where the public functions stand: `predictability` and `tails`.
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numba import njit

from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats
from tvquant.statistics.precision import EPSILON

FLOOR = 8.0 * EPSILON
"""As `precision.rounding_floor`: a spread at or below this times max(1, largest value) is only rounding."""


def compiled[F: Callable[..., Any]](function: F) -> F:
    """Return the function compiled to machine code, cached on disk, in IEEE arithmetic (no fastmath)."""
    return cast(F, njit(cache=True, nogil=True, error_model="numpy")(function))


def inner[F: Callable[..., Any]](function: F) -> F:
    """Return the same for a function that only compiled ones call: without an entry from Python it compiles faster.

    Called from Python it would end the process.
    """
    # Both options are numba's, but its stubs do not know them.
    compile_inner = cast(Any, njit)(
        cache=True, nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True
    )
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


@compiled
def last_finite(values: Floats, most: int, out: Floats) -> int:
    """Put the last `most` finite values into the end of `out`, in order of time, and say how many there are."""
    at = out.size
    for t in range(values.size - 1, -1, -1):
        if out.size - at == most:
            break
        if np.isfinite(values[t]):
            at -= 1
            out[at] = values[t]
    return out.size - at


@compiled
def entropy_of_patterns(series: Floats, order: int, rows: int) -> Floats:
    """Return Shannon entropy of the ordinal patterns of `order` consecutive values, as a share of ln(order!).

    Entropy takes few values, so equal ones must be equal to the last bit, or a limit that is one of them would part
    them by rounding: the sum runs over how many patterns came c times, which does not know which patterns they were.
    """
    k, t = series.shape
    patterns = 1
    for i in range(2, order + 1):
        patterns *= i
    out = np.full(k, np.nan)
    buffer = np.empty(t)
    counts = np.empty(patterns, np.int64)
    times = np.empty(t + 1, np.int64)
    for j in range(k):
        n = last_finite(series[j], rows, buffer)
        x = buffer[t - n :]
        windows = n - order + 1
        if windows < 1 or np.count_nonzero(x) == 0:
            continue
        counts[:] = 0
        for w in range(windows):
            # The inversions of each place, as digits of the factorial number system, number the permutations.
            code = 0
            for a in range(order - 1):
                inversions = 0
                for b in range(a + 1, order):
                    if x[w + b] < x[w + a]:
                        inversions += 1
                code = code * (order - a) + inversions
            counts[code] += 1
        times[:] = 0
        for count in counts:
            times[count] += 1
        entropy = 0.0
        for c in range(1, windows + 1):
            if times[c]:
                entropy -= times[c] * (c / windows) * np.log(c / windows)
        out[j] = min(1.0, max(0.0, entropy / np.log(patterns)))
    return out


@compiled
def net_over_gross(series: Floats, rows: int) -> Floats:
    """Return the size of the sum over the sum of the sizes."""
    k, t = series.shape
    out = np.full(k, np.nan)
    buffer = np.empty(t)
    for j in range(k):
        n = last_finite(series[j], rows, buffer)
        net = gross = 0.0
        for i in range(t - n, t):
            net += buffer[i]
            gross += abs(buffer[i])
        if gross > 0.0:
            out[j] = min(1.0, abs(net) / gross)
    return out


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


@compiled
def slope_of_ranges(series: Floats, lengths: Floats, expected: Floats) -> Floats:
    """Return slope of ln(mean rescaled range) - `expected` on ln(length), over the lengths of which two segments fit.

    Segments end at the last value: what does not fill one is the oldest.
    """
    k, t = series.shape
    out = np.full(k, np.nan)
    buffer = np.empty(t)
    x = np.empty(lengths.size)
    y = np.empty(lengths.size)
    for j in range(k):
        n = last_finite(series[j], t, buffer)
        points = 0
        for i in range(lengths.size):
            length = int(lengths[i])
            total = 0.0
            used = 0
            for s in range(n // length if 2 * length <= n else 0):
                end = t - s * length
                ratio = rescaled_range(buffer[end - length : end])
                if not np.isnan(ratio):
                    total += ratio
                    used += 1
            if used:
                x[points] = np.log(length)
                y[points] = np.log(total / used) - expected[i]
                points += 1
        if points >= 2:
            dx = x[:points] - x[:points].mean()
            out[j] = (dx * y[:points]).sum() / (dx * dx).sum()
    return out


@compiled
def moments_of(series: Floats) -> Floats:
    """Return rows of a 5 x K matrix: count, mean, standard deviation (divisor n - 1), skewness, excess kurtosis."""
    k, t = series.shape
    out = np.full((5, k), np.nan)
    buffer = np.empty(t)
    for j in range(k):
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
    return out


@inner
def _least(values: Floats, count: int) -> Floats:
    """Return the `count` least values in order; quick where that is a small part of them."""
    out, held = np.empty(count), 0
    for value in values:
        if held == count and value >= out[count - 1]:
            continue
        held = min(held + 1, count)
        place = held - 1
        while place > 0 and out[place - 1] > value:
            out[place] = out[place - 1]
            place -= 1
        out[place] = value
    return out


@inner
def _tail(values: Floats, place: float, strict: bool) -> tuple[float, float]:
    """Return the mean of the values up to the one at `place` of their order (below it if `strict`), and its error."""
    below = int(place)
    least = _least(values, min(below + 2, values.size))
    bound = least[below]
    if place > below:
        bound += (place - below) * (least[below + 1] - least[below])
    total = squares = 0.0
    m = 0
    for value in values:
        if value < bound or (value == bound and not strict):
            total += value
            m += 1
    mean = total / m
    for value in values:
        if value < bound or (value == bound and not strict):
            squares += (value - mean) ** 2
    return mean, np.sqrt(squares / (m - 1) / m) if m >= 2 else np.nan


@compiled
def worst_mean(series: Floats, level: float) -> Floats:
    """Return a 3 x K matrix: mean of the values at or below their quantile, its error, the number of values."""
    k, t = series.shape
    out = np.full((3, k), np.nan)
    buffer = np.empty(t)
    for j in range(k):
        n = last_finite(series[j], t, buffer)
        first = t - n
        if n and 2 * np.count_nonzero(buffer[first:]) < n:
            first = t
            for i in range(t - 1, t - n - 1, -1):
                if buffer[i] != 0.0:
                    first -= 1
                    buffer[first] = buffer[i]
            out[0, j] = 0.0
        out[2, j] = t - first
        if first < t:
            out[0, j], out[1, j] = _tail(buffer[first:], (t - first - 1) * level, False)
    return out


@compiled
def best_mean(series: Floats, level: float) -> Floats:
    """Return rows of a 2 x K matrix: mean of the values above their quantile, and its standard error."""
    k, t = series.shape
    out = np.full((2, k), np.nan)
    buffer = np.empty(t)
    for j in range(k):
        n = last_finite(series[j], t, buffer)
        if n:
            mean, out[1, j] = _tail(-buffer[t - n :], (n - 1) - (n - 1) * level, True)
            out[0, j] = -mean
    return out
