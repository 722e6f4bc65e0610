"""What every kernel of statistics keeps for any returns, with gaps or without."""

import os

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.cluster import hierarchy

from tvquant.statistics import (
    Linkage,
    NullStatistic,
    average_correlation,
    correlation_distance,
    cvar,
    efficiency_ratio,
    hurst,
    merges,
    moments,
    null_quantile,
    partition,
    permutation_entropy,
    rescaled_range_slope,
)

dear = settings() if os.environ.get("TVQUANT_PROOF") else settings(max_examples=20)
"""Each example takes a hundredth of a second: twenty in the gate."""
VALUES = st.one_of(st.just(np.nan), st.integers(-3, 3).map(lambda i: i / 64), st.floats(-0.875, 0.875, width=32))
RETURNS = arrays(np.float64, st.tuples(st.integers(0, 150), st.integers(1, 4)), elements=VALUES)
SEEDS = st.integers(0, 2**32 - 1)
SHARES = (permutation_entropy, efficiency_ratio, hurst, rescaled_range_slope)
EVERYTHING = (
    *SHARES,
    lambda returns: np.array([getattr(moments(returns), name) for name in moments(returns).__slots__]),
    lambda returns: np.array(cvar(returns)),
)


@dear
@given(RETURNS)
@pytest.mark.requirement("R-FEA-03")
@pytest.mark.requirement("R-FEA-04")
@pytest.mark.requirement("R-FEA-05")
def test_shares_stay_between_0_and_1(returns):
    for measure in SHARES:
        got = measure(returns)
        assert got.shape == (returns.shape[1],)
        assert ((got >= 0.0) & (got <= 1.0) | np.isnan(got)).all()


@dear
@given(RETURNS, SEEDS)
def test_where_the_gaps_are_does_not_matter(returns, seed):
    """Each column with its values in the same order but its gaps elsewhere."""
    rng = np.random.default_rng(seed)
    moved = np.full((len(returns) + 7, returns.shape[1]), np.nan)
    for j, column in enumerate(returns.T):
        values = column[np.isfinite(column)]
        moved[np.sort(rng.choice(len(moved), len(values), replace=False)), j] = values
    for measure in EVERYTHING:
        np.testing.assert_array_equal(measure(moved), measure(returns))


@dear
@given(RETURNS)
def test_units_do_not_matter_to_what_has_none(returns):
    small = returns / 64.0  # exact in binary
    for measure in (permutation_entropy, efficiency_ratio):
        np.testing.assert_array_equal(measure(small), measure(returns))
    np.testing.assert_array_equal(
        permutation_entropy(np.expm1(4.0 * np.round(returns, 3))), permutation_entropy(np.round(returns, 3))
    )
    np.testing.assert_allclose(cvar(small)[0] * 64.0, cvar(returns)[0], rtol=1e-12)
    np.testing.assert_allclose(moments(small).std * 64.0, moments(returns).std, rtol=1e-12)


@dear
@given(RETURNS)
def test_the_other_side_of_a_trade(returns):
    one, other = moments(returns), moments(-returns)
    np.testing.assert_array_equal(other.mean, -one.mean)
    np.testing.assert_array_equal(other.skewness, -one.skewness)
    np.testing.assert_array_equal(other.excess_kurtosis, one.excess_kurtosis)
    for measure in (efficiency_ratio, hurst):
        np.testing.assert_allclose(measure(-returns), measure(returns), rtol=1e-9)


@dear
@given(RETURNS)
@pytest.mark.requirement("R-FEA-07")
def test_moments_stay_within_their_bounds(returns):
    got = moments(returns)
    n = got.n[got.n >= 4]
    kurtosis, skewness = got.excess_kurtosis[got.n >= 4], got.skewness[got.n >= 4]
    known = np.isfinite(kurtosis)
    slack = 1e-9 * n[known]
    assert (kurtosis[known] <= n[known] - 5 + 1 / (n[known] - 1) + slack).all()
    assert (np.abs(skewness[known]) <= (n[known] - 2) / np.sqrt(n[known] - 1) + slack).all()
    assert (kurtosis[known] + 2.0 >= skewness[known] ** 2 - slack).all()  # Pearson's inequality


@dear
@given(RETURNS, st.floats(0.001, 0.998), st.floats(0.0, 0.001))
@example(np.array([[0.015625, np.nan], [0.0, 0.0], [0.0, 0.0]]), 0.5, 0.0)
@pytest.mark.requirement("R-FEA-07")
def test_a_wider_tail_is_milder(returns, level, step):
    deep, wide = cvar(returns, level=level)[0], cvar(returns, level=level + step)[0]
    there = np.isfinite(returns).any(axis=0)
    np.testing.assert_array_equal(np.isnan(deep), ~there)
    if there.any():
        mine = returns[:, there]
        moves, finite = np.nan_to_num(mine) != 0.0, np.isfinite(mine)
        still = 2 * moves.sum(axis=0) < finite.sum(axis=0)  # of which zeros do not count
        counted = np.where(still, moves, finite).sum(axis=0)
        worst, mean = np.nanmin(mine, axis=0), np.nansum(mine, axis=0) / np.maximum(counted, 1)
        assert (worst - 1e-12 <= deep[there]).all()
        assert (deep[there] <= wide[there] + 1e-12).all()
        assert (wide[there] <= mean + 1e-12).all()


@dear
@given(
    st.sampled_from(list(NullStatistic)), st.lists(st.integers(0, 300), max_size=6), st.floats(0, 1), st.floats(0, 1)
)
@pytest.mark.requirement("R-SEL-15")
def test_a_larger_share_has_no_lower_quantile(statistic, n, one, other):
    counts = np.array(n, dtype=np.int64)
    low, high = (null_quantile(statistic, counts, share) for share in sorted((one, other)))
    np.testing.assert_array_equal(np.isnan(low), counts < 32)
    assert (low[counts >= 32] <= high[counts >= 32]).all()


@dear
@given(SEEDS, st.integers(2, 12), st.floats(0.0, 0.08))
@pytest.mark.requirement("R-SEL-27")
def test_correlations_are_correlations(seed, k, share):
    rng = np.random.default_rng(seed)
    returns = rng.standard_normal((90, k)) + rng.standard_normal((90, 1))
    returns[rng.random(returns.shape) < share] = np.nan
    returns[: rng.integers(0, 50), rng.integers(k)] = np.nan
    got = average_correlation(returns, (20, 40, 80))
    np.testing.assert_array_equal(np.diagonal(got), 1.0)
    np.testing.assert_array_equal(got, got.T)
    assert np.abs(got).max() <= 1.0
    assert np.linalg.eigvalsh(got)[0] > -1e-9


@dear
@given(SEEDS, st.integers(2, 20), st.floats(0.0, 1.5), st.integers(1, 20), st.sampled_from(Linkage), st.booleans())
def test_a_partition_is_that_of_the_library(seed, k, cut, most, linkage, ties):
    """Of distances of which many may be equal, cut at the height of a merge or between, never into more than asked."""
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 3, (k, 2)).astype(float) if ties else rng.random((k, 2))
    distance = np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=2)) / 3.0
    found = merges(distance, linkage=linkage)
    if ties:
        cut = float(rng.choice(found[:, 2]))
    expected = hierarchy.fcluster(found, cut, "distance")
    if expected.max() > most:
        expected = hierarchy.fcluster(found, most, "maxclust")
    got = partition(distance, cut=cut, most=most, linkage=linkage)
    assert len(set(zip(got, expected.tolist(), strict=True))) == len(set(got)) == len(set(expected.tolist()))


@dear
@given(SEEDS, st.integers(1, 20), st.floats(0.1, 1.0), st.integers(1, 8))
@pytest.mark.requirement("R-SEL-27")
def test_a_partition_does_not_depend_on_the_order_of_names(seed, k, cut, most):
    rng = np.random.default_rng(seed)
    returns = rng.standard_normal((60, k)) + rng.standard_normal((60, 1)) * rng.random(k)
    distance = correlation_distance(np.corrcoef(returns.T).reshape(k, k))
    labels = partition(distance, cut=cut, most=most)
    assert len(labels) == k
    assert max(labels) <= most
    assert list(dict.fromkeys(labels)) == list(range(1, max(labels) + 1))  # in order of first member
    order = rng.permutation(k)
    shuffled = partition(distance[np.ix_(order, order)], cut=cut, most=most)
    pairs = set(zip(shuffled, (labels[i] for i in order), strict=True))
    assert len(pairs) == max(labels) == max(shuffled)
