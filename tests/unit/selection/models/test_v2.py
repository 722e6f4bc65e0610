"""The weighted sum of ranks by hand, and that fragility takes away."""

import math

import numpy as np
import pytest

from builders.mappings import ranks
from tvquant.selection.models.v2 import V2

WEIGHTS = {"momentum": 0.4, "stability": 0.2, "antifragility": 0.2, "liquidity": 0.2, "fragility": -0.1}


@pytest.mark.requirement("R-SEL-04")
def test_the_score_is_the_sum_of_ranks_less_a_tenth_of_that_of_fragility(score, features):
    mapped = {name: ranks(features[name]) for name in WEIGHTS}
    expected = [math.fsum(weight * mapped[name][k] for name, weight in WEIGHTS.items()) for k in range(4)]
    assert score(V2, features) == pytest.approx(expected, rel=1e-12)


@pytest.mark.requirement("R-SEL-04")
def test_raising_fragility_lowers_the_score(score, features):
    before = score(V2, features)
    features["fragility"][0] = 5.0
    assert score(V2, features)[0] < before[0]


def test_a_fragility_that_is_not_known_takes_nothing(score, features):
    without = score(V2, {name: values for name, values in features.items() if name != "fragility"})
    features["fragility"][0] = math.nan
    assert score(V2, features)[0] == pytest.approx(without[0], rel=1e-14)


def test_no_veto_judges_and_nothing_is_relaxed(context):
    wild = np.random.default_rng(4).standard_t(2, (200, 30)) * 0.2  # every one of them fails a hard veto of v4
    got = V2.select(context(wild))
    assert (got.vetoes, got.stage, set(got.recruited.values())) == ({}, 1, {"ranked"})
    assert len(got.winners) == 25
    assert "places" in got.thresholds
