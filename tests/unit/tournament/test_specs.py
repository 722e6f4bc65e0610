"""Specs are values: equal ones share what is computed, and nothing of them can be changed."""

from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace

import pytest

from tvquant.core.panel import Floats, Panel
from tvquant.profiles import Profile
from tvquant.tournament.candidates import choose
from tvquant.tournament.cells import cells
from tvquant.tournament.specs import BaseUniverseSpec, MarketSpec, Previous, StrategySpec
from tvquant.tournament.views import look

type Profiles = Callable[..., Profile]


def strategies(made: Profile) -> list[StrategySpec]:
    return [cell.spec for cell in cells(made) if isinstance(cell.spec, StrategySpec)]


def test_specs_of_equal_profiles_are_equal_and_hash_alike(profile: Profiles) -> None:
    first, second = ([cell.spec for cell in cells(profile(benchmark__market=["X:A"]))] for _ in range(2))
    assert first == second
    assert len({*first, *second}) == len(first)


def test_every_part_of_the_rules_makes_other_rules(profile: Profiles) -> None:
    base = strategies(profile())[0].rules
    for settings in (
        {"universe__exclude_symbols": ["X:A"]},
        {"data__lookback": 400},
        {"selection__top_n": 4},
        {"windows__train": 50},
        {"universe__membership": "dated"},
    ):
        assert strategies(profile(**settings))[0].rules != base


def test_cells_of_one_profile_share_one_choice(
    profile: Profiles, market: Callable[..., Panel], walks: Callable[..., dict[str, Floats]]
) -> None:
    """The rules are the key under which a view keeps a choice: equal rules, one computation."""
    view = look(market(walks("ABCD", 150)), 149)
    one, other = (spec.rules for spec in strategies(profile()))
    assert choose(view, one) is choose(view, other)
    assert choose(view, replace(one, train=50)) is not choose(view, one)


def test_a_spec_cannot_be_changed(profile: Profiles) -> None:
    spec = strategies(profile())[0]
    for value, name in ((spec, "engine"), (spec.rules, "train"), (MarketSpec(symbols=("X:A",), quorum=0.8), "symbols")):
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, None)
    assert BaseUniverseSpec(rules=spec.rules).rules is spec.rules


def test_before_the_first_decision_nothing_was_held() -> None:
    assert dict(Previous().atoms) == {}
