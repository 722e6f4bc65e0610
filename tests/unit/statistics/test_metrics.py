"""Metrics: quantstats and empyrical are the referees where they mean the same; papers and closed forms elsewhere."""

import math

import numpy as np
import pytest

from tvquant.core.errors import ModelError
from tvquant.core.rates import RiskFree
from tvquant.statistics.metrics import (
    annual_growth,
    drawdown_series,
    monthly_returns,
    performance,
    probabilistic_sharpe,
    rolling,
    sharpe_standard_error,
    wealth,
)

NORMAL = np.random.default_rng(7).normal(0.0004, 0.012, 756)
FAT = np.random.default_rng(8).standard_t(3, 500) * 0.01
ALTERNATING = np.tile([0.02, -0.01], 126)
FIRST_DAY_LOSS = np.concatenate(([-0.2], np.random.default_rng(9).normal(0.001, 0.005, 99)))
SERIES = {"normal": NORMAL, "fat": FAT, "alternating": ALTERNATING, "first_day_loss": FIRST_DAY_LOSS}


def series(values):
    import pandas as pd

    return pd.Series(values, index=pd.bdate_range("2020-01-01", periods=len(values)))


@pytest.mark.xdist_group("quantstats")
@pytest.mark.requirement("R-MET-01")
@pytest.mark.requirement("R-MET-07")
@pytest.mark.parametrize("periods", [252, 365])
@pytest.mark.parametrize("name", SERIES)
def test_equal_to_quantstats(name, periods):
    import quantstats.stats as qs

    got, r = performance(SERIES[name], periods_per_year=periods), series(SERIES[name])
    assert got.total_return == pytest.approx(qs.comp(r), rel=1e-9)
    assert got.cagr == pytest.approx(qs.cagr(r, periods=periods), rel=1e-9)
    assert got.volatility == pytest.approx(qs.volatility(r, periods=periods), rel=1e-9)
    assert got.sharpe == pytest.approx(qs.sharpe(r, periods=periods), rel=1e-9)
    assert got.sortino == pytest.approx(qs.sortino(r, periods=periods), rel=1e-9)
    assert got.max_drawdown == pytest.approx(qs.max_drawdown(r), rel=1e-9)
    assert got.calmar == pytest.approx(qs.calmar(r, periods=periods), rel=1e-9)
    assert (got.best, got.worst) == (pytest.approx(qs.best(r)), pytest.approx(qs.worst(r)))
    # Same formula; pandas' bias-corrected moments differ from ours by terms of 1/n.
    assert got.psr == pytest.approx(qs.probabilistic_sharpe_ratio(r, periods=periods), abs=2e-3)
    np.testing.assert_allclose(drawdown_series(SERIES[name]), qs.to_drawdown_series(r), atol=1e-9)


@pytest.mark.requirement("R-MET-01")
@pytest.mark.requirement("R-MET-07")
@pytest.mark.parametrize("periods", [252, 365])
@pytest.mark.parametrize("name", SERIES)
def test_equal_to_empyrical(name, periods):
    import empyrical

    r, year = SERIES[name], {"annualization": periods}
    got = performance(r, periods_per_year=periods)
    assert got.total_return == pytest.approx(empyrical.cum_returns_final(r), rel=1e-9)
    assert got.cagr == pytest.approx(empyrical.cagr(r, **year), rel=1e-9)
    assert got.volatility == pytest.approx(empyrical.annual_volatility(r, **year), rel=1e-9)
    assert got.sharpe == pytest.approx(empyrical.sharpe_ratio(r, **year), rel=1e-9)
    assert got.sortino == pytest.approx(empyrical.sortino_ratio(r, **year), rel=1e-9)
    assert got.max_drawdown == pytest.approx(empyrical.max_drawdown(r), rel=1e-9)
    assert got.calmar == pytest.approx(empyrical.calmar_ratio(r, **year), rel=1e-9)
    assert got.omega == pytest.approx(empyrical.omega_ratio(r), rel=1e-9)
    assert got.var95 == pytest.approx(empyrical.value_at_risk(r, 0.05), rel=1e-12)
    assert got.cvar95 == pytest.approx(empyrical.conditional_value_at_risk(r, 0.05), rel=1e-12)


@pytest.mark.xdist_group("quantstats")
@pytest.mark.parametrize("periods", [252, 365])
@pytest.mark.parametrize("name", ["normal", "fat"])
def test_a_rate_of_a_year_is_that_of_the_referees(name, periods):
    """quantstats takes a rate per year and makes it one per row as we do, empyrical takes that one."""
    import empyrical
    import quantstats.stats as qs

    returns, rate = SERIES[name], RiskFree.yearly(0.04, periods_per_year=periods)
    got, r, one = performance(returns, periods_per_year=periods, risk_free=rate), series(returns), float(rate.per_row)
    assert got.sharpe == pytest.approx(qs.sharpe(r, rf=0.04, periods=periods), rel=1e-9)
    assert got.sortino == pytest.approx(qs.sortino(r, rf=0.04, periods=periods), rel=1e-9)
    assert got.sharpe == pytest.approx(empyrical.sharpe_ratio(returns, risk_free=one, annualization=periods), rel=1e-9)
    year = {"required_return": one, "annualization": periods}
    assert got.sortino == pytest.approx(empyrical.sortino_ratio(returns, **year), rel=1e-9)
    assert got.psr == pytest.approx(qs.probabilistic_sharpe_ratio(r, rf=0.04, periods=periods), abs=2e-3)
    plain = performance(returns, periods_per_year=periods)
    assert got.sharpe < plain.sharpe
    same = ("n", "cagr", "volatility", "calmar", "omega", "max_drawdown", "var95", "skew", "excess_kurtosis")
    assert [getattr(got, key) for key in same] == [getattr(plain, key) for key in same]
    _, sharpe = rolling(returns, window=60, periods_per_year=periods, risk_free=rate)
    assert sharpe[-1] == pytest.approx(
        empyrical.sharpe_ratio(returns[-60:], risk_free=one, annualization=periods), rel=1e-9
    )


def test_a_rate_that_moves_is_taken_row_by_row_until_a_ruin():
    returns, rates = np.array([0.02, -0.01, 0.03, -1.0, 0.5]), np.array([0.01, 0.0, 0.02, 0.0, 0.3])
    got = performance(returns, periods_per_year=252, risk_free=RiskFree(per_row=rates))
    excess = np.array([0.01, -0.01, 0.01, -1.0])
    assert got.n == 4
    assert got.sharpe == pytest.approx(excess.mean() / excess.std(ddof=1) * math.sqrt(252), rel=1e-12)
    assert got.volatility == pytest.approx(returns[:4].std(ddof=1) * math.sqrt(252), rel=1e-12)
    every = performance(np.full(30, 0.001), periods_per_year=252, risk_free=RiskFree(per_row=np.asarray(0.001)))
    assert (every.volatility, every.sharpe, every.sortino) == (0.0, None, None)


@pytest.mark.parametrize("name", SERIES)
def test_moments_equal_scipy(name):
    from scipy import stats

    got = performance(SERIES[name], periods_per_year=252)
    assert got.skew == pytest.approx(stats.skew(SERIES[name]), rel=1e-9, abs=1e-12)
    assert got.excess_kurtosis == pytest.approx(stats.kurtosis(SERIES[name]), rel=1e-9, abs=1e-12)


@pytest.mark.requirement("R-MET-02")
def test_half_lost_and_doubled_is_nothing_gained():
    assert performance(np.array([-0.5, 1.0]), periods_per_year=252).total_return == 0.0
    year = performance(np.tile([-0.5, 1.0], 126), periods_per_year=252)
    assert year.cagr == 0.0  # the arithmetic mean would say +6300 %
    assert year.max_drawdown == -0.5


@pytest.mark.requirement("R-MET-02")
@pytest.mark.parametrize(("periods", "first"), [(252, 42), (365, 60)])
def test_nothing_is_annualised_below_sixty_days(periods, first):
    short = performance(NORMAL[: first - 1], periods_per_year=periods)
    assert (short.cagr, short.calmar) == (None, None)
    assert short.total_return == pytest.approx(np.prod(1.0 + NORMAL[: first - 1]) - 1.0)
    assert performance(NORMAL[:first], periods_per_year=periods).cagr is not None


@pytest.mark.requirement("R-MET-04")
def test_the_calendar_sets_the_year():
    crypto, stocks = (performance(NORMAL, periods_per_year=a) for a in (365, 252))
    assert (crypto.periods_per_year, stocks.periods_per_year) == (365, 252)
    for name in ("sharpe", "sharpe_se", "volatility", "sortino"):
        assert getattr(crypto, name) / getattr(stocks, name) == pytest.approx(math.sqrt(365 / 252))
    assert 1.0 + crypto.cagr == pytest.approx((1.0 + stocks.cagr) ** (365 / 252))
    assert crypto.psr == stocks.psr  # a probability has no clock
    assert annual_growth(1.1, n=365, periods_per_year=365) == pytest.approx(0.1)
    assert annual_growth(1.21, n=504, periods_per_year=252) == pytest.approx(0.1)


@pytest.mark.requirement("R-MET-05")
def test_standard_error_of_normal_returns_is_that_of_lo():
    # Lo (2002), equation 9: sqrt((1 + S^2 / 2) / T).
    assert sharpe_standard_error(0.1, n=101, skew=0.0, kurtosis=3.0) == pytest.approx(math.sqrt(1.005 / 100))


@pytest.mark.requirement("R-MET-05")
def test_standard_error_is_the_spread_of_estimated_sharpe_ratios():
    rng = np.random.default_rng(3)
    draws = 0.3 - 0.4 * (rng.exponential(1.0, (1500, 240)) - 1.0)  # skewed, kurtosis 9, Sharpe .75 per period
    results = [performance(r / 20.0, periods_per_year=240) for r in draws]
    spread = np.std([p.sharpe for p in results])
    assert np.mean([p.sharpe_se for p in results]) == pytest.approx(spread, rel=0.08)
    naive = math.sqrt((1.0 + 0.75**2 / 2.0) / 239 * 240)
    assert abs(naive / spread - 1.0) > 0.2  # the normal formula would miss it


def test_probabilistic_sharpe_of_the_paper():
    # Bailey & Lopez de Prado (2012), section 4: 24 monthly returns with Sharpe .458, skewness -2.448, kurtosis 10.164.
    plain = sharpe_standard_error(0.458, n=24, skew=0.0, kurtosis=3.0)
    actual = sharpe_standard_error(0.458, n=24, skew=-2.448, kurtosis=10.164)
    assert probabilistic_sharpe(0.458, plain) == pytest.approx(0.982, abs=5e-4)
    assert probabilistic_sharpe(0.458, actual) == pytest.approx(0.913, abs=5e-4)


@pytest.mark.requirement("R-MET-07")
@pytest.mark.parametrize("rate", [0.001, -0.001, 0.0, 1e-5])
def test_a_constant_series_has_no_sharpe(rate):
    prices = 100.0 * (1.0 + rate) ** np.arange(253)
    got = performance(prices[1:] / prices[:-1] - 1.0, periods_per_year=252)
    assert (got.sharpe, got.sharpe_se, got.psr, got.skew, got.excess_kurtosis) == (None,) * 5
    assert got.volatility == 0.0
    assert got.cagr == pytest.approx((1.0 + rate) ** 252 - 1.0, rel=1e-9, abs=1e-12)
    if rate < 0.0:
        assert got.sortino == pytest.approx(-math.sqrt(252), rel=1e-9)
        assert got.omega == 0.0
    else:
        assert (got.sortino, got.omega, got.calmar) == (None, None, None)


@pytest.mark.requirement("R-MET-01")
def test_a_loss_on_the_first_day_is_a_drawdown():
    got = performance(np.array([-0.2, 0.1, 0.1, 0.1]), periods_per_year=252)
    assert got.max_drawdown == pytest.approx(-0.2)
    assert (got.drawdown_start, got.drawdown_trough, got.drawdown_recovery) == (0, 0, 3)


def test_rows_of_the_deepest_drawdown():
    returns = np.array([0.1, -0.1, 0.2, -0.1, -0.2, 0.05, 0.1])
    got = performance(returns, periods_per_year=252)
    assert got.max_drawdown == pytest.approx(0.9 * 0.8 - 1.0)
    assert (got.drawdown_start, got.drawdown_trough, got.drawdown_recovery) == (3, 4, None)


def test_no_drawdown():
    got = performance(np.array([0.1, 0.0, 0.2]), periods_per_year=252)
    assert got.max_drawdown == 0.0
    assert (got.drawdown_start, got.drawdown_trough, got.drawdown_recovery) == (None, None, None)


def test_one_return():
    got = performance(np.array([0.01]), periods_per_year=252)
    assert (got.n, got.volatility, got.sharpe, got.var95, got.cvar95) == (1, None, None, 0.01, 0.01)


@pytest.mark.requirement("R-MET-07")
def test_ruin_agrees_with_empyrical():
    import empyrical

    returns = np.concatenate((NORMAL[:99], [-1.0], NORMAL[:50]))
    got = performance(returns, periods_per_year=252)
    assert got.bankrupt
    assert (got.n, got.ruin_rows) == (100, (99,))
    assert got.total_return == empyrical.cum_returns_final(returns) == -1.0
    assert got.cagr == empyrical.cagr(returns) == -1.0
    assert got.max_drawdown == empyrical.max_drawdown(returns) == -1.0
    # By convention the series ends at its ruin; the referee is given the same rows.
    assert got.sharpe == pytest.approx(empyrical.sharpe_ratio(returns[:100]), rel=1e-9)
    assert wealth(returns)[98] > 0.0
    assert not wealth(returns)[99:].any()


@pytest.mark.requirement("R-MET-06")
def test_losses_beyond_everything_are_listed_and_not_altered():
    returns = np.array([0.1, -1.2, 0.3, -1.0])
    got = performance(returns, periods_per_year=252)
    assert got.ruin_rows == (1, 3)
    assert (got.worst, got.n) == (-1.2, 2)
    assert (got.total_return, got.cagr, got.max_drawdown) == (-1.0, -1.0, -1.0)
    assert returns.tolist() == [0.1, -1.2, 0.3, -1.0]


@pytest.mark.requirement("R-MET-06")
@pytest.mark.requirement("R-MET-07")
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    "metric",
    [
        lambda r: performance(r, periods_per_year=252),
        drawdown_series,
        lambda r: rolling(r, window=2, periods_per_year=252),
        lambda r: monthly_returns(np.arange(len(r)).astype("datetime64[D]").astype("datetime64[us]"), r),
    ],
)
def test_a_gap_names_its_row(metric, value):
    with pytest.raises(ModelError, match=r"row 2 is .*\(2 such rows of 4: 2, 3\)"):
        metric(np.array([0.1, 0.2, value, np.nan]))
    with pytest.raises(ModelError, match="at least 1 return"):
        metric(np.array([]))


@pytest.mark.xdist_group("quantstats")
def test_rolling_equals_pandas():
    r = series(FAT)
    volatility, sharpe = rolling(FAT, window=60, periods_per_year=365)
    windows = r.rolling(60)
    np.testing.assert_allclose(volatility, windows.std() * math.sqrt(365), rtol=1e-9)
    np.testing.assert_allclose(sharpe, windows.mean() / windows.std() * math.sqrt(365), rtol=1e-7, atol=1e-9)
    assert np.isnan(sharpe[:59]).all()


def test_rolling_over_a_standstill():
    returns = np.array([0.01, -0.01, 0.0, 0.0, 0.0])
    volatility, sharpe = rolling(returns, window=3, periods_per_year=252)
    assert volatility[4] == 0.0
    assert np.isnan(sharpe[4])
    assert np.isfinite(sharpe[2:4]).all()
    assert np.isnan(rolling(returns, window=6, periods_per_year=252)).all()
    with pytest.raises(ModelError, match="at least 2"):
        rolling(returns, window=1, periods_per_year=252)


def test_months_compound_and_leave_holes():
    times = np.array(["2020-11-30", "2020-12-01", "2020-12-31", "2022-02-01"], "datetime64[us]")
    years, table = monthly_returns(times, np.array([0.1, 0.1, -0.5, 0.2]))
    assert years == (2020, 2021, 2022)
    expected = np.full((3, 12), np.nan)
    expected[0, 10], expected[0, 11], expected[2, 1] = 0.1, 1.1 * 0.5 - 1.0, 0.2
    np.testing.assert_allclose(table, expected, rtol=1e-12)


@pytest.mark.xdist_group("quantstats")
def test_months_equal_pandas():
    r = series(NORMAL)
    years, table = monthly_returns(r.index.to_numpy().astype("datetime64[us]"), NORMAL)
    expected = (1.0 + r).resample("ME").prod() - 1.0
    assert years == tuple(sorted(set(expected.index.year)))
    np.testing.assert_allclose(table[~np.isnan(table)], expected, rtol=1e-9)


def test_months_end_with_ruin():
    times = np.array(["2020-01-01", "2020-02-01", "2020-03-01"], "datetime64[us]")
    _, table = monthly_returns(times, np.array([0.1, -1.3, 0.5]))
    np.testing.assert_allclose(table[0, :3], [0.1, -1.0, np.nan])


def test_months_need_a_time_for_each_return():
    times = np.array(["2020-01-02", "2020-01-01"], "datetime64[us]")
    with pytest.raises(ModelError, match="increasing times"):
        monthly_returns(times, np.array([0.1, 0.1]))
    with pytest.raises(ModelError, match="increasing times"):
        monthly_returns(times[:1], np.array([0.1, 0.1]))
