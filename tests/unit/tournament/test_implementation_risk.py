"""How far apart the books of engines are: by hand, and what is left out of it."""

import math

import numpy as np
import pytest

from tvquant.tournament.implementation_risk import Kept, Spread, distance, gaps, median_distances, quantile


def test_distance_counts_cash_and_is_what_must_be_traded():
    assert distance(np.array([0.5, 0.5]), np.array([0.5, 0.5])) == 0.0
    assert distance(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == 1.0
    assert distance(np.array([1.0, 0.0]), np.array([0.4, 0.0])) == pytest.approx(0.6)  # to cash
    assert distance(np.array([0.5, 0.3]), np.array([0.3, 0.6])) == pytest.approx(0.3)  # .1 of it from cash


@pytest.mark.requirement("R-RSK-02")
def test_pairs_are_compared_where_both_answered_and_the_rest_is_counted():
    step = np.array([-0.1, 0.1, 0.0])
    even = np.full(3, 1 / 3)
    a = dict.fromkeys(range(10), even)
    b = {window: even + window * step / 3 for window in range(1, 12)}
    (gap,) = gaps({"hrp": {"one": a, "other": b}, "alone": {"one": a}})
    assert (gap.risk_profile, gap.first, gap.second, gap.windows) == ("hrp", "one", "other", tuple(range(1, 10)))
    assert gap.left_out == 3  # windows 0, 10 and 11
    assert gap.distances == pytest.approx(np.arange(1, 10) / 30)
    assert (gap.median, gap.ninth, gap.most) == pytest.approx((5 / 30, 8.2 / 30, 9 / 30))
    assert gap.widest == 9
    assert [(g.first, g.second) for g in gaps({"p": {"x": a, "y": a, "z": a}})] == [("x", "y"), ("x", "z"), ("y", "z")]


def test_engines_that_never_answered_together_have_no_distance():
    (gap,) = gaps({"hrp": {"one": {0: np.ones(1)}, "other": {1: np.ones(1)}}})
    assert (gap.windows, gap.left_out, gap.widest) == ((), 2, None)
    assert math.isnan(gap.median)
    assert math.isnan(gap.most)


def test_medians_of_all_books_are_symmetric_and_those_of_pairs():
    a, b = {0: np.array([1.0, 0.0]), 1: np.array([1.0, 0.0])}, {0: np.array([0.0, 1.0]), 1: np.array([0.5, 0.5])}
    found = median_distances([a, b, {5: np.ones(2)}])
    assert found[:2, :2].tolist() == [[0.0, 0.75], [0.75, 0.0]]
    assert np.isnan(found[2, :2]).all()
    assert np.isnan(found[:2, 2]).all()


@pytest.mark.parametrize(
    ("values", "baseline", "edge", "swallowed"),
    [
        ((1.0, 0.7, 1.1), 0.5, 0.5, False),
        ((1.0, 0.75, 1.25), 0.5, 0.5, True),  # exactly as far apart as the edge is large
        ((1.0, 0.7), 1.2, -0.2, False),  # no edge to lose
        ((1.0, math.nan), 0.9, 0.1, False),
        ((1.0, 0.7), math.nan, math.nan, False),
    ],
)
def test_a_spread_stands_beside_the_edge_of_the_first_engine(values, baseline, edge, swallowed):
    found = Spread(risk_profile="hrp", values=dict(zip("abc", values, strict=False)), baseline=baseline)
    assert found.edge == pytest.approx(edge, nan_ok=True)
    known = [value for value in values if not math.isnan(value)]
    assert (found.low, found.high, found.width) == (min(known), max(known), max(known) - min(known))
    assert found.swallowed is swallowed


def test_quantiles_are_of_what_is_known():
    assert quantile(np.array([math.nan, 1.0, 3.0]), 0.5) == 2.0
    assert math.isnan(quantile(np.array([math.nan]), 0.5))


def test_what_simulators_differ_by_is_the_widest_in_basis_points_of_the_first():
    apart = Kept(path="v4", annual={"a": 0.10, "b": math.nan, "c": 0.1007}, final={"a": 2.0, "b": 1.9, "c": 2.001})
    assert apart.annual_bps == pytest.approx(7.0)
    assert apart.final_bps == pytest.approx(1e4 * 0.101 / 2.0)
    alone = Kept(path="v4", annual={"a": 0.1, "b": math.nan}, final={"a": 0.0, "b": 1.0})
    assert math.isnan(alone.annual_bps)
    assert math.isnan(alone.final_bps)
