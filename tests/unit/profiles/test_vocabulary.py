from dataclasses import replace

import pytest

from tvquant.core.errors import ProfileError
from tvquant.profiles import Vocabulary, load, resolve


def test_a_risk_profile_that_no_named_engine_solves_is_refused(vocabulary: Vocabulary) -> None:
    words = replace(
        vocabulary,
        engines={
            "custom": frozenset({"barbell", "risk_parity", "min_variance", "hrp"}),
            "other": frozenset({"equal_weight"}),
        },
    )
    raw = load("us_equities")
    with pytest.raises(
        ProfileError,
        match=r"allocation.profiles: risk profile 'equal_weight' is solved by none of allocation.engines \(custom\)",
    ):
        resolve(raw, words)
    both = {"--engines": ("allocation.engines", ["custom", "other"])}
    assert resolve(raw, words, arguments=both).profile.allocation.engines == ("custom", "other")


def test_a_fallback_that_no_named_engine_solves_is_refused(vocabulary: Vocabulary) -> None:
    words = replace(vocabulary, risk_profiles=vocabulary.risk_profiles | {"max_utility"})
    with pytest.raises(ProfileError, match=r"allocation.fallbacks: risk profile 'max_utility' is solved by none"):
        resolve(load("us_equities"), words, arguments={"--fallbacks": ("allocation.fallbacks", ["max_utility"])})


OF_OTHER = frozenset({"barbell", "hrp", "min_variance", "risk_parity"})
PAIRS = {"custom": OF_OTHER | {"equal_weight"}, "other": OF_OTHER}
BOTH = {"--engines": ("allocation.engines", ["custom", "other"])}


def test_pairs_that_an_engine_does_not_solve_are_noted_one_by_one(vocabulary: Vocabulary) -> None:
    words, fallback = replace(vocabulary, engines=PAIRS), {"--f": ("allocation.fallbacks", ["equal_weight", "hrp"])}
    raw = load("us_equities")
    assert resolve(raw, words, arguments=fallback).notices == resolve(raw, words).notices
    extra = set(resolve(raw, words, arguments={**BOTH, **fallback}).notices) - set(resolve(raw, words).notices)
    assert extra == {
        "engine other does not solve equal_weight: no cell of it is made with them",
        "engine other does not solve equal_weight: no fallback of it is made with them",
    }


def test_an_engine_without_a_cell_is_refused_and_one_that_cannot_make_the_headline(vocabulary: Vocabulary) -> None:
    words, raw = replace(vocabulary, engines=PAIRS), load("us_equities")
    only = {"--p": ("allocation.profiles", ["equal_weight"]), "--r": ("risk.primary", "equal_weight")}
    said = r"engine 'other' solves none of allocation.profiles \(equal_weight\); it solves barbell, hrp, min_variance"
    with pytest.raises(ProfileError, match=said):
        resolve(raw, words, arguments={**BOTH, **only, "--a": ("risk.anchors", [])})
    turned = {"--engines": ("allocation.engines", ["other", "custom"])}
    said = "the headline is equal_weight by the first of allocation.engines, and other does not solve it; name custom"
    with pytest.raises(ProfileError, match=said):
        resolve(raw, words, arguments={**turned, "--r": ("risk.primary", "equal_weight")})
    assert resolve(raw, words, arguments={**turned, "--r": ("risk.primary", "hrp")}).profile.risk.primary == "hrp"


def test_a_convention_that_no_named_simulator_plays_is_refused(vocabulary: Vocabulary) -> None:
    words = replace(
        vocabulary, simulators=frozenset({"custom", "other"}), refusals={"custom": frozenset({"next_open"})}
    )
    raw = load("us_equities")
    with pytest.raises(
        ProfileError,
        match=r"execution.convention: next_open is refused by all of execution.simulators \(custom\)",
    ):
        resolve(raw, words)
    both = {"--simulators": ("execution.simulators", ["other", "custom"])}
    found = resolve(raw, words, arguments=both)
    assert found.profile.execution.simulators == ("other", "custom")
    assert "simulator custom refuses next_open (execution.convention): no book of it is made" in found.notices
    assert resolve(load("demo_sp500"), words).profile.execution.simulators == ("custom",)


@pytest.mark.requirement("R-TRN-01")
def test_a_member_that_is_not_installed_is_refused_even_beside_one_that_is(vocabulary: Vocabulary) -> None:
    with pytest.raises(ProfileError, match=r"engine 'riskfolio' is not installed; install tvquant\[engines\]"):
        resolve(
            load("us_equities"), vocabulary, arguments={"--engines": ("allocation.engines", ["custom", "riskfolio"])}
        )


def test_a_scanner_that_filters_what_nobody_computes_is_refused(vocabulary: Vocabulary) -> None:
    words = replace(vocabulary, features=frozenset({"recommend_ma", "value_traded"}))
    said = r"scanner binance_spot_rating_ma_long: unknown feature 'value_traded_last' - did you mean value_traded\?"
    with pytest.raises(ProfileError, match=f"universe.scanners: {said}"):
        resolve(load("binance_spot_rating_ma_long"), words)


def test_a_scanner_with_a_logic_that_nobody_knows_is_refused(vocabulary: Vocabulary) -> None:
    words = replace(vocabulary, logics=frozenset({"hold"}))
    with pytest.raises(ProfileError, match=r"unknown logic 'rating_ma' \(known: hold\) \(preset binance"):
        resolve(load("binance_spot_rating_ma_long"), words)
