"""What is equal, and how votes are counted."""

import numpy as np

from tvquant.features import votes as kernels
from tvquant.features.votes import MISSING, TOLERANCE, tally

NAN = np.nan


def test_values_within_the_tolerance_are_equal():
    """A share of a hundred percent, or of the price that values are measured by."""
    greater, dearer = kernels.greater.py_func, kernels.dearer.py_func
    for one in (lambda a, b: greater(100.0 * a, 100.0 * b), lambda a, b: dearer(3e-9 * a, 3e-9 * b, 3e-9)):
        assert one(1.0, 1.0 - 2.0 * TOLERANCE)
        assert not one(1.0, 1.0 - 0.5 * TOLERANCE)
        assert not one(1.0, 1.0)
        assert not one(NAN, 1.0)
        assert not one(1.0, NAN)


def test_missing_votes_leave_the_sum_and_the_count():
    votes = np.array([[1, MISSING, -1, 1], [MISSING] * 4], np.int8).T[None, :, :, None].copy()
    assert tally(votes).tolist() == [[[[1], [0]], [[3], [0]]]]
