"""Kernels over many series at once, compiled. Importing this module imports numba.

Each takes series x time (`series`: K x T, as `by_series` lays it out), reads the finite values of one series in order
of time and writes one figure per series. Sums run in order of time, so that a series' figures do not depend on its
neighbours. Which formula is whose is told where the public functions stand: `predictability` and `tails`.
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

LANES = 32
"""Series worked on beside each other where sums cannot be split."""

SAMPLE = 50
"""Values of a series from which a bound of its tail is guessed."""

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
    """Return T x K returns as K x T series for the kernels, which only read them: finite values last, NaN before them.

    One memory layout, hence one compilation, for every caller. What has it already is not copied: many kernels can
    share one `by_series(returns).T`.

    Raises
    ------
    ModelError : not a matrix.
    """
    if returns.ndim != 2:
        raise ModelError(f"returns: expected a matrix of rows x columns, found shape {returns.shape}")
    series: Floats = np.require(returns.T, np.float64, ["C", "W"])
    finite = np.isfinite(series)
    if finite.all() or (np.isnan(series[~finite]).all() and (finite[:, 1:] >= finite[:, :-1]).all()):
        return series
    packed = np.full(series.shape, np.nan)
    length = series.shape[1]
    packed[np.arange(length) >= length - finite.sum(axis=1)[:, None]] = series[finite]
    return packed


@inner
def _first(series: Floats, most: int) -> int:
    """Return where the last `most` finite values of a series begin, its length where there is none."""
    at = max(series.size - most, 0)
    while at < series.size and series[at] != series[at]:
        at += 1
    return at


def entropy_of_patterns(series: Floats, order: int, rows: int) -> Floats:
    """Return Shannon entropy of the ordinal patterns of `order` consecutive values, as a share of ln(order!).

    Entropy takes few values, so equal ones must be equal to the last bit, or a limit that is one of them would part
    them by rounding: the sum runs over how many patterns came c times, which does not know which patterns they were.
    """
    t = series.shape[1]
    out = np.full(len(series), np.nan)
    counts, times, codes = np.empty(factorial(order), np.int64), np.empty(t + 1, np.int64), np.empty(t, np.int64)
    _entropy(series, order, rows, counts, times, codes, out)
    return out


@compiled
def _entropy(
    series: Floats, order: int, rows: int, counts: Integers, times: Integers, codes: Integers, out: Floats
) -> None:
    patterns = len(counts)
    for j in range(len(out)):
        values = series[j, _first(series[j], rows) :]
        windows, moved = len(values) - order + 1, False
        for value in values:
            moved |= value != 0.0
        if windows < 1 or not moved:
            continue
        for i in range(patterns):
            counts[i] = 0
        _number_patterns(values, order, codes[:windows])
        for code in codes[:windows]:
            counts[code] += 1
        for i in range(windows + 1):
            times[i] = 0
        for i in range(patterns):
            times[counts[i]] += 1
        entropy = 0.0
        for c in range(1, windows + 1):
            if times[c]:
                entropy -= times[c] * (c / windows) * np.log(c / windows)
        out[j] = min(1.0, max(0.0, entropy / np.log(patterns)))


@inner
def _number_patterns(values: Floats, order: int, codes: Integers) -> None:
    """Write the number of the permutation that each window is, 0 to order! - 1.

    The inversions of each place are its digits in the factorial number system, the last place being worth 1.
    """
    for w in range(len(codes)):
        codes[w] = 0
    worth = 1
    for a in range(order - 2, -1, -1):
        for b in range(a + 1, order):
            first, second = values[a:], values[b:]
            for w in range(len(codes)):  # windows beside each other, as the processor can
                codes[w] += worth if second[w] < first[w] else 0
        worth *= order - a


def net_over_gross(series: Floats, rows: int) -> Floats:
    """Return the size of the sum over the sum of the sizes."""
    out = np.full(len(series), np.nan)
    _net_over_gross(series, rows, out)
    return out


@compiled
def _net_over_gross(series: Floats, rows: int, out: Floats) -> None:
    for j in range(len(out)):
        net = gross = 0.0
        for value in series[j, _first(series[j], rows) :]:
            net += value
            gross += abs(value)
        if gross > 0.0:
            out[j] = min(1.0, abs(net) / gross)


def slope_of_ranges(series: Floats, lengths: Floats, expected: Floats) -> Floats:
    """Return slope of ln(mean rescaled range) - `expected` on ln(length), over the lengths of which two segments fit.

    Segments end at the last value: what does not fill one is the oldest. Those of several series are worked on beside
    each other, as the processor can.
    """
    out = np.full(len(series), np.nan)
    block, state = np.empty((series.shape[1], LANES)), np.empty((7, LANES))
    _slope_of_ranges(series, lengths, expected, block, state, np.empty((len(lengths), LANES)), out)
    return out


@compiled
def _slope_of_ranges(
    series: Floats, lengths: Floats, expected: Floats, block: Floats, state: Floats, means: Floats, out: Floats
) -> None:
    t = len(block)
    for begin in range(0, len(series), LANES):
        lanes = min(LANES, len(series) - begin)
        for j in range(LANES):
            for i in range(t):
                block[i, j] = series[begin + j, i] if j < lanes else np.nan
        for i in range(len(lengths)):
            _mean_range(block, int(lengths[i]), state, means[i])
        for j in range(lanes):
            out[begin + j] = _slope(lengths, expected, means[:, j])


@inner
def _slope(lengths: Floats, expected: Floats, means: Floats) -> float:
    """Return slope of ln(mean) - expected on ln(length) where there is a mean; NaN below two."""
    m, x_total = 0, 0.0
    for i in range(len(means)):
        if means[i] == means[i]:
            x_total += np.log(lengths[i])
            m += 1
    products = squares = 0.0
    for i in range(len(means)):
        if means[i] == means[i]:
            dx = np.log(lengths[i]) - x_total / m
            products += dx * (np.log(means[i]) - expected[i])
            squares += dx * dx
    return products / squares if m >= 2 else np.nan


@inner
def _mean_range(block: Floats, length: int, state: Floats, out: Floats) -> None:
    """Write the mean rescaled range of each lane's segments; NaN where fewer than two fit or all are constant.

    It is the range of the cumulative deviations from the mean, over the standard deviation (divisor n). A segment that
    begins before the first value of its lane has none, as one that is constant.
    """
    t = len(block)
    total, largest, squares, level, high, low = state[0], state[1], state[2], state[3], state[4], state[5]
    used = state[6]
    for j in range(LANES):
        out[j] = used[j] = 0.0
    for end in range(t, length - 1 if 2 * length <= t else t, -length):
        for j in range(LANES):
            total[j] = largest[j] = squares[j] = level[j] = high[j] = low[j] = 0.0
        _add_up(block[end - length : end], total, largest)
        for j in range(LANES):
            total[j] /= length
        _deviate(block[end - length : end], total, squares, level, high, low)
        for j in range(LANES):
            std = np.sqrt(squares[j] / length)
            if std > FLOOR * max(1.0, largest[j]):
                out[j] += (high[j] - low[j]) / std
                used[j] += 1.0
    for j in range(LANES):
        fit = 2 * length <= t and block[t - 2 * length, j] == block[t - 2 * length, j]
        out[j] = out[j] / used[j] if fit and used[j] else np.nan


# Lanes are taken several at once by the machine only in functions of their own, and quickly only where a maximum is not
# put back as it was: to that end 0.0 is added to it.
@inner
def _add_up(block: Floats, total: Floats, largest: Floats) -> None:
    """Add the values of each lane, and find the largest size."""
    for i in range(len(block)):
        for j in range(LANES):
            total[j] += block[i, j]
            largest[j] = max(largest[j] + 0.0, abs(block[i, j]))


@inner
def _deviate(block: Floats, mean: Floats, squares: Floats, level: Floats, high: Floats, low: Floats) -> None:
    """Add squared deviations and deviations of each lane, and follow how far the latter lead up and down."""
    for i in range(len(block)):
        for j in range(LANES):
            deviation = block[i, j] - mean[j]
            squares[j] += deviation * deviation
            level[j] += deviation
            high[j] = max(high[j] + 0.0, level[j])
            low[j] = min(low[j] + 0.0, level[j])


def moments_of(series: Floats) -> Floats:
    """Return rows of a 5 x K matrix: count, mean, standard deviation (divisor n - 1), skewness, excess kurtosis."""
    out = _none(5, series)
    _moments(series, out)
    return out


@compiled
def _moments(series: Floats, out: Floats) -> None:
    for j in range(len(series)):
        values = series[j, _first(series[j], series.shape[1]) :]
        n = len(values)
        out[0, j] = n
        if n == 0:
            continue
        total = largest = 0.0
        for value in values:
            total += value
            largest = max(largest, abs(value))
        mean = total / n
        second = third = fourth = 0.0
        for value in values:
            deviation = value - mean
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
    t, sign = series.shape[1], 1.0 if worst else -1.0
    for j in range(len(series)):
        first, moved = _first(series[j], t), 0
        for i in range(first, t):
            moved += series[j, i] != 0.0
        still = worst and 2 * moved < t - first  # zeros do not count
        n = 0
        for i in range(first, t):
            scratch[0, n] = sign * series[j, i]
            n += not still or series[j, i] != 0.0
        out[2, j] = n
        if still:
            out[0, j] = 0.0
        if n == 0:
            continue
        place = (n - 1) * level if worst else n - 1 - (n - 1) * level
        bound = _order_statistic(_least(scratch[0, :n], int(place) + 2, scratch[1, :n]), place)
        total = squares = 0.0
        m = 0
        for value in scratch[0, :n]:
            scratch[1, m] = value
            m += value < bound or (value == bound and worst)
        for value in scratch[1, :m]:
            total += value
        mean = total / m
        for value in scratch[1, :m]:
            squares += (value - mean) ** 2
        out[0, j], out[1, j] = mean, np.sqrt(squares / (m - 1) / m) if m >= 2 else np.nan


@inner
def _least(values: Floats, count: int, out: Floats) -> Floats:
    """Return the least of the values, at least `count` of them where there are as many; they are written to `out`.

    A bound is guessed from a sample, so that most of the rest are left out by one comparison each.

    Source: Floyd & Rivest (1975), Expected time bounds for selection, Communications of the ACM 18, 165-172.
    """
    n, kept = len(values), 0
    rank = count * SAMPLE // n
    wanted = rank + 2 + 2 * int(np.sqrt(rank))
    if n >= 4 * SAMPLE and wanted <= SAMPLE // 3:
        bound = _smallest(values[:: n // SAMPLE], wanted)
        for value in values:
            out[kept] = value
            kept += value < bound
    if kept < count:
        out[:] = values
        kept = n
    return out[:kept]


@inner
def _smallest(values: Floats, count: int) -> float:
    """Return the greatest of the `count` least values, by insertion: for few of few."""
    least = np.full(count + 1, np.inf)
    for value in values:
        at = count
        while at > 0 and least[at - 1] > value:
            least[at] = least[at - 1]
            at -= 1
        least[at] = value
    return float(least[count - 1])


@inner
def _order_statistic(values: Floats, place: float) -> float:
    """Return the value at `place` of the order, between two; the values are put in another order.

    Source: Hoare (1961), Algorithm 65: Find, Communications of the ACM 4, 321-322.
    """
    below, low, high = int(place), 0, len(values)
    while True:
        pivot = values[(low + high) // 2]
        less = _to_front(values, low, high, pivot, False)
        if below < less:
            high = less
            continue
        even = _to_front(values, less, high, pivot, True)
        if below < even:
            break
        low = even
    if place > below:
        following = pivot
        if below + 1 == even:
            following = np.inf
            for value in values[even : high if even < high else len(values)]:
                following = min(following, value)
        pivot += (place - below) * (following - pivot)
    return float(pivot)


@inner
def _to_front(values: Floats, low: int, high: int, pivot: float, even: bool) -> int:
    """Put those from `low` to `high` that are below the pivot, or even with it, to the front; return where they end."""
    end = low
    for i in range(low, high):
        value = values[i]
        values[i] = values[end]
        values[end] = value
        end += value < pivot or (even and value == pivot)
    return end


def _none(figures: int, series: Floats) -> Floats:
    """Return F x K unknown figures."""
    return np.full((figures, len(series)), np.nan)
