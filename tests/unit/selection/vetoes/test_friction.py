"""The cost of impact by hand, hurdles, and what is not judged."""

import math
from dataclasses import replace

import numpy as np
import pytest

from tvquant.selection.relaxation import Relaxation
from tvquant.selection.vetoes.friction import FRICTION, friction

pytestmark = pytest.mark.requirement("R-SEL-18")


@pytest.fixture
def verdict(judged):
    def make(traded, rule=FRICTION, settings=None, **columns):
        given = judged(settings=settings, **columns)
        values = np.array([traded], dtype=np.float64)
        features = replace(given.features, names=("adv_median_30",), values=values, absent={})
        return rule.judgement(replace(given, features=features), Relaxation.STRICT)

    return make


def test_a_thin_asset_is_vetoed_and_a_liquid_one_kept(verdict):
    found = verdict([1e5, 1e9], momentum=[0.3, 0.3], volatility=[0.8, 0.8])
    assert found.values.tolist() == pytest.approx([0.3 - 0.8 * math.sqrt(10), 0.3 - 0.8 * math.sqrt(1e-3)], rel=1e-14)
    assert found.broken.tolist() == [True, False]
    assert not FRICTION.hard


def test_the_rest_must_reach_the_hurdle(verdict):
    found = verdict([1e6] * 3, friction(0.125), momentum=[0.625, 0.5, 0.626], volatility=[0.5] * 3)
    assert found.broken.tolist() == [False, True, False]
    assert found.limits.tolist() == [0.125] * 3


def test_the_hurdle_of_the_profile_goes_before_that_of_the_model(verdict):
    found = verdict([1e6], friction(0.02), {"hurdle": -0.6}, momentum=[0.1], volatility=[0.5])
    assert (found.broken.item(), found.thresholds["hurdle"]) == (False, -0.6)


def test_a_large_return_passes_an_eased_hurdle_below_zero(verdict):
    # 1.25 of -0.5 is -0.625: the rest of both is -0.625, but only one expects more than 1.
    found = verdict([1e6] * 3, friction(-0.5), momentum=[1.0, 1.125, 1.125], volatility=[1.625, 1.75, 1.7501])
    assert found.broken.tolist() == [True, False, True]


def test_the_notional_is_the_profiles(verdict):
    found = verdict([1e6], FRICTION, {"impact_notional": 4e6}, momentum=[0.3], volatility=[0.2])
    assert found.values.tolist() == pytest.approx([0.3 - 0.2 * 2], rel=1e-14)


def test_who_trades_nothing_is_vetoed_and_who_is_not_known_is_counted(verdict):
    found = verdict([0.0, math.nan, 1e9], momentum=[9.0, 9.0, 9.0], volatility=[0.1] * 3)
    assert found.broken.tolist() == [True, False, False]
    assert (found.values[0], found.limits[0]) == (0.0, 1e6)
    assert found.thresholds == {"hurdle": 0.0, "impact_notional": 1e6, "not_judged": 1.0}
