"""Spearman's rank correlation against scipy, with ties, holes, and nothing to rank."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from tvquant.statistics.rank_correlation import spearman


@pytest.mark.parametrize("decimals", [0, 1, 8])
def test_it_is_that_of_scipy_with_and_without_ties_and_holes(decimals):
    rng = np.random.default_rng(decimals)
    for size in (3, 4, 11, 80):
        one = rng.normal(size=size).round(decimals)
        other = (0.4 * one + rng.normal(size=size)).round(decimals)
        one[0], other[0] = 5.0, -7.0  # never constant
        assert spearman(one, other) == pytest.approx(spearmanr(one, other).statistic, abs=1e-12)
        holed, late = np.append(one, np.nan), np.append(other, 1e3)
        assert spearman(holed, late) == spearman(one, other)
        assert spearman(late, holed) == spearman(other, one)


def test_only_the_order_counts_and_turning_one_list_turns_the_sign():
    rng = np.random.default_rng(5)
    one, other = rng.normal(size=30), rng.normal(size=30)
    found = spearman(one, other)
    assert spearman(np.exp(one), other**3) == pytest.approx(found, abs=1e-12)
    assert spearman(-one, other) == pytest.approx(-found, abs=1e-12)
    order = rng.permutation(30)
    assert spearman(one[order], other[order]) == pytest.approx(found, abs=1e-12)


def test_it_has_no_value_below_three_places_nor_where_a_list_is_constant_but_for_rounding():
    assert np.isnan(spearman(np.array([1.0, 2.0]), np.array([1.0, 2.0])))
    assert np.isnan(spearman(np.array([0.1 + 0.2, 0.3, 0.3]), np.array([1.0, 2.0, 3.0])))
    assert np.isnan(spearman(np.array([1.0, np.nan, np.inf, 2.0]), np.arange(4.0)))
    assert spearman(np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0, 30.0])) == 1.0
