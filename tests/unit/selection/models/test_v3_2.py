"""Log-MPS by hand: the weighted product, to 1e-12."""

import math

import numpy as np
import pytest

from builders.mappings import normal, penalty, ranks
from tvquant.selection.models.v3_2 import V3_2

WEIGHTS = {
    "momentum": 1.7469, "stability": 0.0458, "liquidity": 0.2946, "antifragility": 0.6263, "survival": 1.4,
    "efficiency": 1.5348, "entropy": 0.0322, "hurst": 0.3485, "adx": 1.0,
}  # fmt: skip
CDF = {"liquidity", "survival", "efficiency", "adx"}


@pytest.mark.requirement("R-SEL-08")
def test_the_score_is_the_log_of_the_weighted_product_and_the_penalty(score, features):
    taken = features | {
        "entropy": [1 - value for value in features["entropy"]],
        "hurst": [abs(value - 0.5) for value in features["hurst"]],
    }
    mapped = {name: (normal if name in CDF else ranks)(taken[name]) for name in WEIGHTS}
    left = penalty(features["fragility"])
    found = score(V3_2, features)
    for k in range(4):
        product = left[k] * math.prod(mapped[name][k] ** weight for name, weight in WEIGHTS.items())
        assert math.exp(found[k]) == pytest.approx(product, rel=1e-12)


def test_one_strict_stage_and_no_fill(context):
    got = V3_2.select(context(np.random.default_rng(8).normal(0.0, 0.02, (200, 16))))
    assert (got.stage, got.flags) == (1, {"sparse"})
    assert set(got.recruited.values()) <= {"ranked"}
    assert got.thresholds["friction"]["hurdle"] == 0.005
