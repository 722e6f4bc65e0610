"""Expected returns: the means of a sample, drawn towards each other by as much as they are noise."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from tvquant.core.panel import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class MeansEstimator:
    """A way to expected returns.

    Parameters
    ----------
    name : in profiles.
    meaning : one sentence.
    estimate : from N sample means, the conditioned N x N covariance of a row, and T, to N means and the part of them
        that is the target, from 0 to 1.
    informed : whether the means differ by what is known of the names: what maximises a ratio needs that.
    """

    name: str
    meaning: str
    estimate: Callable[[Floats, Floats, int], tuple[Floats, float]]
    informed: bool = True


def as_sampled(sample: Floats, _: Floats, __: int) -> tuple[Floats, float]:
    """Return the sample means."""
    return sample, 0.0


def shrunk(sample: Floats, matrix: Floats, rows: int) -> tuple[Floats, float]:
    """Return means drawn towards the mean of all by w = (N + 2) / (N + 2 + T d' S^-1 d), and w; d are the distances.

    Source: Jorion (1986), Bayes-Stein estimation for portfolio analysis, Journal of Financial and Quantitative
    Analysis 21, with the estimated covariance S in place of the true one. Its target, the mean of the portfolio of
    minimum variance, can lie outside of all means where S is near singular; the common mean cannot.
    """
    target = sample.mean()
    distance = sample - target
    n, spread = len(sample), rows * float(distance @ np.linalg.solve(matrix, distance))
    weight = (n + 2) / (n + 2 + spread)
    return target + (1.0 - weight) * distance, weight


def nothing(sample: Floats, _: Floats, __: int) -> tuple[Floats, float]:
    """Return zeros: no name is expected to earn more than another."""
    return np.zeros_like(sample), 1.0


MEANS: Mapping[str, MeansEstimator] = MappingProxyType(
    {
        one.name: one
        for one in (
            MeansEstimator(name="sample", meaning="The arithmetic mean of each, noise and all.", estimate=as_sampled),
            MeansEstimator(
                name="shrunk",
                meaning="Drawn towards the mean of all, by as much as their differences are noise.",
                estimate=shrunk,
            ),
            MeansEstimator(
                name="zero",
                meaning="No name is expected to earn anything: for profiles that read no means.",
                estimate=nothing,
                informed=False,
            ),
        )
    }
)
