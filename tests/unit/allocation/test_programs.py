"""Regions and the bound from below: what it is at the optimum, beside it, and with multipliers of no worth."""

import numpy as np
import pytest

from builders.problems import estimated, limits
from tvquant.allocation.caps import feasible_set
from tvquant.allocation.engines.custom.programs import Answer, Region, marginal, mean_variance
from tvquant.allocation.engines.custom.quadratic import proof

MATRIX = np.diag([1.0, 2.0, 4.0]) * 1e-4
MEAN = mean_variance(MATRIX)
NONE = np.zeros(0)
BEST = np.array([4.0, 2.0, 1.0]) / 7.0
LEVEL = 4e-4 / 7.0 / MEAN


def excess(*given):
    return proof(*given).excess


def test_a_region_is_that_of_the_feasible_set():
    given = estimated(np.random.default_rng(0).normal(size=(60, 4)), clusters=(0, 0, 1, 1), limits=limits(cluster=0.4))
    feasible = feasible_set(given)
    region = Region.of(feasible)
    assert region.total == feasible.budget == 0.8
    assert (region.lower == 0.0).all()
    assert region.upper is feasible.upper
    assert region.rows is feasible.rows
    assert region.bounds is feasible.bounds


def test_the_optimum_has_no_marginal_and_no_excess():
    answer = Answer(BEST, NONE, LEVEL, 1)
    slope, variance = marginal(MATRIX, answer, Region.simplex(3), None)
    np.testing.assert_allclose(slope, 0.0, atol=1e-15)
    assert variance == pytest.approx(BEST @ MATRIX @ BEST / MEAN)
    assert excess(MATRIX, answer, Region.simplex(3), None) == pytest.approx(0.0, abs=1e-14)
    means = np.array([3.0, 3.0, 3.0])  # all alike: the best ratio is the least variance, its level at the top of m
    ratio = answer._replace(level=0.0)
    assert excess(MATRIX, ratio, Region.simplex(3), means) == pytest.approx(0.0, abs=1e-14)


@pytest.mark.parametrize("level", [LEVEL, 0.0, 3.0 * LEVEL])
@pytest.mark.parametrize("multiplier", [0.0, 0.3, -5.0])
def test_the_bound_holds_whatever_the_multipliers(level, multiplier):
    """Half the difference of variances is what w'Sw / 2 is above its least; a negative multiplier is none."""
    region = Region.simplex(3)._replace(rows=np.array([[1.0, 1.0, 0.0]]), bounds=np.array([0.9]))
    other = np.array([0.5, 0.3, 0.2])
    answer = Answer(other, np.array([multiplier]), level, 1)
    true = 0.5 * (1.0 - (BEST @ MATRIX @ BEST) / (other @ MATRIX @ other))
    assert excess(MATRIX, answer, region, None) >= true > 0.01
    if multiplier < 0.0:
        assert excess(MATRIX, answer, region, None) == excess(
            MATRIX, answer._replace(multipliers=np.zeros(1)), region, None
        )


def test_a_row_that_binds_is_paid_by_its_multiplier():
    # Inverse variance on either side of a cap of .5 on the first two: S w is .5 / (1 + 1/2) there and 4 * .5 beyond.
    weights = np.array([1.0 / 3.0, 1.0 / 6.0, 0.5])
    region = Region.simplex(3)._replace(rows=np.array([[1.0, 1.0, 0.0]]), bounds=np.array([0.5]))
    inside, beyond = 1e-4 / 3.0 / MEAN, 2e-4 / MEAN
    answer = Answer(weights, np.array([beyond - inside]), beyond, 1)
    assert excess(MATRIX, answer, region, None) == pytest.approx(0.0, abs=1e-14)
    assert excess(MATRIX, answer._replace(multipliers=np.zeros(1)), region, None) > 0.1
    slack = region._replace(bounds=np.array([0.6]))  # the same multiplier of a row that does not bind proves nothing
    assert excess(MATRIX, answer, slack, None) > 0.1


def test_bounds_that_bind_are_not_excess():
    weights = np.array([0.3, 0.45, 0.25])
    region = Region.simplex(3)._replace(lower=np.array([0.0, 0.0, 0.25]), upper=np.array([0.3, 1.0, 1.0]))
    answer = Answer(weights, NONE, 0.9e-4 / MEAN, 1)
    assert excess(MATRIX, answer, region, None) == pytest.approx(0.0, abs=1e-14)
    assert excess(MATRIX, answer, region._replace(upper=np.ones(3)), None) > 0.05
    assert excess(MATRIX, answer, region._replace(lower=np.zeros(3)), None) > 0.03


def test_a_weight_that_all_but_touches_a_bound_is_at_it_and_what_is_above_the_total_is_scaled_away():
    """A ten-thousandth of a billionth is a rounding, a billionth is not; neither is one of a total of its own."""
    region = Region.simplex(3)._replace(upper=np.array([0.5, 1.0, 1.0]))
    found = proof(MATRIX, Answer(np.array([0.5 - 1e-13, 1e-13, 0.5]), NONE, LEVEL, 1), region, None)
    assert found.weights.tolist() == [0.5, 0.0, 0.5]
    assert 0.0 < found.miss < 2e-13
    apart = proof(MATRIX, Answer(np.array([0.5 - 1e-9, 1e-9, 0.5]), NONE, LEVEL, 1), region, None)
    assert apart.weights.tolist() == [0.5 - 1e-9, 1e-9, 0.5]
    above = proof(MATRIX, Answer(np.array([0.4, 0.1, 0.5 + 1e-10]), NONE, LEVEL, 1), region, None)
    assert (above.weights.sum(), above.miss) == (pytest.approx(1.0, abs=1e-15), pytest.approx(1e-10, rel=1e-5))
