"""What no library is asked."""

import numpy as np
import pytest

from builders.problems import HOUSE, covariance_of, limits, problem_of
from tvquant.allocation import RISK_PROFILES
from tvquant.allocation.caps import feasible_set
from tvquant.allocation.engines.unasked import unasked


def asked(means, profile, these=HOUSE, clusters=None):
    given = problem_of(covariance_of(np.eye(len(means)), means), limits=these, clusters=clusters)
    return unasked(given.covariance, feasible_set(given), RISK_PROFILES[profile])


@pytest.mark.parametrize(("profile", "weight"), [("min_variance", 0.25), ("max_sharpe", 0.25), ("hrp", 1.0)])
def test_one_name_is_all_there_is(profile, weight):
    answer = asked([0.01], profile)
    assert answer.weights.tolist() == [weight]
    assert answer.attempts[-1].outcome.startswith("solved")


def test_a_ratio_that_cannot_be_positive_has_no_answer():
    assert asked([-0.01, -0.02], "max_sharpe").attempts[-1].outcome == "no name has a positive expected return"
    answer = asked([0.01, -0.05, -0.05, -0.05], "max_sharpe")  # all four must be held
    assert answer.weights is None
    assert answer.attempts[-1].outcome == "no book within the caps has a positive expected return"
    assert asked([0.0], "max_sharpe").weights is None


def test_any_other_problem_is_asked():
    assert asked([-0.01, -0.02], "min_variance") is None
    assert asked([0.01, -0.02], "max_sharpe", limits(position=1.0, cluster=1.0)) is None
