"""Projection onto the caps: closed forms by hand, the conditions of optimality, and scipy."""

import dataclasses

import numpy as np
import pytest

from builders.problems import covariance_of, limits, problem_of
from tvquant.allocation.caps import feasible_set
from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.allocation.projection import fill, onto_caps, project
from tvquant.core.allocations import Attempt, Recourse


def within(clusters, **given):
    return feasible_set(problem_of(covariance_of(np.eye(len(clusters))), clusters=clusters, limits=limits(**given)))


@pytest.mark.parametrize(
    ("given", "target", "expected"),
    [
        pytest.param(within((0, 1, 2, 3, 4)), [0.2] * 5, [0.2] * 5, id="slack"),
        pytest.param(within((0, 1, 2, 3, 4), gross=0.5), [0.2] * 5, [0.1] * 5, id="slack, half the budget"),
        pytest.param(
            within((0, 1, 2, 3), position=0.4, cluster=0.4),
            [0.6, 0.2, 0.1, 0.1],
            [0.4, 0.3, 0.15, 0.15],
            id="the others keep their proportions",
        ),
        pytest.param(
            # Cutting the first lifts the second from .3 to .45: above the cap too.
            within((0, 1, 2, 3), position=0.4, cluster=0.4),
            [0.55, 0.3, 0.1, 0.05],
            [0.4, 0.4, 0.2 * 2 / 3, 0.2 / 3],
            id="a cut that causes a cut",
        ),
        pytest.param(
            within((0, 0, 1, 2, 3), position=1.0, cluster=0.4),
            [0.5, 0.1, 0.2, 0.1, 0.1],
            [1 / 3, 1 / 15, 0.3, 0.15, 0.15],
            id="within a capped cluster proportions are kept",
        ),
        pytest.param(
            within((0, 0, 1, 2, 3), position=0.3, cluster=0.4),
            [0.5, 0.1, 0.2, 0.1, 0.1],
            [0.3, 0.1, 0.3, 0.15, 0.15],
            id="a capped name in a capped cluster",
        ),
        pytest.param(within((0, 1, 2)), [0.9, 0.09, 0.01], [0.25, 0.25, 0.25], id="no more room than the caps"),
        pytest.param(within((0, 0, 0, 1)), [0.6, 0.2, 0.1, 0.1], [1 / 6, 1 / 18, 1 / 36, 0.25], id="all clusters full"),
        pytest.param(
            within((0, 1, 2, 3, 4)), [0.5, 0.5, 0.0, 0.0, 0.0], [0.25, 0.25, 0.0, 0.0, 0.0], id="what is 0 stays 0"
        ),
    ],
)
def test_by_hand(given, target, expected):
    np.testing.assert_allclose(project(np.array(target), given), expected, atol=1e-15)


def test_the_size_of_the_target_does_not_matter():
    given = within((0, 0, 1, 2, 3, 4), position=0.2)
    target = np.array([0.4, 0.2, 0.2, 0.1, 0.05, 0.05])
    expected = project(target, given)
    for factor in (1e-200, 3.0, 1e200):
        np.testing.assert_allclose(project(target * factor, given), expected, rtol=1e-14)


def test_fill_by_hand():
    got = fill(np.array([8.0, 1.0, 1.0, 0.0]), np.array([0.5, 0.2, 1.0, 1.0]), 0.9)
    np.testing.assert_allclose(got, [0.5, 0.2, 0.2, 0.0], atol=1e-16)
    np.testing.assert_array_equal(fill(np.array([8.0, 1.0]), np.array([0.5, 0.2]), 0.7), [0.5, 0.2])
    np.testing.assert_array_equal(fill(np.array([8.0, 0.0]), np.array([0.5, 0.2]), 0.7), [0.5, 0.0])


@pytest.mark.parametrize("seed", range(8))
def test_no_feasible_weights_have_less_relative_entropy(seed):
    from scipy.optimize import minimize

    rng = np.random.default_rng(seed)
    given = within((0, 0, 0, 1, 1, 2, 3, 4), position=0.2, cluster=0.3)
    target = rng.dirichlet(np.full(8, 0.4)) + 1e-3
    got = project(target, given)

    def entropy(w):
        return float(np.sum(w * np.log(w / target)))

    groups = [np.array(given.cluster) == c for c in range(5)]
    constraints = [{"type": "eq", "fun": lambda w: w.sum() - 1.0}]
    constraints += [{"type": "ineq", "fun": lambda w, g=g: 0.3 - w[g].sum()} for g in groups]
    found = minimize(
        entropy,
        np.full(8, 0.125),
        method="SLSQP",
        bounds=[(1e-9, 0.2)] * 8,
        constraints=constraints,
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    assert found.success
    assert entropy(got) <= found.fun + 1e-12
    np.testing.assert_allclose(got, found.x, atol=1e-6)


def solved(*weights):
    attempts = (Attempt(what="first", outcome="refused"), Attempt(what="second", outcome="solved"))
    return EngineAnswer(weights=np.array(weights), attempts=attempts)


def test_the_last_attempt_says_how_much_moved():
    given = solved(0.6, 0.2, 0.1, 0.1)
    moved = onto_caps(given, within((0, 1, 2, 3), position=0.4, cluster=0.4), np.diag([4.0, 1.0, 1.0, 1.0]))
    outcome = "solved, projected onto the caps: 20 % of the weights moved"
    said = moved.attempts[-1]
    assert said.projection is not None
    assert dataclasses.astuple(said.projection) == pytest.approx((0.2, 1.5**0.5, 0.775**0.5), abs=1e-12)
    plain = Attempt(what="second", outcome=outcome, recourse=(Recourse.PROJECTION,))
    assert dataclasses.replace(said, projection=None) == plain
    assert moved.attempts[:-1] == given.attempts[:1]
    assert Attempt.of(said.payload()) == said
    np.testing.assert_allclose(moved.weights, [0.4, 0.3, 0.15, 0.15], atol=1e-15)


def test_what_moved_is_a_share_of_what_is_invested():
    # Both books are half cash: .25 and .25 instead of .35 and .15.
    moved = onto_caps(solved(0.7, 0.3), within((0, 1)), np.eye(2))
    assert moved.attempts[-1].outcome == "solved, projected onto the caps: 20 % of the weights moved"
    assert moved.attempts[-1].projection.after == pytest.approx(0.5**0.5)


def test_a_slack_projection_is_not_mentioned():
    given = solved(*np.full(5, 0.4))
    got = onto_caps(given, within((0, 1, 2, 3, 4)), np.eye(5))
    assert got.attempts == given.attempts
    assert got.weights.tolist() == [0.2] * 5, "the budget is kept all the same"


def test_without_weights_there_is_nothing_to_project():
    failed = EngineAnswer(weights=None, attempts=solved().attempts)
    assert onto_caps(failed, within((0, 1)), np.eye(2)) is failed
