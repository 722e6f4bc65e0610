import numpy as np
import pytest

from builders.problems import FREE, estimated, limits
from tvquant.allocation.caps import feasible_set
from tvquant.allocation.engines.custom import max_diversification, min_variance

RETURNS = np.random.default_rng(1).normal(0.0, 1.0, (200, 3)) @ np.random.default_rng(2).normal(0.0, 1.0, (3, 8))
RETURNS = RETURNS + np.random.default_rng(3).normal(0.0, 1.0, (200, 8)) * np.linspace(0.5, 3.0, 8)


def diversification(weights, matrix):
    return weights @ np.sqrt(np.diag(matrix)) / np.sqrt(weights @ matrix @ weights)


def test_without_caps_it_is_the_least_variance_of_standardised_names() -> None:
    given = estimated(RETURNS, limits=FREE)
    deviation = np.sqrt(np.diag(given.covariance.matrix))
    of_correlation = estimated(RETURNS / deviation, limits=FREE).covariance
    unscaled = type(of_correlation)(
        **{name: getattr(given.covariance, name) for name in ("means", "method", "shrinkage", "ridge", "condition")},
        matrix=given.covariance.matrix / np.outer(deviation, deviation), observations=200,
    )  # fmt: skip
    least = min_variance.solve(unscaled, feasible_set(given)).weights / deviation
    got = max_diversification.solve(given.covariance, feasible_set(given)).weights
    np.testing.assert_allclose(got, least / least.sum(), atol=1e-7)


def test_no_book_within_the_caps_is_more_diversified() -> None:
    given = estimated(RETURNS, limits=limits(position=0.2, cluster=0.2))
    feasible, matrix = feasible_set(given), given.covariance.matrix
    got = max_diversification.solve(given.covariance, feasible).weights
    assert got.max() == pytest.approx(0.2, abs=1e-7)  # a cap binds
    best = diversification(got, matrix)
    rng = np.random.default_rng(0)
    for _ in range(200):
        toward = rng.dirichlet(np.full(8, 5.0))
        if toward.max() <= 0.2:
            assert diversification(0.9 * got + 0.1 * toward, matrix) <= best + 1e-9
