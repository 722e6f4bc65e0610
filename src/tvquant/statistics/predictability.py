"""Predictability of a series: permutation entropy, efficiency ratio, and the Hurst exponent by rescaled range.

All take T x K returns, NaN where there is none, and give one figure per column. Entropy and efficiency use the last
`rows` finite values of a column, so that columns of different ages are measured alike; the Hurst exponent uses all of
them. A hole is stepped over: its two sides are neighbours.

What noise looks like depends on the number of values: judge by `nulls.null_quantile`, not by a fixed figure.
"""

import math
from functools import cache

import numpy as np

from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats

ORDERS = range(2, 8)
LENGTHS = (8, 16, 32, 64, 128, 256, 512)
"""Lengths of segments of the rescaled range; a series of n values uses those up to n / 2."""


def permutation_entropy(returns: Floats, *, order: int = 3, rows: int = 120) -> Floats:
    """Return permutation entropies (K, in [0, 1]): 0 for a monotone column, near 1 for noise.

    NaN below `order` values.

    NaN also for a column that never moves: a halted name is not the most predictable one, it has nothing to predict.

    It is the Shannon entropy of the ordinal patterns of `order` consecutive values (delay 1), divided by ln(order!).
    Equal values rank in order of time, the earlier one lower, as a stable sort does. With n values there are
    n - order + 1 patterns, so it cannot exceed ln(n - order + 1) / ln(order!): few values need a low order.

    Raises
    ------
    ModelError : an order outside 2 to 7.

    Source: Bandt & Pompe (2002), Permutation entropy: a natural complexity measure for time series, Physical Review
    Letters 88, 174102.
    """
    if order not in ORDERS:
        raise ModelError(f"permutation entropy: expected an order of 2 to 7, found {order}")
    from tvquant.statistics.kernels import by_series, entropy_of_patterns

    return entropy_of_patterns(by_series(returns), order, rows)


def efficiency_ratio(returns: Floats, *, rows: int = 120) -> Floats:
    """Return efficiency ratios |sum r| / sum |r| (K, in [0, 1]): 1 for moves of one sign, near 1 / sqrt(n) for noise.

    NaN for a column that never moves: it took no path at all, neither a straight nor a crooked one.

    Source: Kaufman (1995), Smarter Trading; there on price differences, here on returns.
    """
    from tvquant.statistics.kernels import by_series, net_over_gross

    return net_over_gross(by_series(returns), rows)


def hurst(returns: Floats) -> Floats:
    """Return Hurst exponents (K, in [0, 1]) by the rescaled range, corrected to a median near 0.5 on noise.

    ln(mean R/S) - ln(E[R/S]) + 0.5 ln(length) is regressed on ln(length), where E is the exact expectation for
    independent normal values (`expected_range`). See `rescaled_range_slope` for the rest.

    Source: Anis & Lloyd (1976), The expected value of the adjusted rescaled Hurst range of independent normal
    summands, Biometrika 63, 111-116. Peters' empirical factor (n - 0.5) / n is not applied: it belongs to a standard
    deviation of divisor n - 1.
    """
    return _slope(returns, [math.log(expected_range(length)) - 0.5 * math.log(length) for length in LENGTHS])


def rescaled_range_slope(returns: Floats) -> Floats:
    """Return uncorrected Hurst exponents (K, in [0, 1]): slope of ln(mean R/S) on ln(length); 0.57 to 0.61 on noise.

    A column of n finite values is cut into segments of 8, 16, 32 ... values, up to 512 and n / 2, that do not overlap
    and end at its last value. Each gives the range of its cumulative deviations from its mean over its standard
    deviation (divisor n). Constant segments leave the mean. NaN below 32 values, or when fewer than two lengths remain.

    Source: Hurst (1951), Long-term storage capacity of reservoirs, Transactions of the American Society of Civil
    Engineers 116, 770-799; Mandelbrot & Wallis (1969), Robustness of the rescaled range R/S, Water Resources
    Research 5, 967-988.
    """
    return _slope(returns, [0.0] * len(LENGTHS))


@cache
def expected_range(length: int) -> float:
    """Return the expected rescaled range of `length` independent normal values (Anis & Lloyd 1976).

    gamma((n - 1) / 2) / (sqrt(pi) gamma(n / 2)) times the sum over r = 1 ... n - 1 of sqrt((n - r) / r), with the
    standard deviation of divisor n.
    """
    front = math.exp(math.lgamma((length - 1) / 2.0) - math.lgamma(length / 2.0)) / math.sqrt(math.pi)
    return front * sum(math.sqrt((length - r) / r) for r in range(1, length))


def _slope(returns: Floats, expected: list[float]) -> Floats:
    from tvquant.statistics.kernels import by_series, slope_of_ranges

    slope = slope_of_ranges(by_series(returns), np.array(LENGTHS, dtype=np.float64), np.array(expected))
    return np.clip(slope, 0.0, 1.0)
