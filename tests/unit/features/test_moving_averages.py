"""Averages against fifty-digit loops, and what they are in closed form."""

import numpy as np
import pytest
import referee
from markets import stacked

from tvquant.features.moving_averages import (
    exponential,
    hull_weights,
    lengths_of,
    midrange,
    simple,
    volume_weighted,
    weighted,
)
from tvquant.features.tiles import aligned

LENGTHS = lengths_of(10, 20, 30, 50, 100, 200)
T = 320


def walk(seed=0, level=100.0):
    return level * np.exp(np.random.default_rng(seed).normal(0.0, 0.03, T).cumsum())


def block(series, width=T + 199):
    """One series as a kernel wants it."""
    column = np.asarray(series, float)[:, None]
    return stacked(column, column, width)


def floats(values):
    return np.array([np.nan if value is None else float(value) for value in values])


def test_bars_stand_side_by_side_and_end_at_the_right():
    close = np.array([[np.nan, 1.0], [2.0, np.nan], [np.nan, 3.0], [4.0, 5.0]])
    values = np.arange(8.0).reshape(4, 2)
    np.testing.assert_array_equal(aligned(values, close, 4), [[np.nan, np.nan, 2, 6], [np.nan, 1, 5, 7]])
    np.testing.assert_array_equal(aligned(values, close, 2), [[2, 6], [5, 7]])


@pytest.mark.requirement("R-FEA-12")
@pytest.mark.parametrize("level", [1e-6, 100.0, 60_000.0])
def test_every_average_equals_the_slow_referee(level):
    draw = np.random.default_rng(1)
    close = walk(level=level)
    high, low = close * (1.0 + draw.random(T) / 50), close * (1.0 - draw.random(T) / 50)
    volume = draw.random(T) * 1e6
    bars, exact = block(close), referee.exact(close)
    traded = stacked(volume[:, None], close[:, None], T + 19)
    tops, bottoms = (stacked(field[:, None], close[:, None], T + 51) for field in (high, low))
    same = {"rtol": 1e-12, "atol": 0.0}
    simples, exponentials = simple(bars, LENGTHS, T), exponential(bars, LENGTHS, T)
    for m, n in enumerate(LENGTHS):
        np.testing.assert_allclose(simples[m, :, 0], floats(referee.sma(exact, n)), **same)
        np.testing.assert_allclose(exponentials[m, :, 0], floats(referee.ema(exact, n)), **same)
    np.testing.assert_allclose(weighted(bars, hull_weights(9), T)[:, 0], floats(referee.hull(exact)), **same)
    expected = floats(referee.vwma(exact, referee.exact(volume)))
    np.testing.assert_allclose(volume_weighted(bars, traded, 20, T)[:, 0], expected, **same)
    for line, n in zip(midrange(tops, bottoms, lengths_of(9, 26, 52), T), (9, 26, 52), strict=True):
        expected = floats(referee.mid(referee.exact(high), referee.exact(low), n))
        np.testing.assert_allclose(line[:, 0], expected, **same)


@pytest.mark.parametrize("rows", [1, 7, T])
def test_fewer_rows_give_the_same_bits(rows):
    bars = block(walk())
    volume = stacked(np.linspace(1, 9, T)[:, None] ** 3, walk()[:, None], T + 51)
    for kernel in (
        lambda r: simple(bars, LENGTHS, r),
        lambda r: exponential(bars, LENGTHS, r),
        lambda r: weighted(bars, hull_weights(9), r),
        lambda r: volume_weighted(bars, volume, 20, r),
        lambda r: midrange(volume, volume, lengths_of(9, 26, 52), r),
    ):
        assert kernel(rows).tobytes() == kernel(T)[..., -rows:, :].tobytes()


def test_where_prices_stand_still_the_average_is_the_price_itself():
    close = np.full(T, 60_000.1)
    bars, volume = block(close), stacked(walk()[:, None], close[:, None], T + 19)
    for found in (*simple(bars, LENGTHS, 100), *exponential(bars, LENGTHS, 100), weighted(bars, hull_weights(9), 100)):
        assert (found == 60_000.1).all()
    assert (volume_weighted(bars, volume, 20, 100) == 60_000.1).all()


def test_what_left_the_window_leaves_no_rounding_behind():
    close = np.r_[1e16, np.full(30, 1.1)]
    assert simple(block(close, 31 + 9), lengths_of(10), 21)[0, :, 0].tolist() == [1.1] * 21


def test_an_exponential_average_is_seeded_with_the_mean_and_forgets_geometrically():
    n, after = 20, np.arange(1, 60)
    close = np.r_[np.arange(1.0, 21.0), np.full(59, 7.0)]  # the mean of the first twenty is 10.5
    found = exponential(block(close, len(close)), lengths_of(n), len(close))[0, :, 0]
    assert np.isnan(found[: n - 1]).all()
    assert found[n - 1] == pytest.approx(10.5, rel=1e-15)
    np.testing.assert_allclose(found[n:], 7.0 + 3.5 * (19.0 / 21.0) ** after, rtol=1e-14)


def test_a_hull_average_has_no_lag_behind_a_straight_line():
    weights = hull_weights(9)
    assert len(weights) == 11
    assert weights.sum() == pytest.approx(1.0, abs=1e-15)
    assert weights @ np.arange(11) == pytest.approx(0.0, abs=1e-14)
    line = np.arange(40.0) * 3.0 + 5.0
    np.testing.assert_allclose(weighted(block(line), weights, 30)[:, 0], line[-30:], rtol=1e-14)


def test_a_window_without_volume_or_with_an_unknown_one_has_no_weighted_average():
    close, volume = walk()[:60], np.ones(60)
    volume[10:30] = 0.0  # all twenty zero at row 29 only
    volume[40] = np.nan
    found = volume_weighted(block(close, 60 + 199), stacked(volume[:, None], close[:, None], 79), 20, 60)[:, 0]
    assert np.flatnonzero(np.isnan(found)).tolist() == [*range(19), 29, *range(40, 60)]


def test_an_unknown_high_or_low_makes_every_window_with_it_unknown():
    high, low = np.full(30, 2.0), np.full(30, 1.0)
    high[10], low[20] = np.nan, np.nan
    column = np.ones((30, 1))
    tops, bottoms = stacked(high[:, None], column, 35), stacked(low[:, None], column, 35)
    short, long = midrange(tops, bottoms, lengths_of(2, 5), 30)[..., 0]
    assert np.flatnonzero(np.isnan(short)).tolist() == [0, 10, 11, 20, 21]
    assert np.flatnonzero(np.isnan(long)).tolist() == [*range(4), *range(10, 15), *range(20, 25)]
    assert (short[1:10] == 1.5).all()
