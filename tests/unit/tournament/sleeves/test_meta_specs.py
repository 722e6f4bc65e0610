"""What a meta-profile's keys become in the specs, mixes, rules and books that decide and settle."""

from typing import Any

import pytest

from tvquant.app.vocabulary import vocabulary
from tvquant.core.books import Convention
from tvquant.core.errors import ProfileError
from tvquant.profiles import load_mapping, resolve_meta
from tvquant.profiles.meta import MetaProfile
from tvquant.tournament.sleeves.meta_specs import books_of, headline_of, house_book, mixes_of, rules_of, spec_of


def meta_of(**keys: Any) -> MetaProfile:
    """Return the meta-profile of three sleeves with single keys set: `join__span` is join.span."""
    sleeves = {name: {"profile": "binance_spot_rating_all_long", "run": f"20240101T00000{k}-x-00000{k}"}
               for k, name in enumerate("abc")}  # fmt: skip
    arguments = {f"--{key}": (key.replace("__", "."), value) for key, value in keys.items()}
    return resolve_meta(load_mapping({"sleeves": sleeves}), vocabulary(), arguments=arguments).profile


def test_every_key_of_weighing_is_in_the_spec_of_its_risk_profile() -> None:
    made = meta_of(
        allocation__profiles=["hrp", "min_variance"], allocation__fallbacks=["equal_weight", "hrp"],
        allocation__bounds=[0.1, 0.6], allocation__covariance__estimator="oas", windows__train=40,
        windows__step="month_end",
    )  # fmt: skip
    first, second = (spec_of(made, name) for name in made.allocation.profiles)
    assert (first.engine, first.risk_profile, second.risk_profile) == ("custom", "hrp", "min_variance")
    assert (first.fallbacks, second.fallbacks) == (("equal_weight",), ("equal_weight", "hrp"))
    assert (first.bounds, first.train, first.step) == ((0.1, 0.6), 40, made.windows.rule)
    assert first.estimates.covariance == "oas"
    assert headline_of(made) == "meta/custom/hrp/custom"


def test_every_limit_and_rule_of_clusters_is_kept_over_the_union() -> None:
    found = rules_of(
        meta_of(
            limits__gross=0.9, limits__net=[-0.2, 0.3], limits__position=0.15, limits__cluster=0.2,
            clusters__distance=0.4, clusters__linkage="average", clusters__max=7, clusters__lookbacks=[30, 90],
        )
    )  # fmt: skip
    kept = found.limits
    assert (kept.gross, kept.net, kept.position, kept.cluster) == (0.9, (-0.2, 0.3), 0.15, 0.2)
    assert (found.distance, found.linkage, found.most, found.lookbacks) == (0.4, "average", 7, (30, 90))


def test_weights_of_a_sleeve_that_is_left_out_are_cash_in_a_mix_and_shared_in_equal_parts() -> None:
    made = meta_of(allocation__mixes={"core": {"a": 0.5, "b": 0.2, "c": 0.3}})
    even, core = mixes_of(made, ("a", "c"))
    assert (even.name, even.weights) == ("equal", (("a", 0.5), ("c", 0.5)))
    assert (core.name, core.weights) == ("core", (("a", 0.5), ("c", 0.3)))


def played_by(*simulators: str, **keys: Any) -> MetaProfile:
    """Return such a meta-profile with these simulators, whether they are installed or not."""
    values = meta_of(**keys).values()
    values["execution"]["simulators"] = list(simulators)
    return MetaProfile.model_validate(values)


def test_a_book_for_every_simulator_that_plays_what_is_asked() -> None:
    made = played_by("cvxportfolio", "custom", execution__convention="next_close", costs__slippage_bps=7.0)
    books = books_of(made)
    assert [(one.key, one.simulator) for one in books] == [(name, name) for name in made.execution.simulators]
    assert {(one.costs.slippage_bps, one.execution.convention) for one in books} == {(7.0, Convention.NEXT_CLOSE)}
    assert house_book(made, books) is books[1]
    alone = house_book(made, books[:1])
    assert (alone.simulator, alone.costs, alone.execution) == ("custom", books[0].costs, books[0].execution)
    assert headline_of(made) == "meta/custom/hrp/cvxportfolio"


def test_a_first_simulator_that_refuses_what_is_asked_is_refused_and_another_has_no_book() -> None:
    assert [one.key for one in books_of(played_by("custom", "vectorbt", costs__borrow_rate=0.02))] == ["custom"]
    with pytest.raises(ProfileError, match=r"execution.simulators: vectorbt, which keeps the headline's book, refuses"):
        books_of(played_by("vectorbt", costs__borrow_rate=0.02))
