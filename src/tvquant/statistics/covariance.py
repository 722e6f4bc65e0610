"""Covariance and means of returns: an estimate, and a ridge that bounds the condition number.

1. Refuse what has no covariance: NaN, fewer than two rows, a constant column.
2. Estimate by a member of the family `estimators`: Ledoit and Wolf's shrinkage unless another is named.
3. Add `ridge` times the mean variance to the diagonal: 0.01, or as much more as the condition number 5000 needs.
4. Estimate the means beside it, above the riskless rate.
"""

from dataclasses import dataclass

import numpy as np

from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats
from tvquant.core.problems import Covariance
from tvquant.profiles.options import Options
from tvquant.statistics.estimators.catalogue import ESTIMATORS
from tvquant.statistics.estimators.shrinkage import LEDOIT_WOLF, ledoit_wolf_shrinkage, shrunk
from tvquant.statistics.means import MEANS
from tvquant.statistics.precision import constant

RIDGE = 0.01
CONDITION_LIMIT = 5000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """How covariance and means are estimated; the defaults are those of the house.

    Parameters
    ----------
    covariance, means : members of `ESTIMATORS` and `MEANS`.
    options : the values of what the estimator of the covariance declares.
    risk_free : fraction per year that is taken off the means.
    """

    covariance: str = LEDOIT_WOLF.name
    means: str = "shrunk"
    options: tuple[Options, ...] = ()
    risk_free: float = 0.0


HOUSE = Estimates()


def ledoit_wolf(returns: Floats) -> tuple[Floats, float]:
    """Return the shrunk N x N covariance (per period, divisor T) of T x N returns, and the shrinkage in [0, 1].

    Raises
    ------
    ModelError : NaN or infinite returns, fewer than two rows, or a column without variance.
    """
    return shrunk(_centred(returns)[0], ledoit_wolf_shrinkage)


def estimate(returns: Floats, how: Estimates = HOUSE, *, intensity: float = 1.0, rate: float = 0.0) -> Covariance:
    """Return covariance and means per period of T x N simple returns, conditioned for optimisers.

    `intensity` is a factor of the shrinkage, which is 1 at most (R-SEL-28); `rate` is riskless, per period, and is
    taken off the means.

    The ridge is the smallest coefficient r >= 0.01 with (high + r m) / (low + r m) <= 5000, where low and high are the
    extreme eigenvalues of the estimate and m its mean variance (R-RSK-08).

    Raises
    ------
    ModelError : as `ledoit_wolf`.
    """
    centred, mean = _centred(returns)
    found = ESTIMATORS[how.covariance].estimate(centred, intensity, how.options)
    matrix, (low, high) = found.matrix, found.extremes
    n = matrix.shape[0]
    mean_variance = float(matrix.trace()) / n
    bound = CONDITION_LIMIT * (1.0 - 1e-9)  # a hair inside, so that rounding does not end outside
    ridge = max(RIDGE, (high - bound * low) / ((bound - 1.0) * mean_variance))
    added = ridge * mean_variance
    matrix.flat[:: n + 1] += added
    means, weight = MEANS[how.means].estimate(mean - rate, matrix, len(returns))
    return Covariance(
        matrix=matrix,
        means=means,
        method=how.covariance,
        shrinkage=found.shrinkage,
        ridge=ridge,
        condition=(high + added) / (low + added),
        observations=returns.shape[0],
        effective=found.rows,
        factors=found.factors,
        means_method=how.means,
        means_shrinkage=weight,
    )


def _centred(returns: Floats) -> tuple[Floats, Floats]:
    """Return T x N returns less their means, and the means (N), after the refusals."""
    if returns.ndim != 2 or returns.shape[0] < 2 or returns.shape[1] < 1:
        raise ModelError(f"covariance needs at least 2 rows and 1 column of returns, got shape {returns.shape}")
    finite = np.isfinite(returns)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise ModelError(
            f"covariance: returns column {column} is {returns[row, column]} at row {row}; drop the column or the row"
        )
    mean = returns.mean(axis=0)
    centred = returns - mean
    flat = np.flatnonzero(constant(centred, returns))
    if len(flat):
        raise ModelError(f"covariance: returns column {flat[0]} has no variance; drop the column")
    return centred, mean
