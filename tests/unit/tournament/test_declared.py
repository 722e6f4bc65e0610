"""Declared weights in a decision: what is held, on which side, from when on, and why the rest is not."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tvquant.core.allocations import Status
from tvquant.core.decisions import Decision
from tvquant.core.panel import Floats, Panel
from tvquant.profiles import Profile
from tvquant.tournament.cells import cells
from tvquant.tournament.decide import decide
from tvquant.tournament.specs import Previous
from tvquant.tournament.views import look

type Profiles = Callable[..., Profile]
type Walks = Callable[..., dict[str, Floats]]
type Markets = Callable[..., Panel]

ROW = 150
DAY = "2020-05-30"
"""The session of that row: the first is of 2020-01-01."""


@pytest.fixture
def fixed(profile: Profiles) -> Callable[..., Profile]:
    """A profile of declared weights on every name, with room for them."""

    def make(weights: Any, **settings: Any) -> Profile:
        return profile(**{
            "selection__model": "all", "allocation__profiles": ["fixed"], "risk__primary": "fixed",
            "allocation__fixed__weights": weights, "allocation__limits__position": 1.0,
            "allocation__limits__cluster": 1.0, **settings,
        })  # fmt: skip

    return make


def decided(panel: Panel, made: Profile, row: int = ROW) -> Decision:
    return decide(look(panel, row), spec_of(made), Previous())


def spec_of(made: Profile) -> Any:
    (spec,) = [cell.spec for cell in cells(made) if "/fixed/" in cell.key]
    return spec


def causes(decision: Decision) -> Any:
    assert decision.allocation is not None
    return decision.allocation.causes


def test_declared_weights_are_held_as_they_are_and_the_rest_is_cash(
    fixed: Profiles, market: Markets, walks: Walks
) -> None:
    found = decided(market(walks("ABCD", 200)), fixed({"X:A": 0.55, "X:B": 0.3, "X:C": -0.1}))
    assert found.weights == {"X:A": 0.55, "X:B": 0.3, "X:C": -0.1}
    assert found.allocation is not None
    assert (found.allocation.status, found.allocation.cash) == (Status.SOLVED, pytest.approx(0.05))
    assert (found.allocation.forced_cash, found.allocation.causes) == (0.0, {})
    assert Decision.of(found.payload()).payload() == found.payload()


def test_a_name_that_cannot_be_held_is_cash_under_its_cause(fixed: Profiles, market: Markets, walks: Walks) -> None:
    close = walks("ACDEB", 200)  # in order of their first bars
    close["B"][:100] = np.nan  # 51 bars by then: too young
    close["C"][100:] = np.nan  # gone
    close["D"][60:] = close["D"][60]  # does not move: not healthy
    weights = {"X:A": 0.2, "X:B": 0.1, "X:C": 0.15, "X:D": 0.05, "X:NONE": 0.25, "X:E": 0.25}
    found = decided(market(close), fixed(weights, universe__exclude_symbols=["X:E"]))
    assert found.weights == {"X:A": 0.2}
    assert causes(found) == {
        "X:B not held: history": 0.1,
        "X:C not held: no_bar": 0.15,
        "X:D not held: zero_variance": 0.05,
        "X:NONE not held: it is not in the data of this run": 0.25,
        "X:E not held: it is not in the universe": 0.25,
    }
    assert Decision.of(found.payload()).payload() == found.payload()


def test_a_name_that_a_model_leaves_out_or_recruits_on_the_other_side_says_so(
    fixed: Profiles, market: Markets, walks: Walks
) -> None:
    panel = market(walks("ABCDEF", 200))
    chosen = decided(
        panel, fixed({"X:A": 0.1, "X:B": 0.1, "X:C": 0.1, "X:D": 0.1, "X:E": 0.1, "X:F": 0.1}, selection__model="v4",
                     selection__max_winners=2, selection__min_winners=1, selection__vetoes=[])
    )  # fmt: skip
    assert len(chosen.weights) == 2
    assert sorted(causes(chosen)) == [
        f"{s} not held: v4 did not choose it" for s in panel.keys if s not in chosen.weights
    ]
    scanner = {
        "name": "mine", "exchange": None, "kinds": [], "exclude_kinds": [], "currency": None,
        "logic": "hold", "direction": "LONG", "pool": [], "signal": [],
    }  # fmt: skip
    sided = fixed({"X:A": -0.2, "X:B": 0.2}, universe__scanners=[scanner])
    assert causes(decided(panel, sided)) == {"X:A not held: it is recruited long only": 0.2}


def test_a_book_counts_from_the_close_of_its_session_and_never_before(
    fixed: Profiles, market: Markets, walks: Walks
) -> None:
    panel = market(walks("AB", 200))
    assert str(panel.times[ROW])[:10] == DAY
    made = fixed({DAY: {"X:A": 0.5, "X:B": -0.25}, "2020-06-02": {"X:A": -0.5}})
    before = decided(panel, made, ROW - 1)
    assert (before.weights, causes(before)) == ({}, {f"no weights before {DAY}": 1.0})
    assert decided(panel, made, ROW).weights == {"X:A": 0.5, "X:B": -0.25}
    assert decided(panel, made, ROW + 2).weights == {"X:A": 0.5, "X:B": -0.25}
    assert decided(panel, made, ROW + 3).weights == {"X:A": -0.5}, "who is not named any more is not held any more"


def test_a_least_buys_nothing_before_the_first_date(fixed: Profiles, market: Markets, walks: Walks) -> None:
    panel, rng = market(walks("AB", 200)), np.random.default_rng(1)
    made = fixed({DAY: {"X:A": 0.5, "X:B": 0.25}}, allocation__limits__names={"X:A": [0.2, 0.6], "X:B": 0.3})
    before = decided(panel, made, ROW - 1)
    assert (before.weights, causes(before)) == ({}, {f"no weights before {DAY}": 1.0})
    assert before.allocation is not None
    assert (before.allocation.status, before.allocation.cash) == (Status.SOLVED, 1.0)
    falling = market({name: 100.0 * np.exp((rng.normal(-0.03, 0.01, 200)).cumsum()) for name in "AB"})
    made_of = replace(spec_of(made), risk_profile="max_sharpe", fallbacks=("fixed",))
    assert decide(look(falling, ROW - 1), made_of, Previous()).weights == {}
    assert decide(look(falling, ROW), made_of, Previous()).weights == {"X:A": 0.5, "X:B": 0.25}
    at = decided(panel, made, ROW)
    assert at.weights == {"X:A": 0.5, "X:B": 0.25}
    assert at.netting is not None
    assert {one.name for one in at.netting.constraints} >= {"name X:A", "least of name X:A"}


def test_sides_of_declared_weights_are_no_other_profiles_business(
    fixed: Profiles, market: Markets, walks: Walks
) -> None:
    made = fixed({"X:A": 0.5, "X:B": -0.5}, allocation__profiles=["fixed", "equal_names"])
    panel, found = market(walks("AB", 200)), {cell.path.key: cell.path for cell in cells(made)}
    own, equal = found["all/custom/fixed"], found["all/custom/equal_names"]
    assert decide(look(panel, ROW), own.spec, Previous()).weights == {"X:A": 0.5, "X:B": -0.5}
    assert decide(look(panel, ROW), equal.spec, Previous()).weights == {"X:A": 0.5, "X:B": 0.5}
    assert (own.selection, equal.selection) == ("all/declared_sides", "all")
    long_only = fixed({"X:A": 0.5}, allocation__profiles=["fixed", "equal_names"])
    assert {cell.path.selection for cell in cells(long_only)} == {"all"}, "one selection for all where no side differs"


def test_a_cluster_of_declared_names_is_cut_and_the_limit_named(fixed: Profiles, market: Markets, walks: Walks) -> None:
    close = walks("AB", 200)
    close["B"] = close["A"] * 2.0 * np.exp(np.random.default_rng(5).normal(0.0, 1e-4, 200))
    found = decided(market(close), fixed({"X:A": 0.6, "X:B": 0.4}, allocation__limits__cluster=0.6))
    assert found.weights == pytest.approx({"X:A": 0.36, "X:B": 0.24})
    assert causes(found) == pytest.approx({"cluster": 0.4})
