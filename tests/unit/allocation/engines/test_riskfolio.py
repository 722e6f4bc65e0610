"""Riskfolio-Lib prints and returns nothing when it fails: here that is a line of the record."""

from dataclasses import replace

import pytest

from builders.generated_problems import generated
from tvquant.allocation import ENGINES, RISK_PROFILES
from tvquant.allocation.caps import feasible_set
from tvquant.allocation.engines import riskfolio
from tvquant.core.errors import ProfileError

pytestmark = pytest.mark.xdist_group("engine libraries")


def solve(given, profile, **changed):
    feasible = replace(feasible_set(given), **changed)
    return ENGINES["riskfolio"].solve(given, feasible, RISK_PROFILES[profile], ())


@pytest.mark.requirement("R-RSK-02")
@pytest.mark.parametrize("profile", ["min_variance", "max_sharpe"])
def test_an_empty_set_has_no_answer_and_nobody_elses(profile, capfd, recwarn):
    got = solve(generated(9)[1], profile, budget=5.0)
    assert got.weights is None
    assert {one.outcome for one in got.attempts} == {"infeasible"}
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


def test_a_solver_that_stops_early_has_no_answer(monkeypatch):
    monkeypatch.setattr(riskfolio, "SETTINGS", {**riskfolio.SETTINGS, "max_iter": 2})
    got = solve(generated(9)[1], "min_variance")
    assert got.weights is None
    assert {one.outcome for one in got.attempts} == {"user_limit"}


def test_what_it_does_not_solve_is_refused():
    with pytest.raises(ProfileError, match="engine riskfolio does not solve declared"):
        solve(generated(9)[1], "fixed")
