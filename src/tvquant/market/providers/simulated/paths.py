"""Random paths of a simulated market: regimes, factors, volatility that clusters, and the bars within a day.

Per venue D days of STEPS steps and n listings. One step is four hours round the clock, or a sixth of a session.
Sources: Hamilton (1989) for regimes that switch as a Markov chain; Bollerslev (1986) for GARCH(1, 1),
v(t+1) = 1 - a - b + a e(t)^2 + b v(t), e(t) = sqrt(v(t)) z(t), with unit mean variance.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tvquant.core.panel import Floats

type Ints = NDArray[np.int64]

STEPS = 6
"""Steps of a day."""
STAY = np.array([[0.985, 0.012, 0.003], [0.020, 0.970, 0.010], [0.000, 0.040, 0.960]])
"""Regimes calm, restless, crisis: chance of tomorrow's regime (columns) given today's (rows)."""
DRIFT = np.array([0.05, 0.00, -0.20])
MARKET_SCALE = np.array([0.7, 1.1, 2.2])
OWN_SCALE = np.array([0.9, 1.1, 1.4])
"""Per regime: drift per day and volatility of the market factor, in units of its mean volatility; scale of others."""
GARCH = (0.08, 0.90)
"""How much of a shock, and how much of a variance, the next day keeps."""
FREEDOM = 6.0
"""Degrees of freedom of Student's t, of which shocks of single steps are drawn."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Character:
    """How one venue's listings move: volatilities per day of the market factor, of sectors, and of single listings."""

    market: float
    sector: float
    own: tuple[float, float]
    gap: float
    value: float


COINS = Character(market=0.028, sector=0.012, own=(0.018, 0.045), gap=0.0, value=16.5)
STOCKS = Character(market=0.009, sector=0.005, own=(0.008, 0.022), gap=0.5, value=17.5)
"""`gap` is the part of a day's first step that falls between sessions, `value` the mean log of a day's traded value."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Steps:
    """Bars of steps, D * STEPS x n, in prices relative to the first open of the path; `value` is traded value."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    value: Floats


def regimes(rng: np.random.Generator, days: int) -> Ints:
    """Return the regime of each day (D), beginning calm."""
    edges = np.cumsum(STAY, axis=1)
    out = np.zeros(days, np.int64)
    for day, draw in enumerate(rng.random(days)[1:], start=1):
        out[day] = np.searchsorted(edges[out[day - 1]], draw * edges[out[day - 1], -1], side="right")
    return out


def shocks(rng: np.random.Generator, days: int, columns: int) -> Floats:
    """Return shocks of steps whose days cluster in volatility, days x STEPS x columns.

    A day's sum has unit mean variance.
    """
    drawn: Floats = rng.standard_t(FREEDOM, (days, STEPS, columns)) / np.sqrt(FREEDOM / (FREEDOM - 2) * STEPS)
    of_day = drawn.sum(axis=1) ** 2
    keep, persist = GARCH
    variance = np.ones((days, columns))
    for day in range(1, days):
        variance[day] = (1 - keep - persist) + variance[day - 1] * (keep * of_day[day - 1] + persist)
    drawn *= np.sqrt(variance)[:, None, :]
    return drawn


def log_returns(seed: list[int], character: Character, regime: Ints, sector: Ints) -> Floats:
    """Return D x STEPS x n log returns: market factor, sector factor and own shock, under the day's regime."""
    loads, market, groups, own = (np.random.default_rng([*seed, stream]) for stream in range(4))
    days, n = len(regime), len(sector)
    beta, gamma = loads.uniform(0.6, 1.5, n), loads.uniform(0.5, 1.5, n)
    size = loads.uniform(*character.own, n)
    scale, others = MARKET_SCALE[regime][:, None, None], OWN_SCALE[regime][:, None, None]
    factor = character.market * (DRIFT[regime][:, None, None] / STEPS + scale * shocks(market, days, 1))
    sectors = shocks(groups, days, int(sector.max()) + 1) * others * character.sector
    out = shocks(own, days, n)
    out *= others * size
    out += factor * beta
    out += sectors[:, :, sector] * gamma
    return out - 0.5 * (size**2 + (beta * character.market) ** 2) / STEPS


def bars(rng: np.random.Generator, character: Character, returns: Floats) -> Steps:
    """Return opens, extremes and traded values around a path of log returns (D x STEPS x n).

    A bar opens where the last one closed, but for the part of a day's first move that falls between sessions. It ranges
    beyond its open and close by half-normal moves of the path's own size; value grows with the size of moves.
    """
    days, steps, n = returns.shape
    rows = days * steps
    gap = returns[:, 0, :] * character.gap
    flat = returns.reshape(rows, n)
    close = np.cumsum(flat, axis=0)
    opens = close - flat
    opens[::steps] += gap
    size = np.abs(returns).mean(axis=1).repeat(steps, axis=0)
    reach = rng.standard_normal((rows, n))
    np.abs(reach, out=reach)
    high = np.maximum(opens, close) + 0.5 * size * reach
    low = np.minimum(opens, close) - 0.5 * size * reach[:, ::-1]
    typical = np.median(size, axis=0)
    level = rng.normal(character.value, 1.5, n) - np.log(steps)
    value = level + 0.5 * rng.standard_normal((rows, n)) + 0.7 * np.log(size / typical + 0.05)
    return Steps(open=np.exp(opens), high=np.exp(high), low=np.exp(low), close=np.exp(close), value=np.exp(value))


def drift_for(sharpe: float, log_returns_of_days: Floats, periods_per_year: int) -> float:
    """Return the constant to add to daily log returns x for exactly that annualised Sharpe ratio of simple returns.

    With m and s the mean and the standard deviation (ddof 1) of exp(x), those of exp(x + c) - 1 are e^c m - 1 and
    e^c s; their ratio is S / sqrt(A) at c = -log(m - s S / sqrt(A)).
    """
    growth = np.exp(log_returns_of_days)
    return float(-np.log(growth.mean() - growth.std(ddof=1) * sharpe / np.sqrt(periods_per_year)))


def autoregression(rng: np.random.Generator, rows: int, columns: int, keep: float) -> Floats:
    """Return AR(1) noise of unit variance, rows x columns."""
    out = rng.standard_normal((rows, columns))
    fresh = np.sqrt(1 - keep * keep)
    for row in range(1, rows):
        out[row] = keep * out[row - 1] + fresh * out[row]
    return out
