"""What every allocation keeps for any estimated covariance."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tvquant.allocation import ENGINES, allocate
from tvquant.core.allocations import Limits, Problem, Status
from tvquant.statistics import estimate

CASES = st.sampled_from([(e, p) for e in sorted(ENGINES) for p in sorted(ENGINES[e].risk_profiles)])
SIZES = st.one_of(st.sampled_from([1, 2, 3, 4, 50]), st.integers(1, 12))


POSITIONS = st.floats(0.02, 1.0)


@st.composite
def problems(draw, position=POSITIONS):
    """Returns with random factors, noise and scales: from independent to collinear, T below and above N."""
    n, rows = draw(SIZES), draw(st.integers(3, 120))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    noise, scale = draw(st.sampled_from([1.0, 0.1, 0.001])), draw(st.sampled_from([1e-4, 0.02, 3.0]))
    factors = rng.normal(0.0, 1.0, (rows, 2)) @ rng.normal(0.5, 1.0, (2, n))
    spread = rng.uniform(0.2, 3.0, n)
    return Problem(
        keys=tuple(f"N{i}" for i in range(n)),
        covariance=estimate(scale * (factors + noise * spread * rng.normal(0.0, 1.0, (rows, n)))),
        clusters=tuple(range(n)),
        limits=Limits(gross=1.0, net=(-1.0, 1.0), position=draw(position), cluster=0.25),
    )


@pytest.mark.requirement("R-RSK-10")
@pytest.mark.requirement("R-RSK-24")
@settings(deadline=None)
@given(problems(), CASES)
def test_long_within_caps_and_with_cash_one(problem, case):
    got = allocate(problem, engine=case[0], risk_profile=case[1])
    weights = np.array(list(got.weights.values()))
    cap = min(problem.limits.position, 0.25)
    assert got.status is not Status.FAILED
    assert (weights >= 0.0).all()
    assert weights.max() <= cap + 1e-9
    assert weights.sum() + got.cash == pytest.approx(1.0, abs=1e-12)
    assert got.cash == pytest.approx(max(0.0, 1.0 - cap * len(weights)), abs=1e-9)
    assert not (weights[weights != 0.0] <= 1e-12).any()


@settings(deadline=None)
@given(problems(st.just(0.25)), CASES, st.randoms(use_true_random=False))
def test_the_order_of_names_does_not_matter(problem, case, random):
    n = len(problem.keys)
    order = random.sample(range(n), n)
    c = problem.covariance
    shuffled = replace(
        problem,
        keys=tuple(problem.keys[i] for i in order),
        clusters=tuple(problem.clusters[i] for i in order),
        covariance=replace(c, matrix=c.matrix[np.ix_(order, order)], means=c.means[order]),
    )
    first, second = (allocate(p, engine=case[0], risk_profile=case[1]).weights for p in (problem, shuffled))
    assert [first[k] for k in problem.keys] == pytest.approx([second[k] for k in problem.keys], abs=1e-7)


@settings(deadline=None)
@given(problems(st.just(0.25)), CASES, st.sampled_from([1e-6, 252.0, 1e6]))
def test_units_of_the_covariance_do_not_matter(problem, case, factor):
    scaled = replace(problem, covariance=replace(problem.covariance, matrix=problem.covariance.matrix * factor))
    first, second = (allocate(p, engine=case[0], risk_profile=case[1]).weights for p in (problem, scaled))
    assert list(first.values()) == pytest.approx(list(second.values()), abs=1e-9)
