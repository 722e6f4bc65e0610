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
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 30, 120])
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


@pytest.mark.parametrize(("engine", "profile"), CASES)
def test_shared_clusters_keep_the_cluster_cap(engine, profile):
    given = replace(problem(12), clusters=(0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5))
    got = allocate(given, engine=engine, risk_profile=profile)
    assert got.status is Status.SOLVED
    assert sum(list(got.weights.values())[:6]) <= 0.25 + 1e-9
