from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from builders.problems import limits as limits_of
from tvquant.atoms import Netted, flatten, keep_caps
from tvquant.core.allocations import violated
from tvquant.core.errors import ModelError
from tvquant.core.problems import Limits

COMPOSITION = {
    "A_one_LONG": {"A": 1.0},
    "A_two_LONG": {"A": 1.0},
    "A_two_SHORT": {"A": -1.0},
    "B_one_LONG": {"B": 1.0},
    "C_one_SHORT": {"C": -1.0},
}
CLUSTERS = {"A": 1, "B": 1, "C": 2}
WIDE = Limits(gross=10.0, net=(-10.0, 10.0), position=1.0, cluster=1.0)


def limits(**given: Any) -> Limits:
    return limits_of(**{"gross": 10.0, "net": (-10.0, 10.0), "position": 9.0, "cluster": 9.0, **given})


def kept(weights: Mapping[str, float], these: Limits) -> Netted:
    return keep_caps(weights, COMPOSITION, CLUSTERS, these)


def verified(netted: Netted) -> dict[str, float]:
    return {constraint.name: constraint.value for constraint in netted.constraints}


@pytest.mark.requirement("R-SYN-10")
def test_net_and_gross_of_each_asset() -> None:
    found = flatten({"A_one_LONG": 0.3, "A_two_SHORT": 0.1, "B_one_LONG": 0.2, "C_one_SHORT": 0.4}, COMPOSITION)
    assert found.net == pytest.approx({"A": 0.2, "B": 0.2, "C": -0.4}, abs=1e-15)
    assert found.gross == pytest.approx({"A": 0.4, "B": 0.2, "C": 0.4}, abs=1e-15)


def test_one_atom_may_hold_several_assets() -> None:
    found = flatten({"pair": 0.5, "A_one_LONG": 0.1}, {**COMPOSITION, "pair": {"A": 0.6, "B": -0.4}})
    assert found.net == pytest.approx({"A": 0.4, "B": -0.2}, abs=1e-15)
    assert found.gross == pytest.approx({"A": 0.4, "B": 0.2}, abs=1e-15)


@pytest.mark.requirement("R-SYN-05")
def test_an_atom_without_composition_is_an_error_and_no_identity() -> None:
    with pytest.raises(ModelError, match="atom D: it has a weight and no entry in the composition map"):
        flatten({"D": 0.1}, COMPOSITION)


@pytest.mark.requirement("R-SYN-03")
@pytest.mark.parametrize("weight", [-1e-300, -0.1, float("nan"), float("inf")])
def test_a_weight_that_no_solver_may_give_is_refused(weight: float) -> None:
    with pytest.raises(ModelError, match="atom A_one_LONG: expected a weight of 0 or more, found"):
        flatten({"A_one_LONG": weight}, COMPOSITION)


def test_an_asset_without_a_cluster_is_refused() -> None:
    with pytest.raises(ModelError, match="asset C: it is held and has no selection cluster"):
        keep_caps({"C_one_SHORT": 0.1}, COMPOSITION, {"A": 1}, WIDE)


@pytest.mark.requirement("R-RSK-12")
def test_two_atoms_that_stack_on_one_asset_are_scaled_to_its_cap() -> None:
    """0.2 and 0.3 of A under a cap of 0.25: half of each is left, the other half is cash."""
    found = kept({"A_one_LONG": 0.2, "A_two_LONG": 0.3, "C_one_SHORT": 0.25}, limits(position=0.25))
    assert found.weights == pytest.approx({"A_one_LONG": 0.1, "A_two_LONG": 0.15, "C_one_SHORT": 0.25}, abs=1e-15)
    assert found.moved == pytest.approx(0.25, abs=1e-15)
    assert verified(found)["net_position"] == pytest.approx(0.25, abs=1e-15)
    assert found.weights["C_one_SHORT"] == 0.25, "what breaks nothing is not touched"


@pytest.mark.requirement("R-RSK-12")
def test_opposite_atoms_are_bound_before_they_cancel() -> None:
    """Net is 0, but 0.4 of A is held by two reasons that must both stay within the cap."""
    found = kept({"A_one_LONG": 0.2, "A_two_SHORT": 0.2}, limits(position=0.25))
    assert found.net == {"A": 0.0}
    assert found.gross == pytest.approx({"A": 0.25}, abs=1e-15)
    assert (verified(found)["net_position"], verified(found)["gross_position"]) == pytest.approx((0.0, 0.25))


@pytest.mark.requirement("R-RSK-12")
def test_a_selection_cluster_is_scaled_after_its_assets() -> None:
    """A is cut from 0.4 to 0.25, then A and B of one cluster from 0.5 to 0.3; C stands alone."""
    found = kept({"A_one_LONG": 0.4, "B_one_LONG": 0.25, "C_one_SHORT": 0.2}, limits(position=0.25, cluster=0.3))
    assert found.weights == pytest.approx({"A_one_LONG": 0.15, "B_one_LONG": 0.15, "C_one_SHORT": 0.2}, abs=1e-15)
    assert (verified(found)["net_cluster"], verified(found)["gross_cluster"]) == pytest.approx((0.3, 0.3))
    assert found.moved == pytest.approx(0.35, abs=1e-15)


def test_gross_of_the_whole_is_scaled_by_one_factor() -> None:
    found = kept({"A_one_LONG": 0.9, "C_one_SHORT": 0.6}, limits(gross=1.0))
    assert found.weights == pytest.approx({"A_one_LONG": 0.6, "C_one_SHORT": 0.4}, abs=1e-15)
    assert verified(found)["gross"] == pytest.approx(1.0, abs=1e-15)


@pytest.mark.parametrize(
    ("net", "long", "short"),
    [((-1.0, 0.1), 0.4, 0.3), ((0.3, 1.0), 0.5, 0.2), ((0.2, 0.2), 0.5, 0.3), ((-1.0, -0.3), 0.0, 0.3)],
)
def test_net_is_mended_on_the_side_that_pushes_it(net: tuple[float, float], long: float, short: float) -> None:
    """Held are 0.5 long and 0.3 short: a net of 0.2."""
    found = kept({"A_one_LONG": 0.5, "C_one_SHORT": 0.3}, limits(net=net))
    assert found.weights == pytest.approx({"A_one_LONG": long, "C_one_SHORT": short}, abs=1e-15)


def test_a_net_that_only_growth_could_reach_is_reported_and_nothing_is_changed() -> None:
    weights = {"C_one_SHORT": 0.3}
    found = kept(weights, limits(net=(0.2, 1.0)))
    assert (found.weights, found.moved) == (weights, 0.0)
    low = next(constraint for constraint in found.constraints if constraint.name == "net_low")
    assert (low.limit, low.value) == (-0.2, 0.3), "net is -0.3 and was to be 0.2 or more"


def test_weights_within_every_cap_are_returned_bit_by_bit() -> None:
    weights = {"A_one_LONG": 0.1, "A_two_SHORT": 0.2, "B_one_LONG": 0.3, "C_one_SHORT": 0.4}
    found = kept(weights, limits(gross=1.0, net=(-1.0, 1.0), position=0.4, cluster=0.6))
    assert (found.weights, found.moved) == (weights, 0.0)


@pytest.mark.requirement("R-RSK-12")
@pytest.mark.parametrize(("excess", "moved"), [(9e-10, False), (2e-9, True)])
def test_a_breach_is_what_exceeds_a_cap_by_more_than_the_tolerance(excess: float, moved: bool) -> None:
    weights = {"A_one_LONG": 0.25 + excess, "C_one_SHORT": 0.25}
    for these in (limits(position=0.25), limits(cluster=0.25), limits(gross=0.5), limits(net=(-1.0, 0.0))):
        found = kept(weights, these)
        assert (found.weights != weights) is moved
        assert all(row.value <= row.limit + 1e-9 for row in found.constraints)


def test_nothing_held_breaks_nothing() -> None:
    found = keep_caps({}, {}, {}, limits(net=(-1.0, 1.0)))
    assert (found.weights, found.net, found.gross, found.moved) == ({}, {}, {}, 0.0)
    assert set(verified(found).values()) == {0.0}


def test_every_limit_has_its_row() -> None:
    found = kept({"A_one_LONG": 0.1}, limits(gross=1.0, net=(-0.5, 0.7), position=0.2, cluster=0.3))
    assert [(row.name, row.limit) for row in found.constraints] == [
        ("net_position", 0.2),
        ("gross_position", 0.2),
        ("net_cluster", 0.3),
        ("gross_cluster", 0.3),
        ("gross", 1.0),
        ("net_high", 0.7),
        ("net_low", 0.5),
    ]


def test_a_group_is_scaled_by_what_its_longs_and_shorts_hold_together() -> None:
    found = kept({"A_one_LONG": 0.3, "C_one_SHORT": 0.3, "B_one_LONG": 0.2}, limits(groups={"g": (("A", "C"), 0.4)}))
    assert found.net == pytest.approx({"A": 0.2, "C": -0.2, "B": 0.2}, abs=1e-15)
    assert verified(found)["group g"] == pytest.approx(0.4, abs=1e-15)
    assert found.moved == pytest.approx(0.2, abs=1e-15)


def test_two_atoms_of_a_name_share_its_own_limit_and_every_generation_has_it() -> None:
    found = kept({"A_one_LONG": 0.2, "A_two_LONG": 0.2, "B_one_LONG": 0.2}, limits(names={"A": (0.0, 0.1)}))
    assert found.weights == pytest.approx({"A_one_LONG": 0.05, "A_two_LONG": 0.05, "B_one_LONG": 0.2}, abs=1e-15)
    heir = keep_caps({"x": 0.2}, {"x": {"A#2": 1.0}}, {"A#2": 1}, limits(names={"A": (0.0, 0.1)}))
    assert heir.net == pytest.approx({"A#2": 0.1}, abs=1e-15)


def test_a_least_is_of_what_is_left_net_on_either_side() -> None:
    these = limits(names={"A": (0.1, 0.6), "C": (0.1, 0.5), "B": (0.1, 0.5)})
    found = kept({"A_one_LONG": 0.3, "A_two_SHORT": 0.25, "C_one_SHORT": 0.1}, these)
    assert {c.name for c in violated(found.constraints)} == {"least of name A"}
    assert verified(found)["least of name A"] == pytest.approx(-0.05, abs=1e-15)
    assert "name B" not in verified(found), "who is not chosen has no least"


@pytest.mark.requirement("R-RSK-18")
def test_longs_and_shorts_are_verified_before_they_cancel() -> None:
    weights, held = {"a": 0.3, "b": 0.2, "c": 0.1}, {"a": {"X": 1.0}, "b": {"X": -1.0}, "c": {"Y": 1.0}}
    found = keep_caps(weights, held, {"X": 0, "Y": 1}, replace(WIDE, long=0.35, short=0.25))
    sides = {row.name: (row.value, row.limit) for row in found.constraints if row.name in ("long", "short")}
    assert sides == {"long": (pytest.approx(0.4), 0.35), "short": (pytest.approx(0.2), 0.25)}
