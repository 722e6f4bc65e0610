"""ADX: weak trends, the wrong side, logics that want no trend, and what has none."""

import numpy as np
import pytest

from tvquant.selection.relaxation import Relaxation
from tvquant.selection.vetoes.directional import ADX, NO_ADX
from tvquant.statistics import NullStatistic, null_quantile

STRICT = Relaxation.STRICT
pytestmark = pytest.mark.requirement("R-SEL-32")


def test_an_adx_that_the_share_of_noise_does_not_reach_is_vetoed_whatever_the_side(judged):
    limit = null_quantile(NullStatistic.ADX, np.array([200]), 0.1).item()
    assert limit < 20.0
    given = judged(adx=[limit - 0.01, limit + 0.01, 19.0, np.nan], own_di=[1.0] * 4, other_di=[9.0] * 4)
    verdict = ADX.judgement(given, STRICT)
    assert verdict.broken.tolist() == [True, False, False, False]
    assert verdict.limits.tolist() == [limit] * 4
    assert verdict.thresholds == {"null_share": 0.1, "min": limit, "max": limit, "as_specified_limit": 20.0}
    assert not ADX.hard


def test_limits_are_those_of_each_atoms_own_number_of_bars(judged):
    verdict = ADX.judgement(judged(adx=[13.0, 13.0, 13.0], observations=[31.0, 40.0, 90.0]), STRICT)
    assert verdict.limits.tolist()[1:] == null_quantile(NullStatistic.ADX, np.array([40, 90]), 0.1).tolist()
    assert verdict.broken.tolist() == [False, *(verdict.limits[1:] > 13.0)]


def test_the_share_is_that_of_the_profile(judged):
    verdict = ADX.judgement(judged(settings={"null_share": 0.3}, adx=[17.0]), STRICT)
    assert verdict.broken.tolist() == [True]
    assert not ADX.judgement(judged(adx=[17.0]), STRICT).broken.any()


def test_as_specified_20_and_the_side_count(judged):
    given = judged(
        settings={"thresholds": "as_specified"},
        adx=[19.9, 20.0, 40.0, 19.0, np.nan],
        own_di=[30.0, 30.0, 10.0, 10.0, np.nan],
        other_di=[10.0, 10.0, 30.0, 30.0, np.nan],
    )
    verdict = ADX.judgement(given, STRICT)
    assert verdict.broken.tolist() == [True, False, True, True, False]
    assert verdict.values.tolist()[:4] == [19.9, 20.0, 10.0, 19.0]
    assert verdict.limits.tolist()[:4] == [20.0, 20.0, 30.0, 20.0]
    assert verdict.thresholds["limit"] == 20.0
    assert {"calibrated_null_share", "calibrated_min", "calibrated_max"} < set(verdict.thresholds)


@pytest.mark.parametrize("thresholds", ["calibrated", "as_specified"])
@pytest.mark.parametrize("logic", ["rating_osc", "mean_reversion"])
def test_logics_of_reversal_are_not_judged(judged, thresholds, logic):
    settings = {"thresholds": thresholds}
    given = judged(settings=settings, adx=[1.0, 1.0, np.nan], logics=[logic, "rating_ma", logic])
    assert ADX.judgement(given, STRICT).broken.tolist() == [False, True, False]
    assert not NO_ADX.judgement(given, STRICT).broken.any()


def test_a_missing_adx_is_a_reason_of_its_own(judged):
    verdict = NO_ADX.judgement(judged(adx=[np.nan, 30.0]), STRICT)
    assert verdict.broken.tolist() == [True, False]
    assert (verdict.values[0], verdict.limits[0]) == (0.0, 1.0)
    assert not NO_ADX.hard


def test_data_without_highs_and_lows_say_nothing_of_any_name(judged):
    given = judged(absent={"adx": "the data have no high or low"}, adx=[np.nan, np.nan])
    assert not NO_ADX.judgement(given, STRICT).broken.any()
    assert not ADX.judgement(given, STRICT).broken.any()
