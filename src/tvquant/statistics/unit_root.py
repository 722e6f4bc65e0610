"""Unit roots: how likely it is that a series wanders off for good, by the augmented Dickey-Fuller regression."""

import numpy as np

from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats
from tvquant.statistics.precision import without_variance

FEWEST = 12
"""Rows below which the regression has hardly more rows than coefficients."""
SINGULAR = 1e12
"""Condition number of the regressors from which on they do not tell their coefficients apart."""
LOWEST, TURN, HIGHEST = -18.83, -1.61, 2.74
"""Statistic below which the probability is 0, at which its two polynomials meet, and above which it is 1."""
BELOW = (0.038269, 1.4412, 2.1659)
ABOVE = (-0.010368, -0.12745, 0.93202, 1.7339)
"""Polynomials in the statistic, highest power first, whose normal probability is that of the statistic."""


def unit_root_p_values(series: Floats) -> Floats:
    """Return p-values (K, in [0, 1]) of the hypothesis that a column of T x K values has a unit root.

    The change of a value is regressed on a constant, the value before it and the floor((T - 1)^(1/3)) changes before;
    the statistic is the coefficient of the value before over its standard error. A small p-value says that the column
    comes back to its mean, as returns nearly always do. NaN below 12 rows, for a constant column, and where the
    regressors are collinear.

    Raises
    ------
    ModelError : a value is not finite.

    Source: Said & Dickey (1984), Testing for unit roots in autoregressive-moving average models of unknown order,
    Biometrika 71, 599-607; probabilities by MacKinnon (1994), Approximate asymptotic distribution functions for
    unit-root and cointegration tests, Journal of Business & Economic Statistics 12, 167-176, with a constant.
    """
    if not np.isfinite(series).all():
        raise ModelError("a unit root needs finite values")
    out = np.full(series.shape[1], np.nan)
    if len(series) >= FEWEST:
        moving = ~without_variance(series)
        values = series[:, moving]
        out[moving] = _probability(_statistic((values - values.mean(axis=0)) / values.std(axis=0)))
    return out


def _statistic(values: Floats) -> Floats:
    """Return the Dickey-Fuller statistics (K) of columns of mean 0 and variance 1, which changes none of them."""
    lags = int(np.floor((len(values) - 1) ** (1.0 / 3.0) + 1e-12))
    changes = np.diff(values, axis=0)
    target = changes[lags:].T
    before = [changes[lags - lag : len(changes) - lag].T for lag in range(1, lags + 1)]
    design = np.stack([values[lags:-1].T, np.ones_like(target), *before], axis=2)
    turned = design.transpose(0, 2, 1)
    gram = turned @ design
    told = np.linalg.cond(gram) < SINGULAR
    found = np.full(len(target), np.nan)
    if told.any():
        inverse = np.linalg.inv(gram[told])
        aim = target[told, :, None]
        coefficients = inverse @ (turned[told] @ aim)
        left = aim - design[told] @ coefficients
        variance = (left[:, :, 0] ** 2).sum(axis=1) / (target.shape[1] - design.shape[2])
        found[told] = coefficients[:, 0, 0] / np.sqrt(variance * inverse[:, 0, 0])
    return found


def _probability(statistic: Floats) -> Floats:
    from scipy.special import ndtr

    polynomial = np.where(statistic <= TURN, np.polyval(BELOW, statistic), np.polyval(ABOVE, statistic))
    inside = np.asarray(ndtr(polynomial))
    return np.where(statistic > HIGHEST, 1.0, np.where(statistic < LOWEST, 0.0, inside))
