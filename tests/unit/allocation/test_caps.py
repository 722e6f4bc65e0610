"""Caps: room under the limits by hand, and limits that are broken on purpose."""

from dataclasses import replace

import numpy as np
import pytest

from builders.problems import covariance_of, limits, problem_of
from tvquant.allocation import allocate, caps
from tvquant.allocation.caps import Family
from tvquant.allocation.verification import verify


def problem(n, clusters=None, *, short=0, **given):
    """Of the n names the last `short` are held short."""
    signs = np.repeat([1.0, -1.0], [n - short, short])
    return problem_of(covariance_of(np.eye(n)), clusters=clusters, limits=limits(**given), signs=signs)


@pytest.mark.requirement("R-RSK-10")
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (problem(1), 0.25),
        (problem(3), 0.75),
        (problem(4), 1.0),
        (problem(50), 1.0),
        (problem(10, position=0.1), 1.0),
        (problem(3, position=0.1), 0.3),
        (problem(4, (7, 7, 7, 2)), 0.5),
        (problem(4, (7, 7, 7, 2), position=0.05), 0.2),
        (problem(50, gross=0.6), 0.6),
        (problem(50, net=(0.0, 0.4)), 0.4),
        (problem(20, net=(-1.0, 0.0), short=20), 1.0),
        (problem(20, net=(-0.3, 1.0), short=20), 0.3),
        (problem(20, net=(-0.2, 0.2), short=10), 1.0),  # six tenths on one side, four on the other
        (problem(20, net=(-0.2, 0.2), short=1), 0.7),  # .25 short, .45 long
        (problem(20, net=(0.5, 1.0), short=19), 0.0),  # .25 long is not half
        (problem(20, net=(0.2, 1.0), short=19), 0.3),  # .25 long, .05 short
        (problem(8, (1,) * 4 + (2,) * 4, net=(-1.0, 0.0), short=4), 0.5),  # each side a cluster of .25
        (problem(8, (1, 2) * 4, net=(-1.0, 0.0), short=4), 0.5),  # each cluster has both
        (problem(20, net=(-1.0, 0.0), short=0), 0.0),
    ],
)
def test_budget(given, expected):
    assert caps.feasible_set(given).budget == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(("n", "room"), [(1, 0.25), (50, 0.4)])
def test_a_smaller_budget_is_cash_that_no_cap_forces(n, room):
    found = caps.feasible_set(replace(problem(n), budget=0.4))
    assert (found.budget, found.forced_cash) == (room, pytest.approx(0.4 - room, abs=1e-15))


@pytest.mark.requirement("R-RSK-10")
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (problem(1), 0.75),
        (problem(3), 0.25),
        (problem(4), 0.0),
        (problem(10, position=0.1), 0.0),
        (problem(4, (7, 7, 7, 2)), 0.5),
        (problem(4, (7, 7, 7, 2), position=0.05), 0.8),
        (problem(50, gross=0.6), 0.0),
        (problem(1, gross=0.6), 0.35),
        (problem(1, net=(0.0, 0.4)), 0.15),
        (problem(3, net=(-1.0, 0.0), short=3), 0.25),
        (problem(20, net=(-0.4, 0.4), short=20), 0.0),
        (problem(20, net=(-0.2, 0.2), short=1), 0.3),
    ],
)
def test_forced_cash_is_what_caps_keep_from_what_gross_and_net_would_invest(given, expected):
    assert caps.feasible_set(given).forced_cash == pytest.approx(expected, abs=1e-15)


def test_only_shared_clusters_need_a_row():
    assert caps.feasible_set(problem(3)).rows.shape == (0, 3)
    found = caps.feasible_set(problem(5, (4, 9, 4, 1, 9)))
    assert found.rows.tolist() == [[1, 0, 1, 0, 0], [0, 1, 0, 0, 1]]
    assert (found.bounds.tolist(), found.families) == ([0.25, 0.25], (Family.CLUSTER,) * 2)
    assert caps.feasible_set(problem(3, (0, 0, 1), position=0.126)).families == (Family.CLUSTER,), ".252 is above .25"


@pytest.mark.parametrize(("position", "cluster", "upper"), [(0.1, 0.25, 0.1), (0.3, 0.25, 0.25)])
def test_a_name_holds_no_more_than_the_lower_of_two_caps(position, cluster, upper):
    assert caps.feasible_set(problem(2, position=position, cluster=cluster)).upper.tolist() == [upper, upper]


def test_what_a_stream_holds_per_weight_says_what_it_may_weigh():
    half = replace(
        problem(3, gross=0.5, net=(-1.0, 0.2)),
        composition={"N000": {"A": 1.0}, "N001": {"B": 0.6, "C": -0.4}, "N002": {"D": 0.5, "E": 0.25}},
    )
    found = caps.feasible_set(half)
    assert found.upper.tolist() == pytest.approx([0.25, 0.25, 1 / 3])  # position / .6 is above cluster / 1
    assert found.families == (Family.GROSS, Family.NET_HIGH)
    # Net is w0 + .2 w1 + .75 w2 <= .2: w1 is cheapest, .05 of it; then w2, at .75 each, .2 in all.
    assert found.budget == pytest.approx(0.25 + 0.15 / 0.75, abs=1e-12)


def test_an_asset_of_several_streams_is_capped_in_sum():
    composition = {"N000": {"A": 1.0}, "N001": {"A": -1.0}, "N002": {"B": 1.0}, "N003": {"C": 1.0}}
    found = caps.feasible_set(replace(problem(4, short=0), composition=composition))
    assert (found.rows.tolist(), found.families) == ([[1, 1, 0, 0]], (Family.ASSET,))
    assert found.budget == pytest.approx(0.75)
    by_name = {c.name: c.value for c in verify(np.array([0.2, 0.1, 0.25, 0.2]), 0.25, found)}
    assert by_name["position"] == pytest.approx(0.3), "opposite streams do not cancel"


def test_clusters_of_the_selection_bind_beside_those_of_allocation():
    given = replace(problem(6, (0, 0, 1, 2, 3, 4)), selection_clusters=(7, 7, 8, 8, 8, 9))
    found = caps.feasible_set(given)
    assert found.families == (Family.CLUSTER, Family.SELECTION_CLUSTER), "the same members are one row"
    assert found.rows[1].tolist() == [0, 0, 1, 1, 1, 0]
    assert found.budget == pytest.approx(0.75)
    by_name = {c.name: c.value for c in verify(np.array([0.1, 0.1, 0.1, 0.1, 0.1, 0.2]), 0.3, found)}
    assert (by_name["cluster"], by_name["selection_cluster"]) == pytest.approx((0.2, 0.3))


def test_crossing_clusters_allow_what_a_linear_program_finds():
    crossed = replace(problem(4, (0, 0, 1, 1), position=0.25), selection_clusters=(0, 1, 1, 0))
    assert caps.feasible_set(crossed).budget == pytest.approx(0.5, abs=1e-12)
    uneven = replace(problem(5, (0, 0, 0, 1, 2), position=0.2), selection_clusters=(0, 1, 1, 1, 2))
    assert caps.feasible_set(uneven).budget == pytest.approx(0.65, abs=1e-12)  # .25 in two of three, .2 twice


@pytest.mark.requirement("R-RSK-18")
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"long": 0.3}, 1.0), ({"long": 0.3, "short": 0.4}, 0.7), ({"short": 0.3, "net": (0.2, 1.0)}, 1.0),
        ({"short": 0.1, "net": (-1.0, 0.2)}, 0.4), ({"long": 0.5, "net": (0.3, 1.0)}, 0.7),
    ],
)  # fmt: skip
def test_limits_on_a_side(given, expected):
    found = caps.feasible_set(replace(problem(20, short=10), limits=limits(**given)))
    assert found.budget == pytest.approx(expected, abs=1e-12)
    one = verify(np.repeat([0.04, 0.02], 10), 0.4, found)
    assert {c.name: c.value for c in one if c.name in ("long", "short")} == pytest.approx(
        {side: value for side, value in (("long", 0.4), ("short", 0.2)) if side in given}
    )


def test_a_side_that_is_alone_is_limited_by_what_the_profile_wants():
    found = caps.feasible_set(replace(problem(20), limits=limits(long=0.3, short=0.1)))
    assert (found.budget, found.forced_cash) == (0.3, 0.0)
    assert caps.feasible_set(replace(problem(20), budget=0.5)).budget == 0.5


def test_only_net_limits_that_can_bind_need_a_row():
    for slack in (problem(4), problem(4, net=(-1.0, 0.2), short=0), problem(4, short=2)):  # the budget keeps them
        assert caps.feasible_set(slack).rows.shape == (0, 4)
    found = caps.feasible_set(problem(4, (7, 7, 1, 2), net=(-0.1, 0.3), short=2))
    assert found.rows.tolist() == [[1, 1, 0, 0], [1, 1, -1, -1], [-1, -1, 1, 1]]
    assert found.bounds.tolist() == [0.25, 0.3, 0.1]
    assert found.families == (Family.CLUSTER, Family.NET_HIGH, Family.NET_LOW)


def test_a_limit_of_one_stream_is_its_upper_bound_and_of_several_a_row() -> None:
    given = problem(
        4, names={"X:N000": (0.05, 0.1)}, groups={"g": (("X:N001", "X:N002"), 0.3), "h": (("X:N003",), 0.2)}
    )
    found = caps.feasible_set(given)
    assert (found.lower.tolist(), found.upper.tolist()) == ([0.05, 0, 0, 0], [0.1, 0.25, 0.25, 0.2])
    assert found.rows.tolist() == [[0, 1, 1, 0]]
    assert (found.bounds.tolist(), found.families) == ([0.3], (Family.NAMED,))
    assert (found.budget, found.open_budget, found.forced_cash) == pytest.approx((0.6, 1.0, 0.4))


def test_a_symbol_that_nobody_holds_limits_nothing() -> None:
    found = caps.feasible_set(problem(4, names={"X:OTHER": (0.1, 0.1)}, groups={"g": (("X:OTHER",), 0.1)}))
    assert (found.named, len(found.rows), found.budget) == ((), 0, 1.0)


@pytest.mark.requirement("R-SYN-04")
def test_caps_are_of_what_a_gated_stream_holds() -> None:
    """Held are a half, a quarter short and next to nothing per unit of weight; no weight is above all of equity."""
    found = caps.feasible_set(problem_of(covariance_of(np.eye(3)), limits=limits(), signs=[0.5, -0.25, 1e-9]))
    assert found.upper.tolist() == [0.5, 1.0, 1.0]
    assert (found.budget, found.forced_cash) == (1.0, 0.0)
    few = caps.feasible_set(problem_of(covariance_of(np.eye(2)), limits=limits(gross=0.3), signs=[0.5, -0.5]))
    assert (few.budget, few.forced_cash) == pytest.approx((0.6, 0.4))


@pytest.mark.requirement("R-SYN-04")
def test_a_gated_stream_may_have_a_weight_above_the_position_cap() -> None:
    """Variances 1 and .01: by w ~ 1 / variance the second has 100 / 101, of which a quarter is held."""
    given = problem_of(
        covariance_of(np.diag([1.0, 0.01])), limits=replace(limits(), reference=None), signs=[0.5, -0.25]
    )
    made = allocate(given, engine="custom", risk_profile="min_variance")
    assert list(made.weights.values()) == pytest.approx([1 / 101, 100 / 101], abs=1e-6)
    assert made.cash == pytest.approx(0.0, abs=1e-9)
    assert {one.name: one.value for one in made.constraints}["position"] <= 0.25


@pytest.mark.parametrize("units", [[1.0, -1.0, 1.0], [1.0, 0.5, 1.0], [-0.5, -0.5, -0.5]])
def test_the_open_set_is_that_of_a_problem_without_limits(units):
    given = replace(problem_of(covariance_of(np.eye(3)), clusters=(0, 0, 1), signs=units), budget=0.5).unlimited
    fast, slow = caps.open_set(given), caps.feasible_set(given)
    for name in ("lower", "upper", "budget", "forced_cash", "open_budget", "reference_cash"):
        np.testing.assert_array_equal(getattr(fast, name), getattr(slow, name), err_msg=name)
    weights = np.array([0.6, 0.4, 0.0])
    assert (slow.rows @ weights <= slow.bounds).all()  # what it has of rows keeps nothing out
    assert len(fast.bounds) == len(slow.bounds) * (not given.units.whole)
