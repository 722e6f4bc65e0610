"""Cutting by hand: what each limit takes, from whom, and what is left to the verification."""

import numpy as np
import pytest

from builders.problems import covariance_of, limits, problem_of
from tvquant.allocation.caps import feasible_set
from tvquant.allocation.cutting import cut

BOTH = ("X:N000", "X:N001")


def within(n, *, clusters=None, signs=None, **given):
    return feasible_set(problem_of(covariance_of(np.eye(n)), clusters=clusters, signs=signs, limits=limits(**given)))


@pytest.mark.parametrize(
    ("given", "target", "expected", "taken"),
    [
        pytest.param(within(3), [0.2, 0.1, 0.25], [0.2, 0.1, 0.25], {}, id="slack"),
        pytest.param(within(2), [0.6, 0.2], [0.25, 0.2], {"position": 0.35}, id="position"),
        pytest.param(within(2, position=0.5), [0.6, 0.2], [0.25, 0.2], {"cluster": 0.35}, id="a cluster of one"),
        pytest.param(
            within(2, position=0.9, cluster=0.9, names={"X:N000": (0.0, 0.5)}),
            [0.6, 0.2], [0.5, 0.2], {"name X:N000": 0.1}, id="name",
        ),
        pytest.param(
            within(3, clusters=(0, 0, 1), position=0.6, cluster=0.6),
            [0.6, 0.3, 0.1], [0.4, 0.2, 0.1], {"cluster": 0.3}, id="a cluster of two, in proportion",
        ),
        pytest.param(
            within(3, position=0.9, cluster=0.9, groups={"g": (("X:N000", "X:N002"), 0.2), "h": (("X:N002",), 0.05)}),
            [0.3, 0.3, 0.1], [0.3 * 4 / 7, 0.3, 0.05 * 4 / 7], {"group h": 0.05, "group g": 0.15}, id="groups",
        ),
        pytest.param(
            within(2, position=0.9, cluster=0.9, names={"X:N001": (0.1, 0.5)}, groups={"g": (BOTH, 0.3)}),
            [0.5, 0.0], [0.2, 0.1], {"group g": 0.3}, id="a least is lifted to, and kept when its group falls",
        ),
        pytest.param(
            within(3, position=0.9, cluster=0.9, signs=(1, 1, -1), net=(-0.1, 0.3)),
            [0.4, 0.2, 0.1], [0.4 * 2 / 3, 0.2 * 2 / 3, 0.1], {"net_high": 0.2}, id="net falls on its side",
        ),
        pytest.param(
            within(3, position=0.9, cluster=0.9, signs=(1, -1, -1), net=(-0.1, 0.3)),
            [0.1, 0.4, 0.2], [0.1, 0.4 / 3, 0.2 / 3], {"net_low": 0.4}, id="and on the other",
        ),
        pytest.param(within(3, gross=0.4), [0.25, 0.25, 0.0], [0.2, 0.2, 0.0], {"gross": 0.1}, id="gross"),
    ],
)  # fmt: skip
def test_by_hand(given, target, expected, taken):
    got = cut(np.array(target), given)
    np.testing.assert_allclose(got.weights, expected, atol=1e-15)
    assert got.taken == pytest.approx(taken, abs=1e-15)


def test_what_no_fall_can_mend_is_left_as_it_is():
    given = within(2, position=0.9, cluster=0.9, signs=(1, -1), net=(0.5, 1.0))
    assert cut(np.array([0.2, 0.1]), given).weights.tolist() == [0.2, 0.1]  # without the short it is still below


def test_the_least_of_an_asset_is_shared_by_the_streams_that_hold_it():
    two = problem_of(covariance_of(np.eye(3)), limits=limits(names={"A": (0.1, 0.2)}))
    object.__setattr__(two, "composition", {"N000": {"A": 1.0}, "N001": {"A": 1.0}, "N002": {"B": 1.0}})
    assert cut(np.array([0.0, 0.0, 0.2]), feasible_set(two)).weights.tolist() == [0.05, 0.05, 0.2]
    assert cut(np.array([0.2, 0.2, 0.2]), feasible_set(two)).weights == pytest.approx([0.1, 0.1, 0.2])


@pytest.mark.parametrize("surplus", [4e-9, 3.7e-9, 1e-10])
def test_least_weights_that_fill_a_cap_to_the_last_digit_leave_others_nothing(surplus):
    least = {"X:N000": (0.2, 0.25), "X:N001": (0.15, 0.25)}
    given = within(4, clusters=(0, 0, 0, 1), position=0.65, cluster=0.35, names=least)
    got = cut(np.array([0.2, 0.15, surplus, 0.3]), given)
    assert float(got.weights[:3].sum()) <= 0.35 + 1e-12
    assert got.weights[[0, 1, 3]] == pytest.approx([0.2, 0.15, 0.3], abs=1e-12)
