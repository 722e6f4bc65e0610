"""Both sets of v4's weights by hand."""

import math

import pytest

from builders.mappings import normal, penalty, ranks
from tvquant.selection import SELECTION_MODELS
from tvquant.selection.models.v4 import V4
from tvquant.selection.weights import WEIGHTS

CDF = {"liquidity", "survival", "efficiency", "adx", "cvar"}
LOWER = {"entropy", "randomness", "abs_skewness", "kurtosis"}


@pytest.mark.requirement("R-SEL-10")
@pytest.mark.parametrize("weights", sorted(WEIGHTS))
def test_the_score_is_the_log_of_the_weighted_product(judged, features, weights):
    product = penalty(features["fragility"])
    for component in WEIGHTS[weights]:
        column = features[component.column]
        if component.feature == "fragility":
            continue
        signed = [-value for value in column] if component.column in LOWER else column
        mapped = (normal if component.column in CDF else ranks)(signed)
        product = [p * m**component.weight for p, m in zip(product, mapped, strict=True)]
    found = V4.pipeline.inference.run(judged(settings={"weights": weights}, **features)).scored()
    assert [math.exp(one) for one in found] == pytest.approx(product, rel=1e-12)


def test_v4_is_the_default_of_the_adapter_and_in_the_catalogue():
    assert SELECTION_MODELS["v4"] is V4
    assert (V4.name, V4.version) == ("v4", "4.0-mlops")
