"""Figures of decided books."""

import math

import numpy as np
import pytest

from builders.panels import panel_of
from tvquant.tournament.book_figures import concentration, dispersion, drift


def test_concentration_is_of_what_is_held_whatever_part_is_cash():
    assert concentration({"A": 0.5, "B": 0.5}) == pytest.approx(0.5)
    assert concentration({"A": 0.05, "B": -0.05}) == pytest.approx(0.5)
    assert concentration({"A": 0.6, "B": 0.2}) == pytest.approx(0.625)
    assert math.isnan(concentration({}))


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [
        ({}, {"A": 0.5}, 0.5),
        ({"A": 0.5}, {"A": 0.5}, 0.0),
        ({"A": 1.0}, {"B": 1.0}, 1.0),
        ({"A": 0.6, "B": 0.4}, {"A": 0.5, "C": 0.3}, 0.5),  # -.1, -.4, +.3, and cash +.2
        ({"A": -0.5}, {"A": 0.5}, 1.0),
    ],
)
def test_drift_is_half_of_all_that_moved_with_cash(before, after, moved):
    assert drift(before, after) == pytest.approx(moved, abs=1e-12)


def test_dispersion_is_of_names_with_a_close_at_both_ends_of_a_span():
    close = np.array([[10.0, 10.0, 10.0], [11.0, 9.0, 10.0], [22.0, 9.0, np.nan], [22.0, 18.0, 10.0]])
    found = dispersion(panel_of({"close": close}), np.array([0, 2]))
    assert found == pytest.approx([np.std([1.2, -0.1], ddof=1), np.std([0.0, 1.0], ddof=1)])
    assert np.isnan(dispersion(panel_of({"close": close[:, :1]}), np.array([0]))).all()
    assert np.isnan(dispersion(panel_of({"close": close}), np.array([3]))).all()
