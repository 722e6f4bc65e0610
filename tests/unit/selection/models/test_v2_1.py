"""The weighted sum of three mappings by hand."""

import math

import numpy as np
import pytest

from builders.mappings import logistics, ranks, rescaled
from tvquant.selection.models.v2_1 import SCORER, V2_1

WEIGHTS = {
    "momentum": 0.2055, "stability": 0.0882, "liquidity": 0.1697, "antifragility": 0.0988, "survival": 0.2273,
    "efficiency": 0.1027, "entropy": 0.0060, "hurst": 0.1018,
}  # fmt: skip
MAPPINGS = {
    "momentum": logistics, "stability": logistics, "liquidity": rescaled, "antifragility": ranks, "survival": ranks,
    "efficiency": ranks, "entropy": rescaled, "hurst": rescaled,
}  # fmt: skip


@pytest.mark.requirement("R-SEL-05")
def test_the_score_is_the_weighted_sum_of_the_three_mappings(score, features):
    taken = features | {
        "entropy": [1 - value for value in features["entropy"]],
        "hurst": [abs(value - 0.5) for value in features["hurst"]],
    }
    mapped = {name: MAPPINGS[name](taken[name]) for name in WEIGHTS}
    expected = [math.fsum(weight * mapped[name][k] for name, weight in WEIGHTS.items()) for k in range(4)]
    assert score(V2_1, features) == pytest.approx(expected, rel=1e-12)


@pytest.mark.requirement("R-SEL-05")
def test_weights_sum_to_one():
    assert math.fsum(component.weight for component in SCORER.components) == pytest.approx(1.0, rel=1e-15)


def test_no_veto_judges_and_places_are_by_correlation(context):
    got = V2_1.select(context(np.random.default_rng(4).standard_t(2, (200, 9)) * 0.2))
    assert (got.vetoes, got.stage, set(got.thresholds)) == ({}, 1, {"places"})
