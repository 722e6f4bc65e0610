"""Kernels of statistics against antropy, nolds, scipy and scikit-learn."""

import numba
import numpy as np
import pytest

from tvquant.statistics import (
    adjusted_rand,
    average_correlation,
    correlation_distance,
    hurst,
    moments,
    partition,
    permutation_entropy,
    rescaled_range_slope,
)
from tvquant.statistics.predictability import LENGTHS, expected_range


@pytest.fixture(scope="module")
def returns():
    rng = np.random.default_rng(12)
    moves = rng.standard_t(3, (512, 25)) * 0.02
    moves[:, 20:] = 0.6 * moves[:, :1] + 0.4 * moves[:, 20:]
    moves[1:, :5] += 0.5 * moves[:-1, :5]
    return moves


@pytest.fixture(scope="module")
def perm_entropy():
    """antropy's, as plain Python: it would compile all its kernels when it is imported, and this one has none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numba.config, "DISABLE_JIT", True)
        from antropy import perm_entropy
    return perm_entropy


@pytest.mark.xdist_group("antropy")
@pytest.mark.requirement("R-FEA-03")
@pytest.mark.parametrize("order", range(2, 8))
@pytest.mark.parametrize("rows", [60, 120, 512])
def test_permutation_entropy_equals_antropy(returns, perm_entropy, order, rows):
    expected = [perm_entropy(x[-rows:], order=order, normalize=True) for x in returns.T]
    np.testing.assert_allclose(permutation_entropy(returns, order=order, rows=rows), expected, rtol=1e-12)


@pytest.mark.xdist_group("antropy")
@pytest.mark.parametrize("order", [3, 5])
def test_ties_rank_as_in_antropy(returns, perm_entropy, order):
    rounded = np.round(returns, 2)
    expected = [perm_entropy(x, order=order, normalize=True) for x in rounded.T]
    np.testing.assert_allclose(permutation_entropy(rounded, order=order, rows=512), expected, rtol=1e-12)


@pytest.mark.xdist_group("nolds")
@pytest.mark.requirement("R-FEA-05")
@pytest.mark.parametrize("rows", [128, 256, 512])
def test_rescaled_range_equals_nolds(returns, rows):
    """On powers of two, where it does not matter at which end the segments begin."""
    import nolds

    lengths = [length for length in LENGTHS if 2 * length <= rows]

    def referee(x, *, corrected):
        return nolds.hurst_rs(x[-rows:], nvals=lengths, fit="poly", corrected=corrected, unbiased=False)

    raw = [referee(x, corrected=False) for x in returns.T]
    np.testing.assert_allclose(rescaled_range_slope(returns[-rows:]), np.clip(raw, 0.0, 1.0), rtol=1e-9)
    # nolds applies Peters' factor (n - 0.5) / n to the expectation; its share of the slope is taken off.
    peters = np.polyfit(np.log(lengths), [np.log1p(-0.5 / length) for length in lengths], 1)[0]
    corrected = [referee(x, corrected=True) + peters for x in returns.T]
    np.testing.assert_allclose(hurst(returns[-rows:]), np.clip(corrected, 0.0, 1.0), rtol=1e-9)


@pytest.mark.xdist_group("nolds")
@pytest.mark.requirement("R-FEA-05")
@pytest.mark.parametrize("length", LENGTHS[:6])
def test_expected_range_equals_nolds(length):
    from nolds import expected_rs

    assert expected_range(length) * (length - 0.5) / length == pytest.approx(expected_rs(length), rel=1e-12)


@pytest.mark.requirement("R-FEA-07")
def test_moments_equal_scipy(returns):
    from scipy import stats

    got = moments(returns)
    np.testing.assert_allclose(got.skewness, stats.skew(returns), rtol=1e-10)
    np.testing.assert_allclose(got.excess_kurtosis, stats.kurtosis(returns), rtol=1e-10)
    np.testing.assert_allclose(got.std, stats.tstd(returns, axis=0), rtol=1e-12)


@pytest.mark.xdist_group("sklearn")
@pytest.mark.requirement("R-SEL-27")
@pytest.mark.parametrize(("cut", "most"), [(0.4, 25), (0.55, 25), (0.7, 25), (0.1, 6)])
def test_clusters_equal_scikit_learns_ward_on_the_series_themselves(returns, cut, most):
    """Half the standardised series are points whose Euclidean distances are the correlation distances."""
    from sklearn.cluster import AgglomerativeClustering

    window = returns[-120:] - returns[-120:].mean(axis=0)
    points = (window / np.linalg.norm(window, axis=0)).T / 2.0
    expected = AgglomerativeClustering(n_clusters=None, distance_threshold=cut, linkage="ward").fit_predict(points)
    if len(set(expected)) > most:
        expected = AgglomerativeClustering(n_clusters=most, linkage="ward").fit_predict(points)
    got = partition(correlation_distance(average_correlation(returns, (120,))), cut=cut, most=most)
    assert len(set(zip(got, expected.tolist(), strict=True))) == len(set(got)) == len(set(expected.tolist()))


@pytest.mark.xdist_group("sklearn")
@pytest.mark.parametrize("seed", range(5))
def test_the_adjusted_rand_index_equals_scikit_learns(seed):
    from sklearn.metrics import adjusted_rand_score

    rng = np.random.default_rng(seed)
    one = rng.integers(0, 5, 40)
    other = np.where(rng.random(40) < 0.2 * seed, rng.integers(0, 7, 40), one)
    found = adjusted_rand(*({str(k): label for k, label in enumerate(labels)} for labels in (one, other)))
    assert found == pytest.approx(adjusted_rand_score(one, other), abs=1e-14)
