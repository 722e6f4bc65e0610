"""Predictability: closed forms, plain-Python referees, noise and processes of known memory."""

import math
from collections import Counter

import numpy as np
import pytest

from tvquant.core.errors import ModelError
from tvquant.statistics import efficiency_ratio, hurst, permutation_entropy, rescaled_range_slope
from tvquant.statistics.predictability import LENGTHS, expected_range


def noise(n, columns, *, seed=0):
    return np.random.default_rng(seed).standard_t(4, (n, columns)) * 0.01


def fractional_noise(h, n, columns, *, seed=0):
    """Gaussian noise with Hurst exponent h: its autocovariance is the second difference of |lag|^2h / 2."""
    lag = np.abs(np.subtract.outer(np.arange(n), np.arange(n))).astype(float)
    covariance = 0.5 * ((lag + 1.0) ** (2 * h) - 2.0 * lag ** (2 * h) + np.abs(lag - 1.0) ** (2 * h))
    return np.linalg.cholesky(covariance) @ np.random.default_rng(seed).standard_normal((n, columns))


def plain_entropy(values, order, rows):
    x = [v for v in values if math.isfinite(v)][-rows:]
    patterns = Counter(
        tuple(sorted(range(order), key=lambda i, w=w: x[w + i])) for w in range(len(x) - order + 1)
    )  # sorted is stable
    total = sum(patterns.values())
    return -sum(c / total * math.log(c / total) for c in patterns.values()) / math.log(math.factorial(order))


def plain_hurst(values, *, corrected):
    x = [v for v in values if math.isfinite(v)]
    points = []
    for length in LENGTHS:
        if 2 * length > len(x):
            continue
        ratios = []
        for s in range(len(x) // length):
            segment = np.array(x[len(x) - (s + 1) * length : len(x) - s * length])
            level = np.cumsum(segment - segment.mean())
            ratios.append((level.max() - level.min()) / segment.std())
        r = np.arange(1, length)
        front = math.gamma((length - 1) / 2) / (math.sqrt(math.pi) * math.gamma(length / 2)) if length < 300 else None
        expected = front * np.sqrt((length - r) / r).sum() if front else expected_range(length)
        offset = math.log(expected) - 0.5 * math.log(length) if corrected else 0.0
        points.append((math.log(length), math.log(np.mean(ratios)) - offset))
    return float(np.clip(np.polyfit(*zip(*points, strict=True), 1)[0], 0.0, 1.0))


@pytest.mark.requirement("R-FEA-03")
@pytest.mark.parametrize("order", range(2, 8))
def test_a_monotone_column_has_no_entropy(order):
    rising = np.arange(120.0)
    np.testing.assert_array_equal(permutation_entropy(np.column_stack((rising, -rising)), order=order), [0.0, 0.0])


@pytest.mark.requirement("R-FEA-03")
def test_white_noise_of_120_values_at_order_5_is_near_0_88():
    assert np.median(permutation_entropy(noise(120, 4000), order=5)) == pytest.approx(0.88, abs=0.005)


@pytest.mark.requirement("R-FEA-03")
def test_sixty_values_cannot_reach_the_ceilings_of_order_5():
    # The most that 56 patterns can have is to be all different: ln 56 / ln 120.
    rng, column, seen = np.random.default_rng(0), [0.1, 0.4, 0.2, 0.3], set()
    while len(column) < 60:
        drawn = rng.random()
        pattern = tuple(np.argsort([*column[-4:], drawn]))
        if pattern not in seen:
            seen.add(pattern)
            column.append(drawn)
    assert permutation_entropy(np.array(column)[:, None], order=5)[0] == pytest.approx(
        math.log(56) / math.log(120), rel=1e-14
    )


def test_alternation_has_two_patterns_of_equal_share():
    zigzag = np.tile([0.0, 1.0], 31)[:, None] + np.arange(62.0)[:, None] * 1e-3
    assert permutation_entropy(zigzag, order=3)[0] == pytest.approx(math.log(2) / math.log(6), rel=1e-14)


def test_equal_values_rank_in_order_of_time():
    flat = np.full((50, 1), 0.01)
    assert permutation_entropy(flat)[0] == 0.0  # one pattern: the rising one
    steps = np.repeat(np.arange(25.0), 2)[:, None]
    assert permutation_entropy(steps)[0] == 0.0


def test_which_patterns_came_does_not_matter_to_the_last_bit():
    # A reflection in value and in time permutes the patterns and keeps their counts.
    returns = noise(120, 500)
    expected = permutation_entropy(returns)
    for same in (-returns, returns[::-1], -returns[::-1]):
        np.testing.assert_array_equal(permutation_entropy(same), expected)


@pytest.mark.requirement("R-FEA-03")
@pytest.mark.parametrize("order", [2, 3, 5, 7])
def test_entropy_equals_counting_sorted_positions(order):
    returns = np.round(noise(200, 12, seed=order), 2)  # with many ties
    returns[np.random.default_rng(1).random(returns.shape) < 0.1] = np.nan
    expected = [plain_entropy(column, order, 120) for column in returns.T]
    np.testing.assert_allclose(permutation_entropy(returns, order=order), expected, rtol=1e-12)


@pytest.mark.parametrize("order", [-1, 0, 1, 8])
def test_other_orders_are_refused(order):
    with pytest.raises(ModelError, match=f"order of 2 to 7, found {order}"):
        permutation_entropy(noise(20, 1), order=order)


@pytest.mark.requirement("R-FEA-04")
def test_moves_of_one_sign_are_wholly_efficient():
    up = np.abs(noise(150, 5))
    np.testing.assert_allclose(efficiency_ratio(up), 1.0, rtol=1e-14)
    np.testing.assert_allclose(efficiency_ratio(-up), 1.0, rtol=1e-14)


@pytest.mark.requirement("R-FEA-04")
def test_efficiency_is_net_over_gross_of_the_last_120_finite_values():
    returns = noise(300, 6)
    returns[np.random.default_rng(2).random(returns.shape) < 0.2] = np.nan
    last = [column[np.isfinite(column)][-120:] for column in returns.T]
    expected = [abs(x.sum()) / np.abs(x).sum() for x in last]
    np.testing.assert_allclose(efficiency_ratio(returns), expected, rtol=1e-12)
    assert efficiency_ratio(np.array([[0.5], [-0.1], [0.2]]), rows=2)[0] == pytest.approx(1.0 / 3.0, rel=1e-14)


def test_a_column_that_never_moves_has_no_efficiency():
    assert np.isnan(efficiency_ratio(np.zeros((100, 1)))).all()


@pytest.mark.requirement("R-FEA-04")
def test_noise_scatters_by_the_square_root_of_n():
    # The sum is about normal with sd sqrt(n) sd(x), the sum of sizes n E|x|; t(4) has sd sqrt 2 and E|x| = 1.
    for n in (30, 120):
        assert np.median(efficiency_ratio(noise(n, 20_000))) == pytest.approx(0.6745 * 2**0.5 / n**0.5, rel=0.04)


def test_expectation_of_the_range_has_its_closed_forms():
    # n = 2: the range is |d| / 2 and so is the deviation; n = 3: gamma(1) / (sqrt(pi) gamma(3/2)) (sqrt 2 + sqrt 1/2).
    assert expected_range(2) == pytest.approx(1.0, rel=1e-14)
    assert expected_range(3) == pytest.approx(2.0 / math.pi * (2**0.5 + 0.5**0.5), rel=1e-14)
    assert expected_range(100_000) / math.sqrt(100_000 * math.pi / 2) == pytest.approx(1.0, abs=0.005)


@pytest.mark.parametrize("length", [8, 32, 128])
def test_expectation_of_the_range_is_that_of_normal_noise(length):
    x = np.random.default_rng(length).standard_normal((40_000, length))
    level = np.cumsum(x - x.mean(axis=1, keepdims=True), axis=1)
    ratio = (level.max(axis=1) - level.min(axis=1)) / x.std(axis=1)
    assert ratio.mean() == pytest.approx(expected_range(length), abs=5.0 * ratio.std() / 200.0)


@pytest.mark.requirement("R-FEA-05")
@pytest.mark.parametrize("n", [60, 90, 120, 180, 252, 350, 500])
@pytest.mark.parametrize("law", ["normal", "student"])
def test_corrected_hurst_of_noise_has_its_median_near_a_half(n, law):
    rng = np.random.default_rng(n)
    returns = rng.standard_normal((n, 4000)) if law == "normal" else rng.standard_t(4, (n, 4000))
    assert np.median(hurst(returns)) == pytest.approx(0.5, abs=0.03)


@pytest.mark.requirement("R-FEA-05")
def test_memory_is_found():
    trending, reverting = fractional_noise(0.8, 500, 200), fractional_noise(0.2, 500, 200)
    assert (hurst(trending) > 0.6).mean() > 0.9
    assert (hurst(reverting) < 0.4).mean() > 0.95
    assert np.median(hurst(trending)) > 0.6 > 0.4 > np.median(hurst(reverting))


@pytest.mark.requirement("R-FEA-05")
@pytest.mark.parametrize("n", [32, 63, 64, 100, 500, 1100])
def test_slopes_equal_plain_python(n):
    returns = noise(n + 30, 4, seed=n)
    for j in range(4):
        returns[np.random.default_rng(j).choice(n + 30, 30, replace=False), j] = np.nan
    np.testing.assert_allclose(hurst(returns), [plain_hurst(x, corrected=True) for x in returns.T], rtol=1e-10)
    raw = [plain_hurst(x, corrected=False) for x in returns.T]
    np.testing.assert_allclose(rescaled_range_slope(returns), raw, rtol=1e-10)


def test_slopes_are_clipped_to_0_and_1():
    zigzag = np.tile([1.0, -1.0], 256)
    # Lengths up to 64 see the zigzag only and the same range; longer ones see blocks of 64 and forty times that.
    blocks = zigzag + np.repeat(np.tile([1.0, -1.0], 4), 64)
    for slope in (hurst, rescaled_range_slope):
        np.testing.assert_array_equal(slope(np.column_stack((zigzag, blocks))), [0.0, 1.0])


def test_two_lengths_need_32_values():
    assert np.isnan(hurst(noise(31, 3))).all()
    assert np.isfinite(hurst(noise(32, 3))).all()


def test_constant_segments_leave_the_mean():
    returns = noise(64, 1)
    with_halt = np.concatenate((np.full((64, 1), 0.001), returns))
    # Of 128 values the first 64 are constant: lengths 8, 16 and 32 see only the rest, 64 sees one segment of two.
    x, y = np.log([8.0, 16.0, 32.0, 64.0]), []
    for length in (8, 16, 32, 64):
        segments = returns[:, 0].reshape(-1, length)
        level = np.cumsum(segments - segments.mean(axis=1, keepdims=True), axis=1)
        y.append(np.log(((level.max(axis=1) - level.min(axis=1)) / segments.std(axis=1)).mean()))
    assert rescaled_range_slope(with_halt)[0] == pytest.approx(np.polyfit(x, y, 1)[0], rel=1e-10)


@pytest.mark.parametrize("value", [0.0, 0.001, 1e6])
def test_a_constant_column_has_no_hurst_exponent(value):
    assert np.isnan(hurst(np.full((200, 1), value))).all()


@pytest.mark.parametrize("measure", [permutation_entropy, efficiency_ratio, hurst, rescaled_range_slope])
def test_missing_columns_and_empty_input(measure):
    returns = noise(100, 3)
    returns[:, 1] = np.nan
    got = measure(returns)
    assert np.isnan(got[1])
    assert np.isfinite(got[[0, 2]]).all()
    assert measure(np.empty((0, 4))).shape == (4,)
    assert np.isnan(measure(np.empty((0, 4)))).all()
    assert measure(np.empty((50, 0))).shape == (0,)


@pytest.mark.requirement("R-FEA-03")
@pytest.mark.parametrize("order", [3, 5])
def test_null_figures_of_entropy(order):
    # Calibration of the requirements, section 17: 5 to 95 % at 60 and 120 bars, order 5; order 3 only stays above it.
    for n, low, high in ((60, 0.753, 0.810), (120, 0.855, 0.900)):
        got = np.quantile(permutation_entropy(noise(n, 4000, seed=n), order=order), [0.05, 0.95])
        if order == 5:
            np.testing.assert_allclose(got, [low, high], atol=0.006)
        else:
            assert got[0] > high


@pytest.mark.requirement("R-FEA-05")
@pytest.mark.parametrize(
    ("n", "median", "share"), [(60, 0.61, 0.63), (120, 0.60, 0.70), (252, 0.58, 0.70), (500, 0.57, 0.69)]
)
def test_null_figures_of_the_uncorrected_slope(n, median, share):
    got = rescaled_range_slope(noise(n, 4000, seed=n))
    assert np.median(got) == pytest.approx(median, abs=0.015)
    assert (got > 0.55).mean() == pytest.approx(share, abs=0.05)
    assert 0.15 < ((got > 0.45) & (got < 0.55)).mean() < 0.33


@pytest.mark.requirement("R-FEA-04")
@pytest.mark.parametrize(("n", "median", "share"), [(60, 0.12, 0.44), (120, 0.10, 0.50), (252, 0.09, 0.56)])
def test_null_figures_of_the_efficiency_ratio(n, median, share):
    got = efficiency_ratio(noise(n, 4000, seed=n))
    assert np.median(got) == pytest.approx(median, abs=0.017)
    assert (got < 0.1).mean() == pytest.approx(share, abs=0.08)


@pytest.mark.requirement("R-FEA-03")
def test_a_halted_name_has_no_entropy_and_one_that_only_falls_the_least():
    returns = np.random.default_rng(0).normal(0.0, 0.01, (300, 4))
    returns[-120:, 0] = 0.0
    returns[-120:, 1] = 0.001
    returns[-119:, 2] = 0.0
    found = permutation_entropy(returns)
    assert np.isnan(found).tolist() == [True, False, False, False]
    assert found[1] == 0.0
