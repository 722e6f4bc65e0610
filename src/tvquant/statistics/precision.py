"""Where a spread of returns is only rounding."""

import numpy as np

from tvquant.core.panel import Bools, Floats

EPSILON = float(np.finfo(np.float64).eps)
ROUNDED = 8.0 * EPSILON
"""Spread of returns of up to 1 that are constant but for rounding."""


def rounding_floor(returns: Floats) -> Floats:
    """Return standard deviation below which each column (or the one series) of simple returns is constant.

    A simple return p1/p0 - 1 is rounded at the size of p1/p0, however small it is itself: a constant growth of prices
    leaves a spread of about one epsilon. The floor is eight of them, times the largest return when that is above 1.
    """
    floor: Floats = ROUNDED * np.maximum(1.0, np.abs(returns).max(axis=0))
    return floor


def without_variance(returns: Floats) -> Bools:
    """Return which columns of T x N simple returns are constant but for rounding.

    None with a value that is not finite.
    """
    return constant(returns - returns.mean(axis=0), returns)


def constant(centred: Floats, returns: Floats) -> Bools:
    """Return which columns are `without_variance`, given their distances from their means too (both T x N)."""
    deviation = np.sqrt(np.einsum("ij,ij->j", centred, centred) / len(centred))
    largest = max(float(returns.max(initial=1.0)), -float(returns.min(initial=0.0)))
    most = ROUNDED * largest  # no column's floor is higher
    if (deviation > most).all():
        return np.zeros(len(deviation), np.bool_)
    return np.asarray(deviation <= rounding_floor(returns))
