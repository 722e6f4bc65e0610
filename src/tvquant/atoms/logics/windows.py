"""Figures over the last bars of one name; each depends on these bars, or on none after them, to the last bit."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tvquant.core.panel import Floats


def _rolled(values: Floats, bars: int) -> Floats:
    """Return the last `bars` values at each bar that has them, (n - bars + 1) x bars."""
    return np.ascontiguousarray(sliding_window_view(values, bars))


def _late(found: Floats, n: int) -> Floats:
    """Return n figures that end with those found; NaN before."""
    out = np.full(n, np.nan)
    out[n - len(found) :] = found
    return out


def highest(values: Floats, bars: int) -> Floats:
    """Return the highest of the last `bars` values (n); NaN where they are fewer."""
    return np.full(len(values), np.nan) if bars > len(values) else _late(_rolled(values, bars).max(axis=1), len(values))


def lowest(values: Floats, bars: int) -> Floats:
    """Return the lowest of the last `bars` values (n); NaN where they are fewer."""
    return -highest(-values, bars)


def mean(values: Floats, bars: int) -> Floats:
    """Return the mean of the last `bars` values (n); NaN where they are fewer."""
    if bars > len(values):
        return np.full(len(values), np.nan)
    return _late(_rolled(values, bars).sum(axis=1) / bars, len(values))


def running_mean(values: Floats, bars: int) -> Floats:
    """Return `mean` by running sums, which many bars cost no more for; off by rounding of the whole sum."""
    if bars > len(values):
        return np.full(len(values), np.nan)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    return _late((sums[bars:] - sums[:-bars]) / bars, len(values))


def deviation(values: Floats, bars: int) -> tuple[Floats, Floats]:
    """Return mean and standard deviation (divisor `bars`) of the last `bars` values (n each); NaN where fewer."""
    if bars > len(values):
        none = np.full(len(values), np.nan)
        return none, none
    rolled = _rolled(values, bars)
    means = rolled.sum(axis=1) / bars
    spread = np.sqrt(((rolled - means[:, None]) ** 2).sum(axis=1) / bars)
    return _late(means, len(values)), _late(spread, len(values))
