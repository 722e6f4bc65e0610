"""The contract of every estimator of a covariance, and of every estimator of means beside it."""

import numpy as np
import pytest

from builders.returns import one_factor
from tvquant.core.errors import ModelError
from tvquant.profiles.options import declared_by
from tvquant.statistics import ESTIMATORS, MEANS, Estimates, estimate
from tvquant.statistics.covariance import CONDITION_LIMIT, RIDGE

NAMES = sorted(ESTIMATORS)


def how(name, **given):
    return Estimates(covariance=name, options=tuple(one() for one in declared_by([ESTIMATORS[name]])), **given)


def test_catalogues_are_consistent_and_read_only():
    for catalogue in (ESTIMATORS, MEANS):
        assert all(one.name == name and one.meaning.endswith(".") for name, one in catalogue.items())
        with pytest.raises(TypeError):
            catalogue["another"] = None


@pytest.mark.requirement("R-RSK-08")
@pytest.mark.parametrize("noise", [0.01, 1e-6])
@pytest.mark.parametrize(("rows", "columns"), [(60, 25), (60, 100), (250, 8), (2, 3), (60, 1), (3, 2)])
@pytest.mark.parametrize("name", NAMES)
def test_it_is_symmetric_and_conditioned_by_the_least_ridge_that_suffices(name, rows, columns, noise):
    got = estimate(one_factor(rows, columns, noise=noise), how(name))
    values = np.linalg.eigvalsh(got.matrix)
    assert np.abs(got.matrix - got.matrix.T).max() <= 1e-12 * values[-1]
    assert values[0] > 0.0
    assert got.condition == pytest.approx(values[-1] / values[0], rel=1e-6)
    assert got.condition <= CONDITION_LIMIT
    assert got.ridge == RIDGE or got.condition == pytest.approx(CONDITION_LIMIT, rel=1e-6)
    assert got.ridge >= RIDGE
    assert (got.method, got.observations) == (name, rows)
    assert 0.0 <= got.shrinkage <= 1.0
    assert 1.0 <= got.effective <= rows * (1.0 + 1e-12)


@pytest.mark.requirement("R-RSK-08")
@pytest.mark.parametrize("name", NAMES)
def test_collinear_returns_are_bounded_however_many_they_are(name):
    got = estimate(one_factor(252, 300, noise=1e-6), how(name))
    assert np.linalg.cond(got.matrix) <= CONDITION_LIMIT


@pytest.mark.parametrize("name", NAMES)
def test_units_and_order_of_the_names_do_not_matter_and_nothing_is_changed(name):
    returns = one_factor(60, 12)
    before, order = returns.copy(), np.random.default_rng(0).permutation(12)
    plain, larger = estimate(returns, how(name)), estimate(returns * 100.0, how(name))
    np.testing.assert_allclose(larger.matrix, plain.matrix * 1e4, rtol=1e-9, atol=1e-12)
    turned = estimate(returns[:, order], how(name))
    np.testing.assert_allclose(turned.matrix, plain.matrix[np.ix_(order, order)], rtol=1e-9, atol=1e-16)
    np.testing.assert_array_equal(returns, before)
    assert not plain.matrix.flags.writeable
    assert estimate(returns, how(name)).matrix.tobytes() == plain.matrix.tobytes()


@pytest.mark.parametrize("name", NAMES)
def test_a_hardened_pool_is_shrunk_by_more_where_there_is_a_shrinkage(name):
    returns = one_factor(120, 30)
    plain, harder = (estimate(returns, how(name), intensity=factor) for factor in (1.0, 1.5))
    assert harder.shrinkage == 1.5 * plain.shrinkage < 1.0
    assert (plain.shrinkage > 0.0) is (name in ("ledoit_wolf", "oas"))
    assert (harder.matrix.tobytes() == plain.matrix.tobytes()) is (plain.shrinkage == 0.0)


@pytest.mark.parametrize("name", NAMES)
def test_a_gap_and_a_constant_column_are_named(name):
    returns = one_factor(30, 4)
    returns[7, 2] = np.nan
    with pytest.raises(ModelError, match="column 2 is nan at row 7"):
        estimate(returns, how(name))
    returns[:, 2] = 0.001
    with pytest.raises(ModelError, match="column 2 has no variance"):
        estimate(returns, how(name))


@pytest.mark.requirement("R-RSK-06")
@pytest.mark.parametrize("means", MEANS)
def test_the_riskless_rate_is_taken_off_and_means_say_how_they_were_made(means):
    returns = one_factor(60, 5)
    plain, above = (estimate(returns, how("ledoit_wolf", means=means), rate=rate) for rate in (0.0, 0.001))
    taken = 0.0 if means == "zero" else 0.001
    np.testing.assert_allclose(plain.means - above.means, np.full(5, taken), atol=1e-15)
    assert (plain.means_method, plain.means_shrinkage) == (means, above.means_shrinkage)
    np.testing.assert_array_equal(plain.matrix, above.matrix)
