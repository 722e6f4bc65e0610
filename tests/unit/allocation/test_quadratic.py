"""The solvers on one footing: closed forms, hand-made optimality, each other, and answers that are not believed."""

import numpy as np
import pytest

from tvquant.allocation.engines.custom import quadratic
from tvquant.allocation.engines.custom.programs import Answer, Failure, Region
from tvquant.allocation.engines.custom.quadratic import PROGRAMS, best_ratio, least_variance
from tvquant.statistics.covariance import estimate

SOLVERS = pytest.mark.parametrize("solver", sorted(PROGRAMS))


def covariance(n, rows, seed=0, *, noise=0.01):
    rng = np.random.default_rng(seed)
    market = rng.normal(0.0, 0.01, (rows, 1))
    return estimate(market * rng.uniform(0.3, 1.7, n) + rng.normal(0.0, noise, (rows, n))).matrix


def region(upper, total=1.0, groups=(), cap=1.0):
    n = len(upper)
    return Region(
        np.zeros(n), np.array(upper), total, np.array(groups, dtype=float).reshape(-1, n), np.full(len(groups), cap)
    )


def solve(solver, matrix, upper, total=1.0, groups=(), cap=1.0):
    return least_variance(region(upper, total, groups, cap))[solver](np.asarray(matrix))


def ratio(solver, matrix, means, *, upper, total=1.0, groups=(), cap=1.0):
    return best_ratio(np.array(means), region(upper, total, groups, cap))[solver](matrix)


def assert_optimal(matrix, weights, upper, total):
    """The conditions of Karush, Kuhn and Tucker, from the definition."""
    assert weights.sum() == pytest.approx(total, abs=1e-12)
    assert (weights >= 0.0).all()
    assert (weights <= upper + 1e-12).all()
    slope = matrix @ weights / np.trace(matrix) * len(matrix)
    can_rise, can_fall = weights < upper - 1e-12, weights > 1e-12
    assert slope[can_fall].max() <= slope[can_rise].min() + 1e-10  # no transfer between two names lowers the variance


@SOLVERS
def test_two_names_in_closed_form(solver):
    matrix = np.array([[4e-4, 1e-4], [1e-4, 9e-4]])
    first = (9e-4 - 1e-4) / (4e-4 + 9e-4 - 2e-4)
    np.testing.assert_allclose(solve(solver, matrix, np.ones(2)).weights, [first, 1.0 - first], atol=1e-9)


@SOLVERS
def test_binding_bounds_in_closed_form(solver):
    # The first name is cut to .3; the second would be short without its bound; the rest goes to the third.
    matrix = np.array([[1.0, 2.5, 0.0], [2.5, 9.0, 3.0], [0.0, 3.0, 4.0]]) * 1e-4
    got = solve(solver, matrix, [0.3, 1.0, 1.0])
    np.testing.assert_allclose(got.weights, [0.3, 0.0, 0.7], atol=1e-9)
    assert got.outcome.startswith("solved, iterations: ")


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("n", "rows"), [(5, 60), (20, 252), (100, 60)])
@pytest.mark.parametrize("cap", [1.0, 0.25])
def test_optimal_and_equal_to_each_other(n, rows, seed, cap):
    matrix, upper = covariance(n, rows, seed), np.full(n, cap)
    got = solve("daqp", matrix, upper).weights
    assert_optimal(matrix, got, upper, 1.0)
    other = solve("clarabel", matrix, upper).weights
    assert other @ matrix @ other == pytest.approx(got @ matrix @ got, rel=1e-9)
    np.testing.assert_allclose(other, got, atol=1e-6)


@SOLVERS
@pytest.mark.parametrize(("n", "total"), [(4, 1.0), (3, 0.75), (1, 0.25)])
def test_every_name_at_its_cap(solver, n, total):
    upper = np.full(n, 0.25)
    np.testing.assert_allclose(solve(solver, covariance(n, 60), upper, total).weights, upper, atol=1e-9)


@pytest.mark.parametrize("noise", [0.01, 1e-4])
def test_a_vertex_is_an_answer(noise):
    # Near-collinear names: the least volatile four stand at their caps and no name is free.
    matrix, upper = covariance(8, 252, 1, noise=noise), np.full(8, 0.25)
    assert_optimal(matrix, solve("daqp", matrix, upper).weights, upper, 1.0)


def test_room_for_hardly_more_than_the_budget_among_collinear_names():
    matrix, upper = covariance(100, 60, noise=3e-4), np.full(100, 0.0101)
    assert_optimal(matrix, solve("daqp", matrix, upper).weights, upper, 1.0)


@SOLVERS
def test_what_is_not_convex_is_refused(solver):
    matrix = np.array([[1.0, 2.0], [2.0, 1.0]]) * 1e-4  # equal weights are its saddle, either name alone its minimum
    refused = (None, "covariance is not positive definite", False)
    assert solve(solver, matrix, np.ones(2)) == refused
    assert ratio(solver, matrix, [1.0, 1.0], upper=[1.0, 1.0]) == refused
    solvers = least_variance(region([1.0, 1.0]))
    np.testing.assert_allclose(solvers[solver](matrix + 2e-4 * np.eye(2)).weights, [0.5, 0.5], atol=1e-9)


@SOLVERS
def test_what_is_infeasible_is_refused(solver):
    got = solve(solver, np.eye(2), np.full(2, 0.25))
    assert got.weights is None
    assert got.infeasible
    assert ratio(solver, np.eye(2), [-1.0, -2.0], upper=[1.0, 1.0]).infeasible


@SOLVERS
def test_group_caps_hold_and_bind(solver):
    matrix = np.diag([1.0, 1.0, 2.0, 4.0]) * 1e-4
    got = solve(solver, matrix, np.ones(4), groups=[[1, 1, 0, 0]], cap=0.4).weights
    np.testing.assert_allclose(got, [0.2, 0.2, 0.4, 0.2], atol=1e-8)  # inverse variance on either side of the cap


@SOLVERS
def test_units_of_the_covariance_do_not_matter(solver):
    matrix, upper = covariance(20, 252), np.full(20, 0.25)
    plain = solve(solver, matrix, upper).weights
    for factor in (1e-8, 252.0, 1e8):
        np.testing.assert_allclose(solve(solver, matrix * factor, upper).weights, plain, atol=1e-9)


@SOLVERS
def test_the_best_ratio_of_uncorrelated_names_in_closed_form(solver):
    # Without bounds w ~ mean / variance; a name that may not have it gives way to the others in these proportions.
    matrix = np.diag([1.0, 2.0, 4.0]) * 1e-4
    free = ratio(solver, matrix, [1.0, 1.0, 1.0], upper=[1.0, 1.0, 1.0])
    np.testing.assert_allclose(free.weights, np.array([4.0, 2.0, 1.0]) / 7.0, atol=1e-9)
    half = ratio(solver, matrix, [1.0, 1.0, 1.0], upper=[1.0, 1.0, 1.0], total=0.5)
    np.testing.assert_allclose(half.weights, np.array([4.0, 2.0, 1.0]) / 14.0, atol=1e-9)


@SOLVERS
def test_caps_of_the_best_ratio_hold_and_bind(solver):
    # Equal means: the ratio is best where the variance is least.
    matrix = np.diag([1.0, 1.0, 2.0, 4.0]) * 1e-4
    got = ratio(solver, matrix, [1.0] * 4, upper=[1.0] * 4, groups=[[1, 1, 0, 0]], cap=0.4)
    np.testing.assert_allclose(got.weights, [0.2, 0.2, 0.4, 0.2], atol=1e-8)
    single = ratio(solver, matrix, [1.0] * 4, upper=[0.1, 1.0, 1.0, 1.0])
    np.testing.assert_allclose(single.weights, [0.1, *(0.9 * np.array([4.0, 2.0, 1.0]) / 7.0)], atol=1e-8)


@pytest.mark.parametrize(
    ("weights", "why"),
    [
        ([0.5, 0.5], "the least value is missed by a share of"),
        ([0.7, 0.2], "limits are missed by 1.0e-01, expected 1e-09"),
        ([1.2, -0.2], "limits are missed by 2.0e-01, expected 1e-09"),
    ],
)
def test_a_solver_that_is_wrong_is_not_believed(monkeypatch, weights, why):
    """The least variance of these is .8 and .2; the second solver's answer is taken."""
    level = 0.8e-4 / 2.5e-4

    def wrong(matrix, region, means):
        return Answer(np.array(weights), np.zeros(len(region.bounds)), level, 1)

    monkeypatch.setattr(quadratic, "PROGRAMS", {"daqp": wrong, "clarabel": PROGRAMS["clarabel"]})
    matrix = np.diag([1.0, 4.0]) * 1e-4
    got = solve("daqp", matrix, np.ones(2))
    assert got.weights is None
    assert got.outcome.startswith(why)
    np.testing.assert_allclose(solve("clarabel", matrix, np.ones(2)).weights, [0.8, 0.2], atol=1e-9)


def test_a_row_that_is_broken_is_seen_and_how_a_solver_ended_is_told(monkeypatch):
    monkeypatch.setattr(
        quadratic, "PROGRAMS", {"ends": lambda *_: Failure("cycling", False), "breaks": lambda *_: free}
    )
    free = Answer(np.array([0.8, 0.2]), np.zeros(1), 0.8e-4 / 2.5e-4, 1)
    matrix = np.diag([1.0, 4.0]) * 1e-4
    assert solve("ends", matrix, np.ones(2)) == (None, "cycling", False)
    assert solve("breaks", matrix, np.ones(2), groups=[[1, 0]], cap=0.79).outcome.startswith("limits are missed by 1.0")
    assert solve("breaks", matrix, np.ones(2), groups=[[1, 0]], cap=0.81).outcome == "solved, iterations: 1"
