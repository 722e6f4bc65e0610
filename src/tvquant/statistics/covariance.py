"""Covariance of returns: Ledoit-Wolf shrinkage and a ridge that bounds the condition number.

1. Refuse what has no covariance: NaN, fewer than two rows, a constant column.
2. Shrink the sample covariance towards the scaled identity (Ledoit & Wolf 2004).
3. Add `ridge` times the mean variance to the diagonal: 0.01, or as much more as the condition number 5000 needs.
"""

import numpy as np

from tvquant.core.allocations import Covariance
from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats
from tvquant.statistics.precision import without_variance

RIDGE = 0.01
CONDITION_LIMIT = 5000.0


def ledoit_wolf(returns: Floats) -> tuple[Floats, float]:
    """Return the shrunk N x N covariance (per period, divisor T) of T x N returns, and the shrinkage in [0, 1].

    Raises
    ------
    ModelError : NaN or infinite returns, fewer than two rows, or a column without variance.

    Source: Ledoit & Wolf (2004), A well-conditioned estimator for large-dimensional covariance matrices, Journal of
    Multivariate Analysis 88, lemmas 3.2 to 3.4. The squared distances of the rows' x x' from the sample covariance S
    need no N x N array per row: their mean is mean((x'x)^2) - |S|^2.
    """
    return _shrink(_centred(returns))


def estimate(returns: Floats, *, intensity: float = 1.0) -> Covariance:
    """Return covariance and arithmetic means per period of T x N simple returns, conditioned for optimisers.

    `intensity` is a factor of the shrinkage, which is 1 at most (R-SEL-28).

    The ridge is the smallest coefficient r >= 0.01 with (high + r m) / (low + r m) <= 5000, where low and high are the
    extreme eigenvalues after shrinkage and m the mean variance (R-RSK-08).

    Raises
    ------
    ModelError : as `ledoit_wolf`.
    """
    centred = _centred(returns)
    matrix, shrinkage = _shrink(centred, intensity)
    n = matrix.shape[0]
    mean_variance = float(np.trace(matrix)) / n
    low, high = _extremes(centred, matrix, shrinkage)
    bound = CONDITION_LIMIT * (1.0 - 1e-9)  # a hair inside, so that rounding does not end outside
    ridge = max(RIDGE, (high - bound * low) / ((bound - 1.0) * mean_variance))
    added = ridge * mean_variance
    matrix.flat[:: n + 1] += added
    return Covariance(
        matrix=matrix,
        means=returns.mean(axis=0),
        method="ledoit_wolf",
        shrinkage=shrinkage,
        ridge=ridge,
        condition=(high + added) / (low + added),
        observations=returns.shape[0],
    )


def _centred(returns: Floats) -> Floats:
    """Return T x N returns less their means, after the refusals."""
    if returns.ndim != 2 or returns.shape[0] < 2 or returns.shape[1] < 1:
        raise ModelError(f"covariance needs at least 2 rows and 1 column of returns, got shape {returns.shape}")
    finite = np.isfinite(returns)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise ModelError(
            f"covariance: returns column {column} is {returns[row, column]} at row {row}; drop the column or the row"
        )
    flat = np.flatnonzero(without_variance(returns))
    if len(flat):
        raise ModelError(f"covariance: returns column {flat[0]} has no variance; drop the column")
    return returns - returns.mean(axis=0)


def _shrink(x: Floats, intensity: float = 1.0) -> tuple[Floats, float]:
    t, n = x.shape
    matrix = x.T @ x / t
    mean_variance = np.trace(matrix) / n
    squared_norm = np.vdot(matrix, matrix)
    dispersion = squared_norm - n * mean_variance**2  # N d^2 of the paper: how far S is from m I
    noise = (((x**2).sum(axis=1) ** 2).mean() - squared_norm) / t  # N b^2: the part of it that is sampling error
    shrinkage = 0.0 if n == 1 or dispersion <= 0 else float(np.clip(noise / dispersion, 0.0, 1.0))
    shrinkage = min(1.0, intensity * shrinkage)
    matrix *= 1.0 - shrinkage
    matrix.flat[:: n + 1] += shrinkage * mean_variance
    return matrix, shrinkage


def _extremes(x: Floats, matrix: Floats, shrinkage: float) -> tuple[float, float]:
    """Return the smallest and the largest eigenvalue of the shrunk N x N matrix."""
    t, n = x.shape
    if t > n:
        values = np.linalg.eigvalsh(matrix)
        return float(values[0]), float(values[-1])
    # T centred rows span less than N dimensions: the smallest sample eigenvalue is 0, the largest is that of x x'.
    identity = shrinkage * float(np.vdot(x, x)) / (t * n)
    return identity, (1.0 - shrinkage) * float(np.linalg.eigvalsh(x @ x.T)[-1]) / t + identity
