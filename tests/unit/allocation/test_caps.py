"""Caps: room under the limits by hand, and limits that are broken on purpose."""

from dataclasses import replace

import numpy as np
import pytest

from builders.problems import covariance_of, limits, problem_of
from tvquant.allocation import caps
from tvquant.allocation.caps import Family
from tvquant.core.allocations import violated
from tvquant.core.errors import ModelError


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


@pytest.mark.parametrize(("position", "cluster", "upper"), [(0.1, 0.25, 0.1), (0.3, 0.25, 0.25)])
def test_a_name_holds_no_more_than_the_lower_of_two_caps(position, cluster, upper):
    assert caps.feasible_set(problem(2, position=position, cluster=cluster)).upper.tolist() == [upper, upper]


def test_a_stream_that_is_half_hedged_is_refused():
    half = replace(problem(2), composition={"N000": {"A": 1.0}, "N001": {"A": 1.0, "B": -0.5}})
    with pytest.raises(ModelError, match=r"expected N001 to be one unit net long or short, found 0\.5"):
        caps.feasible_set(half)


@pytest.mark.requirement("R-RSK-24")
def test_dust_is_swept_and_cash_makes_one():
    weights, cash = caps.settle(np.array([0.25, 1e-13, -1e-13, 0.5]))
    assert weights.tolist() == [0.25, 0.0, 0.0, 0.5]
    assert cash == 0.25
    assert caps.settle(np.full(10, 0.1))[1] == 0.0
    assert caps.settle(np.array([1.0 + 1e-13]))[1] == 0.0
    assert caps.settle(np.array([1.0 + 1e-11]))[1] < 0.0  # more than rounding: left for the verification


@pytest.mark.requirement("R-RSK-10")
@pytest.mark.parametrize(
    ("weights", "cash", "broken"),
    [
        ([0.25, 0.25, 0.25, 0.25], 0.0, []),
        ([0.26, 0.24, 0.25, 0.25], 0.0, ["position", "cluster"]),
        ([0.25 + 1e-10, 0.25, 0.25, 0.25 - 1e-10], 0.0, []),
        ([0.25 + 2e-9, 0.25, 0.25, 0.25 - 2e-9], 0.0, ["position", "cluster"]),
        ([0.25, 0.25, 0.25, -0.01], 0.26, ["long_only"]),
        ([0.2, 0.2, 0.2, 0.2], -0.1, ["no_borrowing"]),
        ([np.nan, 0.2, 0.2, 0.2], 0.2, ["position", "cluster", "gross", "net_high", "net_low", "long_only"]),
    ],
)
def test_violations_are_named(weights, cash, broken):
    constraints = caps.verify(np.array(weights), cash, caps.feasible_set(problem(4)))
    assert [c.name for c in violated(constraints)] == broken


def test_limits_on_sums_are_verified():
    given = caps.feasible_set(problem(4, (0, 0, 1, 2), gross=0.5, net=(0.45, 0.48), position=0.2, cluster=0.3))
    by_name = {c.name: c for c in caps.verify(np.array([0.2, 0.15, 0.1, 0.1]), 0.45, given)}
    assert by_name["cluster"].value == pytest.approx(0.35)
    assert by_name["gross"].value == pytest.approx(0.55)
    assert {c.name for c in violated(tuple(by_name.values()))} == {"cluster", "gross", "net_high"}
    negative = {c.name: c.value for c in caps.verify(np.array([0.2, -0.15, 0.1, 0.1]), 0.75, given)}
    assert (negative["cluster"], negative["long_only"]) == pytest.approx((0.35, 0.15)), "sizes do not cancel"
    low = caps.verify(np.array([0.1, 0.1, 0.1, 0.1]), 0.6, given)
    assert [c.name for c in violated(low)] == ["net_low"]


@pytest.mark.requirement("R-RSK-18")
def test_net_is_of_physical_weights():
    weights = np.array([0.2, 0.2, 0.2, 0.1])
    by_name = {c.name: c.value for c in caps.verify(weights, 0.3, caps.feasible_set(problem(4, short=3)))}
    assert by_name["gross"] == pytest.approx(0.7)
    assert (by_name["net_high"], by_name["net_low"]) == pytest.approx((-0.3, 0.3))


@pytest.mark.parametrize(
    ("given", "what", "named"),
    [
        (
            problem(5, net=(-1.0, 0.0)),
            "netting",
            "net_high leaves nothing to hold of 5 long and 0 short names, limit 0",
        ),
        (
            problem(5, net=(0.0, 1.0), short=5),
            "netting",
            "net_low leaves nothing to hold of 0 long and 5 short names, limit 0",
        ),
        (problem(5, net=(0.5, 1.0), short=5), "netting", "limit -0.5"),
        (
            problem(4, net=(-1.0, -0.6), short=1),
            "netting",
            "net_high leaves nothing to hold of 3 long and 1 short names",
        ),
        (problem(5, gross=0.0), "caps", "gross, position and cluster limits leave nothing"),
    ],
)
def test_a_limit_that_leaves_nothing_is_named(given, what, named):
    empty = caps.emptied(caps.feasible_set(given))
    assert empty is not None
    assert empty.what == what
    assert named in empty.outcome


def test_a_book_with_room_is_not_empty():
    assert caps.emptied(caps.feasible_set(problem(5))) is None
    assert caps.emptied(caps.feasible_set(problem(5, net=(-1.0, 0.0), short=1))) is None


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
    assert found.upper.tolist() == [0.1, 0.25, 0.25, 0.2]
    assert found.rows.tolist() == [[-1, 0, 0, 0], [0, 1, 1, 0]]
    assert (found.bounds.tolist(), found.families) == ([-0.05, 0.3], (Family.LEAST, Family.NAMED))
    assert (found.budget, found.open_budget, found.forced_cash) == pytest.approx((0.6, 1.0, 0.4))


def test_a_symbol_that_nobody_holds_limits_nothing() -> None:
    found = caps.feasible_set(problem(4, names={"X:OTHER": (0.1, 0.1)}, groups={"g": (("X:OTHER",), 0.1)}))
    assert (found.named, len(found.rows), found.budget) == ((), 0, 1.0)


def test_an_asset_held_against_itself_has_a_limit_on_its_gross_and_a_least_that_is_only_verified() -> None:
    given = problem(3, short=1, names={"A": (0.1, 0.2)})
    both = replace(given, composition={"N000": {"A": 1.0}, "N001": {"B": 1.0}, "N002": {"A": -1.0}})
    found = caps.feasible_set(both)
    assert (found.rows.tolist(), found.families) == ([[1, 0, 1]], (Family.NAMED,))
    by_name = {c.name: c for c in caps.verify(np.array([0.12, 0.2, 0.05]), 0.63, found)}
    assert by_name["name A"].value == pytest.approx(0.17)
    assert [c.name for c in violated(tuple(by_name.values()))] == ["least of name A"]
    assert by_name["least of name A"].value == pytest.approx(-0.07)
