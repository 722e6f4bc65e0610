"""Verification of final weights: limits that are broken on purpose."""

from dataclasses import replace

import numpy as np
import pytest

from builders.problems import covariance_of, limits, problem_of
from tvquant.allocation.caps import Family, feasible_set
from tvquant.allocation.verification import settle, verify
from tvquant.core.allocations import violated


def problem(n, clusters=None, *, short=0, **given):
    """Of the n names the last `short` are held short."""
    signs = np.repeat([1.0, -1.0], [n - short, short])
    return problem_of(covariance_of(np.eye(n)), clusters=clusters, limits=limits(**given), signs=signs)


@pytest.mark.requirement("R-RSK-24")
def test_dust_is_swept_and_cash_makes_one():
    weights, cash = settle(np.array([0.25, 1e-13, -1e-13, 0.5]))
    assert weights.tolist() == [0.25, 0.0, 0.0, 0.5]
    assert cash == 0.25
    assert settle(np.full(10, 0.1))[1] == 0.0
    assert settle(np.array([1.0 + 1e-13]))[1] == 0.0
    assert settle(np.array([1.0 + 1e-11]))[1] < 0.0  # more than rounding: left for the verification


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
    constraints = verify(np.array(weights), cash, feasible_set(problem(4)))
    assert [c.name for c in violated(constraints)] == broken


def test_limits_on_sums_are_verified():
    given = feasible_set(problem(4, (0, 0, 1, 2), gross=0.5, net=(0.45, 0.48), position=0.2, cluster=0.3))
    by_name = {c.name: c for c in verify(np.array([0.2, 0.15, 0.1, 0.1]), 0.45, given)}
    assert by_name["cluster"].value == pytest.approx(0.35)
    assert by_name["gross"].value == pytest.approx(0.55)
    assert {c.name for c in violated(tuple(by_name.values()))} == {"cluster", "gross", "net_high"}
    negative = {c.name: c.value for c in verify(np.array([0.2, -0.15, 0.1, 0.1]), 0.75, given)}
    assert (negative["cluster"], negative["long_only"]) == pytest.approx((0.35, 0.15)), "sizes do not cancel"
    low = verify(np.array([0.1, 0.1, 0.1, 0.1]), 0.6, given)
    assert [c.name for c in violated(low)] == ["net_low"]


@pytest.mark.requirement("R-RSK-18")
def test_net_is_of_physical_weights():
    weights = np.array([0.2, 0.2, 0.2, 0.1])
    by_name = {c.name: c.value for c in verify(weights, 0.3, feasible_set(problem(4, short=3)))}
    assert by_name["gross"] == pytest.approx(0.7)
    assert (by_name["net_high"], by_name["net_low"]) == pytest.approx((-0.3, 0.3))


def test_an_asset_held_against_itself_has_a_limit_on_its_gross_and_a_least_that_is_only_verified() -> None:
    given = problem(3, short=1, names={"A": (0.1, 0.2)})
    both = replace(given, composition={"N000": {"A": 1.0}, "N001": {"B": 1.0}, "N002": {"A": -1.0}})
    found = feasible_set(both)
    assert (found.rows.tolist(), found.families) == ([[1, 0, 1]] * 2, (Family.ASSET, Family.NAMED))
    by_name = {c.name: c for c in verify(np.array([0.12, 0.2, 0.05]), 0.63, found)}
    assert by_name["name A"].value == pytest.approx(0.17)
    assert [c.name for c in violated(tuple(by_name.values()))] == ["least of name A"]
    assert by_name["least of name A"].value == pytest.approx(-0.07)
