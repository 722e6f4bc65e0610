"""The two tables of weights, number by number from the requirements."""

import pytest

from tvquant.selection.mapping import cdf, half_of_worst, rank, rank_desc
from tvquant.selection.weights import WEIGHTS

TUNED = {
    "momentum": 1.7469, "stability": 0.0458, "liquidity": 0.2946, "antifragility": 0.6263, "survival": 1.4,
    "efficiency": 1.5348, "entropy": 0.0322, "hurst": 0.3485, "adx": 1.0, "rating_all": 1.0, "rating_ma": 1.0,
    "skewness": 0.5, "kurtosis": 0.5, "cvar": 1.0, "fragility": 1.0,
}  # fmt: skip
ROUND = {
    "momentum": 1.5, "stability": 1.0, "liquidity": 0.5, "antifragility": 0.5, "survival": 1.0,
    "efficiency": 0.5, "entropy": 1.0, "hurst": 0.5, "adx": 1.0, "rating_all": 1.0, "rating_ma": 1.0,
    "skewness": 0.5, "kurtosis": 1.0, "cvar": 1.0, "fragility": 1.0,
}  # fmt: skip
MAPPINGS = {
    "momentum": rank, "stability": rank, "liquidity": cdf, "antifragility": rank, "survival": cdf,
    "efficiency": cdf, "entropy": rank_desc, "hurst": rank_desc, "adx": cdf, "rating_all": rank, "rating_ma": rank,
    "skewness": rank_desc, "kurtosis": rank_desc, "cvar": cdf,
    "fragility": half_of_worst,
}  # fmt: skip


@pytest.mark.requirement("R-SEL-07")
@pytest.mark.requirement("R-SEL-10")
@pytest.mark.parametrize(("name", "expected"), [("v4_tuned", TUNED), ("v4_round", ROUND)])
def test_weights_and_mappings_are_those_of_the_requirement(name, expected):
    assert {component.feature: component.weight for component in WEIGHTS[name]} == expected
    assert {component.feature: component.mapping for component in WEIGHTS[name]} == MAPPINGS


@pytest.mark.requirement("R-FEA-06")
def test_hurst_is_scored_by_its_distance_from_a_random_walk():
    (hurst,) = (component for component in WEIGHTS["v4_tuned"] if component.feature == "hurst")
    assert (hurst.column, hurst.mapping) == ("randomness", rank_desc)


def test_the_tables_are_read_only():
    with pytest.raises(TypeError):
        WEIGHTS["mine"] = ()
