"""The solvers: closed forms, hand-made optimality, and each other."""

import numpy as np
import pytest

from tvquant.allocation.engines.custom.quadratic import active_set, best_ratio, interior_point
from tvquant.statistics.covariance import estimate


def covariance(n, rows, seed=0, *, noise=0.01):
    rng = np.random.default_rng(seed)
    market = rng.normal(0.0, 0.01, (rows, 1))
    return estimate(market * rng.uniform(0.3, 1.7, n) + rng.normal(0.0, noise, (rows, n))).matrix


def interior(matrix, upper, total):
    return interior_point(matrix, upper=upper, total=total, groups=np.zeros((0, len(upper))), cap=1.0)


def assert_optimal(matrix, weights, upper, total):
    """The conditions of Karush, Kuhn and Tucker, from the definition."""
    assert weights.sum() == pytest.approx(total, abs=1e-12)
    assert (weights >= 0.0).all()
    assert (weights <= upper + 1e-12).all()
    slope = matrix @ weights / np.trace(matrix) * len(matrix)
    can_rise, can_fall = weights < upper - 1e-12, weights > 1e-12
    assert slope[can_fall].max() <= slope[can_rise].min() + 1e-10  # no transfer between two names lowers the variance


@pytest.mark.parametrize("solver", [active_set, interior])
def test_two_names_in_closed_form(solver):
    matrix = np.array([[4e-4, 1e-4], [1e-4, 9e-4]])
    got = solver(matrix, np.ones(2), 1.0)
    first = (9e-4 - 1e-4) / (4e-4 + 9e-4 - 2e-4)
    np.testing.assert_allclose(got.weights, [first, 1.0 - first], atol=1e-9)


@pytest.mark.parametrize("solver", [active_set, interior])
def test_uncorrelated_names_are_held_by_inverse_variance(solver):
    variance = np.array([1.0, 2.0, 4.0, 8.0]) * 1e-4
    got = solver(np.diag(variance), np.ones(4), 1.0)
    np.testing.assert_allclose(got.weights, (1.0 / variance) / (1.0 / variance).sum(), atol=1e-9)


@pytest.mark.parametrize("solver", [active_set, interior])
def test_binding_bounds_in_closed_form(solver):
    # The first name is cut to .3; the second would be short without its bound; the rest goes to the third.
    matrix = np.array([[1.0, 2.5, 0.0], [2.5, 9.0, 3.0], [0.0, 3.0, 4.0]]) * 1e-4
    got = solver(matrix, np.array([0.3, 1.0, 1.0]), 1.0)
    np.testing.assert_allclose(got.weights, [0.3, 0.0, 0.7], atol=1e-9)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("n", "rows"), [(5, 60), (20, 252), (100, 60)])
@pytest.mark.parametrize("cap", [1.0, 0.25])
def test_optimal_and_equal_to_clarabel(n, rows, seed, cap):
    matrix, upper = covariance(n, rows, seed), np.full(n, cap)
    got = active_set(matrix, upper, 1.0)
    assert_optimal(matrix, got.weights, upper, 1.0)
    other = interior(matrix, upper, 1.0).weights
    assert other @ matrix @ other == pytest.approx(got.weights @ matrix @ got.weights, rel=1e-9)
    np.testing.assert_allclose(other, got.weights, atol=1e-6)


@pytest.mark.parametrize(("n", "total"), [(4, 1.0), (3, 0.75), (1, 0.25)])
def test_every_name_at_its_cap(n, total):
    upper = np.full(n, 0.25)
    got = active_set(covariance(n, 60), upper, total)
    np.testing.assert_array_equal(got.weights, upper)


@pytest.mark.parametrize("noise", [0.01, 1e-4])
def test_a_vertex_is_an_answer(noise):
    # Near-collinear names: the least volatile four stand at their caps and no name is free.
    matrix, upper = covariance(8, 252, 1, noise=noise), np.full(8, 0.25)
    got = active_set(matrix, upper, 1.0)
    assert_optimal(matrix, got.weights, upper, 1.0)


def test_active_set_gives_up_where_clarabel_does_not():
    # Room for hardly more than the budget among collinear names: releases come one by one.
    matrix, upper = covariance(100, 60, noise=3e-4), np.full(100, 0.0101)
    assert active_set(matrix, upper, 1.0) == (None, "no convergence in 50 iterations")
    got = interior(matrix, upper, 1.0)
    assert got.weights.sum() == pytest.approx(1.0, abs=1e-9)
    assert got.weights.max() <= 0.0101


@pytest.mark.parametrize("solver", [active_set, interior])
def test_what_is_not_convex_is_refused(solver):
    matrix = np.array([[1.0, 2.0], [2.0, 1.0]]) * 1e-4  # equal weights are its saddle, either name alone its minimum
    assert solver(matrix, np.ones(2), 1.0) == (None, "covariance is not positive definite")


def test_what_is_infeasible_is_refused():
    got = interior(np.eye(2), np.full(2, 0.25), 1.0)
    assert got.weights is None
    assert "Infeasible" in got.outcome


def test_group_caps_hold_and_bind():
    matrix = np.diag([1.0, 1.0, 2.0, 4.0]) * 1e-4
    groups = np.array([[1.0, 1.0, 0.0, 0.0]])
    got = interior_point(matrix, upper=np.ones(4), total=1.0, groups=groups, cap=0.4).weights
    np.testing.assert_allclose(got, [0.2, 0.2, 0.4, 0.2], atol=1e-8)  # inverse variance on either side of the cap


def test_units_of_the_covariance_do_not_matter():
    matrix, upper = covariance(20, 252), np.full(20, 0.25)
    plain = active_set(matrix, upper, 1.0).weights
    for factor in (1e-8, 252.0, 1e8):
        np.testing.assert_allclose(active_set(matrix * factor, upper, 1.0).weights, plain, atol=1e-12)


def test_the_covariance_is_untouched():
    matrix = covariance(20, 60)
    before = matrix.copy()
    matrix.flags.writeable = False
    active_set(matrix, np.full(20, 0.25), 1.0)
    interior(matrix, np.full(20, 0.25), 1.0)
    np.testing.assert_array_equal(matrix, before)


def ratio(matrix, means, *, upper, total=1.0, groups=None, cap=1.0):
    none = np.zeros((0, len(upper)))
    given = none if groups is None else np.array(groups, dtype=float)
    return best_ratio(matrix, means=np.array(means), upper=np.array(upper), total=total, groups=given, cap=cap)


def test_the_best_ratio_of_uncorrelated_names_in_closed_form():
    # Without bounds w ~ mean / variance; a name that may not have it gives way to the others in these proportions.
    matrix = np.diag([1.0, 2.0, 4.0]) * 1e-4
    free = ratio(matrix, [1.0, 1.0, 1.0], upper=[1.0, 1.0, 1.0])
    np.testing.assert_allclose(free.weights, np.array([4.0, 2.0, 1.0]) / 7.0, atol=1e-9)
    assert free.outcome.startswith("solved, iterations: ")
    half = ratio(matrix, [1.0, 1.0, 1.0], upper=[1.0, 1.0, 1.0], total=0.5)
    np.testing.assert_allclose(half.weights, np.array([4.0, 2.0, 1.0]) / 14.0, atol=1e-9)


def test_caps_of_the_best_ratio_hold_and_bind():
    # Equal means: the ratio is best where the variance is least.
    matrix = np.diag([1.0, 1.0, 2.0, 4.0]) * 1e-4
    got = ratio(matrix, [1.0] * 4, upper=[1.0] * 4, groups=[[1, 1, 0, 0]], cap=0.4)
    np.testing.assert_allclose(got.weights, [0.2, 0.2, 0.4, 0.2], atol=1e-8)
    single = ratio(matrix, [1.0] * 4, upper=[0.1, 1.0, 1.0, 1.0])
    np.testing.assert_allclose(single.weights, [0.1, *(0.9 * np.array([4.0, 2.0, 1.0]) / 7.0)], atol=1e-8)


def test_a_ratio_that_cannot_be_positive_is_refused():
    got = ratio(np.eye(2), [-1.0, -2.0], upper=[1.0, 1.0])
    assert got.weights is None
    assert "Infeasible" in got.outcome
    assert ratio(np.array([[1.0, 2.0], [2.0, 1.0]]), [1.0, 1.0], upper=[1.0, 1.0]) == (
        None,
        "covariance is not positive definite",
    )
