"""Maximum Sharpe ratio: closed forms, search on a grid, scipy, and means that allow no answer."""

from dataclasses import replace

import numpy as np
import pytest

from builders.problems import covariance_of, limits, problem_of
from tvquant.allocation import allocate
from tvquant.allocation.caps import feasible_set
from tvquant.allocation.engines.custom.max_sharpe import highest_mean
from tvquant.allocation.engines.custom.programs import Region
from tvquant.core.allocations import Status


def problem(matrix, means, *, clusters=None, position=1.0, cluster=1.0, gross=1.0):
    caps = limits(gross=gross, position=position, cluster=cluster)
    return problem_of(covariance_of(matrix, means), clusters=clusters, limits=caps)


def random_problem(n, seed=0, **limits):
    rng = np.random.default_rng((seed, n))
    x = rng.normal(0.0, 0.01, (120, 1)) * rng.uniform(0.3, 1.7, n) + rng.normal(0.0, 0.01, (120, n))
    return problem(np.cov(x.T), rng.normal(4e-4, 6e-4, n), **limits)


def solved(given):
    got = allocate(given, engine="custom", risk_profile="max_sharpe")
    assert got.status is Status.SOLVED
    return np.array(list(got.weights.values()))


def ratio(given, weights):
    c = given.covariance
    return (weights @ c.means) / np.sqrt(np.einsum("...i,ij,...j", weights, c.matrix, weights))


@pytest.mark.requirement("R-RSK-06")
def test_the_tangency_portfolio_in_closed_form():
    matrix = np.array([[4.0, 1.0, 0.5], [1.0, 9.0, 1.0], [0.5, 1.0, 16.0]]) * 1e-4
    weights = np.array([0.5, 0.3, 0.2])
    # Means proportional to S w make w the tangency portfolio.
    np.testing.assert_allclose(solved(problem(matrix, matrix @ weights)), weights, atol=1e-8)
    np.testing.assert_allclose(solved(problem(matrix, 7.0 * matrix @ weights, gross=0.5)), weights / 2, atol=1e-8)


def test_uncorrelated_names_in_closed_form():
    variance, means = np.array([1.0, 2.0, 4.0]), np.array([1.0, -1.0, 2.0])
    np.testing.assert_allclose(solved(problem(np.diag(variance), means)), [2 / 3, 0.0, 1 / 3], atol=1e-8)


GRID = np.array([(i, j, 200 - i - j) for i in range(201) for j in range(201 - i)]) / 200.0


@pytest.mark.requirement("R-RSK-06")
@pytest.mark.parametrize(
    ("means", "clusters", "position", "cluster"),
    [
        pytest.param([5e-4, 3e-4, 2e-4], (0, 1, 2), 1.0, 1.0, id="free"),
        pytest.param([9e-4, 1e-4, 2e-4], (0, 1, 2), 0.5, 0.5, id="position cap"),
        pytest.param([9e-4, 6e-4, 1e-4], (0, 0, 1), 0.8, 0.6, id="cluster cap"),
        pytest.param([9e-4, -1e-4, -2e-4], (0, 1, 2), 0.5, 0.5, id="one positive mean, others forced in"),
        pytest.param([1e-6, -5e-7, 1e-3], (0, 1, 2), 0.5, 0.5, id="means of three sizes"),
    ],
)
def test_no_book_on_a_grid_is_better(means, clusters, position, cluster):
    matrix = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 1.0], [0.5, 1.0, 6.0]]) * 1e-4
    given = problem(matrix, means, clusters=clusters, position=position, cluster=cluster)
    sums = np.stack([GRID[:, np.array(clusters) == c].sum(axis=1) for c in set(clusters)], axis=1)
    feasible = GRID[(GRID.max(axis=1) <= position + 1e-12) & (sums.max(axis=1) <= cluster + 1e-12)]
    assert len(feasible) > 50
    weights = solved(given)
    best = ratio(given, feasible)
    assert ratio(given, weights) >= best.max() - 1e-12
    assert np.abs(feasible[best.argmax()] - weights).max() < 0.01


@pytest.mark.parametrize("seed", range(4))
def test_scipy_finds_the_same_under_group_caps(seed):
    from scipy.optimize import minimize

    clusters = (0, 0, 0, 1, 1, 2, 3, 4)
    given = random_problem(8, seed, clusters=clusters, position=0.2, cluster=0.3)
    groups = [np.array(clusters) == c for c in range(5)]
    constraints = [{"type": "eq", "fun": lambda w: w.sum() - 1.0}]
    constraints += [{"type": "ineq", "fun": lambda w, g=g: 0.3 - w[g].sum()} for g in groups]
    found = minimize(
        lambda w: -ratio(given, w),
        np.full(8, 0.125),
        method="SLSQP",
        bounds=[(0.0, 0.2)] * 8,
        constraints=constraints,
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    weights = solved(given)
    assert ratio(given, weights) >= -found.fun - 1e-10
    np.testing.assert_allclose(weights, found.x, atol=1e-5)


@pytest.mark.requirement("R-RSK-06")
def test_units_of_means_and_covariance_do_not_matter():
    given = random_problem(20, position=0.25, cluster=0.25)
    plain, c = solved(given), given.covariance
    for of_means, of_matrix in ((1e-6, 1.0), (252.0, 252.0), (1e4, 1e-8)):
        scaled = replace(given, covariance=replace(c, means=c.means * of_means, matrix=c.matrix * of_matrix))
        np.testing.assert_allclose(solved(scaled), plain, atol=1e-8)


@pytest.mark.parametrize(
    ("means", "outcome"),
    [
        ([-1e-4, 0.0, -2e-4, -1e-3], "no name has a positive expected return"),
        ([1e-4, -2e-4, -2e-4, -1e-3], "no book within the caps has a positive expected return"),
    ],
)
def test_without_a_positive_expected_return_there_is_no_answer(means, outcome):
    given = problem(np.eye(4) * 1e-4, means, position=0.25, cluster=0.25)
    got = allocate(given, engine="custom", risk_profile="max_sharpe")
    assert got.status is Status.FAILED
    assert [(a.what, a.outcome) for a in got.attempts] == [("max_sharpe: means", outcome)]
    other = allocate(given, engine="custom", risk_profile="max_sharpe", fallbacks=("min_variance",))
    assert (other.status, other.risk_profile) == (Status.FELL_BACK, "min_variance")


@pytest.mark.requirement("R-RSK-24")
def test_the_budget_is_spent_and_no_more_than_caps_allow():
    three = problem(np.eye(3) * 1e-4, [1e-3, -1e-5, 1e-6], position=0.25, cluster=0.25)
    np.testing.assert_allclose(solved(three), [0.25] * 3, atol=1e-9)
    shared = problem(np.eye(4) * 1e-4, [4e-4, 2e-4, 1e-4, 1e-4], clusters=(0, 0, 1, 1), position=0.25, cluster=0.3)
    weights = solved(shared)
    np.testing.assert_allclose([weights[:2].sum(), weights[2:].sum()], [0.3, 0.3], atol=1e-9)


def test_the_highest_mean_fills_the_best_first():
    given = problem(np.eye(4), [4.0, 3.0, 2.0, -1.0], clusters=(0, 0, 1, 1), position=0.4, cluster=0.5)
    assert highest_mean(given.covariance.means, Region.of(feasible_set(given))) == pytest.approx(
        0.4 * 4.0 + 0.1 * 3.0 + 0.4 * 2.0 - 0.1 * 1.0, rel=1e-9
    )


def test_a_net_limit_binds_the_highest_mean_too():
    """Four longs of high mean, four shorts of low: half of each within a net of 0."""
    means = np.repeat([4e-4, 1e-4], 4)
    given = problem_of(
        covariance_of(np.eye(8) * 1e-4, means), limits=limits(net=(0.0, 0.0)), signs=np.repeat([1.0, -1.0], 4)
    )
    assert highest_mean(means, Region.of(feasible_set(given))) == pytest.approx(2.5e-4, rel=1e-9)


def test_what_is_not_convex_gets_a_raised_ridge():
    given = problem([[1.0, 1.2], [1.2, 1.0]], [1.0, 1.0])
    got = allocate(given, engine="custom", risk_profile="max_sharpe")
    assert got.status is Status.FELL_BACK
    assert got.attempts[0].outcome == "covariance is not positive definite"
    assert got.attempts[-1].what == "max_sharpe: clarabel, ridge 0.50"
