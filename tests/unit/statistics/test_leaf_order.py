"""The best order of leaves: against every order there is, against scipy's, and ties."""

from itertools import product

import numpy as np
import pytest
from scipy.cluster.hierarchy import is_valid_linkage, leaves_list, linkage, optimal_leaf_ordering
from scipy.spatial.distance import pdist, squareform

from tvquant.statistics.leaf_order import with_best_order

METHODS = ("ward", "average", "single")
"""Single linkage makes chains: one name joins after the other."""


def points(k, seed=0):
    return pdist(np.random.default_rng((k, seed)).standard_normal((k, 3)))


def length(merges, square):
    leaves = leaves_list(merges)
    return float(square[leaves[1:], leaves[:-1]].sum())


def every_length(merges, square):
    """Of all ways to turn the nodes."""
    for turns in product((False, True), repeat=len(merges)):
        turned = merges.copy()
        turned[list(turns), :2] = merges[list(turns), 1::-1]
        yield length(turned, square)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("k", "seed"), [(2, 0), (3, 0), (4, 0), *((k, seed) for k in (5, 7) for seed in range(4))])
def test_no_order_is_shorter(k, seed, method):
    square = squareform(points(k, seed))
    merges = linkage(points(k, seed), method)
    assert length(with_best_order(merges, square), square) == pytest.approx(
        min(every_length(merges, square)), rel=1e-12
    )


@pytest.mark.parametrize("method", METHODS)
def test_it_is_never_longer_than_that_of_scipy_and_the_same_where_that_is_best(method):
    same = shorter = 0
    for k, seed in product((5, 9, 40), range(8)):
        condensed = points(k, seed)
        square, merges = squareform(condensed), linkage(condensed, method)
        own, scipys = with_best_order(merges, square), optimal_leaf_ordering(merges, condensed)
        if length(scipys, square) <= length(own, square) + 1e-6:  # scipy adds in single precision
            assert leaves_list(own).tolist() == leaves_list(scipys).tolist()
            same += 1
        else:
            shorter += 1
        assert length(own, square) <= length(scipys, square) + 1e-12
    assert same > 0
    assert shorter > 0


@pytest.mark.parametrize("method", METHODS)
def test_it_is_the_same_tree_and_what_was_given_is_untouched(method):
    condensed = points(30)
    square, merges = squareform(condensed), linkage(condensed, method)
    before = square.copy(), merges.copy()
    square.flags.writeable = merges.flags.writeable = False
    found = with_best_order(merges, square)
    assert is_valid_linkage(found)
    np.testing.assert_array_equal(np.sort(found[:, :2]), np.sort(merges[:, :2]))
    np.testing.assert_array_equal(found[:, 2:], merges[:, 2:])
    np.testing.assert_array_equal(found[-1], merges[-1])  # or the order would have a mirror
    np.testing.assert_array_equal(square, before[0])
    np.testing.assert_array_equal(merges, before[1])


def test_of_equal_orders_it_is_that_of_the_linkage():
    square = np.ones((12, 12)) - np.eye(12)
    merges = linkage(squareform(square), "average")
    np.testing.assert_array_equal(with_best_order(merges, square), merges)


def test_ties_do_not_hang_on_what_came_before():
    condensed = points(40).round(0) + 1.0
    square, merges = squareform(condensed), linkage(condensed, "average")
    first = with_best_order(merges, square)
    with_best_order(linkage(points(40, 1), "ward"), squareform(points(40, 1)))
    np.testing.assert_array_equal(with_best_order(merges, square), first)
