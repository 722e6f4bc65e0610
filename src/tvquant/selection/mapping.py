"""Mappings of a feature to a probability in (0, 1], by which features of different units can be multiplied.

Each maps K values at once. A value that is missing (NaN, infinity) has the probability 0.5, as has the only value there
is: one alone is neither high nor low (R-FEA-13). A penalty that is missing is none. N counts the values that are there;
minus infinity is one, below all others. Those that reach 0 are for sums only: there is no logarithm of it.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tvquant.core.panel import Bools, Floats
from tvquant.statistics.precision import EPSILON

LOWEST_RANK = 0.01
LOWEST_CDF = 0.001
CLIP = 3.49
"""Standard deviations beyond which a z-score is taken for this (R-SEL-05)."""
UNDECIDED = 0.5

type Mapper = Callable[[Floats], Floats]


def rank(values: Floats) -> Floats:
    """Return 0.01 + 0.99 (rank - 1) / (N - 1), the highest value at 1; equal values share the mean of their ranks."""
    out, there = _undecided(values)
    known = values[there]
    if len(known) > 1:
        ordered = np.sort(known)
        below = np.searchsorted(ordered, known, side="left") + np.searchsorted(ordered, known, side="right") - 1
        out[there] = LOWEST_RANK + (1.0 - LOWEST_RANK) * (below / 2.0) / (len(known) - 1)
    return out


def rank_desc(values: Floats) -> Floats:
    """Return as `rank`, the lowest value at 1."""
    return rank(-values)


def cdf(values: Floats) -> Floats:
    """Return normal distribution function of the z-score (divisor N) among the finite values, clipped to [0.001, 1].

    Values without spread beyond rounding have z-score 0, minus infinity has the lowest there is.
    """
    from scipy.special import ndtr

    return _of_z(values, lambda z: np.clip(ndtr(z), LOWEST_CDF, 1.0))


def z_score(values: Floats) -> Floats:
    """Return (z + 3.49) / 6.98, in [0, 1], of the z-score clipped to +-3.49; 0 for minus infinity."""
    return _of_z(values, lambda z: (np.clip(z, -CLIP, CLIP) + CLIP) / (2.0 * CLIP))


def z_score_desc(values: Floats) -> Floats:
    """Return as `z_score`, the lowest value at the top."""
    return z_score(-values)


def logistic(values: Floats) -> Floats:
    """Return 1 / (1 + exp(-z)), in [0.0296, 0.9704], of the z-score clipped to +-3.49."""
    return _of_z(values, lambda z: 1.0 / (1.0 + np.exp(-np.clip(z, -CLIP, CLIP))))


def _of_z(values: Floats, mapped: Mapper) -> Floats:
    """Return what becomes of z-scores (divisor N) among the finite values; that of minus infinity is itself."""
    out, there = _undecided(values)
    known = values[there]
    if len(known) > 1:
        finite = np.isfinite(known)
        z = known.copy()
        z[finite] = _z(known[finite])
        out[there] = mapped(z)
    return out


def _z(known: Floats) -> Floats:
    ordered = np.sort(known)  # sums of sorted values do not depend on the order of the pool
    if not len(ordered):
        return ordered
    spread = ordered.std()
    floor = 8.0 * EPSILON * np.abs(ordered).max()
    return (known - ordered.mean()) / spread if spread > floor else np.zeros_like(known)


def min_max(values: Floats) -> Floats:
    """Return (value - lowest) / (highest - lowest) of the finite values, in [0, 1]; 0.5 for all where they are equal.

    Its 0 is no probability: it is a part of other features and of sums. Minus infinity has it beside any finite value.
    """
    out, there = _undecided(values)
    finite = np.isfinite(values)
    known = values[finite]
    spread = np.ptp(known) if len(known) > 1 else 0.0
    if spread > 0.0:
        out[finite] = (known - known.min()) / spread
    if len(known):
        out[there & ~finite] = 0.0
    return out


def rank_of_penalty(values: Floats) -> Floats:
    """Return as `rank`, but 0 for a value that is missing: it is not known to be bad."""
    return np.where(values < np.inf, rank(values), 0.0)


def within(groups: NDArray[np.int64], mapping: Mapper) -> Mapper:
    """Return the mapping of each group (K numbers) by itself."""

    def of_each(values: Floats) -> Floats:
        out = np.empty(values.shape)
        for group in np.unique(groups):
            inside = groups == group
            out[inside] = mapping(values[inside])
        return out

    return of_each


def half_of_worst(values: Floats) -> Floats:
    """Return 1 - 0.5 value / highest, in [0.5, 1]: the highest of values that are not below 0 loses half (R-SEL-07).

    No value takes anything where none is above 0, nor one that is missing: it is not known to be the worst.
    """
    out, there = _undecided(values)
    out[~there] = 1.0
    known = values[there]
    if len(known) > 1:
        worst = known.max()
        out[there] = 1.0 - 0.5 * known / worst if worst > 0.0 else 1.0
    return out


def _undecided(values: Floats) -> tuple[Floats, Bools]:
    """Return 0.5 for all, and where there is a value."""
    return np.full(values.shape, UNDECIDED), values < np.inf
