"""Where values of blocks stand, and by how many threads they are made."""

import threading

import numba
import numpy as np
import pytest

from tvquant.features.tiles import LANES, TILE, Tile, by_tiles, placed
from tvquant.features.votes import MISSING

NAN = np.nan


def test_votes_of_bars_go_to_the_rows_of_the_bars():
    close = np.array([[9.0, 9.0], [1.0, NAN], [NAN, 2.0], [3.0, NAN]])
    votes = np.array([[[[1, 0], [0, 0], [-1, 1]]]], np.int8)  # the last of three bars is the newest
    out = np.empty((1, 3, 2), np.int8)
    placed(votes, Tile(close, 0, 2, 2), MISSING, out)
    assert out[0].tolist() == [[0, MISSING], [MISSING, 1], [-1, MISSING]]


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3])
def test_many_rows_are_moved_as_one_by_one(share):
    """Seven names from the second column on in blocks of three, of the last of which two lanes are idle."""
    draw = np.random.default_rng(1)
    close = np.where(draw.random((63, 9)) < share, NAN, 1.0)
    votes = draw.integers(-1, 2, (3, 5, 60, 3)).astype(np.int8)
    out = np.full((5, 60, 9), 7, np.int8)
    placed(votes, Tile(close, 1, 8, 3), MISSING, out)
    for j in range(7):
        bars = np.flatnonzero(~np.isnan(close[3:, j + 1]))
        expected = np.full((5, 60), MISSING)
        expected[:, bars] = votes[j // 3, :, 60 - len(bars) :, j % 3]
        assert np.array_equal(out[:, :, j + 1], expected)
    assert (out[:, :, [0, 8]] == 7).all()


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_any_number_of_threads_does_each_tile_once(threads, monkeypatch):
    monkeypatch.setitem(vars(numba.config), "NUMBA_NUM_THREADS", threads)
    draw, workers = np.random.default_rng(2), set()
    close, names = np.ones((3, 2 * TILE + 7)), 2 * TILE + 7
    votes = draw.integers(-1, 2, (1, 3, names)).astype(np.int8)

    def work(tile):
        workers.add(threading.get_ident())
        cut = np.zeros((1, 3, -(-(tile.end - tile.begin) // LANES) * LANES), np.int8)
        cut[..., : tile.end - tile.begin] = votes[..., tile.begin : tile.end]
        return np.ascontiguousarray(cut.reshape(1, 3, -1, LANES).transpose(2, 0, 1, 3))

    assert np.array_equal(by_tiles(close, 3, 1, MISSING, work), votes)
    assert (threading.get_ident() in workers) == (threads == 1)


def test_a_fault_in_a_thread_is_told(monkeypatch):
    monkeypatch.setitem(vars(numba.config), "NUMBA_NUM_THREADS", 2)

    def work(tile):
        raise ValueError(str(tile.begin))

    with pytest.raises(ValueError, match=r"^0$"):
        by_tiles(np.ones((3, 2 * TILE)), 3, 1, MISSING, work)
