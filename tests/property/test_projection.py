"""What the projection onto the caps keeps for any target."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.problems import covariance_of, limits, problem_of
from tvquant.allocation.caps import feasible_set
from tvquant.allocation.projection import project

ORDINARY = st.floats(1e-6, 1.0)
ANY = st.one_of(st.just(0.0), ORDINARY, st.floats(1e-300, 1e300))


@st.composite
def cases(draw, shares=ANY):
    """A target of any sum, and caps that bind or do not."""
    n = draw(st.integers(1, 12))
    target = np.array(draw(st.lists(shares, min_size=n, max_size=n)))
    problem = problem_of(
        covariance_of(np.eye(n)),
        clusters=draw(st.lists(st.integers(0, 5), min_size=n, max_size=n)),
        limits=limits(
            gross=draw(st.floats(0.1, 1.0)), position=draw(st.floats(0.02, 1.0)), cluster=draw(st.floats(0.05, 1.0))
        ),
    )
    return target, problem


def held(weights, problem):
    return np.bincount(problem.clusters, weights)[list(problem.clusters)]


@given(cases())
def test_feasible(case):
    target, problem = case
    got = project(target, feasible_set(problem))
    caps = problem.limits
    assert (got >= 0.0).all()
    assert got.max() <= caps.position + 1e-12
    assert held(got, problem).max() <= caps.cluster + 1e-11
    assert not got[target == 0.0].any()
    sizes = np.bincount(problem.clusters, target > 0.0)
    room = sum(min(caps.cluster, caps.position * size) for size in sizes)
    assert got.sum() == pytest.approx(min(feasible_set(problem).budget, room), abs=1e-11)


@given(cases())
def test_idempotent(case):
    target, problem = case
    once = project(target, feasible_set(problem))
    np.testing.assert_allclose(project(once, feasible_set(problem)), once, rtol=0.0, atol=1e-11)


@given(cases(ORDINARY))
def test_proportions_are_kept_by_all_that_no_cap_holds(case):
    """The conditions of optimality: they make the projection the one set of weights of least relative entropy."""
    target, problem = case
    got = project(target, feasible_set(problem))
    level = got / target
    caps = problem.limits
    full = held(got, problem) >= caps.cluster - 1e-9
    capped = got >= caps.position - 1e-9
    free = ~capped & ~full
    highest = level[free].max(initial=0.0)
    np.testing.assert_allclose(level[free], highest, rtol=1e-6)
    if free.any():
        assert (level[capped | full] <= highest * (1.0 + 1e-6)).all()
    for cluster in set(problem.clusters):
        members = (np.array(problem.clusters) == cluster) & full
        inside = members & ~capped
        own = level[inside].max(initial=0.0)
        np.testing.assert_allclose(level[inside], own, rtol=1e-6)
        if inside.any():
            assert (level[members & capped] <= own * (1.0 + 1e-6)).all()


@given(st.integers(0, 2**32), st.integers(4, 30), st.floats(0.1, 1.0))
def test_slack_caps_change_nothing_but_the_sum(seed, n, gross):
    target = 1.0 + np.random.default_rng(seed).random(n)
    target /= target.sum()
    problem = problem_of(covariance_of(np.eye(n)), limits=limits(gross=gross, position=0.5, cluster=0.5))
    np.testing.assert_allclose(project(target, feasible_set(problem)), gross * target, rtol=1e-13)
    tight = replace(problem, limits=replace(problem.limits, position=0.9 * gross * float(target.max())))
    assert np.abs(project(target, feasible_set(tight)) - gross * target).max() > 0.0
