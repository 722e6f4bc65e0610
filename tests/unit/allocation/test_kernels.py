"""Compiled loops against the same in plain sentences of Python, and closed forms."""

import numpy as np
import pytest

from tvquant.allocation.engines.custom import kernels
from tvquant.allocation.engines.custom.kernels import bisect, equalise


def covariance(n, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(0.0, 0.01, (60 + n, n)) * rng.uniform(0.3, 3.0, n) + rng.normal(0.0, 0.01, (60 + n, 1))
    return np.cov(x.T).reshape(n, n)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 9), (3, 7)])
def test_branch_variance_is_that_of_inverse_variance_weights(low, high):
    part = covariance(9)[low:high, low:high]
    weights = 1.0 / np.diag(part)
    weights /= weights.sum()
    found = kernels.branch_variance.py_func(covariance(9), low, high)
    assert found == pytest.approx(weights @ part @ weights, rel=1e-13)


def test_two_names_are_split_by_inverse_variance():
    np.testing.assert_allclose(bisect(np.array([[1.0, 0.3], [0.3, 4.0]])), [0.8, 0.2], rtol=1e-15)
    np.testing.assert_array_equal(bisect(np.array([[2.0]])), [1.0])


def test_uncorrelated_names_are_held_by_inverse_variance():
    # A branch of uncorrelated names has the variance 1 / sum(1 / v), so that every split is by sums of 1 / v.
    variance = np.array([1.0, 2.0, 4.0, 8.0, 5.0, 3.0, 7.0]) * 1e-4
    np.testing.assert_allclose(bisect(np.diag(variance)), (1.0 / variance) / (1.0 / variance).sum(), rtol=1e-14)


def test_an_odd_stretch_is_cut_before_its_middle():
    # Equal names of correlation 1/2: V is 1 of one name and 3/4 of two, so the lone first name gets 3/7.
    matrix = np.full((3, 3), 0.5) + 0.5 * np.eye(3)
    np.testing.assert_allclose(bisect(matrix), [3.0 / 7.0, 2.0 / 7.0, 2.0 / 7.0], rtol=1e-15)


def sweep_once(correlation, y):
    n = len(y)
    for i in range(n):
        rest = sum(correlation[i, j] * y[j] for j in range(n) if j != i)
        y[i] = (-rest + (rest**2 + 4.0 * correlation[i, i] / n) ** 0.5) / (2.0 * correlation[i, i])


def test_sweeps_are_those_of_the_formula():
    matrix = covariance(6)
    scale = np.sqrt(np.diag(matrix))
    correlation = matrix / np.outer(scale, scale)
    plain, compiled = np.ones(6), np.ones(6)
    for _ in range(3):
        sweep_once(correlation, plain)
    sweeps, miss = equalise(correlation, compiled, 0.0, 3)
    assert sweeps == 3
    np.testing.assert_allclose(compiled, plain, rtol=1e-13)
    assert miss == pytest.approx(np.abs(6 * plain * (correlation @ plain) - 1.0).max(), rel=1e-10)


def test_sweeps_end_at_the_tolerance():
    matrix = covariance(6)
    scale = np.sqrt(np.diag(matrix))
    y = np.ones(6)
    sweeps, miss = equalise(matrix / np.outer(scale, scale), y, 1e-8, 1000)
    assert 1 < sweeps < 100
    assert miss <= 1e-8
    assert equalise(np.eye(4), np.full(4, 0.5), 1e-12, 1000)[0] == 0
