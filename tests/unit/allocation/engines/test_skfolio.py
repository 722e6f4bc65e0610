"""skfolio is asked with our moments, and its failures are lines of the record."""

from dataclasses import replace

import numpy as np
import pytest

from builders.generated_problems import generated
from tvquant.allocation import ENGINES, RISK_PROFILES
from tvquant.allocation.caps import feasible_set
from tvquant.allocation.engines import skfolio
from tvquant.core.errors import ProfileError

pytestmark = pytest.mark.xdist_group("engine libraries")


def solve(given, profile, **changed):
    feasible = replace(feasible_set(given), **changed)
    return ENGINES["skfolio"].solve(given, feasible, RISK_PROFILES[profile], ())


def test_a_sample_has_the_moments_that_it_is_made_for():
    covariance = generated(0)[1].covariance
    rows = skfolio._sample(covariance.matrix, covariance.means)
    n = len(covariance.means)
    assert rows.shape == (n + 1, n)
    np.testing.assert_allclose(np.cov(rows.T), covariance.matrix, rtol=0.0, atol=1e-15)
    np.testing.assert_allclose(rows.mean(axis=0), covariance.means, rtol=0.0, atol=1e-16)


@pytest.mark.requirement("R-RSK-02")
def test_an_empty_set_has_no_answer_and_nobody_elses(capfd, recwarn):
    got = solve(generated(9)[1], "min_variance", budget=5.0)
    assert got.weights is None
    assert {one.outcome for one in got.attempts} == {"infeasible"}
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


def test_a_solver_that_stops_early_has_no_answer(monkeypatch):
    monkeypatch.setattr(skfolio, "SETTINGS", {**skfolio.SETTINGS, "max_iter": 2})
    got = solve(generated(9)[1], "min_variance")
    assert got.weights is None
    assert {one.outcome for one in got.attempts} == {"user_limit"}


def test_what_it_does_not_solve_is_refused():
    with pytest.raises(ProfileError, match="engine skfolio does not solve declared"):
        solve(generated(9)[1], "fixed")
