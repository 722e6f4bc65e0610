"""Means: Jorion's form by hand, its limits, and whether it is nearer to the truth than the sample."""

import numpy as np
import pytest

from tvquant.statistics.means import MEANS, shrunk


def test_the_weight_by_hand():
    # Distances -+.01 with unit variances: d'd = 2e-4; w = 4 / (4 + 100 * 2e-4).
    means, weight = shrunk(np.array([0.01, 0.03]), np.eye(2), 100)
    assert weight == pytest.approx(4.0 / 4.02, rel=1e-14)
    np.testing.assert_allclose(means, [0.02 - 0.01 * 0.02 / 4.02, 0.02 + 0.01 * 0.02 / 4.02], rtol=1e-13)


def test_the_covariance_counts_not_its_diagonal_alone():
    close = np.array([[1.0, 0.9], [0.9, 1.0]])
    weights = [shrunk(np.array([0.01, 0.03]), matrix, 100)[1] for matrix in (np.eye(2), close)]
    assert weights[1] == pytest.approx(4.0 / (4.0 + 100 * 2e-4 / 0.1), rel=1e-12)  # eigenvalue .1 along (1, -1)
    assert weights[1] < weights[0]


def test_few_rows_give_the_common_mean_and_many_the_sample():
    sample = np.array([-0.02, 0.0, 0.05])
    assert shrunk(sample, np.eye(3), 1)[0] == pytest.approx(np.full(3, 0.01), abs=1e-4)
    assert shrunk(sample, np.eye(3), 10**9)[0] == pytest.approx(sample, abs=1e-7)
    one, weight = shrunk(np.array([0.02]), np.eye(1), 60)
    assert (one.tolist(), weight) == ([0.02], 1.0)


def test_the_order_of_the_names_is_kept_and_a_shift_of_all_is_a_shift():
    rng = np.random.default_rng(0)
    sample, matrix = rng.normal(0.0, 0.01, 8), np.diag(rng.uniform(1.0, 2.0, 8)) * 1e-4
    means, weight = shrunk(sample, matrix, 60)
    assert 0.0 < weight < 1.0
    assert np.argsort(means).tolist() == np.argsort(sample).tolist()
    shifted, same = shrunk(sample - 0.003, matrix, 60)
    assert same == pytest.approx(weight, rel=1e-12)
    np.testing.assert_allclose(shifted, means - 0.003, atol=1e-15)


@pytest.mark.requirement("R-RSK-06")
def test_shrunk_means_are_nearer_to_the_truth_than_sixty_days():
    rng = np.random.default_rng(7)
    truth = rng.normal(0.0005, 0.0005, 25)
    errors = []
    for _ in range(200):
        sample = truth + rng.normal(0.0, 0.02 / np.sqrt(60), 25)
        means, _ = shrunk(sample, np.eye(25) * 0.02**2, 60)
        errors.append((((means - truth) ** 2).sum(), ((sample - truth) ** 2).sum()))
    ours, theirs = np.mean(errors, axis=0)
    assert ours < 0.3 * theirs


def test_zero_knows_nothing_and_says_so():
    assert MEANS["zero"].estimate(np.array([0.1, -0.1]), np.eye(2), 60)[0].tolist() == [0.0, 0.0]
    assert [name for name, one in MEANS.items() if not one.informed] == ["zero"]
