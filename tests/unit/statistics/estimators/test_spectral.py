"""Denoised and factor covariances: closed forms, scikit-learn's components, and how often they find what is there."""

import numpy as np
import pytest

from builders.returns import factors, one_factor
from tvquant.statistics.estimators.spectral import Denoised, FactorModel, Factors


def centred(returns):
    return returns - returns.mean(axis=0)


def correlation_of(matrix):
    deviation = np.sqrt(np.diag(matrix))
    return matrix / np.outer(deviation, deviation)


def model(returns, count=None):
    return FactorModel().estimate(centred(returns), 1.0, (Factors(factors=count),))


def denoised(returns):
    return Denoised().estimate(centred(returns), 1.0, ())


@pytest.mark.parametrize("method", [denoised, model])
@pytest.mark.parametrize(("rows", "columns"), [(252, 30), (60, 100), (40, 1), (2, 3), (60, 2)])
def test_variances_are_those_of_the_sample_and_extremes_those_of_the_matrix(method, rows, columns):
    returns = one_factor(rows, columns)
    found = method(returns)
    np.testing.assert_allclose(np.diag(found.matrix), returns.var(axis=0), rtol=1e-12)
    values = np.linalg.eigvalsh(found.matrix)
    assert found.extremes == pytest.approx((values[0], values[-1]), rel=1e-9, abs=1e-20)
    np.testing.assert_allclose(found.matrix, found.matrix.T, rtol=1e-12)


def test_noise_alone_has_no_correlations_left():
    noise = np.random.default_rng(0).normal(0.0, 0.01, (500, 50)) * np.linspace(1.0, 9.0, 50)
    for found in (denoised(noise), model(noise)):
        assert found.factors == 0
        np.testing.assert_allclose(correlation_of(found.matrix), np.eye(50), atol=1e-12)


@pytest.mark.parametrize("count", [1, 3, 5])
def test_factors_that_are_there_are_counted(count):
    for seed in range(5):
        returns = factors(250, 60, count, seed=seed)
        assert model(returns).factors == count
        assert count <= denoised(returns).factors <= count + 1  # the edge is that of a spectrum without end


def test_what_noise_could_have_made_becomes_its_mean():
    """Two kept components and the mean of the rest, by hand; then unit variances."""
    returns = factors(250, 40, 2)
    values, vectors = np.linalg.eigh(np.corrcoef(returns.T))
    flat = np.where(np.arange(40) < 38, values[:38].mean(), values)
    expected = correlation_of((vectors * flat) @ vectors.T)
    found = denoised(returns)
    assert found.factors == 2
    np.testing.assert_allclose(correlation_of(found.matrix), expected, atol=1e-10)


def test_the_edge_of_noise_is_that_of_what_the_market_leaves():
    """A market that is most of all variance hides a second factor from an edge of s = 1."""
    rng = np.random.default_rng(3)
    rows, n = 500, 50
    market, second = rng.normal(size=(2, rows, 1))
    side = np.where(np.arange(n) < 25, 1.0, -1.0)
    returns = market * 2.0 + 0.25 * second * side + rng.normal(size=(rows, n))
    values = np.linalg.eigvalsh(np.corrcoef(returns.T))
    edge = (1.0 + np.sqrt(n / rows)) ** 2
    assert edge > values[-2] > edge * (1.0 - values[-1] / n)
    assert denoised(returns).factors == 2


def test_factors_are_principal_components_with_a_variance_of_their_own_beside_them():
    from sklearn.decomposition import PCA

    returns = factors(250, 30, 3)
    z = (returns - returns.mean(axis=0)) / returns.std(axis=0)
    parts = PCA(n_components=2, svd_solver="full").fit(z)
    common = (parts.components_.T * (parts.explained_variance_ * 249 / 250)) @ parts.components_
    np.fill_diagonal(common, 1.0)
    np.testing.assert_allclose(correlation_of(model(returns, 2).matrix), common, atol=1e-10)


@pytest.mark.parametrize(("asked", "got"), [(0, 0), (500, 9)])
def test_no_more_factors_than_there_can_be(asked, got):
    returns = one_factor(60, 10)
    found = model(returns, asked)
    assert found.factors == got
    if asked == 0:
        np.testing.assert_allclose(found.matrix, np.diag(returns.var(axis=0)), atol=1e-18)
