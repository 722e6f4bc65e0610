"""Common moves are those that most names share; one name, however far it goes, makes none."""

import numpy as np
import pytest

from tvquant.statistics.common_moves import betas_on, component_move, loadings_of, median_move

LOADS = np.array([0.5, 1.0, 1.5, 2.0, 3.0])


def drawn(rows: int = 200, noise: float = 0.002, seed: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    factor = rng.normal(0.0, 0.01, rows)
    return factor, factor[:, None] * LOADS + rng.normal(0.0, noise, (rows, len(LOADS)))


def test_the_median_is_of_names_that_moved() -> None:
    moves = np.array([[0.01, 0.02, 0.9], [np.nan, 0.02, 0.04], [np.nan] * 3])
    assert median_move(moves) == pytest.approx([0.02, 0.03, 0.0])


def test_slopes_are_those_of_least_squares_on_the_rows_that_a_name_has() -> None:
    factor, moves = drawn()
    moves[50:80, 1] = np.nan
    moves[19:, 4] = np.nan
    found = betas_on(moves, factor)
    for j, rows in ((0, slice(None)), (1, np.r_[0:50, 80:200])):
        assert found[j] == pytest.approx(np.polyfit(factor[rows], moves[rows, j], 1)[0])
    assert found[4] == 1.0, "19 rows tell nothing"
    assert (betas_on(moves, np.zeros(200)) == 1.0).all()


def test_the_component_is_told_by_most_names_and_not_by_one_that_leaps() -> None:
    factor, moves = drawn()
    loads = loadings_of(moves[:150])
    assert loads is not None
    assert loads / loads[1] == pytest.approx(LOADS, rel=0.1)
    later, true = moves[150:].copy(), factor[150:] / loads[1]
    later[:, 0] = 0.9
    later[3, 2] = np.nan
    assert component_move(later, loads) == pytest.approx(true, abs=0.15 * true.std() * 3)
    least = np.linalg.lstsq(loads[:, None], np.nan_to_num(later).T, rcond=None)[0][0]
    assert np.abs(least - true).mean() > 5 * np.abs(component_move(later, loads) - true).mean()


def test_the_least_sum_of_absolute_rests_is_found() -> None:
    rng = np.random.default_rng(0)
    moves, loads = rng.normal(size=(30, 5)), rng.normal(size=5)
    found = component_move(moves, loads)
    rests = np.abs(moves - found[:, None] * loads).sum(axis=1)
    for other in (found - 0.01, found + 0.01):
        assert (np.abs(moves - other[:, None] * loads).sum(axis=1) >= rests).all()


def test_names_that_tell_nothing_load_nothing() -> None:
    _, moves = drawn()
    moves[:, 0] = 0.0
    moves[19:, 1] = np.nan
    found = loadings_of(moves)
    assert found is not None
    assert found[:2].tolist() == [0.0, 0.0]
    assert found.sum() > 0.0
    moves[:, 2] = np.nan
    assert loadings_of(moves) is None, "two names cannot outvote one"
    assert component_move(np.full((2, 5), np.nan), found).tolist() == [0.0, 0.0]
