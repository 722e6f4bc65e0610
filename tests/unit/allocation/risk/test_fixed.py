"""Fixed weights: which book is in force, what the profile alone refuses, and what the engine does with the rest."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from builders.problems import covariance_of, limits, problem_of
from builders.profiles import resolved_of
from tvquant.allocation import allocate
from tvquant.allocation.risk.fixed import FixedWeights
from tvquant.core.allocations import Attempt, Status
from tvquant.core.errors import ProfileError
from tvquant.profiles import ResolvedProfile, dump, from_manifest, to_manifest

SIXTY_FORTY = {"AMEX:SPY": 0.6, "NASDAQ:TLT": 0.4}
DATED = {"2021-02-26": {"A:B": 1.0}, "2020-01-31": {"A:B": 0.5, "A:C": -0.5}}


def profile(weights: Any, *, search: Path | None = None, **settings: Any) -> ResolvedProfile:
    wide = {"allocation__limits__position": 1.0, "allocation__limits__cluster": 1.0}
    fixed = {"allocation__profiles": ["fixed"], "risk__primary": "fixed", "selection__model": "all"}
    made: dict[str, Any] = {**wide, **fixed, "allocation__fixed__weights": weights, **settings}
    return resolved_of("us_equities", search=search, **made)


def test_a_book_is_in_force_from_its_session_on_until_the_next() -> None:
    given = FixedWeights.model_validate({"weights": DATED})
    first, second = (("A:B", 0.5), ("A:C", -0.5)), (("A:B", 1.0),)
    days = {"2020-01-30": None, "2020-01-31": first, "2021-02-25": first, "2021-02-26": second, "2030-01-01": second}
    assert {day: given.in_force(date.fromisoformat(day)) for day in days} == days
    assert (given.symbols, given.first, given.has_shorts) == (("A:B", "A:C"), "2020-01-31", True)
    always = FixedWeights.model_validate({"weights": SIXTY_FORTY})
    assert always.in_force(date(1900, 1, 1)) == tuple(SIXTY_FORTY.items())
    assert (always.first, always.has_shorts) == ("", False)


@pytest.mark.parametrize(
    ("weights", "settings", "said"),
    [
        ({}, {}, "fixed holds the weights declared here, and there are none"),
        ({"A:B": 0.0}, {}, "there are none"),
        (
            SIXTY_FORTY,
            {"position": 0.25, "cluster": 0.25},
            r"AMEX:SPY is 0.6, and allocation.limits.position is 0.25 and allocation.limits.cluster is 0.25; "
            r"to hold it set allocation.limits: \{position: 0.6, cluster: 1.0\}",
        ),
        (
            SIXTY_FORTY,
            {"position": 0.5},
            r"limits.position is 0.5; to hold it set allocation.limits: \{position: 0.6\}",
        ),
        ({"A:B": 0.6, "A:C": 0.5}, {}, "the weights are 1.1 together without signs, above 1, all there is to invest"),
        ({"A:B": 0.6}, {"gross": 0.5}, "0.6 together without signs, above allocation.limits.gross, 0.5"),
        ({"A:B": 0.4, "A:C": -0.5}, {"net": [0.0, 1.0]}, r"are -0.1 net, outside allocation.limits.net, \[0.0, 1.0\]"),
        ({"A:B": 0.1}, {"names": {"A:C": [0.1, 0.2]}}, r"A:C is 0, outside \[0.1, 0.2\] of allocation.limits.names"),
        (
            {"A:B": 0.3, "A:C": -0.2},
            {"groups": {"g": {"symbols": ["A:B", "A:C"], "max": 0.4}}},
            "group g holds 0.5, above its max 0.4",
        ),
        (DATED, {"position": 0.7}, "on 2021-02-26, A:B is 1, and allocation.limits.position is 0.7"),
    ],
)
def test_what_no_data_could_mend_is_refused_before_any_work(weights: Any, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ProfileError, match=f"allocation.fixed.weights: .*{said}"):
        profile(weights, **{f"allocation__limits__{key}": value for key, value in settings.items()})


@pytest.mark.parametrize(("direction", "weight"), [("long", -0.1), ("short", 0.1)])
def test_a_side_that_the_universe_excludes_is_refused(direction: str, weight: float) -> None:
    with pytest.raises(ProfileError, match=f"A:B is {weight}, and universe.direction is {direction}; set it to both"):
        profile({"A:B": weight}, universe__direction=direction)
    profile({"A:B": -weight}, universe__direction=direction)


def test_a_weight_that_is_no_number_is_refused() -> None:
    for weight in (float("nan"), float("inf"), "0.5"):
        with pytest.raises(ProfileError, match=r"allocation\.fixed\.weights: expected"):
            profile({"A:B": weight})


def test_weights_on_the_limits_are_no_complaint_and_nobody_asks_where_fixed_is_not_named() -> None:
    profile(SIXTY_FORTY, allocation__limits__position=0.6, allocation__limits__cluster=0.6)
    profile({"A:B": 0.1 + 0.2, "A:C": 0.7})  # .1 + .2 is not quite .3
    profile({}, allocation__profiles=["hrp"], risk__primary="hrp")


def test_a_resolved_profile_has_the_content_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "mine.csv").write_text("date,symbol,weight\n2020-01-31,A:B,0.5\n2020-01-31,A:C,-0.5\n")
    found = profile("mine", search=tmp_path)
    held = {"2020-01-31": {"A:B": 0.5, "A:C": -0.5}}
    assert found.profile.values()["allocation"]["fixed"] == {"weights": held}
    assert found.digest == profile(held).digest
    assert from_manifest(to_manifest(found)).digest == found.digest
    (tmp_path / "again.yaml").write_text(dump(found).replace("name: us_equities\n", ""))
    assert resolved_of("again", search=tmp_path).digest == found.digest
    with pytest.raises(ProfileError, match=r"allocation.fixed.weights: no file of weights 'other'"):
        profile("other", search=tmp_path)


def test_what_a_limit_takes_is_cash_under_its_name_and_nothing_is_rescaled() -> None:
    given = problem_of(covariance_of(np.eye(3)), clusters=(0, 0, 1), limits=limits(position=0.6, cluster=0.6))
    object.__setattr__(given, "target", np.array([0.5, 0.3, 0.1]))
    got = allocate(given, engine="custom", risk_profile="fixed")
    assert list(got.weights.values()) == pytest.approx([0.375, 0.225, 0.1])
    assert (got.status, got.cash, got.forced_cash) == (Status.SOLVED, pytest.approx(0.3), pytest.approx(0.2))
    assert got.causes == pytest.approx({"cluster": 0.2})
    assert got.attempts == (Attempt(what="fixed: declared", outcome="solved, cut: cluster took 0.2"),)
    object.__setattr__(given, "target", np.array([0.3, 0.2, 0.1]))
    kept = allocate(given, engine="custom", risk_profile="fixed")
    assert list(kept.weights.values()) == [0.3, 0.2, 0.1]
    assert (kept.forced_cash, kept.causes, kept.attempts[0].outcome) == (0.0, {}, "solved")
    object.__setattr__(given, "target", None)
    assert allocate(given, engine="custom", risk_profile="fixed").attempts[-1].outcome == "no weights are declared"
