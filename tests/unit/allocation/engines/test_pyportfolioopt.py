"""PyPortfolioOpt's answers: those of our own solvers where it solves the same, and a word where it does not."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.cluster import hierarchy

from builders.problems import FREE, HOUSE, estimated
from tvquant.allocation import ENGINES, RISK_PROFILES, risk_profiles_of
from tvquant.allocation.caps import feasible_set
from tvquant.allocation.engines import pyportfolioopt
from tvquant.allocation.engines.custom.kernels import bisect
from tvquant.allocation.risk.tail import Tail
from tvquant.statistics import correlation_distance

pytestmark = pytest.mark.xdist_group("engine libraries")

NAME = "pyportfolioopt"


def problem(n, limits=HOUSE, **more):
    rng = np.random.default_rng(n)
    returns = rng.normal(0.0, 0.01, (90, 1)) * rng.uniform(0.3, 1.7, n) + rng.normal(0.004, 0.01, (90, n))
    return estimated(returns, limits=limits, **more)


def solve(given, profile, engine=NAME, **changed):
    feasible = replace(feasible_set(given), **changed)
    return ENGINES[engine].solve(given, feasible, RISK_PROFILES[profile], (Tail(level=0.9),))


@pytest.mark.parametrize("profile", ["min_variance", "max_sharpe"])
@pytest.mark.parametrize(
    ("n", "limits", "clusters"),
    [
        pytest.param(2, replace(HOUSE, position=0.8, cluster=0.8), None, id="two names, whose bounds could be pairs"),
        pytest.param(3, HOUSE, None, id="a budget of .75"),
        pytest.param(20, HOUSE, [i // 5 for i in range(20)], id="rows"),
        pytest.param(20, replace(HOUSE, gross=0.4, cluster=0.15), [i // 5 for i in range(20)], id="rows and a budget"),
    ],
)
def test_it_solves_what_we_solve(n, limits, clusters, profile):
    given = problem(n, limits, clusters=clusters)
    mine, ours = solve(given, profile), solve(given, profile, "custom")
    assert ours.weights is not None
    assert mine.weights == pytest.approx(ours.weights, abs=1e-8)
    assert [one.outcome for one in mine.attempts] == ["solved"]


def test_it_is_asked_for_what_it_solves():
    assert risk_profiles_of(ENGINES[NAME]) >= {"min_variance", "max_sharpe", "hrp", "cvar_min"}


def test_the_least_tail_is_as_low_as_ours_within_the_same_limits():
    given = problem(20, replace(HOUSE, gross=0.6, cluster=0.2), clusters=[i // 5 for i in range(20)])
    worst = [np.sort(given.returns @ solve(given, "cvar_min", e).weights)[:9].mean() for e in ("custom", NAME)]
    assert worst[0] == pytest.approx(worst[1], rel=1e-8)  # nine of ninety rows, at .9
    assert solve(given, "cvar_min").attempts[0].outcome == "solved"


def test_hrp_is_ours_in_the_order_of_the_linkage():
    given = problem(30, FREE)
    matrix = given.covariance.matrix
    deviation = np.sqrt(np.diag(matrix))
    distance = correlation_distance(np.clip(matrix / np.outer(deviation, deviation), -1.0, 1.0))
    order = hierarchy.leaves_list(hierarchy.linkage(distance[np.triu_indices(30, 1)], "ward"))
    expected = np.empty(30)
    expected[order] = bisect(matrix[np.ix_(order, order)])
    before = vars(hierarchy).keys() & {"_LINKAGE_METHODS"}
    got = solve(given, "hrp")
    assert got.weights == pytest.approx(expected, abs=1e-12)
    assert np.abs(got.weights - solve(given, "hrp", "custom").weights).max() > 1e-3
    assert got.attempts[-1].what == "HRPOpt, ward, linkage order"
    assert vars(hierarchy).keys() & {"_LINKAGE_METHODS"} == before


@pytest.mark.parametrize("profile", ["min_variance", "max_sharpe", "cvar_min"])
def test_what_cannot_be_solved_is_said_once_and_nothing_else(profile, capfd, recwarn):
    got = solve(problem(6), profile, budget=2.0)
    assert got.weights is None
    assert [one.outcome for one in got.attempts] == ["infeasible"]  # no ridge is raised in vain
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


@pytest.mark.parametrize("profile", ["min_variance", "max_sharpe"])
def test_a_solver_that_stops_early_has_no_answer(profile, monkeypatch):
    monkeypatch.setattr(pyportfolioopt, "SETTINGS", {**pyportfolioopt.SETTINGS, "max_iter": 2})
    got = solve(problem(6), profile)
    assert got.weights is None
    assert got.attempts[0].outcome in ("user_limit", "solver_error")
