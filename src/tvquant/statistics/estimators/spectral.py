"""Covariances that keep the large principal components of the correlations and replace what is left.

Both work on correlations, so that a wild coin is no factor by itself, and leave every sample variance as it is.
"""

from dataclasses import dataclass

import numpy as np
from pydantic import Field

from tvquant.core.panel import Floats
from tvquant.profiles.options import Options
from tvquant.statistics.estimators.contract import Estimated

MOST_FACTORS = 8
"""Most factors that are looked for where a profile names no number."""


class Factors(Options):
    """How many factors.

    Parameters
    ----------
    factors : principal components that `factor` keeps, at most one less than there are rows or names; null asks the
        data (Bai & Ng 2002), for at most 8, and for less than half of the rows and of the names.
    """

    factors: int | None = Field(default=None, strict=True, ge=0, le=500)


@dataclass(frozen=True, slots=True, kw_only=True)
class Denoised:
    """Eigenvalues that noise alone could have made are replaced by their mean.

    1. The edge of noise is s (1 + sqrt(N / T))^2 (Marchenko & Pastur 1967). The variance s of the noise is 1, or the
       mean of the other eigenvalues, (N - l) / (N - 1), where the largest, l, is above the edge itself: it is the
       market.
    2. Those below become their mean, so that the trace stays; then every variance is set back to 1.

    Sources: Laloux, Cizeau, Bouchaud & Potters (1999), Noise dressing of financial correlation matrices, Physical
    Review Letters 83; Lopez de Prado (2020), Machine learning for asset managers, section 2.5.1.
    """

    name: str = "denoised"
    meaning: str = "Principal components that noise could have made are replaced by their mean."
    options: tuple[type[Options], ...] = ()

    def estimate(self, centred: Floats, _: float, __: tuple[Options, ...]) -> Estimated:
        """Clip the spectrum of the correlations."""
        deviation, values, vectors = _spectrum(centred)
        kept = _above_noise(values, len(centred))
        noise = values[kept:].mean() if kept < len(values) else 0.0
        lead = vectors[:, :kept]
        correlation = (lead * (values[:kept] - noise)) @ lead.T
        correlation.flat[:: len(values) + 1] += noise
        scale = deviation / np.sqrt(np.diag(correlation))
        return _estimated(correlation * np.outer(scale, scale), len(centred), kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorModel:
    """Common factors by principal components, and for each name a variance of its own beside them.

    Source of the number of factors: Bai & Ng (2002), Determining the number of factors in approximate factor models,
    Econometrica 70, criterion IC_p2.
    """

    name: str = "factor"
    meaning: str = "Names move together by a few factors only; what is left of each is its own."
    options: tuple[type[Options], ...] = (Factors,)

    def estimate(self, centred: Floats, _: float, options: tuple[Options, ...]) -> Estimated:
        """Keep the first principal components of the correlations, and the diagonal of the rest."""
        deviation, values, vectors = _spectrum(centred)
        least, asked = min(centred.shape), Factors.among(options).factors
        most = min(MOST_FACTORS, (least - 1) // 2)  # what is left must be an average of many
        kept = _bai_ng(values, len(centred), most) if asked is None else min(asked, least - 1)
        lead = vectors[:, :kept]
        correlation = (lead * values[:kept]) @ lead.T
        np.fill_diagonal(correlation, 1.0)
        return _estimated(correlation * np.outer(deviation, deviation), len(centred), kept)


def _spectrum(centred: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the N deviations, and eigenvalues (largest first, not negative) and vectors of the correlations."""
    deviation = np.sqrt((centred**2).mean(axis=0))
    z = centred / deviation
    values, vectors = np.linalg.eigh(z.T @ z / len(z))
    return deviation, np.maximum(values[::-1], 0.0), vectors[:, ::-1]


def _above_noise(values: Floats, rows: int) -> int:
    """Return how many of the eigenvalues, largest first and of mean 1, are above the edge of noise."""
    n, edge = len(values), (1.0 + np.sqrt(len(values) / rows)) ** 2
    if not values[0] > edge:
        return 0
    return int((values > edge * (n - values[0]) / (n - 1)).sum())


def _bai_ng(values: Floats, rows: int, most: int) -> int:
    """Return the number of factors, 0 to `most`, that makes ln V(k) + k (N + T) / (N T) ln min(N, T) least.

    V(k) is the mean variance that k factors leave.
    """
    n = len(values)
    left = np.append(values[::-1].cumsum()[::-1], 0.0)[: most + 1] / n
    penalty = np.arange(most + 1) * (n + rows) / (n * rows) * np.log(min(n, rows))
    return int(np.argmin(np.log(np.maximum(left, np.finfo(np.float64).tiny)) + penalty))


def _estimated(matrix: Floats, rows: int, factors: int) -> Estimated:
    values = np.linalg.eigvalsh(matrix)
    return Estimated(matrix=matrix, extremes=(float(values[0]), float(values[-1])), rows=float(rows), factors=factors)
