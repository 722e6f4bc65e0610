"""Performance of one series of simple returns: the only place where a metric is computed.

1. Values are never altered: a NaN is refused with its row; a return of -100 % or less is listed and ends the series.
2. Wealth starts at 1 before the first return, so a loss on the first day is a drawdown.
3. Ratios are of returns in excess of a rate per row, typed as `RiskFree`: a bare number would not say of which time.
4. `periods_per_year` (A) comes from a calendar; growth is annualised geometrically, and not below 60 calendar days.
5. What has no value (Sharpe of a constant series, Sortino without a loss) is None, never infinite or NaN.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats, Times
from tvquant.core.rates import ZERO, RiskFree
from tvquant.statistics.precision import EPSILON, rounding_floor
from tvquant.statistics.tails import cvar

SHORTEST_ANNUALISED_DAYS = 60
TAIL = 0.05
LISTED = 20
"""Rows with a gap that an error names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """What a series of n simple returns amounted to; rates are fractions, rows count from 0.

    Parameters
    ----------
    n : returns measured: all of them, or those up to the ruin.
    cagr : compound annual growth; None when the series spans less than 60 calendar days (ruin is -1 on any span).
    volatility : annualised by the square root of A.
    sharpe, sortino : in excess of the risk-free rate, annualised alike.
    sharpe_se : standard error of `sharpe`, annualised alike; see `sharpe_standard_error`.
    psr : probability that the true Sharpe ratio, in excess of the rate, is above 0.
    calmar : cagr / |max_drawdown|.
    omega : sum of gains over sum of losses.
    max_drawdown : deepest fall from a peak, at most 0.
    drawdown_start, drawdown_trough, drawdown_recovery : rows of its first loss after the peak, of its lowest close, and
        of the first close back at the peak (None when it has not come yet, or there is no drawdown).
    var95 : 5 % quantile of the returns (linear between order statistics).
    cvar95, cvar95_n : mean of the returns up to it, and of how many it is: see `tails.cvar` for a book of zeros.
    skew, excess_kurtosis : moment ratios with divisor n.
    positive : share of returns above 0.
    ruin_rows : rows of the given series with a return of -1 or less.
    """

    n: int
    periods_per_year: int
    total_return: float
    cagr: float | None
    volatility: float | None
    sharpe: float | None
    sharpe_se: float | None
    psr: float | None
    sortino: float | None
    calmar: float | None
    omega: float | None
    max_drawdown: float
    drawdown_start: int | None
    drawdown_trough: int | None
    drawdown_recovery: int | None
    var95: float
    cvar95: float
    cvar95_n: int
    skew: float | None
    excess_kurtosis: float | None
    best: float
    worst: float
    positive: float
    ruin_rows: tuple[int, ...]

    @property
    def bankrupt(self) -> bool:
        """Whether everything was lost."""
        return bool(self.ruin_rows)


def performance(returns: Floats, *, periods_per_year: int, risk_free: RiskFree = ZERO) -> Performance:
    """Return all metrics of one series of simple returns per period.

    Sources: CAGR is growth^(A/n) - 1; Sharpe is mean / std (divisor n - 1) of the excess e over the rate x sqrt(A)
    (Sharpe 1994); Sortino is mean e / root of mean(min(e, 0)^2) over all periods x sqrt(A) (Sortino & Price 1994, the
    rate for a target); Calmar after Young (1991), from the
    whole series; omega after Keating & Shadwick (2002), threshold 0; PSR after Bailey & Lopez de Prado (2012).

    Raises
    ------
    ModelError : no returns, or a NaN or infinite return.
    """
    _refuse_gaps(returns)
    ruin_rows = tuple(int(row) for row in np.flatnonzero(returns <= -1.0))
    r = returns[: ruin_rows[0] + 1] if ruin_rows else returns
    n, root, floor = len(r), math.sqrt(periods_per_year), float(rounding_floor(r))
    std, sharpe, error, skew, excess_kurtosis = _sharpe(r, floor)
    e = risk_free.excess(returns)[:n]
    if not np.array_equal(e, r):
        _, sharpe, error, _, _ = _sharpe(e, floor)
    gains, losses = np.maximum(r, 0.0), np.maximum(-r, 0.0)
    downside, mean_loss = math.sqrt(float((np.maximum(-e, 0.0) ** 2).mean())), float(losses.mean())
    level = wealth(r)
    growth = float(level[-1])
    cagr = annual_growth(growth, n=n, periods_per_year=periods_per_year)
    max_drawdown, start, trough, recovery = _deepest(_falls(level))
    (worst_mean,), _, (counted,) = cvar(r[:, None], level=TAIL)
    return Performance(
        n=n,
        periods_per_year=periods_per_year,
        total_return=growth - 1.0,
        cagr=cagr,
        volatility=None if std is None else std * root,
        sharpe=None if sharpe is None else sharpe * root,
        sharpe_se=None if error is None else error * root,
        psr=probabilistic_sharpe(sharpe, error) if sharpe is not None and error else None,
        sortino=float(e.mean()) / downside * root if downside > floor else None,
        calmar=cagr / -max_drawdown if cagr is not None and max_drawdown < -floor else None,
        omega=float(gains.mean()) / mean_loss if mean_loss > floor else None,
        max_drawdown=max_drawdown,
        drawdown_start=start,
        drawdown_trough=trough,
        drawdown_recovery=recovery,
        var95=float(np.quantile(r, TAIL)),
        cvar95=float(worst_mean),
        cvar95_n=int(counted),
        skew=skew,
        excess_kurtosis=excess_kurtosis,
        best=float(r.max()),
        worst=float(r.min()),
        positive=float((r > 0.0).mean()),
        ruin_rows=ruin_rows,
    )


def annual_growth(growth: float, *, n: int, periods_per_year: int) -> float | None:
    """Return CAGR of `growth` (final wealth over first) in n periods.

    None below 60 calendar days, -1 at ruin (R-MET-02).
    """
    if growth <= 0.0:
        return -1.0
    if n * 365 < SHORTEST_ANNUALISED_DAYS * periods_per_year:
        return None
    return float(growth ** (periods_per_year / n)) - 1.0


def sharpe_standard_error(sharpe: float, *, n: int, skew: float, kurtosis: float) -> float:
    """Return standard error of a per-period Sharpe ratio of n independent returns that need not be normal.

    sqrt((1 + S^2/2 - skew S + (kurtosis - 3)/4 S^2) / (n - 1)), with the raw kurtosis (3 for a normal). Lo (2002), The
    statistics of Sharpe ratios, is the normal case; the higher moments are from Mertens (2002), the divisor n - 1 from
    Bailey & Lopez de Prado (2012).
    """
    variance = 1.0 + sharpe**2 / 2.0 - skew * sharpe + (kurtosis - 3.0) / 4.0 * sharpe**2
    # Not negative for moments of one sample (kurtosis >= 1 + skew^2), but for rounding where it is zero.
    return math.sqrt(variance / (n - 1)) if variance > EPSILON else 0.0


def probabilistic_sharpe(sharpe: float, standard_error: float) -> float:
    """Return probability that the true Sharpe ratio exceeds 0: the normal CDF of the ratio over its standard error.

    Source: Bailey & Lopez de Prado (2012), The Sharpe ratio efficient frontier, equation 11 with benchmark 0.
    """
    return 0.5 * (1.0 + math.erf(sharpe / standard_error / math.sqrt(2.0)))


def wealth(returns: Floats) -> Floats:
    """Return wealth after each return, from 1 before the first; 0 from a ruin (a return of -1 or less) on."""
    alive = np.logical_and.accumulate(returns > -1.0)
    return np.cumprod(np.where(alive, 1.0 + returns, 0.0))


def drawdown_series(returns: Floats) -> Floats:
    """Return fall from the highest wealth so far (the start included) after each return; 0 at a peak, -1 after ruin.

    Raises
    ------
    ModelError : no returns, or a NaN or infinite return.
    """
    _refuse_gaps(returns)
    return _falls(wealth(returns))


def rolling(
    returns: Floats, *, window: int, periods_per_year: int, risk_free: RiskFree = ZERO
) -> tuple[Floats, Floats]:
    """Return annualised volatility and Sharpe ratio of the last `window` returns at each row.

    NaN on the first window - 1 rows; the Sharpe ratio is also NaN where the excess over the rate is constant.

    Raises
    ------
    ModelError : no returns, a NaN or infinite return, or a window below 2.
    """
    _refuse_gaps(returns)
    if window < 2:
        raise ModelError(f"rolling metrics need a window of at least 2 returns, got {window}")
    volatility, sharpe = np.full((2, len(returns)), np.nan)
    if len(returns) >= window:
        root = math.sqrt(periods_per_year)
        _, std = _moving(returns, window)
        volatility[window - 1 :] = std * root
        mean, std = _moving(risk_free.excess(returns), window)
        sharpe[window - 1 :][std > 0.0] = mean[std > 0.0] / std[std > 0.0] * root
    return volatility, sharpe


def _moving(values: Floats, window: int) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of every whole window; the latter is 0 where it is rounding."""
    rows = np.lib.stride_tricks.sliding_window_view(values, window)
    std = rows.std(axis=1, ddof=1)
    return rows.mean(axis=1), np.where(std > rounding_floor(rows.T), std, 0.0)


def monthly_returns(times: Times, returns: Floats) -> tuple[tuple[int, ...], Floats]:
    """Return years, and the compounded return of each calendar month (years x 12, January first; NaN without a bar).

    `times` are the bar stamps of the returns, increasing. Months after a ruin have no return.

    Raises
    ------
    ModelError : no returns, a NaN or infinite return, or stamps that do not fit them.
    """
    _refuse_gaps(returns)
    if times.shape != returns.shape or not (times[1:] > times[:-1]).all():
        raise ModelError(f"monthly returns need increasing times, one per return ({len(returns)}), got {times.shape}")
    factors = np.where(returns > -1.0, 1.0 + returns, 0.0)
    alive = int(np.argmin(factors)) + 1 if (factors == 0.0).any() else len(factors)
    months = times[:alive].astype("datetime64[M]").astype(np.int64)  # since January 1970
    firsts = np.flatnonzero(np.diff(months, prepend=months[0] - 1))
    year, month = np.divmod(months[firsts], 12)
    years = np.arange(year[0], year[-1] + 1)
    table = np.full((len(years), 12), np.nan)
    table[year - year[0], month] = np.multiply.reduceat(factors[:alive], firsts) - 1.0
    return tuple(int(y) for y in years + 1970), table


def _refuse_gaps(returns: Floats) -> None:
    if returns.ndim != 1 or len(returns) == 0:
        raise ModelError(f"metrics need one series of at least 1 return, got shape {returns.shape}")
    bad = np.flatnonzero(~np.isfinite(returns))
    if len(bad):
        raise ModelError(
            f"metrics: return at row {bad[0]} is {returns[bad[0]]}, expected a finite number "
            f"({len(bad)} such rows of {len(returns)}: {_listed(bad)}); repair the series, it is not filled here"
        )


def _listed(rows: NDArray[np.intp]) -> str:
    """Return the first rows as text."""
    return ", ".join(map(str, rows[:LISTED].tolist())) + (", ..." if len(rows) > LISTED else "")


type _Number = float | None


def _sharpe(r: Floats, floor: float) -> tuple[_Number, _Number, _Number, _Number, _Number]:
    """Return per period: standard deviation, Sharpe ratio, its standard error.

    Skewness and excess kurtosis (divisor n).
    """
    if len(r) < 2:
        return None, None, None, None, None
    std = float(r.std(ddof=1))
    if std <= floor:
        return 0.0, None, None, None, None
    z = (r - r.mean()) / r.std()
    skew, kurtosis = float((z**3).mean()), float((z**4).mean())
    sharpe = float(r.mean()) / std
    error = sharpe_standard_error(sharpe, n=len(r), skew=skew, kurtosis=kurtosis)
    return std, sharpe, error, skew, kurtosis - 3.0


def _falls(level: Floats) -> Floats:
    """Return the fall of wealth from its highest so far, the start included."""
    return level / np.maximum(np.maximum.accumulate(level), 1.0) - 1.0


def _deepest(falls: Floats) -> tuple[float, int | None, int | None, int | None]:
    """Return deepest drawdown and the rows of its first loss, trough and recovery."""
    trough = int(np.argmin(falls))
    if falls[trough] == 0.0:
        return 0.0, None, None, None
    at_peak = np.flatnonzero(falls == 0.0)
    before, after = at_peak[at_peak < trough], at_peak[at_peak > trough]
    start = int(before[-1]) + 1 if len(before) else 0
    return float(falls[trough]), start, trough, int(after[0]) if len(after) else None
