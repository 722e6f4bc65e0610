"""Weights of a library are believed as far as they keep the limits."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

from builders.problems import HOUSE, covariance_of, problem_of
from tvquant.allocation.caps import feasible_set
from tvquant.allocation.engines.library_answers import looked_at, scaled, scaled_means, silence

FEASIBLE = feasible_set(problem_of(covariance_of(np.eye(6)), clusters=[0, 0, 1, 2, 3, 4]))
KEPT = np.array([0.1, 0.1, 0.2, 0.2, 0.2, 0.2])


def test_weights_that_keep_the_limits_are_as_they_are():
    assert looked_at(KEPT, "optimal", FEASIBLE).weights.tolist() == KEPT.tolist()
    assert looked_at(KEPT, "optimal_inaccurate", FEASIBLE).outcome == "solved, to a gap of 1e-07"


@pytest.mark.parametrize("by", [1e-9, 3e-8])
@pytest.mark.parametrize(
    "moved",
    [
        pytest.param([0.15, 0.1, 0.15, 0.2, 0.2, 0.2], id="row"),
        pytest.param([0.0, 0.0, 0.25, 0.25, 0.25, 0.25], id="upper"),
        pytest.param([0.0, 0.25, 0.15, 0.2, 0.2, 0.2], id="zero"),
        pytest.param([0.1, 0.1, 0.2, 0.2, 0.2, 0.2], id="budget"),
    ],
)
def test_a_limit_missed_by_rounding_is_kept_and_by_more_is_no_answer(moved, by):
    step = np.array([-by, by, by, -by, 0.0, 0.0]) if moved[0] == 0.0 else np.array([by, 0.0, -by, 0.0, 0.0, 0.0])
    step = np.array([0.0, 0.0, by, 0.0, 0.0, 0.0]) if moved == KEPT.tolist() else step
    got = looked_at(np.array(moved) + step, "optimal", FEASIBLE)
    if by > 1e-8:
        assert got.weights is None
        assert got.outcome == "optimal, but a limit is missed by 3.0e-08, expected 1e-08"
        return
    assert got.weights == pytest.approx(moved, abs=3e-9)
    assert (got.weights >= 0.0).all()
    assert (got.weights <= FEASIBLE.upper).all()
    assert got.weights.sum() <= 1.0 + 1e-15
    assert (FEASIBLE.rows @ got.weights <= FEASIBLE.bounds + 1e-15).all()


@pytest.mark.parametrize(
    ("raw", "status", "outcome"),
    [
        (None, "infeasible", "infeasible"),
        (KEPT, "user_limit", "user_limit"),
        (replace, "optimal", "optimal, but not every weight is a finite number"),
    ],
)
def test_what_is_no_solution_is_none(raw, status, outcome):
    raw = np.where(KEPT > 0.15, np.nan, KEPT) if raw is replace else raw
    assert looked_at(raw, status, FEASIBLE)[:2] == (None, outcome)


def test_scale_and_silence():
    assert np.trace(scaled(np.diag([1e-4, 3e-4]))) == pytest.approx(2.0, abs=1e-15)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with silence():
            warnings.warn("of a library", UserWarning, stacklevel=1)
        warnings.warn("ours", UserWarning, stacklevel=1)
    assert [str(one.message) for one in seen] == ["ours"]


def test_the_house_limits_are_those_that_are_tested():
    assert (HOUSE.position, FEASIBLE.budget, FEASIBLE.rows.tolist()) == (0.25, 1.0, [[1.0, 1.0, 0.0, 0.0, 0.0, 0.0]])


def test_means_are_scaled_to_the_largest_of_them_and_none_stay_none():
    assert scaled_means(np.array([-4e-4, 2e-4])).tolist() == [-1.0, 0.5]
    assert scaled_means(np.zeros(2)).tolist() == [0.0, 0.0]
