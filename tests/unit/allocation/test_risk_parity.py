"""Equal risk contributions: the definition, closed forms, scipy, and what happens when there is no answer."""

from dataclasses import replace

import numpy as np
import pytest

from builders.problems import FREE, limits, problem_of
from tvquant.allocation import allocate
from tvquant.allocation.engines.custom import risk_parity
from tvquant.allocation.engines.custom.risk_parity import equal_risk
from tvquant.core.allocations import Status
from tvquant.statistics import estimate


def covariance(n, rows=120, *, noise=0.01, loading=0.3):
    """Three factors that pull names apart the more, the lower the mean loading."""
    rng = np.random.default_rng(n)
    factors = rng.normal(0.0, 0.01, (rows, 3)) @ rng.normal(loading, 0.7, (3, n))
    return estimate(factors + rng.normal(0.0, noise, (rows, n)) * rng.uniform(0.3, 2.0, n))


def largest_difference(matrix, weights):
    """Of a risk contribution from their mean, relative to it."""
    contributions = weights * (matrix @ weights)
    return np.abs(contributions / contributions.mean() - 1.0).max()


@pytest.mark.requirement("R-RSK-05")
@pytest.mark.parametrize("noise", [0.01, 1e-3, 1e-5])
@pytest.mark.parametrize(("n", "rows"), [(1, 60), (2, 60), (3, 60), (20, 60), (100, 60), (300, 30)])
def test_contributions_are_equal(n, rows, noise):
    given = covariance(n, rows, noise=noise)
    got = allocate(problem_of(given, limits=FREE), engine="custom", risk_profile="risk_parity")
    weights = np.array(list(got.weights.values()))
    assert got.status is Status.SOLVED
    assert (weights > 0.0).all()
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)
    assert largest_difference(given.matrix, weights) < 1e-8


def test_two_names_are_held_by_inverse_volatility():
    matrix = np.array([[1e-4, -1.2e-4], [-1.2e-4, 4e-4]])
    np.testing.assert_allclose(equal_risk(matrix).weights, [2.0 / 3.0, 1.0 / 3.0], rtol=1e-12)


def test_equal_correlations_are_held_by_inverse_volatility_at_once():
    # Maillard, Roncalli & Teiletche (2010): with one correlation for all pairs ERC is inverse volatility.
    deviation = np.array([0.1, 0.2, 0.4, 0.8])
    matrix = (np.full((4, 4), 0.3) + 0.7 * np.eye(4)) * np.outer(deviation, deviation)
    got = equal_risk(matrix)
    np.testing.assert_allclose(got.weights, (1.0 / deviation) / (1.0 / deviation).sum(), rtol=1e-12)
    assert got.outcome == "solved, sweeps: 0"


def test_scipy_finds_the_same_root():
    from scipy.optimize import root

    matrix = covariance(6).matrix
    scaled = matrix / matrix.diagonal().mean()
    found = root(lambda y: scaled @ y - 1.0 / y, np.full(6, 0.5), tol=1e-13)
    assert found.success
    assert (found.x > 0.0).all()
    np.testing.assert_allclose(equal_risk(matrix).weights, found.x / found.x.sum(), rtol=1e-9)


def test_newton_ends_what_sweeps_do_not():
    # Longs beside shorts: sweeps alone need thousands.
    given = covariance(100, 60, noise=1e-3, loading=0.0)
    got = equal_risk(given.matrix)
    assert got.outcome.startswith("solved, sweeps: 100, Newton steps: ")
    assert largest_difference(given.matrix, got.weights) < 1e-10


def test_units_of_single_names_do_not_matter():
    matrix = covariance(8).matrix
    units = 10.0 ** np.arange(-4.0, 4.0)
    got = equal_risk(matrix * np.outer(units, units)).weights
    expected = equal_risk(matrix).weights / units
    np.testing.assert_allclose(got, expected / expected.sum(), rtol=1e-10)


def test_caps_are_met_and_the_record_says_so():
    given = problem_of(covariance(12), limits=limits(position=0.1, cluster=0.1))
    got = allocate(given, engine="custom", risk_profile="risk_parity")
    weights, bare = np.array(list(got.weights.values())), equal_risk(given.covariance.matrix).weights
    assert got.status is Status.SOLVED
    moved = 50.0 * np.abs(weights - bare).sum()
    assert moved > 1.0
    assert got.attempts[0].outcome.endswith(f", projected onto the caps: {moved:.3g} % of the weights moved")
    assert weights.max() == pytest.approx(0.1, abs=1e-12)


@pytest.mark.requirement("R-RSK-08")
def test_what_is_not_convex_gets_a_raised_ridge():
    given = covariance(2)
    matrix = np.array([[1.0, 1.2], [1.2, 1.0]])
    got = allocate(problem_of(replace(given, matrix=matrix), limits=FREE), engine="custom", risk_profile="risk_parity")
    assert got.status is Status.FELL_BACK
    assert got.attempts[0].outcome == "covariance is not positive definite"
    assert [a.what for a in got.attempts] == [
        "risk_parity: coordinate_descent",
        "risk_parity: coordinate_descent, ridge 0.15",
        "risk_parity: coordinate_descent, ridge 0.50",
    ]


def test_no_convergence_is_no_answer(monkeypatch):
    monkeypatch.setattr(risk_parity, "SWEEPS", 1)
    monkeypatch.setattr(risk_parity, "STEPS", 1)
    got = equal_risk(covariance(20, loading=0.0).matrix)
    assert got.weights is None
    assert got.outcome.startswith("risk contributions differ by ")
    assert got.outcome.endswith(" after 1 Newton steps")
