"""Rank correlation: whether what stands higher in one list stands higher in another."""

from dataclasses import dataclass

import numpy as np

from tvquant.core.panel import Floats
from tvquant.statistics.precision import EPSILON

FEWEST = 3
"""Pairs that a rank correlation needs: of two it is 1 or -1 whatever they are."""


def spearman(one: Floats, other: Floats) -> float:
    """Return the rank correlation of two K-vectors over the places where both are finite; ties share the mean rank.

    NaN below three such places, and where either is the same at all of them.

    Source: Spearman (1904), The proof and measurement of association between two things, American Journal of Psychology
    15, 72-101; with ties it is the correlation of mean ranks.
    """
    there = np.isfinite(one) & np.isfinite(other)
    if there.sum() < FEWEST:
        return float("nan")
    x, y = (_centred_ranks(values[there]) for values in (one, other))
    size = float(np.sqrt((x @ x) * (y @ y)))
    return float(np.clip(x @ y / size, -1.0, 1.0)) if size > 0.0 else float("nan")


def _centred_ranks(values: Floats) -> Floats:
    """Return mean ranks less their mean; values that differ by rounding only are equal."""
    ordered = np.sort(values)
    slack = 8.0 * EPSILON * max(abs(float(ordered[0])), abs(float(ordered[-1])))
    below = np.searchsorted(ordered, values - slack, side="left")
    upto = np.searchsorted(ordered, values + slack, side="right")
    ranks = 0.5 * (below + upto).astype(np.float64)
    centred: Floats = ranks - ranks.mean()
    return centred


@dataclass(frozen=True, slots=True, kw_only=True)
class RankCorrelation:
    """A rank correlation with its interval.

    Parameters
    ----------
    rho, low, high : the correlation and the ends of its interval.
    n, effective : pairs, and as how many independent ones they count.
    """

    rho: float
    low: float
    high: float
    n: int
    effective: float


def rank_correlation(one: Floats, other: Floats, *, confidence: float = 0.95) -> RankCorrelation | None:
    """Return the rank correlation of two series in time (K each), with an interval that knows of their memory.

    The interval is that of Fisher's z with the standard error sqrt((1 + rho^2 / 2) / (m - 3)) of Bonett & Wright
    (2000), Sample size requirements for estimating Pearson, Kendall and Spearman correlations, Psychometrika 65,
    23-28. Pairs that resemble the ones before count for fewer: m is n over 1 + 2 sum (1 - k / n) a_k b_k, at most n,
    with the autocorrelations of both at lags up to sqrt(n) (Bartlett 1935). None where there is no correlation, or m
    is not above 3.
    """
    there = np.isfinite(one) & np.isfinite(other)
    rho, n = spearman(one, other), int(there.sum())
    if not np.isfinite(rho):
        return None
    from scipy.special import ndtri

    x, y = (_centred_ranks(values[there]) for values in (one, other))
    lags = range(1, int(np.sqrt(n)) + 1)
    memory = sum((1.0 - k / n) * float(x[k:] @ x[:-k]) * float(y[k:] @ y[:-k]) for k in lags)
    effective = n / max(1.0, 1.0 + 2.0 * memory / float((x @ x) * (y @ y)))
    if effective <= FEWEST:
        return None
    reach = float(ndtri(0.5 + confidence / 2.0)) * np.sqrt((1.0 + rho**2 / 2.0) / (effective - FEWEST))
    z = np.arctanh(np.clip(rho, -1.0 + 1e-12, 1.0 - 1e-12))
    return RankCorrelation(
        rho=rho, low=float(np.tanh(z - reach)), high=float(np.tanh(z + reach)), n=n, effective=float(effective)
    )
