"""Tails of returns: moments, and the mean of the worst and of the best returns, per column, over its finite values."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats, frozen


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moments:
    """Moments of K columns.

    Parameters
    ----------
    n : number of finite values.
    mean : NaN without a value.
    std : standard deviation, divisor n - 1; NaN below 2 values.
    skewness : third central moment over the cube of the standard deviation of divisor n.
    excess_kurtosis : fourth central moment over its fourth power, less 3 (normal = 0).

    The last two are NaN below 4 values and for a column whose spread is only rounding. They carry no correction for
    few values, so they are bounded: one day that dwarfs n - 1 equal ones gives the largest possible excess kurtosis,
    n - 5 + 1 / (n - 1), and the largest absolute skewness, (n - 2) / sqrt(n - 1).
    """

    n: NDArray[np.int64]
    mean: Floats
    std: Floats
    skewness: Floats
    excess_kurtosis: Floats


def moments(returns: Floats) -> Moments:
    """Return the moments of the columns of T x K returns (NaN: no bar); two passes, so a large mean does no harm."""
    from tvquant.statistics.kernels import by_series, moments_of

    n, mean, std, skewness, kurtosis = moments_of(by_series(returns))
    return Moments(
        n=frozen(n.astype(np.int64)),
        mean=frozen(mean),
        std=frozen(std),
        skewness=frozen(skewness),
        excess_kurtosis=frozen(kurtosis),
    )


def cvar(returns: Floats, *, level: float = 0.05) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Return the mean of returns at or below their `level` quantile, its standard error, and their number (K each).

    The one CVaR there is, of features, metrics and risk, signed as returns are. The quantile interpolates linearly
    between order statistics (type 7 of Hyndman & Fan 1996, numpy's default); returns equal to it are in the tail. A
    column of which more than half are 0 hardly traded: its quantile and tail are of the returns that are not 0, and the
    mean is 0 where none is. With m returns in the tail the error is their standard deviation (divisor m - 1) over
    sqrt(m): it measures the spread within the tail, not the doubt about where the tail begins. NaN without a value; the
    error is NaN when m < 2, which is so below about 1 / level values.

    Raises
    ------
    ModelError : a level outside (0, 1).

    Source: Rockafellar & Uryasev (2000), Optimization of conditional value-at-risk, Journal of Risk 2, 21-41.
    """
    if not 0.0 < level < 1.0:
        raise ModelError(f"cvar: expected a level between 0 and 1, found {level}")
    from tvquant.statistics.kernels import by_series, worst_mean

    mean, error, count = worst_mean(by_series(returns), level)
    return mean, error, count.astype(np.int64)


def tail_gain(returns: Floats, *, level: float = 0.95) -> tuple[Floats, Floats]:
    """Return the mean of returns above their `level` quantile, and its standard error (K each); NaN where none is.

    Raises
    ------
    ModelError : a level outside (0, 1).
    """
    if not 0.0 < level < 1.0:
        raise ModelError(f"tail gain: expected a level between 0 and 1, found {level}")
    from tvquant.statistics.kernels import best_mean, by_series

    mean, error = best_mean(by_series(returns), level)
    return mean, error
