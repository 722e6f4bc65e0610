"""Covariance and means by default: numpy's own eigenvalues are the referee of the ridge."""

import subprocess
import sys

import numpy as np
import pytest

from builders.returns import one_factor
from tvquant.core.errors import ModelError
from tvquant.statistics.covariance import CONDITION_LIMIT, RIDGE, Estimates, estimate, ledoit_wolf
from tvquant.statistics.means import shrunk as shrunk_means


def test_ridge_of_a_well_conditioned_estimate():
    returns = one_factor(252, 20)
    shrunk, shrinkage = ledoit_wolf(returns)
    got = estimate(returns)
    assert got.ridge == RIDGE
    np.testing.assert_allclose(got.matrix, shrunk + 0.01 * np.trace(shrunk) / 20 * np.eye(20), rtol=1e-15)
    assert (got.method, got.shrinkage, got.observations) == ("ledoit_wolf", shrinkage, 252)
    sample = returns.sum(axis=0) / 252
    np.testing.assert_allclose(estimate(returns, Estimates(means="sample")).means, sample, rtol=1e-12)
    expected, weight = shrunk_means(sample, got.matrix, 252)
    np.testing.assert_allclose(got.means, expected, rtol=1e-10)
    assert (got.means_method, got.means_shrinkage) == ("shrunk", pytest.approx(weight, rel=1e-10))


@pytest.mark.requirement("R-RSK-08")
@pytest.mark.parametrize(("rows", "columns"), [(252, 700), (2000, 200)])
def test_collinear_returns_get_the_smallest_sufficient_ridge(rows, columns):
    got = estimate(one_factor(rows, columns, noise=1e-6))
    condition = np.linalg.cond(got.matrix)
    assert got.ridge > RIDGE
    assert condition <= CONDITION_LIMIT
    assert condition == pytest.approx(CONDITION_LIMIT, rel=1e-6)  # no more ridge than needed
    assert got.condition == pytest.approx(condition, rel=1e-9)


@pytest.mark.requirement("R-RSK-08")
def test_ridge_is_not_stopped_at_a_tenth():
    assert estimate(one_factor(252, 700, noise=1e-6)).ridge > 0.1


@pytest.mark.parametrize(("rows", "columns"), [(60, 100), (100, 100), (101, 100), (500, 30), (2, 4), (9, 1)])
def test_condition_is_that_of_the_matrix(rows, columns):
    got = estimate(one_factor(rows, columns, seed=columns))
    assert got.condition == pytest.approx(np.linalg.cond(got.matrix), rel=1e-9)


def test_units_of_returns_do_not_matter():
    returns = one_factor(60, 100)
    small, large = estimate(returns), estimate(returns * 100.0)
    np.testing.assert_allclose(large.matrix, small.matrix * 1e4, rtol=1e-10)
    assert large.ridge == pytest.approx(small.ridge, rel=1e-9)


def test_arrays_are_read_only_and_the_input_is_untouched():
    returns = one_factor(30, 3)
    before = returns.copy()
    got = estimate(returns)
    assert not got.matrix.flags.writeable
    assert not got.means.flags.writeable
    np.testing.assert_array_equal(returns, before)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_gap_names_its_column(value):
    returns = one_factor(30, 4)
    returns[7, 2] = value
    with pytest.raises(ModelError, match=r"column 2 is .* at row 7"):
        estimate(returns)


def test_a_constant_column_is_named():
    returns = one_factor(30, 4)
    prices = 100.0 * 1.001 ** np.arange(31)
    returns[:, 3] = prices[1:] / prices[:-1] - 1.0  # constant but for rounding
    assert returns[:, 3].std() > 0.0
    with pytest.raises(ModelError, match="column 3 has no variance"):
        estimate(returns)


@pytest.mark.parametrize("shape", [(1, 3), (0, 3), (5, 0), (5,)])
def test_too_few_returns(shape):
    with pytest.raises(ModelError, match="at least 2 rows"):
        estimate(np.zeros(shape))


def test_import_is_light():
    code = (
        "import sys, tvquant.statistics;sys.exit(any(name in sys.modules for name in ('scipy', 'sklearn', 'pandas')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.requirement("R-SEL-28")
def test_shrinkage_is_raised_by_a_factor_to_1_at_most():
    returns = one_factor(120, 30)
    usual, harder, whole = (estimate(returns, intensity=factor) for factor in (1.0, 1.5, 1e9))
    assert harder.shrinkage == 1.5 * usual.shrinkage < 1.0
    assert whole.shrinkage == 1.0
    assert whole.matrix == pytest.approx(whole.matrix[0, 0] * np.eye(30), abs=1e-18)
    sample = np.cov(returns.T, ddof=0)
    off = ~np.eye(30, dtype=bool)
    assert harder.matrix[off] == pytest.approx((1.0 - 1.5 * usual.shrinkage) * sample[off], rel=1e-9)
    assert harder.condition == pytest.approx(np.linalg.cond(harder.matrix), rel=1e-9)
