"""Whether the mean of a series differs from zero, and what many such questions at once are worth."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tvquant.core.panel import Floats
from tvquant.statistics.precision import rounding_floor

LEVEL = 0.05
"""Share of false alarms that is borne."""
POWER = 0.80
"""Chance with which an effect of the size `detectable` would be found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanEstimate:
    """A mean over n periods and how far it can be trusted.

    Parameters
    ----------
    n : values that are there.
    mean : None of none.
    se : standard error; None below two values, and where they do not vary.
    t, p : mean / se, and the two-sided probability of one as large where the true mean is 0, by Student's t of n - 1.
    """

    n: int
    mean: float | None
    se: float | None
    t: float | None
    p: float | None

    @property
    def detectable(self) -> float | None:
        """The true mean that would be found at 5 % in four of five such samples: (t(.975) + t(.8)) x se."""
        from scipy.special import stdtrit

        if self.se is None:
            return None
        return float(stdtrit(self.n - 1, 1.0 - LEVEL / 2.0) + stdtrit(self.n - 1, POWER)) * self.se


def mean_estimate(values: Floats) -> MeanEstimate:
    """Return the mean of a series in order of time, of the values that are there (NaN: none).

    Each value stands for a whole cross-section (Fama & MacBeth 1973, Risk, return, and equilibrium), so names that move
    together do not count as many. The standard error is the larger of the ordinary one and that of Newey & West (1987)
    with Bartlett weights over floor(4 (n / 100)^(2/9)) lags, so periods that follow each other do not either, and a
    chance negative autocorrelation makes nothing significant.
    """
    from scipy.special import stdtr

    there = values[np.isfinite(values)]
    n = len(there)
    mean = float(there.mean()) if n else None
    if mean is None or n < 2 or there.std(ddof=1) <= rounding_floor(there):
        return MeanEstimate(n=n, mean=mean, se=None, t=None, p=None)
    left = there - mean
    ordinary = long_run = float(left @ left) / n
    lags = min(int(4.0 * (n / 100.0) ** (2.0 / 9.0)), n - 1)
    for lag in range(1, lags + 1):
        long_run += 2.0 * (1.0 - lag / (lags + 1.0)) * float(left[lag:] @ left[:-lag]) / n
    se = math.sqrt(max(ordinary, long_run) / (n - 1))
    t = mean / se
    return MeanEstimate(n=n, mean=mean, se=se, t=t, p=2.0 * float(stdtr(n - 1, -abs(t))))


def expected_best(trials: Sequence[float]) -> float | None:
    """Return what the highest of these Sharpe ratios is expected to be where the true one of each is 0.

    It is their spread times the expected maximum of as many independent standard normals, so trials that are alike ask
    for more than they should. None of fewer than two. Whether the best one is better than luck is the probability that
    its true ratio is above this: the deflated Sharpe ratio.

    Source: Bailey & Lopez de Prado (2014), The deflated Sharpe ratio, Journal of Portfolio Management 40(5), 94-107.
    """
    from scipy.special import ndtri

    n = len(trials)
    if n < 2:
        return None
    highest = (1.0 - np.euler_gamma) * ndtri(1.0 - 1.0 / n) + np.euler_gamma * ndtri(1.0 - 1.0 / (n * math.e))
    return float(np.std(trials, ddof=1) * highest)


def holm(probabilities: Sequence[float | None]) -> tuple[float | None, ...]:
    """Return probabilities adjusted for how many are asked at once; None stays None and is not counted.

    One at or below 5 % after it is found at 5 % for the whole family, however they depend on each other.

    Source: Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6,
    65-70.
    """
    asked = sorted((p, k) for k, p in enumerate(probabilities) if p is not None)
    found: list[float | None] = [None] * len(probabilities)
    highest = 0.0
    for place, (p, k) in enumerate(asked):
        highest = max(highest, min(1.0, (len(asked) - place) * p))
        found[k] = highest
    return tuple(found)
