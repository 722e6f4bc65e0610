"""Jumps: whether a stretch of returns moved in one leap or by many steps."""

import math
from dataclasses import dataclass

import numpy as np

from tvquant.core.panel import Floats

LEAST = 3
"""Returns from which on there is a test."""
CRITICAL = 3.09
"""Quantile of a standard normal at 99.9 %: the level at which Huang & Tauchen (2005) call a day one with a jump."""
HALF = 0.5
"""Share of the sum of squares from which on one return is the stretch, whatever the test says."""
MEAN_ABSOLUTE = math.sqrt(2.0 / math.pi)
MEAN_FOUR_THIRDS = 2.0 ** (2.0 / 3.0) * math.gamma(7.0 / 6.0) / math.gamma(0.5)
"""Of a standard normal: the mean of its absolute value, and of that to the power of 4/3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jump:
    """Evidence of a jump in n returns.

    Parameters
    ----------
    relative : 1 - bipower variation / sum of squares, at least 0: the part of the variation that leaps bring.
    z : its test statistic, standard normal without a jump; NaN where there are too few returns.
    largest : share of the largest return in the sum of squares.
    at : its place among the returns.
    """

    relative: float
    z: float
    largest: float
    at: int

    @property
    def sudden(self) -> bool:
        """Whether it was a leap: the test says so, or one return is half of all variation."""
        return self.z > CRITICAL or self.largest >= HALF


def jump_of(returns: Floats) -> Jump:
    """Return the evidence of n >= 1 finite returns.

    The bipower variation (products of neighbours) does not see a single leap, the sum of squares does: Barndorff-
    Nielsen & Shephard (2004), Power and bipower variation with stochastic volatility and jumps. The statistic is the
    ratio of Huang & Tauchen (2005), The relative contribution of jumps to total price variance, with tripower
    quarticity.
    """
    size, n = np.abs(returns), len(returns)
    squares = size**2
    total, at = float(squares.sum()), int(np.argmax(squares))
    if total == 0.0:
        return Jump(relative=0.0, z=math.nan, largest=0.0, at=at)
    largest = float(squares[at]) / total
    if n < LEAST:
        return Jump(relative=0.0, z=math.nan, largest=largest, at=at)
    bipower = n / (n - 1) * float((size[1:] * size[:-1]).sum()) / MEAN_ABSOLUTE**2
    relative = 1.0 - bipower / total
    products = float(((size[2:] * size[1:-1] * size[:-2]) ** (4.0 / 3.0)).sum())
    quarticity = n * n / (n - 2) * products / MEAN_FOUR_THIRDS**3
    spread = max(1.0, quarticity / bipower**2) if bipower else 1.0
    z = relative / math.sqrt(((math.pi / 2.0) ** 2 + math.pi - 5.0) / n * spread)
    return Jump(relative=max(relative, 0.0), z=z, largest=largest, at=at)
