"""Mappings of a feature to a probability in (0, 1], by which features of different units can be multiplied.

Each maps K values at once. A value that is missing (NaN, infinity) has the probability 0.5, as has the only value there
is: one alone is neither high nor low (R-FEA-13). A penalty that is missing is none. N counts the values that are there;
minus infinity is one, below all others.
"""

from collections.abc import Callable

import numpy as np

from tvquant.core.panel import Bools, Floats
from tvquant.statistics.precision import EPSILON

LOWEST_RANK = 0.01
LOWEST_CDF = 0.001
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

    out, there = _undecided(values)
    known = values[there]
    if len(known) > 1:
        finite = np.isfinite(known)
        z = known.copy()
        z[finite] = _z(known[finite])
        out[there] = np.clip(ndtr(z), LOWEST_CDF, 1.0)
    return out


def _z(known: Floats) -> Floats:
    ordered = np.sort(known)  # sums of sorted values do not depend on the order of the pool
    if not len(ordered):
        return ordered
    spread = ordered.std()
    floor = 8.0 * EPSILON * np.abs(ordered).max()
    return (known - ordered.mean()) / spread if spread > floor else np.zeros_like(known)


def min_max(values: Floats) -> Floats:
    """Return (value - lowest) / (highest - lowest), in [0, 1]; 0.5 for all where the values are equal.

    Its 0 is no probability: it is a part of other features, not a factor of a score.
    """
    out, there = _undecided(values)
    known = values[there]
    spread = np.ptp(known) if len(known) > 1 else 0.0
    if spread > 0.0:
        out[there] = (known - known.min()) / spread
    return out


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
