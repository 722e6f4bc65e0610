"""Ward's linkage: scipy's to the last bit, ties, one pair, and what was given stays as it was."""

import numpy as np
import pytest
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import pdist, squareform

from tvquant.statistics.linkage import ward_linkage


@pytest.mark.parametrize("k", [2, 3, 17, 80])
@pytest.mark.parametrize("digits", [0, 1, 15])
def test_it_is_that_of_scipy(k, digits):
    points = np.random.default_rng(k).standard_normal((k, 4)).round(digits)  # rounded ones tie and fall together
    condensed = pdist(points)
    square = squareform(condensed)
    np.testing.assert_array_equal(ward_linkage(square), linkage(condensed, "ward"))
    np.testing.assert_array_equal(square, squareform(condensed))


def test_all_distances_alike():
    square = np.ones((12, 12)) - np.eye(12)
    square.flags.writeable = False
    np.testing.assert_array_equal(ward_linkage(square), linkage(squareform(square), "ward"))
