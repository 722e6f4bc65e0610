"""HRP against the method as Lopez de Prado wrote it down, and what caps and orders do to it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import squareform

from builders.problems import FREE, covariance_of, limits, problem_of
from tvquant.allocation import allocate
from tvquant.allocation.engines.custom.hrp import hrp_weights
from tvquant.core.allocations import Status
from tvquant.statistics import estimate


def covariance(n, rows=120, seed=0):
    rng = np.random.default_rng((seed, n))
    factors = rng.normal(0.0, 0.01, (rows, 3)) @ rng.normal(0.3, 0.7, (3, n))
    return estimate(factors + rng.normal(0.0, 1.0, (rows, n)) * rng.uniform(0.003, 0.02, n))


def leaves(merges, node, n):
    """Original items below a node of a linkage, left before right: the quasi-diagonal order."""
    if node < n:
        return [node]
    left, right = int(merges[node - n, 0]), int(merges[node - n, 1])
    return leaves(merges, left, n) + leaves(merges, right, n)


def shortest(merges, root, distance):
    """The shortest of the orders in which no branches cross, the first branch under the root first.

    By the definition: of each branch the shortest order for every pair of ends.
    """
    n = len(distance)

    def orders(node):
        if node < n:
            return {(node, node): (0.0, [node])}
        left, right = (orders(int(merges[node - n, side])) for side in (0, 1))
        found = {}
        for (i, k), (before, head) in left.items():
            for (m, j), (after, tail) in right.items():
                length = before + distance[k, m] + after
                if (i, j) not in found or length < found[i, j][0]:
                    found[i, j] = length, head + tail
        return found | {(j, i): (length, names[::-1]) for (i, j), (length, names) in found.items()}

    first = set(leaves(merges, int(merges[root - n, 0]), n))
    return min((one for (i, _), one in orders(root).items() if i in first), key=lambda one: one[0])[1]


def cluster_variance(matrix, items):
    part = matrix[np.ix_(items, items)]
    inverse = 1.0 / np.diag(part)
    weights = inverse / inverse.sum()
    return weights @ part @ weights


def lopez_de_prado(matrix):
    """The three stages of the paper's section on HRP, with Ward linkage and the shortest order of the leaves."""
    n = len(matrix)
    deviation = np.sqrt(np.diag(matrix))
    distance = np.sqrt(np.maximum(0.0, 0.5 * (1.0 - matrix / np.outer(deviation, deviation))))
    np.fill_diagonal(distance, 0.0)
    merges = linkage(squareform(distance, checks=False), method="ward")
    weights = np.ones(n)
    stretches = [shortest(merges, 2 * n - 2, distance)]
    while stretches:
        halves = []
        for stretch in stretches:
            if len(stretch) == 1:
                continue
            left, right = stretch[: len(stretch) // 2], stretch[len(stretch) // 2 :]
            of_left, of_right = cluster_variance(matrix, left), cluster_variance(matrix, right)
            share = 1.0 - of_left / (of_left + of_right)
            weights[left] *= share
            weights[right] *= 1.0 - share
            halves += [left, right]
        stretches = halves
    return weights


@pytest.mark.requirement("R-RSK-09")
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n", [2, 3, 5, 20, 40])
def test_weights_are_those_of_lopez_de_prado(n, seed):
    matrix = covariance(n, seed=seed).matrix
    np.testing.assert_allclose(hrp_weights(matrix), lopez_de_prado(matrix), rtol=0.0, atol=1e-10)


@pytest.mark.requirement("R-RSK-09")
def test_more_names_than_rows():
    matrix = covariance(60, rows=20).matrix
    np.testing.assert_allclose(hrp_weights(matrix), lopez_de_prado(matrix), rtol=0.0, atol=1e-10)


def test_one_and_two_names_in_closed_form():
    assert hrp_weights(np.array([[4e-4]])).tolist() == [1.0]
    np.testing.assert_allclose(hrp_weights(np.array([[1e-4, 1e-5], [1e-5, 4e-4]])), [0.8, 0.2], rtol=1e-14)


def test_twins_share_what_one_would_have():
    # Two pairs of near twins: each pair is a branch, and gets what inverse variance gives to two uncorrelated names.
    pair = np.array([[1.0, 0.999], [0.999, 1.0]])
    matrix = np.kron(np.eye(2), pair) * 1e-4
    matrix[2:, 2:] *= 3.0
    mixed = [0, 2, 1, 3]
    got = hrp_weights(matrix[np.ix_(mixed, mixed)])
    np.testing.assert_allclose(got, np.array([0.375, 0.125, 0.375, 0.125]), rtol=1e-13)


def test_an_allocation_is_these_weights_where_caps_are_slack():
    given = problem_of(covariance(20), limits=FREE)
    got = allocate(given, engine="custom", risk_profile="hrp")
    assert got.status is Status.SOLVED
    assert [(a.what, a.outcome) for a in got.attempts] == [("hrp: recursive_bisection", "solved")]
    expected = lopez_de_prado(given.covariance.matrix)
    np.testing.assert_allclose(list(got.weights.values()), expected, rtol=0.0, atol=1e-10)


@pytest.mark.parametrize("n", [3, 7, 20])
def test_the_order_of_names_does_not_matter(n):
    matrix = covariance(n).matrix
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(n)
        np.testing.assert_allclose(hrp_weights(matrix[np.ix_(order, order)]), hrp_weights(matrix)[order], rtol=1e-12)


@pytest.mark.requirement("R-RSK-10")
def test_caps_are_met_and_the_record_says_what_they_moved():
    given = problem_of(covariance(12), limits=limits(position=0.1, cluster=0.1))
    got = allocate(given, engine="custom", risk_profile="hrp")
    assert got.status is Status.SOLVED
    weights, bare = np.array(list(got.weights.values())), hrp_weights(given.covariance.matrix)
    moved = 50.0 * np.abs(weights - bare).sum()
    assert got.attempts[0].outcome == f"solved, projected onto the caps: {moved:.3g} % of the weights moved"
    assert moved > 1.0
    assert weights.max() == pytest.approx(0.1, abs=1e-12)
    below = weights < 0.1 - 1e-9
    np.testing.assert_allclose(np.ptp(weights[below] / bare[below]), 0.0, atol=1e-12)


@pytest.mark.parametrize(
    ("matrix", "outcome"),
    [
        ([[1.0, 5.0], [5.0, 1.0]], "a correlation of size 5 is above 1"),
        # Every pair is possible, all three are not: the two names of a branch hedge each other beyond zero.
        (np.array([[1.0, -1.0, -1.0], [-1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]]), "a branch has no positive variance"),
    ],
)
@pytest.mark.requirement("R-RSK-08")
def test_what_is_no_covariance_is_refused_and_on_record(matrix, outcome):
    given = replace(covariance_of(matrix), ridge=0.01)
    got = allocate(problem_of(given, limits=FREE), engine="custom", risk_profile="hrp")
    assert got.status is not Status.SOLVED
    assert got.attempts[0].outcome == outcome
    assert got.attempts[1].what == "hrp: recursive_bisection, ridge 0.15"
