"""Quadratic programs in weights: the region they are over, what a solver answers, and how good an answer is at worst.

The least variance w'Sw / 2, or the best ratio m'w / sqrt(w'Sw): where the latter is best, w also minimises
w'Sw / 2 - a m'w with a = w'Sw / m'w. So one bound from below serves both.
"""

from typing import NamedTuple

import numpy as np

from tvquant.allocation.caps import FeasibleSet
from tvquant.core.panel import Floats


class Region(NamedTuple):
    """The N weights with lower <= w <= upper, sum w = total and rows @ w <= bounds (R x N); lower is not negative."""

    lower: Floats
    upper: Floats
    total: float
    rows: Floats
    bounds: Floats

    @classmethod
    def of(cls, feasible: FeasibleSet) -> "Region":
        """Return the region of a feasible set."""
        return cls(feasible.lower, feasible.upper, feasible.budget, feasible.rows, feasible.bounds)

    @classmethod
    def simplex(cls, n: int) -> "Region":
        """Return the region of N weights that are not negative and sum to 1."""
        return cls(np.zeros(n), np.ones(n), 1.0, np.zeros((0, n)), np.zeros(0))


class Answer(NamedTuple):
    """What a solver answers: weights (N), the multipliers of rows (R) and of the budget in mean variances, its effort.

    At the optimum the `marginal` of a name is 0 between its bounds, not less at the lower and not more at the upper.
    """

    weights: Floats
    multipliers: Floats
    level: float
    iterations: int


class Failure(NamedTuple):
    """How a solver ended that has no answer, and whether because nothing is in the region."""

    outcome: str
    infeasible: bool


def mean_variance(matrix: Floats) -> float:
    """Return the mean of the variances of an N x N covariance."""
    return float(matrix.trace()) / len(matrix)


def marginal(matrix: Floats, answer: Answer, region: Region, means: Floats | None) -> tuple[Floats, float]:
    """Return S w - a m + rows' multipliers - level (N) and w'Sw, in mean variances; without means a is 0."""
    pull = matrix @ answer.weights
    pull /= mean_variance(matrix)
    variance = float(answer.weights @ pull)
    if means is not None:
        pull -= variance / float(means @ answer.weights) * means
    if len(region.bounds):
        pull += answer.multipliers @ region.rows
    pull -= answer.level
    return pull, variance
