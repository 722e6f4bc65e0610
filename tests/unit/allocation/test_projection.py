"""Projection onto the caps: closed forms by hand, the conditions of optimality, and scipy."""

import numpy as np
import pytest

from tvquant.allocation.projection import fill, onto_caps, project
from tvquant.allocation.solver_attempts import Solution
from tvquant.core.allocations import Covariance, Limits, Problem


def problem(clusters, *, gross=1.0, position=0.25, cluster=0.25):
    n = len(clusters)
    covariance = Covariance(
        matrix=np.eye(n), means=np.zeros(n), method="given", shrinkage=0.0, ridge=0.0, condition=1.0, observations=100
    )
    limits = Limits(gross=gross, net=(-1.0, 1.0), position=position, cluster=cluster)
    return Problem(keys=tuple(f"N{i}" for i in range(n)), covariance=covariance, clusters=clusters, limits=limits)


@pytest.mark.parametrize(
    ("given", "target", "expected"),
    [
        pytest.param(problem((0, 1, 2, 3, 4)), [0.2] * 5, [0.2] * 5, id="slack"),
        pytest.param(problem((0, 1, 2, 3, 4), gross=0.5), [0.2] * 5, [0.1] * 5, id="slack, half the budget"),
        pytest.param(
            problem((0, 1, 2, 3), position=0.4, cluster=0.4),
            [0.6, 0.2, 0.1, 0.1],
            [0.4, 0.3, 0.15, 0.15],
            id="the others keep their proportions",
        ),
        pytest.param(
            # Cutting the first lifts the second from .3 to .45: above the cap too.
            problem((0, 1, 2, 3), position=0.4, cluster=0.4),
            [0.55, 0.3, 0.1, 0.05],
            [0.4, 0.4, 0.2 * 2 / 3, 0.2 / 3],
            id="a cut that causes a cut",
        ),
        pytest.param(
            problem((0, 0, 1, 2, 3), position=1.0, cluster=0.4),
            [0.5, 0.1, 0.2, 0.1, 0.1],
            [1 / 3, 1 / 15, 0.3, 0.15, 0.15],
            id="within a capped cluster proportions are kept",
        ),
        pytest.param(
            problem((0, 0, 1, 2, 3), position=0.3, cluster=0.4),
            [0.5, 0.1, 0.2, 0.1, 0.1],
            [0.3, 0.1, 0.3, 0.15, 0.15],
            id="a capped name in a capped cluster",
        ),
        pytest.param(problem((0, 1, 2)), [0.9, 0.09, 0.01], [0.25, 0.25, 0.25], id="no more room than the caps"),
        pytest.param(
            problem((0, 0, 0, 1)), [0.6, 0.2, 0.1, 0.1], [1 / 6, 1 / 18, 1 / 36, 0.25], id="all clusters full"
        ),
        pytest.param(
            problem((0, 1, 2, 3, 4)), [0.5, 0.5, 0.0, 0.0, 0.0], [0.25, 0.25, 0.0, 0.0, 0.0], id="what is 0 stays 0"
        ),
    ],
)
def test_by_hand(given, target, expected):
    np.testing.assert_allclose(project(np.array(target), given), expected, atol=1e-15)


def test_the_size_of_the_target_does_not_matter():
    given = problem((0, 0, 1, 2, 3, 4), position=0.2)
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
    given = problem((0, 0, 0, 1, 1, 2, 3, 4), position=0.2, cluster=0.3)
    target = rng.dirichlet(np.full(8, 0.4)) + 1e-3
    got = project(target, given)

    def entropy(w):
        return float(np.sum(w * np.log(w / target)))

    groups = [np.array(given.clusters) == c for c in range(5)]
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


def test_the_outcome_says_how_much_moved():
    moved = onto_caps(
        Solution(np.array([0.6, 0.2, 0.1, 0.1]), "solved"), problem((0, 1, 2, 3), position=0.4, cluster=0.4)
    )
    assert moved.outcome == "solved, projected onto the caps: 20 % of the weights moved"
    np.testing.assert_allclose(moved.weights, [0.4, 0.3, 0.15, 0.15], atol=1e-15)


def test_what_moved_is_a_share_of_what_is_invested():
    # Both books are half cash: .25 and .25 instead of .35 and .15.
    moved = onto_caps(Solution(np.array([0.7, 0.3]), "solved"), problem((0, 1)))
    assert moved.outcome == "solved, projected onto the caps: 20 % of the weights moved"


def test_a_slack_projection_is_not_mentioned():
    assert onto_caps(Solution(np.full(5, 0.2), "solved"), problem((0, 1, 2, 3, 4))).outcome == "solved"
    assert onto_caps(Solution(None, "no convergence"), problem((0, 1))) == (None, "no convergence")
