"""Alpha and beta of one series of returns to another, with errors that hold where days are not alike or independent."""

import math
from dataclasses import dataclass

import numpy as np

from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats
from tvquant.statistics.metrics import SHORTEST_ANNUALISED_DAYS
from tvquant.statistics.precision import rounding_floor, without_variance

FEWEST = 3
"""Rows that a line with an error needs."""
APART = 1e7
"""Factors whose condition number is above this differ by less than the rounding of their squares."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketModel:
    """Line of returns on a benchmark's returns, both per row.

    Parameters
    ----------
    n : rows that both have.
    alpha, beta : intercept (per row) and slope.
    alpha_se, beta_se : their HAC standard errors.
    r_squared : share of the variance that the line explains; None where the returns are constant.
    lags : autocorrelations that the errors allow for.
    """

    n: int
    alpha: float
    beta: float
    alpha_se: float
    beta_se: float
    r_squared: float | None
    lags: int

    def annual_alpha(self, periods_per_year: int) -> tuple[float, float] | None:
        """Return alpha compounded over a year, (1 + alpha)^A - 1, and its error by the delta method.

        None below 60 calendar days.
        """
        if self.n * 365 < SHORTEST_ANNUALISED_DAYS * periods_per_year:
            return None
        growth = 1.0 + self.alpha
        slope = periods_per_year * growth ** (periods_per_year - 1)
        return float(growth**periods_per_year) - 1.0, slope * self.alpha_se


def market_model(returns: Floats, benchmark: Floats) -> MarketModel | None:
    """Return alpha and beta by ordinary least squares, with heteroskedasticity and autocorrelation consistent errors.

    None where the benchmark does not move, or there are fewer than 3 rows. Give both in excess of the same rate for the
    alpha of Jensen (1968).

    The errors are of Newey & West (1987), A simple, positive semi-definite, heteroskedasticity and autocorrelation
    consistent covariance matrix: Bartlett weights over floor(4 (n / 100)^(2/9)) lags (the rule of Newey & West 1994),
    times n / (n - 2) for the two coefficients.

    Raises
    ------
    ModelError : the two differ in length, or a value is not finite.
    """
    if returns.ndim != 1 or returns.shape != benchmark.shape:
        raise ModelError(f"alpha and beta need two series of one length, got {returns.shape} and {benchmark.shape}")
    if not (np.isfinite(returns).all() and np.isfinite(benchmark).all()):
        raise ModelError("alpha and beta need finite returns on every row; align the two series first")
    n = len(returns)
    if n < FEWEST or benchmark.std(ddof=1) <= rounding_floor(benchmark):
        return None
    x = benchmark - benchmark.mean()
    beta = float(x @ returns / (x @ x))
    alpha = float(returns.mean() - beta * benchmark.mean())
    left = returns - alpha - beta * benchmark
    total = returns - returns.mean()
    moving = returns.std(ddof=1) > rounding_floor(returns)
    lags = _lags(n)
    alpha_se, beta_se = _errors(np.column_stack([np.ones(n), benchmark]), left, lags)
    return MarketModel(
        n=n,
        alpha=alpha,
        beta=beta,
        alpha_se=alpha_se,
        beta_se=beta_se,
        r_squared=1.0 - float(left @ left / (total @ total)) if moving else None,
        lags=lags,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Slopes:
    """Slopes of a series on K others at once, with their HAC standard errors (K each), of n rows."""

    n: int
    values: tuple[float, ...]
    errors: tuple[float, ...]


def slopes(series: Floats, factors: Floats) -> Slopes | None:
    """Return the slopes of T values on T x K factors by ordinary least squares with an intercept.

    None where the factors cannot be told apart (one does not move, or goes along with others but for the rounding of
    their squares), or there are not two rows more than slopes. Errors are those of `market_model`, times
    n / (n - K - 1).

    Raises
    ------
    ModelError : the two differ in length, or a value is not finite.
    """
    if series.ndim != 1 or factors.ndim != 2 or len(series) != len(factors):
        raise ModelError(f"slopes need T values and T x K factors, got shapes {series.shape} and {factors.shape}")
    if not (np.isfinite(series).all() and np.isfinite(factors).all()):
        raise ModelError("slopes need finite values on every row; align the series first")
    n, k = factors.shape
    if n < k + FEWEST or without_variance(factors).any():
        return None
    centred = factors - factors.mean(axis=0)
    if np.linalg.cond(centred / np.sqrt((centred**2).sum(axis=0))) > APART:
        return None
    values = np.linalg.lstsq(centred, series - series.mean(), rcond=None)[0]
    left = series - series.mean() - centred @ values
    errors = _errors(np.column_stack([np.ones(n), factors]), left, _lags(n))[1:]
    return Slopes(n=n, values=tuple(values.tolist()), errors=errors)


def _lags(n: int) -> int:
    return min(int(4.0 * (n / 100.0) ** (2.0 / 9.0)), n - 1)


def _errors(design: Floats, left: Floats, lags: int) -> tuple[float, ...]:
    """Return standard errors of the coefficients of n x K columns from the residuals `left`."""
    n, k = design.shape
    scores = design * left[:, None]
    meat = scores.T @ scores
    for lag in range(1, lags + 1):
        crossed = scores[lag:].T @ scores[:-lag]
        meat += (1.0 - lag / (lags + 1.0)) * (crossed + crossed.T)
    bread = np.linalg.inv(design.T @ design)
    variances = np.diag(bread @ meat @ bread) * n / (n - k)
    return tuple(math.sqrt(max(float(one), 0.0)) for one in variances)


def rolling_beta(returns: Floats, benchmark: Floats, *, window: int) -> Floats:
    """Return the slope over the last `window` rows at each row.

    NaN on the first window - 1 rows, and where the benchmark is constant.

    Raises
    ------
    ModelError : the two differ in length, a value is not finite, or a window below 3.
    """
    if returns.shape != benchmark.shape or not (np.isfinite(returns).all() and np.isfinite(benchmark).all()):
        raise ModelError("a rolling beta needs two finite series of one length; align the two series first")
    if window < FEWEST:
        raise ModelError(f"a rolling beta needs a window of at least {FEWEST} rows, got {window}")
    found = np.full(len(returns), np.nan)
    if len(returns) >= window:
        y = np.lib.stride_tricks.sliding_window_view(returns, window)
        x = np.lib.stride_tricks.sliding_window_view(benchmark, window)
        variance = x.var(axis=1)
        moving = np.sqrt(variance) > rounding_floor(x.T)
        covariance = (x * y).mean(axis=1) - x.mean(axis=1) * y.mean(axis=1)
        found[window - 1 :][moving] = covariance[moving] / variance[moving]
    return found
