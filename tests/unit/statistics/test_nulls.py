"""Null calibration: direct simulation, closed forms, and the share of fresh noise that a limit rejects."""

import os
from itertools import pairwise

import numpy as np
import pytest

from tvquant.core.errors import ModelError
from tvquant.statistics import (
    NullStatistic,
    efficiency_ratio,
    hurst,
    null_mean_quantile,
    null_quantile,
    permutation_entropy,
)
from tvquant.statistics.directional import directional_movement
from tvquant.statistics.nulls import BARS, LONG, draw, noise_bars, noise_distribution, take

PROOF = bool(os.environ.get("TVQUANT_PROOF"))

MEASURES = {
    NullStatistic.ENTROPY: permutation_entropy,
    NullStatistic.EFFICIENCY: efficiency_ratio,
    NullStatistic.HURST: hurst,
}


def quantile(statistic, n, share):
    return float(null_quantile(statistic, np.array([n]), share)[0])


def fresh(n, *, draws=10_000, normal=False):
    rng = np.random.default_rng(1_000_000 + n)
    return rng.standard_normal((n, draws)) if normal else rng.standard_t(4, (n, draws))


@pytest.mark.requirement("R-SEL-15")
@pytest.mark.parametrize("statistic", list(MEASURES))
@pytest.mark.parametrize("n", [60, 77, 120, 499, *((90, 200) if PROOF else ())])
def test_a_limit_rejects_its_share_of_fresh_noise(statistic, n):
    values = MEASURES[statistic](fresh(n))
    # Entropy of 60 values takes so few values that the share jumps by 0.03 from one to the next.
    less = 0.04 if statistic is NullStatistic.ENTROPY else 0.02
    for share in (0.05, 0.1):
        below = (values < quantile(statistic, n, share)).mean()
        above = (values > quantile(statistic, n, 1.0 - share)).mean()
        assert share - less < below < share + 0.02
        assert share - less < above < share + 0.02


@pytest.mark.requirement("R-SEL-15")
@pytest.mark.parametrize("n", [90, 252, 500])
def test_the_central_band_of_hurst_holds_its_share_also_of_normal_noise(n):
    values = hurst(fresh(n, normal=True))
    inside = (values > quantile(NullStatistic.HURST, n, 0.45)) & (values < quantile(NullStatistic.HURST, n, 0.55))
    assert inside.mean() == pytest.approx(0.10, abs=0.02)


@pytest.mark.parametrize(("statistic", "n"), [("entropy", 100), ("efficiency", 75), ("hurst", 220), ("hurst", 450)])
def test_interpolation_errs_less_than_the_drawing(statistic, n):
    # Standard error of a quantile of 4000 draws: sqrt(q (1 - q) / 4000) / density, the density from direct simulation.
    direct = MEASURES[statistic](fresh(n, draws=20_000))
    for share in (0.1, 0.5, 0.9):
        low, exact, high = np.quantile(direct, [share - 0.05, share, share + 0.05])
        error = np.sqrt(share * (1.0 - share) / 4000) * (high - low) / 0.1
        assert quantile(NullStatistic(statistic), n, share) == pytest.approx(exact, abs=3.0 * error)


@pytest.mark.parametrize(("statistic", "left", "n", "right"), [("efficiency", 60, 75, 90), ("hurst", 192, 220, 255)])
def test_between_grid_points_a_quantile_is_linear_in_the_root_of_n(statistic, left, n, right):
    statistic = NullStatistic(statistic)
    share = (left**-0.5 - n**-0.5) / (left**-0.5 - right**-0.5)
    low, high = quantile(statistic, left, 0.2), quantile(statistic, right, 0.2)
    assert low != high
    assert quantile(statistic, n, 0.2) == pytest.approx(low + share * (high - low), rel=1e-12)


def test_grid_points_are_the_quantiles_of_their_draws():
    assert quantile(NullStatistic.HURST, 128, 0.3) == np.quantile(noise_distribution(NullStatistic.HURST, 128), 0.3)


def test_no_jump_of_the_segments_lies_between_grid_points():
    def regime(n):
        longest = max(2**p for p in range(3, 10) if 2 * 2**p <= n)
        return longest, n // longest

    for left, right in pairwise(LONG):
        assert right == left + 1 or regime(left) == regime(right)
        assert regime(left) != regime(left - 1) or regime(left) != regime(left + 1)


@pytest.mark.parametrize("statistic", list(NullStatistic))
def test_below_32_values_there_is_no_null(statistic):
    got = null_quantile(statistic, np.array([0, 8, 31, 32]), 0.9)
    np.testing.assert_array_equal(np.isnan(got), [True, True, True, False])


def test_beyond_120_values_entropy_and_efficiency_stand():
    for statistic in (NullStatistic.ENTROPY, NullStatistic.EFFICIENCY):
        got = null_quantile(statistic, np.array([120, 121, 500, 5000]), 0.9)
        assert len(set(got.tolist())) == 1


def test_counts_come_back_in_their_places():
    n = np.array([120, 60, 20, 60, 100])
    got = null_quantile(NullStatistic.EFFICIENCY, n, 0.1)
    np.testing.assert_array_equal(got, [quantile(NullStatistic.EFFICIENCY, i, 0.1) for i in n])
    assert got[0] < got[4] < got[1]  # narrower with more values
    assert null_quantile(NullStatistic.HURST, np.array([], dtype=np.int64), 0.1).shape == (0,)


@pytest.mark.parametrize("share", [-0.1, 1.1, np.nan])
def test_other_shares_are_refused(share):
    with pytest.raises(ModelError, match="share between 0 and 1"):
        null_quantile(NullStatistic.HURST, np.array([100]), share)


def test_the_draws_are_kept_and_cannot_be_changed():
    first = noise_distribution(NullStatistic.ENTROPY, 60)
    assert noise_distribution(NullStatistic.ENTROPY, 60) is first
    assert not first.flags.writeable


def test_what_another_process_has_drawn_is_kept_as_if_drawn_here():
    """Of a number of values that is on no grid; what is here already stays."""
    first, other = noise_distribution(NullStatistic.ENTROPY, 60), np.linspace(0.5, 1.0, 5)
    take({("entropy", 61): other.copy(), ("entropy", 60): other.copy()})
    assert noise_distribution(NullStatistic.ENTROPY, 61).tolist() == other.tolist()
    assert not noise_distribution(NullStatistic.ENTROPY, 61).flags.writeable
    assert noise_distribution(NullStatistic.ENTROPY, 60) is first


def test_all_is_drawn_that_samples_between_two_sizes_are_judged_by(monkeypatch):
    drawn = draw(40, 50)
    monkeypatch.setattr("tvquant.statistics.nulls._drawn", lambda: dict(drawn))
    monkeypatch.setattr(np.random, "default_rng", lambda *_: pytest.fail("drawn again"))
    n = np.arange(40, 51)
    for statistic in NullStatistic:
        assert np.isfinite(null_quantile(statistic, n, 0.37)).all()
    assert np.isfinite(null_mean_quantile(n, 0.37))


def bars_by_hand(n, walks):
    """Bars of 24 steps of t(4), in double precision and from numpy's own t."""
    steps = np.random.default_rng(5).standard_t(4, (n * 24, walks)).cumsum(axis=0)
    levels = np.concatenate([np.zeros((1, walks)), steps])
    opened = levels[:-1:24]
    bars = steps.reshape(n, 24, walks)
    return np.maximum(bars.max(axis=1), opened), np.minimum(bars.min(axis=1), opened), bars[:, -1]


@pytest.mark.requirement("R-SEL-32")
@pytest.mark.parametrize("n", [60, 120])
def test_a_limit_of_adx_rejects_its_share_of_bars_of_noise_and_20_rejects_more_than_a_third(n):
    values = directional_movement(*bars_by_hand(n, 4000), rows=1)[0][0]
    for share in (0.05, 0.10, 0.25):
        assert (values < quantile(NullStatistic.ADX, n, share)).mean() == pytest.approx(share, abs=0.025)
    assert 0.33 < (values < 20.0).mean() < 0.43  # R-SEL-32: 36 to 40 %
    assert 22.0 < np.median(values) < 23.7


@pytest.mark.requirement("R-SEL-32")
def test_adx_is_calibrated_on_its_number_of_bars_up_to_120():
    got = null_quantile(NullStatistic.ADX, np.array([31, 32, 60, 120, 121, 500]), 0.1)
    assert np.isnan(got[0])
    assert got[1] < got[2]
    assert len(set(got[3:].tolist())) == 1
    expected = [np.quantile(noise_distribution(NullStatistic.ADX, n), 0.1) for n in (32, 60, BARS)]
    assert got[1:4].tolist() == expected


def test_bars_of_noise_hold_their_close_and_the_close_before():
    high, low, close = noise_bars(np.random.default_rng(0), 30, 50)
    opened = np.concatenate([np.zeros((1, 50)), close[:-1]])
    for inside in (close, opened):
        assert (high - inside > -1e-5).all()
        assert (inside - low > -1e-5).all()
    moves = close - opened
    assert moves.std() == pytest.approx(np.sqrt(24 * 2.0), rel=0.2)  # a t(4) has variance 2


@pytest.mark.requirement("R-SEL-28")
@pytest.mark.parametrize(("n", "names"), [(90, 9), (105, 60), (120, 60), (120, 300)])
def test_a_mean_of_independent_noise_is_above_its_quantile_as_often_as_it_should_be(n, names):
    values = permutation_entropy(np.random.default_rng(n).random((n, 40_000)))
    means = values[np.random.default_rng(names).integers(0, 40_000, (20_000, names))].mean(axis=1)
    limit = null_mean_quantile(np.full(names, n), 0.95)
    assert (means > limit).mean() == pytest.approx(0.05, abs=0.02)


def test_the_mean_of_a_pool_of_two_ages_counts_each_and_order_does_not_matter():
    young, old = (null_mean_quantile(np.full(40, n), 0.5) for n in (60, 120))
    mixed = null_mean_quantile(np.array([60, 120] * 20), 0.5)
    assert mixed == pytest.approx((young + old) / 2, abs=2e-4)
    assert mixed == null_mean_quantile(np.array([120] * 20 + [60] * 20), 0.5)
    assert null_mean_quantile(np.array([120, 5000]), 0.9) == null_mean_quantile(np.array([120, 120]), 0.9)


@pytest.mark.parametrize("n", [[], [31], [120, 31]])
def test_the_mean_of_nobody_and_of_series_that_are_too_short_has_no_null(n):
    with pytest.raises(ModelError, match="at least 32"):
        null_mean_quantile(np.array(n, dtype=np.int64), 0.95)
