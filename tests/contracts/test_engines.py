"""The contract of every optimiser engine, on every risk profile that it solves."""

from dataclasses import replace

import numpy as np
import pytest

from tvquant.allocation import ENGINES, RISK_PROFILES, allocate
from tvquant.core.allocations import Limits, Problem, Status
from tvquant.statistics import estimate

CASES = [(engine, profile) for engine in ENGINES for profile in sorted(ENGINES[engine].risk_profiles)]
HOUSE = Limits(gross=1.0, net=(-1.0, 1.0), position=0.25, cluster=0.25)


def problem(n, limits=HOUSE):
    rng = np.random.default_rng(n)
    returns = rng.normal(0.0, 0.01, (90, 1)) * rng.uniform(0.3, 1.7, n) + rng.normal(0.0, 0.01, (90, n))
    returns += 0.003  # so that means are positive: without that max_sharpe has no answer, and says so
    return Problem(
        keys=tuple(f"N{i}" for i in range(n)), covariance=estimate(returns), clusters=tuple(range(n)), limits=limits
    )


def test_catalogues_are_consistent_and_read_only():
    assert all(engine.name == name for name, engine in ENGINES.items())
    assert all(profile.name == name and profile.meaning.endswith(".") for name, profile in RISK_PROFILES.items())
    assert all(engine.risk_profiles <= frozenset(RISK_PROFILES) for engine in ENGINES.values())
    for catalogue in (ENGINES, RISK_PROFILES):
        with pytest.raises(TypeError):
            catalogue["another"] = None


@pytest.mark.requirement("R-RSK-10")
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 30, 120, 500])
@pytest.mark.parametrize(("engine", "profile"), CASES)
def test_raw_answers_are_long_within_caps_and_documented(engine, profile, n):
    answer = ENGINES[engine].solve(problem(n), profile)
    assert answer.weights.shape == (n,)
    assert (answer.weights >= -1e-9).all()
    assert (answer.weights <= 0.25 + 1e-9).all()
    assert answer.weights.sum() == pytest.approx(min(1.0, n * 0.25), abs=1e-9)
    assert answer.attempts
    assert answer.attempts[-1].outcome.startswith("solved")


@pytest.mark.parametrize(("engine", "profile"), CASES)
def test_the_same_problem_has_the_same_answer(engine, profile):
    given = problem(30)
    before = given.covariance.matrix.tobytes()
    first, second = (ENGINES[engine].solve(given, profile).weights for _ in range(2))
    assert first.tobytes() == second.tobytes()
    assert given.covariance.matrix.tobytes() == before


@pytest.mark.requirement("R-RSK-24")
@pytest.mark.parametrize(
    "limits", [HOUSE, replace(HOUSE, gross=0.5), replace(HOUSE, net=(0.0, 0.3)), replace(HOUSE, position=0.05)]
)
@pytest.mark.parametrize(("engine", "profile"), CASES)
def test_every_limit_is_kept_and_reported(engine, profile, limits):
    got = allocate(problem(30, limits), engine=engine, risk_profile=profile)
    assert got.status is Status.SOLVED
    assert sum(got.weights.values()) == pytest.approx(min(1.0, limits.gross, limits.net[1]), abs=1e-9)
    assert sum(got.weights.values()) + got.cash == pytest.approx(1.0, abs=1e-12)
    assert {c.name for c in got.constraints} >= {"position", "cluster", "gross", "net_high", "net_low", "long_only"}
    assert all(c.value <= c.limit + 1e-9 for c in got.constraints)


@pytest.mark.requirement("R-RSK-10")
@pytest.mark.parametrize(
    ("clusters", "budget"),
    [
        pytest.param((0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5), 1.0, id="one large"),
        pytest.param((0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3), 1.0, id="four, all full"),
        pytest.param((0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2), 0.75, id="three, all full"),
        pytest.param((7,) * 12, 0.25, id="all in one"),
    ],
)
@pytest.mark.parametrize("position", [0.25, 0.1])
@pytest.mark.parametrize(("engine", "profile"), CASES)
def test_shared_clusters_keep_the_cluster_cap(engine, profile, position, clusters, budget):
    limits = replace(HOUSE, position=position)
    got = allocate(replace(problem(12, limits), clusters=clusters), engine=engine, risk_profile=profile)
    weights = np.array(list(got.weights.values()))
    held = np.bincount(clusters, weights)
    room = sum(min(0.25, position * size) for size in np.bincount(clusters))
    assert got.status is Status.SOLVED
    assert held.max() <= 0.25 + 1e-9
    assert weights.max() <= position + 1e-9
    assert got.forced_cash == pytest.approx(max(0.0, 1.0 - room), abs=1e-12)
    if profile == "equal_weight":  # what a cap cuts off is not handed to the others
        assert weights.sum() <= min(budget, room) + 1e-9
    else:
        assert weights.sum() == pytest.approx(min(budget, room), abs=1e-9)


@pytest.mark.parametrize("scale", [1e-10, 1e-4, 1e4, 1e10])
@pytest.mark.parametrize(("engine", "profile"), CASES)
def test_the_scale_of_returns_does_not_matter(engine, profile, scale):
    given = problem(20)
    c = given.covariance
    scaled = replace(given, covariance=replace(c, matrix=c.matrix * scale**2, means=c.means * scale))
    plain, other = (allocate(p, engine=engine, risk_profile=profile) for p in (given, scaled))
    assert plain.status is other.status is Status.SOLVED
    assert list(plain.weights.values()) == pytest.approx(list(other.weights.values()), abs=1e-7)


@pytest.mark.parametrize(("engine", "profile"), CASES)
def test_nearly_equal_names_have_weights(engine, profile):
    rng = np.random.default_rng(0)
    returns = 0.003 + rng.normal(0.0, 0.01, (90, 1)) + rng.normal(0.0, 1e-7, (90, 20))
    got = allocate(replace(problem(20), covariance=estimate(returns)), engine=engine, risk_profile=profile)
    assert got.status is Status.SOLVED
    assert sum(got.weights.values()) == pytest.approx(1.0, abs=1e-9)
    assert all(c.value <= c.limit + 1e-9 for c in got.constraints)


@pytest.mark.requirement("R-RSK-06")
@pytest.mark.parametrize("engine", [e for e in ENGINES if "max_sharpe" in ENGINES[e].risk_profiles])
def test_max_sharpe_without_a_positive_mean_has_no_answer(engine):
    given = problem(6)
    c = given.covariance
    answer = ENGINES[engine].solve(replace(given, covariance=replace(c, means=-np.abs(c.means))), "max_sharpe")
    assert answer.weights is None
    assert answer.attempts[-1].outcome == "no name has a positive expected return"
