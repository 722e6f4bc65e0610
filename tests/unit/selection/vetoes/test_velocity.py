"""Velocity vetoes at their limits, in percent."""

import numpy as np
import pytest

from tvquant.selection.relaxation import Relaxation
from tvquant.selection.vetoes.velocity import ROC, VOLATILITY_D

STRICT = Relaxation.STRICT
pytestmark = pytest.mark.requirement("R-SEL-17")


@pytest.mark.requirement("R-UNI-24")
def test_a_change_beyond_100_or_below_minus_80_percent_is_vetoed(judged):
    values = [100.1, 100.0, 99.0, -79.0, -80.0, -80.1, np.nan]
    verdict = ROC.judge(judged(roc=values), STRICT)
    assert verdict.broken.tolist() == [True, False, False, False, False, True, False]
    assert (verdict.limits[0], verdict.limits[5]) == (100.0, -80.0)
    assert verdict.thresholds == {"low": -80.0, "high": 100.0}
    assert ROC.hard


def test_a_daily_range_above_100_percent_is_vetoed(judged):
    verdict = VOLATILITY_D.judge(judged(volatility_d=[100.1, 100.0, 3.0, np.nan]), STRICT)
    assert verdict.broken.tolist() == [True, False, False, False]
    assert verdict.thresholds == {"limit": 100.0}
    assert VOLATILITY_D.hard


def test_the_bounds_of_a_short_are_those_of_a_long(judged):
    assert ROC.judge(judged(roc=[120.0, 120.0], directions="LS"), STRICT).broken.all()
    assert ROC.judge(judged(roc=[-90.0, -90.0], directions="LS"), STRICT).broken.all()


def test_the_limits_are_those_of_the_profile(judged):
    settings = {"min_roc": -10.0, "max_roc": 20.0, "max_volatility_d": 5.0}
    assert ROC.judge(judged(settings=settings, roc=[-11.0, 0.0, 21.0]), STRICT).broken.tolist() == [True, False, True]
    found = VOLATILITY_D.judge(judged(settings=settings, volatility_d=[4.9, 5.1]), STRICT)
    assert found.broken.tolist() == [False, True]
