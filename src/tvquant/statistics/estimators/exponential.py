"""Exponentially weighted covariance: a return counts half as much as one that is `half_life` rows younger."""

from dataclasses import dataclass

import numpy as np
from pydantic import Field

from tvquant.core.panel import Floats
from tvquant.profiles.fields import Real
from tvquant.profiles.options import Options
from tvquant.statistics.estimators.contract import Estimated


class HalfLife(Options):
    """How fast returns are forgotten.

    Parameters
    ----------
    half_life : rows after which a return counts half, for `exponential`. All rows of `windows.train` are used, whatever
        they count.
    """

    half_life: Real = Field(default=60.0, ge=1, le=10000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exponential:
    """Weights 2^(-age / half-life), of sum 1, about the mean by the same weights."""

    name: str = "exponential"
    meaning: str = "Recent rows count more, by a half-life."
    options: tuple[type[Options], ...] = (HalfLife,)

    def estimate(self, centred: Floats, _: float, options: tuple[Options, ...]) -> Estimated:
        """Weigh the rows; they know as much as 1 / (sum of squared weights) equal ones (Kish 1965)."""
        weights = 0.5 ** (np.arange(len(centred))[::-1] / HalfLife.among(options).half_life)
        weights /= weights.sum()
        x = centred - weights @ centred
        matrix = (x * weights[:, None]).T @ x
        values = np.linalg.eigvalsh(matrix)
        return Estimated(
            matrix=matrix, extremes=(float(values[0]), float(values[-1])), rows=1.0 / float(weights @ weights)
        )
