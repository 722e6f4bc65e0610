"""Tails: scipy on fixtures, closed forms, and the bound that one dominating day reaches."""

import math

import numpy as np
import pytest

from tvquant.core.errors import ModelError
from tvquant.statistics import cvar, moments, performance, tail_gain


@pytest.fixture(scope="module")
def gappy():
    rng = np.random.default_rng(3)
    returns = rng.standard_t(3, (300, 8)) * rng.uniform(0.001, 0.1, 8) + rng.normal(0.0, 0.01, 8)
    returns[:250, 0] = np.nan
    returns[rng.random(returns.shape) < 0.1] = np.nan
    return returns


def finite(column):
    return column[np.isfinite(column)]


@pytest.mark.requirement("R-FEA-07")
def test_moments_equal_scipy(gappy):
    from scipy import stats

    got = moments(gappy)
    columns = [finite(x) for x in gappy.T]
    np.testing.assert_array_equal(got.n, [len(x) for x in columns])
    np.testing.assert_allclose(got.mean, [x.mean() for x in columns], rtol=1e-12, atol=1e-16)
    np.testing.assert_allclose(got.std, [x.std(ddof=1) for x in columns], rtol=1e-12)
    np.testing.assert_allclose(got.skewness, [stats.skew(x) for x in columns], rtol=1e-10)
    np.testing.assert_allclose(got.excess_kurtosis, [stats.kurtosis(x) for x in columns], rtol=1e-10)


@pytest.mark.requirement("R-FEA-07")
def test_a_normal_column_has_excess_kurtosis_0():
    got = moments(np.random.default_rng(0).standard_normal((200_000, 1)))
    assert abs(got.excess_kurtosis[0]) < 5.0 * math.sqrt(24.0 / 200_000)
    assert abs(got.skewness[0]) < 5.0 * math.sqrt(6.0 / 200_000)


@pytest.mark.parametrize("n", [4, 5, 60, 500])
def test_one_dominating_day_reaches_the_bounds(n):
    returns = np.full((n, 2), 0.001)
    returns[n // 2] = [0.9, -0.9]
    got = moments(returns)
    np.testing.assert_allclose(got.excess_kurtosis, n - 5 + 1 / (n - 1), rtol=1e-9)
    np.testing.assert_allclose(got.skewness, [(n - 2) / (n - 1) ** 0.5, -(n - 2) / (n - 1) ** 0.5], rtol=1e-9)


def test_a_large_mean_does_no_harm():
    x = np.random.default_rng(0).standard_t(5, (500, 3))
    near, far = moments(x), moments(x + 1e6)
    np.testing.assert_allclose(far.std, near.std, rtol=1e-9)
    np.testing.assert_allclose(far.excess_kurtosis, near.excess_kurtosis, rtol=1e-6)


def test_few_values():
    returns = np.full((5, 6), np.nan)
    for j in range(6):
        returns[:j, j] = [0.01, -0.02, 0.03, 0.05, -0.01][:j]
    got = moments(returns)
    np.testing.assert_array_equal(got.n, [0, 1, 2, 3, 4, 5])
    np.testing.assert_array_equal(np.isnan(got.mean), np.arange(6) < 1)
    np.testing.assert_array_equal(np.isnan(got.std), np.arange(6) < 2)
    for higher in (got.skewness, got.excess_kurtosis):
        np.testing.assert_array_equal(np.isnan(higher), np.arange(6) < 4)


def test_constant_growth_has_no_shape():
    prices = 100.0 * 1.001 ** np.arange(101)
    returns = (prices[1:] / prices[:-1] - 1.0)[:, None]
    assert returns.std() > 0.0  # rounding
    got = moments(returns)
    assert np.isnan(got.skewness[0])
    assert np.isnan(got.excess_kurtosis[0])
    assert got.mean[0] == pytest.approx(0.001, rel=1e-9)
    assert got.std[0] < 1e-14


@pytest.mark.requirement("R-FEA-07")
@pytest.mark.parametrize("level", [0.01, 0.05, 0.1, 0.5])
def test_cvar_is_the_mean_at_or_below_numpys_quantile(gappy, level):
    mean, error, counted = cvar(gappy, level=level)
    assert counted.tolist() == np.isfinite(gappy).sum(axis=0).tolist()
    for j, column in enumerate(gappy.T):
        x = finite(column)
        tail = x[x <= np.quantile(x, level)]
        assert mean[j] == pytest.approx(tail.mean(), rel=1e-12)
        if len(tail) >= 2:
            assert error[j] == pytest.approx(tail.std(ddof=1) / len(tail) ** 0.5, rel=1e-12)
        else:
            assert np.isnan(error[j])


@pytest.mark.requirement("R-FEA-07")
def test_sixty_values_leave_three_in_the_tail():
    returns = np.arange(60.0)[::-1, None] - 30.0
    mean, error, _ = cvar(returns)
    assert mean[0] == -29.0
    assert error[0] == pytest.approx(1.0 / 3.0**0.5, rel=1e-14)


def test_ties_at_the_quantile_are_in_the_tail():
    returns = np.array([-0.02] * 10 + [-0.05] + [0.01] * 89)[:, None]
    mean, _, counted = cvar(returns)
    assert mean[0] == pytest.approx((-0.05 - 0.2) / 11.0, rel=1e-14)
    assert counted[0] == 100


@pytest.mark.requirement("R-FEA-07")
@pytest.mark.requirement("R-MET-01")
@pytest.mark.parametrize(
    ("zeros", "expected", "counted"),
    [(0, -0.04, 10), (10, -0.04, 20), (11, -0.04, 10), (90, -0.04, 10)],
)
def test_a_column_that_hardly_traded_is_measured_on_what_it_did(zeros, expected, counted):
    """Half of zeros are returns like others; more of them are days without a trade. Their places do not matter."""
    moved = [-0.04, -0.03, *[0.01] * 8]
    draw = np.random.default_rng(zeros)
    returns = draw.permutation(np.array([*moved, *[0.0] * zeros]))[:, None]
    mean, _, found = cvar(returns)
    assert (mean[0], found[0]) == (pytest.approx(expected, rel=1e-14), counted)
    measured = performance(returns[:, 0], periods_per_year=252)
    assert (measured.cvar95, measured.cvar95_n) == (mean[0], counted)


@pytest.mark.requirement("R-MET-01")
def test_features_and_metrics_have_one_cvar_ties_included():
    returns = np.array([-0.02] * 10 + [-0.05] + [0.01] * 89)
    assert performance(returns, periods_per_year=252).cvar95 == cvar(returns[:, None])[0][0] != -0.032
    still = np.zeros((7, 1))
    assert [part[0] for part in cvar(still)[::2]] == [0.0, 0]
    assert np.isnan(cvar(still)[1][0])
    assert performance(still[:, 0], periods_per_year=252).cvar95_n == 0


def test_one_value_is_its_own_tail():
    mean, error, counted = cvar(np.array([[0.01, np.nan], [np.nan, np.nan]]))
    assert counted.tolist() == [1, 0]
    assert mean[0] == 0.01
    assert np.isnan(mean[1])
    assert np.isnan(error).all()


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, math.nan])
def test_other_levels_are_refused(level):
    with pytest.raises(ModelError, match="level between 0 and 1"):
        cvar(np.zeros((5, 1)), level=level)


def test_arrays_are_read_only():
    got = moments(np.zeros((5, 2)))
    assert not any(getattr(got, name).flags.writeable for name in ("n", "mean", "std", "skewness", "excess_kurtosis"))


@pytest.mark.requirement("R-FEA-10")
def test_the_tail_gain_is_the_mean_of_the_best_returns():
    draw = np.random.default_rng(8)
    returns = draw.standard_t(4, (250, 5)) * 0.02
    returns[draw.random(returns.shape) < 0.05] = np.nan
    mean, error = tail_gain(returns)
    for j in range(5):
        values = returns[~np.isnan(returns[:, j]), j]
        best = values[values > np.quantile(values, 0.95)]
        assert mean[j] == pytest.approx(best.mean(), rel=1e-12)
        assert error[j] == pytest.approx(best.std(ddof=1) / np.sqrt(len(best)), rel=1e-12)


@pytest.mark.parametrize("level", [0.0, 1.0, np.nan])
def test_a_tail_gain_of_another_level_is_refused(level):
    with pytest.raises(ModelError, match="tail gain: expected a level"):
        tail_gain(np.zeros((3, 1)), level=level)


@pytest.mark.requirement("R-FEA-10")
@pytest.mark.parametrize("n", [21, 41, 101])
def test_a_return_at_the_quantile_is_no_gain_of_the_tail(n):
    """Of these numbers the quantile is a return itself; where the best are equal none is above it."""
    returns = np.arange(float(n))[:, None]
    assert np.quantile(returns, 0.95) == 0.95 * (n - 1)
    assert tail_gain(returns)[0][0] == returns[-(n // 20) :].mean()
    assert np.isnan(tail_gain(np.minimum(returns, 0.5 * n))[0][0])
