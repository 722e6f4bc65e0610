"""Clarabel: its answers and multipliers are those of DAQP, on bounds, rows and ratios."""

import numpy as np
import pytest

from tvquant.allocation.engines.custom import active_set, interior_point
from tvquant.allocation.engines.custom.programs import Failure, Region
from tvquant.allocation.engines.custom.quadratic import proof
from tvquant.statistics import estimate


def given(n=30):
    rng = np.random.default_rng(n)
    returns = rng.normal(0.0, 0.01, (120, 1)) * rng.uniform(0.3, 1.7, n) + rng.normal(0.0, 0.01, (120, n))
    return estimate(returns).matrix, rng.normal(0.3, 1.0, n)


@pytest.mark.parametrize("ratio", [False, True])
def test_it_answers_as_daqp(ratio):
    matrix, means = given()
    lower = np.zeros(30)
    lower[4] = 0.05
    rows = np.array([np.arange(30) % 3 == 1, np.arange(30) % 4 == 2], dtype=float)
    region = Region(lower, np.full(30, 0.3), 0.9, rows, np.array([0.1, 0.06]))
    of = means if ratio else None
    got, other = (solver.answer(matrix, region, of) for solver in (interior_point, active_set))
    np.testing.assert_allclose(got.weights, other.weights, atol=1e-8)
    np.testing.assert_allclose(got.multipliers, other.multipliers, atol=1e-8)
    assert got.multipliers.max() > 1e-3
    assert got.level == pytest.approx(other.level, abs=1e-8)
    assert abs(proof(matrix, got, region, of).excess) < 1e-9


def test_what_is_infeasible_is_said_to_be():
    matrix, means = given(4)
    region = Region.simplex(4)
    assert interior_point.answer(matrix, region._replace(upper=np.full(4, 0.2)), None) == Failure(
        "PrimalInfeasible", True
    )
    assert interior_point.answer(matrix, region, -np.abs(means)) == Failure("PrimalInfeasible", True)
