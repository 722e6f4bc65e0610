"""Loading: the L2 term spreads a book, and an engine that is told nothing of it solves by it."""

from dataclasses import replace

import numpy as np
import pytest

from builders.problems import FREE, covariance_of, estimated, problem_of
from builders.returns import one_factor
from tvquant.allocation import RISK_PROFILES, allocate
from tvquant.allocation.loading import l2_of, loaded, raised

GIVEN = estimated(one_factor(60, 20) + 0.002, limits=FREE)


def weights(problem, profile):
    got = allocate(problem, engine="custom", risk_profile=profile)
    return np.array(list(got.weights.values()))


def hhi(held):
    return float((held**2).sum())


@pytest.mark.requirement("R-RSK-07")
@pytest.mark.parametrize("profile", ["min_variance", "max_sharpe"])
def test_concentration_falls_with_the_coefficient(profile):
    found = [hhi(weights(replace(GIVEN, l2=l2), profile)) for l2 in (0.0, 0.2, 1.0, 10.0, 1000.0)]
    assert found == sorted(found, reverse=True)
    assert found[1] < 0.99 * found[0]
    if profile == "min_variance":  # nothing but the squared weights is left
        assert found[-1] == pytest.approx(1.0 / 20, rel=1e-3)


def test_the_weights_of_two_by_hand():
    """Variances 1 and 3 before a ridge of 1 mean variance, 2; half a mean variance more makes them 4 and 6."""
    given = problem_of(covariance_of(np.diag([3.0, 5.0])), limits=FREE)
    given = replace(given, covariance=replace(given.covariance, ridge=1.0), l2=0.5)
    assert weights(given, "min_variance") == pytest.approx([0.6, 0.4])
    found = loaded(given, RISK_PROFILES["min_variance"]).covariance
    np.testing.assert_allclose(found.matrix, np.diag([4.0, 6.0]))
    assert found.ridge == 1.5


def test_it_is_added_once_and_the_means_stay():
    once = loaded(replace(GIVEN, l2=0.3), RISK_PROFILES["max_sharpe"])
    assert loaded(once, RISK_PROFILES["max_sharpe"]) is once
    assert once.covariance.means.tobytes() == GIVEN.covariance.means.tobytes()
    assert not once.covariance.matrix.flags.writeable


@pytest.mark.requirement("R-RSK-07")
def test_max_sharpe_has_a_tenth_at_least_and_profiles_without_a_variance_none():
    asked = {l2: {name: l2_of(replace(GIVEN, l2=l2), one) for name, one in RISK_PROFILES.items()} for l2 in (0.05, 0.2)}
    assert (asked[0.05]["max_sharpe"], asked[0.2]["max_sharpe"]) == (0.1, 0.2)
    assert (asked[0.05]["min_variance"], asked[0.2]["min_variance"]) == (0.05, 0.2)
    assert {name for name, l2 in asked[0.2].items() if l2} == {"min_variance", "market_neutral", "max_sharpe"}
    assert [raised(0.0, one) for one in RISK_PROFILES.values()] == [0.0] * len(RISK_PROFILES)
    plain = weights(replace(GIVEN, l2=0.0), "hrp")
    assert plain.tobytes() == weights(replace(GIVEN, l2=5.0), "hrp").tobytes()
