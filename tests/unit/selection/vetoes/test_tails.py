"""Hard vetoes at their limits."""

import numpy as np
import pytest

from tvquant.selection.relaxation import Relaxation
from tvquant.selection.vetoes.tails import KURTOSIS, NO_STATISTICS, SURVIVAL, VOLATILITY

STRICT = Relaxation.STRICT


@pytest.mark.requirement("R-SEL-16")
def test_kurtosis_of_20_1_is_vetoed_and_19_9_is_kept(judged):
    verdict = KURTOSIS.judge(judged(kurtosis=[20.1, 20.0, 19.9, np.nan]), STRICT)
    assert verdict.broken.tolist() == [True, False, False, False]
    assert verdict.thresholds == {"limit": 20.0}


@pytest.mark.requirement("R-SEL-16")
def test_volatility_of_2_51_is_vetoed_and_2_5_is_kept(judged):
    verdict = VOLATILITY.judge(judged(volatility=[2.51, 2.5, 2.49, np.nan]), STRICT)
    assert verdict.broken.tolist() == [True, False, False, False]
    assert verdict.values.tolist()[:3] == [2.51, 2.5, 2.49]
    assert verdict.limits.tolist() == [2.5] * 4


@pytest.mark.parametrize(("rule", "key"), [(KURTOSIS, "max_kurtosis"), (VOLATILITY, "max_volatility")])
def test_the_limit_is_that_of_the_profile(judged, rule, key):
    verdict = rule.judge(judged(settings={key: 1.0}, kurtosis=[0.9, 1.1], volatility=[0.9, 1.1]), STRICT)
    assert verdict.broken.tolist() == [False, True]


@pytest.mark.requirement("R-SEL-16")
def test_the_annual_volatility_uses_the_calendar(context):
    """The same returns are above the limit at 365 periods a year and below it at 252."""
    from tvquant.selection.stages.feature_engineering import FeatureEngineeringStage

    daily = 2.5 / np.sqrt(300.0)
    streams = np.random.default_rng(0).normal(0.0, daily, (200, 1))
    streams *= daily / streams.std(axis=0, ddof=1)
    broken = [
        VOLATILITY.judge(FeatureEngineeringStage().run(context(streams, periods=periods)), STRICT).broken.item()
        for periods in (252, 365)
    ]
    assert broken == [False, True]


def test_what_has_no_statistics_cannot_be_shown_to_be_safe(judged):
    verdict = NO_STATISTICS.judge(judged(kurtosis=[1.0, np.nan, np.nan], volatility=[1.0, 1.0, np.nan]), STRICT)
    assert verdict.broken.tolist() == [False, True, True]
    assert verdict.values.tolist() == [2.0, 1.0, 0.0]
    assert verdict.thresholds == {"limit": 2.0}


@pytest.mark.requirement("R-SEL-19")
def test_survival_below_a_tenth_is_vetoed(judged):
    verdict = SURVIVAL.judge(judged(survival=[0.099, 0.1, 1.0, np.nan]), STRICT)
    assert verdict.broken.tolist() == [True, False, False, False]
    assert verdict.thresholds == {"limit": 0.1}
    assert SURVIVAL.hard
    strict = SURVIVAL.judge(judged(settings={"min_survival": 0.5}, survival=[0.49, 0.51]), STRICT)
    assert strict.broken.tolist() == [True, False]
