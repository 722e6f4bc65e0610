"""Cvxportfolio's answers: our least variance, from whatever was held before, and a word where there is none."""

from dataclasses import replace

import numpy as np
import pytest

from builders.problems import HOUSE, estimated
from tvquant.allocation import ENGINES, RISK_PROFILES
from tvquant.allocation.caps import feasible_set
from tvquant.allocation.engines import cvxportfolio
from tvquant.allocation.engines.cvxportfolio import Horizon

pytestmark = pytest.mark.xdist_group("engine libraries")
LEAST = RISK_PROFILES["min_variance"]


def problem(n, limits=HOUSE, **more):
    rng = np.random.default_rng(n)
    returns = rng.normal(0.0, 0.01, (90, 1)) * rng.uniform(0.3, 1.7, n) + rng.normal(0.004, 0.01, (90, n))
    return estimated(returns, limits=limits, **more)


def solve(given, horizon=1, **changed):
    feasible = replace(feasible_set(given), **changed)
    return ENGINES["cvxportfolio"].solve(given, feasible, LEAST, (Horizon(horizon=horizon),))


@pytest.mark.parametrize("horizon", [1, 3])
@pytest.mark.parametrize(
    ("n", "limits", "clusters"),
    [
        pytest.param(1, HOUSE, None, id="one name"),
        pytest.param(8, HOUSE, [0] * 5 + [1, 2, 3], id="one row"),
        pytest.param(20, replace(HOUSE, gross=0.4, cluster=0.15), [i // 5 for i in range(20)], id="rows and cash"),
    ],
)
def test_it_solves_what_we_solve_wherever_it_starts(n, limits, clusters, horizon):
    given = problem(n, limits, clusters=clusters)
    ours = ENGINES["custom"].solve(given, feasible_set(given), LEAST, ()).weights
    for previous in (np.zeros(n), np.eye(n)[0]):
        got = solve(replace(given, previous=previous), horizon)
        assert got.weights == pytest.approx(ours, abs=1e-8)
        assert [one.outcome for one in got.attempts] == ["solved"]
    assert got.attempts[0].what == ("SinglePeriodOptimization" if horizon == 1 else "MultiPeriodOptimization")


def test_what_cannot_be_solved_is_said_and_nothing_else(capfd, recwarn, caplog):
    got = solve(problem(6), budget=2.0)
    assert got.weights is None
    assert [one.outcome for one in got.attempts] == ["infeasible"]  # no ridge is raised in vain
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list
    assert not caplog.records


def test_a_solver_that_stops_early_has_no_answer_and_no_other_solver_is_asked(monkeypatch):
    monkeypatch.setattr(cvxportfolio, "SETTINGS", {**cvxportfolio.SETTINGS, "max_iter": 2})
    got = solve(problem(6))
    assert got.weights is None
    assert got.attempts[0].outcome in ("user_limit", "solver_error")
