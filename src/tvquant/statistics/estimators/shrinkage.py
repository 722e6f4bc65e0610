"""Linear shrinkage: the sample covariance is drawn towards the scaled identity m I, m being the mean variance."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tvquant.core.panel import Floats
from tvquant.profiles.options import Options
from tvquant.statistics.estimators.contract import Estimated

type Shrinkage = Callable[[Floats, Floats], float]
"""From T x N centred returns and their sample covariance to the shrinkage in [0, 1]."""


def ledoit_wolf_shrinkage(x: Floats, matrix: Floats) -> float:
    """Return the shrinkage that minimises the expected squared error, whatever the distribution.

    Source: Ledoit & Wolf (2004), A well-conditioned estimator for large-dimensional covariance matrices, Journal of
    Multivariate Analysis 88, lemmas 3.2 to 3.4. The squared distances of the rows' x x' from the sample covariance S
    need no N x N array per row: their mean is mean((x'x)^2) - |S|^2.
    """
    t, n = x.shape
    mean_variance = matrix.trace() / n
    squared_norm = np.vdot(matrix, matrix)
    dispersion = squared_norm - n * mean_variance**2  # N d^2 of the paper: how far S is from m I
    noise = (((x**2).sum(axis=1) ** 2).mean() - squared_norm) / t  # N b^2: the part of it that is sampling error
    return 0.0 if n == 1 or dispersion <= 0 else min(1.0, max(0.0, float(noise / dispersion)))


def oracle_shrinkage(x: Floats, matrix: Floats) -> float:
    """Return the oracle approximating shrinkage, the fixed point for normal returns.

    Source: Chen, Wiesel, Eldar & Hero (2010), Shrinkage algorithms for MMSE covariance estimation, IEEE Transactions
    on Signal Processing 58, equation 23. Its terms 2 / N are left out, as the libraries in use do.
    """
    t, n = x.shape
    squared_trace, squared_norm = float(np.trace(matrix)) ** 2, float(np.vdot(matrix, matrix))
    dispersion = (t + 1.0) * (squared_norm - squared_trace / n)
    return 0.0 if n == 1 else min(1.0, (squared_norm + squared_trace) / dispersion) if dispersion > 0.0 else 1.0


def shrunk(x: Floats, shrinkage_of: Shrinkage, intensity: float = 1.0) -> tuple[Floats, float]:
    """Return the shrunk N x N covariance (divisor T) of T x N centred returns, and its shrinkage."""
    t, n = x.shape
    matrix = x.T @ x / t
    mean_variance = matrix.trace() / n
    shrinkage = min(1.0, intensity * shrinkage_of(x, matrix))
    matrix *= 1.0 - shrinkage
    matrix.flat[:: n + 1] += shrinkage * mean_variance
    return matrix, shrinkage


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearShrinkage:
    """A member of the family by its formula of the shrinkage."""

    name: str
    meaning: str
    shrinkage_of: Shrinkage
    options: tuple[type[Options], ...] = ()

    def estimate(self, centred: Floats, intensity: float, _: tuple[Options, ...]) -> Estimated:
        """Shrink the sample covariance."""
        matrix, shrinkage = shrunk(centred, self.shrinkage_of, intensity)
        return Estimated(
            matrix=matrix,
            extremes=_extremes(centred, matrix, shrinkage),
            shrinkage=shrinkage,
            rows=float(len(centred)),
        )


LEDOIT_WOLF = LinearShrinkage(
    name="ledoit_wolf",
    meaning="Shrunk towards equal variances without correlation, by as much as the rows themselves say.",
    shrinkage_of=ledoit_wolf_shrinkage,
)
OAS = LinearShrinkage(
    name="oas",
    meaning="Shrunk likewise, by the formula for normal returns: steadier on few rows, too little on fat tails.",
    shrinkage_of=oracle_shrinkage,
)


def _extremes(x: Floats, matrix: Floats, shrinkage: float) -> tuple[float, float]:
    """Return the smallest and the largest eigenvalue of the shrunk N x N matrix."""
    t, n = x.shape
    if t > n:
        values = np.linalg.eigvalsh(matrix)
        return float(values[0]), float(values[-1])
    # T centred rows span less than N dimensions: the smallest sample eigenvalue is 0, the largest is that of x x'.
    identity = shrinkage * float(np.vdot(x, x)) / (t * n)
    return identity, (1.0 - shrinkage) * float(np.linalg.eigvalsh(x @ x.T)[-1]) / t + identity
