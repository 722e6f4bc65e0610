"""Components of the regime score: what the last rows of a market's returns look like, one function each.

All take T x K returns without holes, a market (or a draw of noise) per column, and give one figure per column. NaN is
what so few rows, or rows that do not vary, cannot say.
"""

import numpy as np

from tvquant.core.panel import Floats
from tvquant.statistics import hurst, moments, permutation_entropy, rescaled_range_slope
from tvquant.statistics.precision import without_variance
from tvquant.statistics.unit_root import unit_root_p_values

RECENT = 10
"""Rows of the volatility that is held against the whole."""
LONG = 252
"""Rows of the whole: of standard deviation and mean."""
SHORT = 60
"""Rows of everything that describes how returns follow each other, and of the tails."""
WAVELET_ROWS, BLOCK = 64, 8
"""Rows of the wavelet transform, and of a block: what three levels of it average over."""
ORDER = 3


def deviation(returns: Floats) -> Floats:
    """Return standard deviations (divisor n - 1); NaN below 2 rows."""
    return np.asarray(returns.std(axis=0, ddof=1)) if len(returns) > 1 else np.full(returns.shape[1], np.nan)


def volatility_ratio(returns: Floats) -> Floats:
    """Return the standard deviation of the last 10 rows over that of the last 252; 1 is as volatile as usual."""
    whole, recent = deviation(returns[-LONG:]), deviation(returns[-RECENT:])
    return np.where(without_variance(returns[-LONG:]), np.nan, recent / np.where(whole > 0.0, whole, np.nan))


def turbulence(returns: Floats) -> Floats:
    """Return the share of energy in the details of the Haar wavelet transform of the last 64 rows, three levels deep.

    A share in [0, 1]: 0 where returns drift by blocks of 8 rows, 1 where every block nets to nothing, 7/8 expected of
    noise. What three levels leave as approximation is the sum of each 8 rows over sqrt(8); the rest of the energy is in
    the details, for the transform is orthogonal. With fewer than 64 rows it is of the last multiple of 8.

    Source: Haar (1910), Zur Theorie der orthogonalen Funktionensysteme, Mathematische Annalen 69, 331-371; energy
    by level as in Percival & Walden (2000), Wavelet Methods for Time Series Analysis, chapter 4.
    """
    rows = min(len(returns), WAVELET_ROWS) // BLOCK * BLOCK
    if not rows:
        return np.full(returns.shape[1], np.nan)
    used = returns[-rows:]
    energy = (used**2).sum(axis=0)
    smooth = (used.reshape(rows // BLOCK, BLOCK, -1).sum(axis=1) ** 2).sum(axis=0) / BLOCK
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(energy > 0.0, np.clip(1.0 - smooth / energy, 0.0, 1.0), np.nan))


def autocorrelation(returns: Floats) -> Floats:
    """Return the first autocorrelation of the sizes of the last 60 returns: above 0 where large follow large.

    Source: Ding, Granger & Engle (1993), A long memory property of stock market returns and a new model, Journal of
    Empirical Finance 1, 83-106.
    """
    sizes = np.abs(returns[-SHORT:])
    centred = sizes - sizes.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (centred[1:] * centred[:-1]).sum(axis=0) / (centred**2).sum(axis=0)
    return np.where(without_variance(sizes), np.nan, found)


def entropy(returns: Floats) -> Floats:
    """Return the permutation entropy, order 3, of the last 60 returns (Bandt & Pompe 2002)."""
    return permutation_entropy(returns, order=ORDER, rows=SHORT)


def hurst_exponent(returns: Floats) -> Floats:
    """Return the Hurst exponent of the last 60 returns, corrected to 0.5 on noise; NaN below 32 (Anis & Lloyd 1976)."""
    return hurst(returns[-SHORT:])


def raw_hurst_exponent(returns: Floats) -> Floats:
    """Return the uncorrected Hurst exponent of the last 60 returns; noise has about 0.6 (Mandelbrot & Wallis 1969)."""
    return rescaled_range_slope(returns[-SHORT:])


def unit_root(returns: Floats) -> Floats:
    """Return the p-value of a unit root in the last 60 returns, near 0 for all that comes back to a mean."""
    return unit_root_p_values(returns[-SHORT:])


def excess_kurtosis(returns: Floats) -> Floats:
    """Return the excess kurtosis of the last 60 returns, 0 for normal ones."""
    return moments(returns[-SHORT:]).excess_kurtosis
