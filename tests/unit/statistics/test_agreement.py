"""Agreement of groupings and sets: figures by hand; bets by the eigenvalues."""

import math

import numpy as np
import pytest

from tvquant.core.errors import ModelError
from tvquant.statistics import adjusted_rand, bets_beyond_noise, effective_bets, jaccard


def test_two_groupings_by_hand():
    # Pairs together: a in one {ab, cd}, in the other {ab}; by chance 2 x 1 / 6.
    assert adjusted_rand({"a": 1, "b": 1, "c": 2, "d": 2}, {"a": 5, "b": 5, "c": 6, "d": 7}) == pytest.approx(
        (1 - 1 / 3) / (1.5 - 1 / 3)
    )


def test_labels_do_not_count_and_only_common_names_do():
    one = {"a": 1, "b": 1, "c": 2, "gone": 2}
    assert adjusted_rand(one, {"c": 1, "b": 9, "a": 9, "new": 1}) == 1.0
    assert adjusted_rand({"a": 1, "b": 2}, {"a": 3, "b": 1}) == 1.0
    assert adjusted_rand({"a": 1, "b": 1}, {"a": 3, "b": 3}) == 1.0
    assert adjusted_rand({"a": 1, "b": 1}, {"a": 3, "b": 1}) == 0.0
    assert math.isnan(adjusted_rand({"a": 1, "b": 1}, {"a": 1, "c": 1}))


def test_the_share_of_names_that_both_have():
    assert jaccard({"a", "b", "c"}, {"b", "c", "d"}) == 0.5
    assert jaccard({"a"}, {"a"}) == 1.0
    assert jaccard({"a"}, set()) == 0.0
    assert math.isnan(jaccard(set(), set()))


def test_bets_are_the_participation_ratio_of_the_eigenvalues():
    returns = np.random.default_rng(0).normal(size=(100, 9)) + np.random.default_rng(1).normal(size=(100, 1))
    matrix = np.corrcoef(returns.T)
    values = np.linalg.eigvalsh(matrix)
    assert effective_bets(matrix) == pytest.approx(values.sum() ** 2 / (values**2).sum(), rel=1e-12)
    sign = np.where(np.arange(9) % 2, -1.0, 1.0)
    assert effective_bets(matrix * sign * sign[:, None]) == effective_bets(matrix)


def test_bets_reach_from_one_to_all():
    assert effective_bets(np.eye(7)) == 7.0
    assert effective_bets(np.ones((7, 7))) == 1.0
    assert effective_bets(np.kron(np.eye(3), np.ones((2, 2)))) == pytest.approx(3.0)
    assert effective_bets(np.empty((0, 0))) == 0.0
    for broken in (np.full((2, 2), np.nan), np.ones((2, 3))):
        with pytest.raises(ModelError, match="effective bets: expected finite K x K correlations"):
            effective_bets(broken)


def test_bets_beyond_noise_by_hand():
    """Of 12 rows a square of .25 counts as .25 - .75 / 10, and one of 0 as -.1."""
    one = np.array([[1.0, 0.5], [0.5, 1.0]])
    rows = np.full((2, 2), 12.0)
    assert bets_beyond_noise(one, rows) == pytest.approx(4.0 / (2.0 + 2.0 * 0.175))
    assert bets_beyond_noise(one * [[1, -1], [-1, 1]], rows) == bets_beyond_noise(one, rows)
    assert bets_beyond_noise(one, np.full((2, 2), 2.0)) == 2.0
    assert bets_beyond_noise(np.eye(2), rows) == 2.0  # never more bets than streams
    mixed = np.array([[1.0, 0.5, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert bets_beyond_noise(mixed, np.full((3, 3), 12.0)) == 3.0  # .175 - 2 x .1 is below 0
    assert bets_beyond_noise(np.ones((4, 4)), np.full((4, 4), 30.0)) == 1.0
    assert bets_beyond_noise(np.eye(1), np.ones((1, 1))) == 1.0
    assert bets_beyond_noise(np.empty((0, 0)), np.empty((0, 0))) == 0.0
