"""Newton's method and the cone program against filling, where that is exact, and a closed form with groups."""

from dataclasses import replace

import numpy as np
import pytest

from builders.problems import covariance_of, limits, problem_of
from tvquant.allocation import entropy
from tvquant.allocation.caps import feasible_set
from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.allocation.entropy import nearest
from tvquant.allocation.projection import onto_caps, project
from tvquant.core.allocations import Attempt


def within(clusters, *, signs=None, **given):
    return feasible_set(
        problem_of(covariance_of(np.eye(len(clusters))), clusters=clusters, signs=signs, limits=limits(**given))
    )


@pytest.mark.parametrize("seed", range(4))
def test_it_is_the_projection_by_filling_where_there_are_no_groups(seed):
    rng = np.random.default_rng(seed)
    target = rng.uniform(0.01, 1.0, 12)
    given = within(
        rng.integers(0, 6, 12).tolist(), position=0.2, signs=rng.choice([-1.0, 1.0], 12), net=(-0.1, 0.1),
        names={"X:N003": (0.0, 0.02)},
    )  # fmt: skip
    found, status = nearest(target, given)
    assert status == "Solved"
    np.testing.assert_allclose(found, project(target, given), atol=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_crossing_caps_are_met_to_the_last_digits_with_and_without_the_cone_program(seed, monkeypatch):
    """Clusters of two kinds, none a part of another; what binds is all that even a loose program has to find."""
    rng = np.random.default_rng(seed)
    n = 24
    plain = problem_of(covariance_of(np.eye(n)), clusters=rng.integers(0, 7, n).tolist(), limits=limits())
    given = feasible_set(replace(plain, selection_clusters=tuple(rng.integers(0, 6, n).tolist())))
    target = rng.dirichlet(np.full(n, 0.5))
    found, status = nearest(target, given)
    assert status == "Solved"
    binding = given.rows @ found > given.bounds - 1e-9
    assert binding.any()
    inside = (found > given.lower + 1e-9) & (found < given.upper - 1e-9)
    columns = np.vstack((np.ones(n), given.rows[binding]))[:, inside]
    logs = np.log(found[inside] / target[inside])
    multipliers = np.linalg.lstsq(columns.T, logs, rcond=None)[0]
    np.testing.assert_allclose(multipliers @ columns, logs, atol=1e-9)
    assert (multipliers[1:] <= 1e-9).all(), "a cap only takes away"
    monkeypatch.setattr("tvquant.allocation.entropy.TOLERANCE", 1e-7)
    steps: list[int] = []
    newton = entropy._refined
    monkeypatch.setattr(entropy, "_refined", lambda *a: newton(*a) if steps else steps.append(1))
    np.testing.assert_allclose(nearest(target, given)[0], found, atol=1e-13)


def test_a_group_and_the_rest_keep_their_proportions():
    given = within(range(4), position=0.9, cluster=0.9, groups={"g": (("X:N000", "X:N001"), 0.3)})
    found, _ = nearest(np.array([0.6, 0.3, 0.05, 0.05]), given)
    np.testing.assert_allclose(found, [0.2, 0.1, 0.35, 0.35], atol=1e-12)


def test_a_name_without_a_share_is_lifted_to_its_least():
    given = within(range(3), position=0.9, cluster=0.9, names={"X:N002": (0.1, 0.2)})
    found, _ = nearest(np.array([0.6, 0.4, 0.0]), given)
    np.testing.assert_allclose(found, [0.54, 0.36, 0.1], atol=1e-12)
    answer = EngineAnswer(weights=np.array([0.6, 0.4, 0.0]), attempts=(Attempt(what="given", outcome="solved"),))
    assert onto_caps(answer, given, np.eye(3)).attempts[-1].outcome == (
        "solved, projected onto the caps: 10 % of the weights moved"
    )


def test_where_it_has_no_answer_the_attempt_says_so():
    given = within(range(2), position=0.9, cluster=0.9, groups={"g": (("X:N000", "X:N001"), 0.3)})
    object.__setattr__(given, "budget", 0.8)  # more than the group leaves
    answer = EngineAnswer(weights=np.array([0.5, 0.5]), attempts=(Attempt(what="given", outcome="solved"),))
    got = onto_caps(answer, given, np.eye(2))
    assert got.weights is None
    assert got.attempts[-1].what == "projection onto the limits"
    assert "Infeasible" in got.attempts[-1].outcome
