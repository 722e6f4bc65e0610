"""Means with errors by hand and by statsmodels' rule, their false alarms on noise, and Holm's adjustment."""

import math

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from tvquant.statistics.metrics import probabilistic_sharpe
from tvquant.statistics.significance import expected_best, holm, mean_estimate


def test_a_series_without_positive_autocorrelation_has_the_ordinary_error():
    values = np.array([3.0, -1.0, 4.0, -2.0, 3.0, -1.0, 2.0, np.nan, 0.0])
    found, referee = mean_estimate(values), ttest_1samp(values[np.isfinite(values)], 0.0)
    assert (found.n, found.mean) == (8, 1.0)
    assert found.t == pytest.approx(referee.statistic, rel=1e-12)
    assert found.p == pytest.approx(referee.pvalue, rel=1e-12)
    assert found.se == pytest.approx(1.0 / referee.statistic, rel=1e-12)


def test_one_that_goes_on_as_it_was_has_the_error_of_newey_and_west_by_hand():
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])  # n = 6: floor(4 x .06^(2/9)) = 2 lags
    left = values - 3.5
    gamma = [float(left[k:] @ left[: 6 - k]) / 6 for k in range(3)]
    variance = gamma[0] + 2 * (2 / 3) * gamma[1] + 2 * (1 / 3) * gamma[2]
    assert mean_estimate(values).se == pytest.approx((variance / 5) ** 0.5, rel=1e-12)
    assert variance > gamma[0]


@pytest.mark.parametrize("persistence", [0.0, 0.3])
def test_noise_is_found_significant_about_as_often_as_said(persistence):
    rng = np.random.default_rng(1)
    alarms = 0
    for _ in range(2000):
        shocks = rng.normal(size=40)
        series = shocks.copy()
        for k in range(1, 40):
            series[k] += persistence * series[k - 1]
        found = mean_estimate(series)
        assert found.p is not None
        alarms += found.p <= 0.05
    assert alarms / 2000 == pytest.approx(0.05 if not persistence else 0.08, abs=0.02)


def test_what_would_be_found_is_found_in_four_of_five_samples():
    rng = np.random.default_rng(2)
    effect = (2.0227 + 0.8512) / 40**0.5  # t quantiles of 39 degrees, spread 1
    found = [mean_estimate(effect + rng.normal(size=40)) for _ in range(1000)]
    assert np.mean([one.p <= 0.05 for one in found if one.p is not None]) == pytest.approx(0.78, abs=0.05)
    flat = mean_estimate(np.array([-1.0, 1.0] * 20))
    assert flat.detectable == pytest.approx(effect * (40 / 39) ** 0.5, rel=1e-4)


def test_what_is_not_there_has_no_error():
    for values, n, mean in (([], 0, None), ([0.1], 1, 0.1), ([0.1 + 0.2, 0.3, 0.3], 3, 0.3), ([np.nan], 0, None)):
        found = mean_estimate(np.array(values))
        assert (found.n, found.se, found.t, found.p, found.detectable) == (n, None, None, None, None)
        assert found.mean == (mean if mean is None else pytest.approx(mean))


def test_holm_by_hand():
    assert holm([0.01, None, 0.04, 0.03, 0.005]) == pytest.approx((0.03, None, 0.06, 0.06, 0.02))
    assert holm([0.6, 0.7]) == (1.0, 1.0)
    assert holm([None]) == (None,)
    assert holm([]) == ()


def test_the_best_of_a_hundred_trials_without_skill_is_that_of_the_paper() -> None:
    """The example of Bailey and Lopez de Prado (2014): 100 trials of variance 1/2, 250 days a year, 1250 days."""
    draw = np.random.default_rng(1).normal(size=100)
    trials = (draw - draw.mean()) / draw.std(ddof=1) * math.sqrt(0.5 / 250)
    expected = expected_best(trials.tolist())
    assert expected == pytest.approx(0.1132, abs=5e-5)
    sharpe = 2.5 / math.sqrt(250)
    error = math.sqrt((1.0 + 3.0 * sharpe + (10.0 - 1.0) / 4.0 * sharpe**2) / 1249)
    assert probabilistic_sharpe(sharpe - expected, error) == pytest.approx(0.9004, abs=5e-5)
    assert expected_best([1.0]) is None
