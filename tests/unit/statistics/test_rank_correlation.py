"""Spearman's rank correlation against scipy, with ties, holes, and nothing to rank."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from tvquant.statistics.rank_correlation import rank_correlation, spearman


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


def test_an_interval_covers_the_truth_as_often_as_it_says_also_with_memory() -> None:
    """Two independent series whose neighbours resemble each other; a plain interval would miss 0 far more often."""
    draw, misses, told = np.random.default_rng(0), 0, []
    for _ in range(400):
        x, y = (np.convolve(draw.standard_normal(105), np.ones(6), "valid") for _ in range(2))
        found = rank_correlation(x, y)
        assert found is not None
        misses += not found.low <= 0.0 <= found.high
        told.append(found.effective)
        assert found.rho == spearman(x, y)
    assert 0.02 <= misses / 400 <= 0.10
    assert 15 < np.median(told) < 50


def test_without_memory_the_interval_is_that_of_fishers_z() -> None:
    draw = np.random.default_rng(1)
    x = draw.standard_normal(200)
    y = 0.7 * x + draw.standard_normal(200)
    x[3] = np.nan
    found = rank_correlation(x, y)
    assert found is not None
    assert found.n == 199
    z = np.arctanh(found.rho)
    reach = 1.959964 * np.sqrt((1.0 + found.rho**2 / 2.0) / (found.effective - 3.0))
    assert (found.low, found.high) == pytest.approx((np.tanh(z - reach), np.tanh(z + reach)), rel=1e-6)
    assert rank_correlation(x[:4], y[:4]) is None, "three pairs"
    assert rank_correlation(np.ones(9), np.arange(9.0)) is None
