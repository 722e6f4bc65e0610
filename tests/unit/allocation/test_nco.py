import numpy as np
import pytest

from builders.problems import FREE, covariance_of, problem_of
from tvquant.allocation.caps import feasible_set
from tvquant.allocation.engines.custom import min_variance, nco

BLOCK = np.arange(12) // 4
SAME = np.equal.outer(BLOCK, BLOCK)
DEVIATION = np.random.default_rng(6).uniform(0.01, 0.013, 12)
MATRIX = (np.where(SAME, 0.9, 0.1) + 0.1 * np.eye(12)) * np.outer(DEVIATION, DEVIATION)


def least_variance(covariance):
    return min_variance.solve(covariance, feasible_set(problem_of(covariance, limits=FREE))).weights


def test_where_clusters_have_nothing_in_common_it_is_the_least_variance_of_all() -> None:
    apart = covariance_of(MATRIX * SAME)
    np.testing.assert_allclose(nco.solve(apart).weights, least_variance(apart), atol=1e-9)


def test_else_it_is_another_book_and_each_cluster_is_held_by_its_own_least_variance() -> None:
    whole = covariance_of(MATRIX)
    got = nco.solve(whole).weights
    assert np.abs(got - least_variance(whole)).max() > 1e-3
    for names in (b == BLOCK for b in range(3)):
        within = covariance_of(MATRIX[np.ix_(names, names)])
        np.testing.assert_allclose(got[names] / got[names].sum(), least_variance(within), atol=1e-9)
    assert got.sum() == pytest.approx(1.0)
