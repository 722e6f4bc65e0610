"""Returns by calendar year and month of one series: how they fell, and how much hung on the best and the worst."""

import math
from dataclasses import dataclass

import numpy as np

from tvquant.core.panel import Floats, Times
from tvquant.statistics.metrics import annual_growth, monthly_returns


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """One calendar month: the year, the month from 1 to 12, its compounded return, and its rows."""

    year: int
    month: int
    value: float
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What is left of a series: rows, total return, and CAGR (None below 60 calendar days)."""

    n: int
    total_return: float
    cagr: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WinRate:
    """Share of `n` returns that are above 0; `se` takes them as independent: sqrt(p (1 - p) / n)."""

    share: float
    se: float
    n: int


def months(times: Times, returns: Floats) -> tuple[Month, ...]:
    """Return every calendar month that has a row, in order; the first and the last may be partial.

    Raises
    ------
    ModelError : as `metrics.monthly_returns`.
    """
    years, table = monthly_returns(times, returns)
    ruins = np.flatnonzero(returns <= -1.0)
    alive = times[: ruins[0] + 1] if len(ruins) else times
    since = alive.astype("datetime64[M]").astype(np.int64) - 12 * (years[0] - 1970)
    rows = np.bincount(since, minlength=table.size)
    return tuple(
        Month(year=years[0] + int(k) // 12, month=int(k) % 12 + 1, value=float(table.flat[k]), rows=int(rows[k]))
        for k in np.flatnonzero(np.isfinite(table.ravel()))
    )


def annual_returns(times: Times, returns: Floats) -> tuple[tuple[int, ...], Floats]:
    """Return years, and the compounded return of each; NaN for a year without a row or after a ruin.

    Raises
    ------
    ModelError : as `metrics.monthly_returns`.
    """
    years, table = monthly_returns(times, returns)
    there = np.isfinite(table)
    growth = np.where(there, 1.0 + table, 1.0).prod(axis=1)
    return years, np.where(there.any(axis=1), growth - 1.0, np.nan)


def without(every: tuple[Month, ...], left_out: tuple[Month, ...], *, periods_per_year: int) -> Growth:
    """Return the result of the months but for those left out; these count neither in growth nor in rows."""
    kept = [one for one in every if one not in left_out]
    n, growth = sum(one.rows for one in kept), math.prod(1.0 + one.value for one in kept)
    cagr = annual_growth(growth, n=n, periods_per_year=periods_per_year) if n else None
    return Growth(n=n, total_return=growth - 1.0, cagr=cagr)


def win_rate(returns: Floats) -> WinRate:
    """Return how many of the returns (at least one) are above 0."""
    n = len(returns)
    share = float((returns > 0.0).mean())
    return WinRate(share=share, se=math.sqrt(share * (1.0 - share) / n), n=n)
