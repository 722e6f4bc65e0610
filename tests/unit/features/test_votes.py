"""What is equal, where votes stand, and how they are counted."""

import numpy as np
import pytest

from tvquant.features.moving_averages import TILE
from tvquant.features.votes import MISSING, TOLERANCE, greater, placed, tally

NAN = np.nan


def test_values_within_the_tolerance_are_equal():
    assert greater(1.0, 1.0 - 2.0 * TOLERANCE)
    assert not greater(1.0, 1.0 - 0.5 * TOLERANCE)
    assert not greater(1.0, 1.0)
    assert not greater(NAN, 1.0)
    assert not greater(1.0, NAN)


def test_votes_of_bars_go_to_the_rows_of_the_bars():
    close = np.array([[9.0, 9.0], [1.0, NAN], [NAN, 2.0], [3.0, NAN]])
    votes = np.array([[[1, 0, -1], [0, 0, 1]]], np.int8)  # the last of three bars is the newest
    out = np.empty((3, 2, 1), np.int8)
    placed(votes, close, out)
    assert out[..., 0].tolist() == [[0, MISSING], [MISSING, 1], [-1, MISSING]]


@pytest.mark.parametrize("rows", [1, TILE - 1, TILE, TILE + 1, 3 * TILE + 5])
def test_many_rows_are_moved_as_one_by_one(rows):
    draw = np.random.default_rng(rows)
    close = np.where(draw.random((rows + 3, 4)) < 0.3, NAN, 1.0)
    votes = draw.integers(-1, 2, (5, 4, rows)).astype(np.int8)
    out = np.empty((rows, 4, 5), np.int8)
    placed(votes, close, out)
    for j in range(4):
        bars = np.flatnonzero(~np.isnan(close[3:, j]))
        expected = np.full((rows, 5), MISSING)
        expected[bars] = votes[:, j, rows - len(bars) :].T
        assert np.array_equal(out[:, j], expected)


def test_missing_votes_leave_the_sum_and_the_count():
    votes = np.array([[[1, MISSING, -1, 1]], [[MISSING] * 4]], np.int8)
    assert [tally(votes, t, 0) for t in range(2)] == [(1, 3), (0, 0)]
