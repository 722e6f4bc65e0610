"""Stress windows and who survived them, against plain loops and by hand."""

import math

import numpy as np
import pytest

from tvquant.core.errors import ModelError
from tvquant.statistics import stress_windows, survived

pytestmark = pytest.mark.requirement("R-FEA-11")


def compounded(moves):
    return math.prod(1.0 if math.isnan(move) else max(0.0, 1.0 + move) for move in moves)


def worst_by_loop(pool, rows, share):
    worth = [compounded(pool[start : start + rows]) for start in range(len(pool) - rows + 1)]
    limit = sorted(worth)[max(1, math.ceil(share * len(worth))) - 1]
    return [start for start, value in enumerate(worth) if value <= limit]


@pytest.mark.parametrize("length", [20, 21, 60, 259])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_worst_windows_are_those_of_a_plain_loop(length, seed):
    pool = np.random.default_rng(seed).normal(0.0, 0.03, length)
    pool[length // 2] = np.nan
    found = stress_windows(pool)
    assert found.tolist() == worst_by_loop(pool.tolist(), 20, 0.05)
    assert len(found) == max(1, math.ceil(0.05 * (length - 19)))


def test_a_crash_is_in_every_stress_window():
    pool = np.full(200, 0.001)
    pool[100] = -0.5
    assert stress_windows(pool, share=0.1).tolist() == list(range(81, 101))  # equal ones are all as bad


def test_short_pools_have_no_window_and_losing_all_is_the_worst():
    assert stress_windows(np.zeros(19)).tolist() == []
    pool = np.zeros(40)
    pool[30] = -7.0
    pool[5] = -0.9
    assert stress_windows(pool, rows=2).tolist() == [29, 30]


@pytest.mark.parametrize(("share", "rows"), [(0.0, 20), (1.1, 20), (math.nan, 20), (0.05, 0)])
def test_impossible_windows_are_refused(share, rows):
    with pytest.raises(ModelError, match="stress windows: expected a share"):
        stress_windows(np.zeros(50), share=share, rows=rows)


def test_survival_by_hand():
    returns = np.zeros((60, 7))
    returns[5, 1] = -0.5  # half is lost
    returns[5, 2] = -0.49
    returns[5, 3] = np.nan  # not traded throughout
    returns[:21, 4] = np.nan  # listed after the first window began
    returns[:41, 5] = np.nan  # after all
    returns[[0, 19], 6] = -0.3  # 0.49 is left
    found = survived(returns, np.array([0, 20, 40]))
    assert found.tolist() == pytest.approx([1.0, 2 / 3, 1.0, 2 / 3, 1.0, 1.0, 2 / 3])


def test_what_is_listed_within_a_window_is_not_tested_by_it():
    returns = np.zeros((40, 2))
    returns[:1] = np.nan
    returns[10, 1] = -0.9
    assert survived(returns, np.array([0])).tolist() == [1.0, 1.0]
    assert survived(returns, np.array([1])).tolist() == [1.0, 0.0]
    assert survived(returns, np.array([], np.intp)).tolist() == [1.0, 1.0]


def test_survival_against_a_plain_loop():
    draw = np.random.default_rng(4)
    returns = draw.standard_t(3, (150, 30)) * 0.08
    returns[draw.random(returns.shape) < 0.002] = np.nan
    for j in range(0, 30, 3):
        returns[: draw.integers(1, 120), j] = np.nan
    starts = stress_windows(np.nanmean(returns, axis=1), share=0.2)
    for j, found in enumerate(survived(returns, starts)):
        column = returns[:, j].tolist()
        first = next(t for t, value in enumerate(column) if not math.isnan(value))
        windows = [column[s : s + 20] for s in starts if s >= first]
        good = [w for w in windows if not any(map(math.isnan, w)) and compounded(w) > 0.5]
        assert found == pytest.approx(len(good) / len(windows) if windows else 1.0)
    assert 0.0 < survived(returns, starts).min() < 1.0
