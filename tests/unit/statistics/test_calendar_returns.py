import math

import numpy as np
import pytest

from tvquant.statistics.calendar_returns import annual_returns, months, win_rate, without
from tvquant.statistics.metrics import performance


def series(n: int = 600) -> tuple[np.ndarray, np.ndarray]:
    times = np.datetime64("2019-11-20", "us") + np.arange(n) * np.timedelta64(1, "D")
    return times, np.random.default_rng(5).normal(0.001, 0.02, n)


def test_months_and_years_hold_every_row_once() -> None:
    times, returns = series()
    every, (years, annual) = months(times, returns), annual_returns(times, returns)
    assert (every[0].year, every[0].month, every[0].rows) == (2019, 11, 11)
    assert every[2].rows == 31
    assert sum(one.rows for one in every) == len(returns)
    assert years == (2019, 2020, 2021)
    total = np.prod(1 + returns)
    assert math.prod(1 + one.value for one in every) == pytest.approx(total, rel=1e-12)
    assert np.prod(1 + annual) == pytest.approx(total, rel=1e-12)
    mine = returns[times.astype("datetime64[Y]") == np.datetime64("2020")]
    assert annual[1] == pytest.approx(np.prod(1 + mine) - 1, rel=1e-12)


def test_without_the_best_month_its_rows_are_gone_too() -> None:
    times, returns = series()
    every = months(times, returns)
    best = max(every, key=lambda one: one.value)
    left = without(every, (best,), periods_per_year=365)
    inside = times.astype("datetime64[M]") == np.datetime64(f"{best.year}-{best.month:02d}")
    referee = performance(returns[~inside], periods_per_year=365)
    assert left.n == referee.n
    assert left.total_return == pytest.approx(referee.total_return, rel=1e-12)
    assert left.cagr == pytest.approx(referee.cagr, rel=1e-12)
    assert left.total_return < performance(returns, periods_per_year=365).total_return
    nothing = without(every, every, periods_per_year=365)
    assert (nothing.n, nothing.total_return, nothing.cagr) == (0, 0.0, None)


def test_months_end_with_a_ruin() -> None:
    times, returns = series(120)
    returns[40] = -1.0
    every = months(times, returns)
    assert every[-1].value == -1.0
    assert sum(one.rows for one in every) == 41
    assert annual_returns(times, returns)[0] == (2019,)


def test_a_win_is_above_zero() -> None:
    found = win_rate(np.array([0.1, 0.0, -0.1, 0.2]))
    assert (found.share, found.n) == (0.5, 4)
    assert found.se == pytest.approx(0.25)
