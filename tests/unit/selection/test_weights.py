"""The two tables of weights, number by number from the requirements."""

import pytest

from builders.profiles import profile_of
from tvquant.core.errors import ProfileError
from tvquant.selection import SELECTION_MODELS
from tvquant.selection.mapping import cdf, half_of_worst, rank, rank_desc
from tvquant.selection.models.v3_2 import SCORER as V3_2_SCORER
from tvquant.selection.weights import WEIGHTS, DominantSignal, ScoreWeights, dominated, weighted

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


def test_the_oscillators_count_only_where_the_profile_says_so():
    assert weighted(ScoreWeights(weights="v4_round")) == WEIGHTS["v4_round"]
    more = weighted(ScoreWeights(oscillator_weight=1))
    assert more[:-1] == WEIGHTS["v4_tuned"]
    assert (more[-1].feature, more[-1].column, more[-1].mapping, more[-1].weight) == (
        "rating_osc", "rating_other", rank, 1.0,
    )  # fmt: skip


@pytest.mark.requirement("R-SEL-12")
def test_a_dominant_signal_has_the_weight_3_and_momentum_half_of_1():
    by_feature = {one.feature: one.weight for one in dominated(WEIGHTS["v4_tuned"], "rating_ma")}
    assert by_feature == {**TUNED, "rating_ma": 3.0, "momentum": 0.5}
    assert {one.feature: one.weight for one in dominated(WEIGHTS["v4_tuned"], "momentum")} == {**TUNED, "momentum": 3.0}
    assert dominated(WEIGHTS["v4_tuned"], None) == WEIGHTS["v4_tuned"]


@pytest.mark.requirement("R-SEL-12")
def test_a_signal_that_is_not_in_the_score_comes_in_as_v4_maps_it():
    nine = {one.feature: one.weight for one in V3_2_SCORER.components}
    added = dominated(V3_2_SCORER.components, "rating_ma")
    assert {one.feature: one.weight for one in added} == {**nine, "momentum": 0.5, "rating_ma": 3.0}
    assert added[-1].mapping is rank
    assert dominated(WEIGHTS["v4_tuned"], "rating_osc")[-1].column == "rating_other"


@pytest.mark.requirement("R-SEL-12")
@pytest.mark.parametrize("direction", ["long", "short"])
def test_a_ranking_is_for_the_side_that_is_held_and_never_another_flip(direction):
    name, other = f"binance_spot_rating_ma_{direction}", {"long": "short", "short": "long"}[direction]
    held = profile_of(name, selection__ranking=direction).selection.options(DominantSignal)
    assert (held.dominant_signal, held.ranking) == ("rating_ma", direction)
    with pytest.raises(ProfileError, match=rf"selection\.ranking: is {other}, and universe\.direction is {direction}"):
        profile_of(name, selection__ranking=other)


@pytest.mark.requirement("R-SEL-12")
@pytest.mark.parametrize("model", sorted(set(SELECTION_MODELS) - {"v3.2", "v3.4", "v4"}))
def test_older_models_have_no_dominant_signal(model):
    settings = {"selection__model": model, "selection__dominant_signal": "rating_ma"}
    with pytest.raises(ProfileError, match=rf"dominant_signal: is rating_ma, and .* {model} does not use"):
        profile_of("crypto_spot", **settings)


def test_which_presets_weigh_which_rating():
    for venue in ("spot", "perp"):
        for side in ("long", "short"):
            found = {
                logic: profile_of(f"binance_{venue}_rating_{logic}_{side}").selection for logic in ("all", "ma", "osc")
            }
            signals = {name: one.options(DominantSignal).dominant_signal for name, one in found.items()}
            assert signals == {"all": None, "ma": "rating_ma", "osc": None}
            weights = {name: one.options(ScoreWeights).oscillator_weight for name, one in found.items()}
            assert weights == {"all": 0.0, "ma": 0.0, "osc": 1.0}
