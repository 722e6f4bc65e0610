"""Rows and bars of a name, and windows of bars, against plain NumPy."""

import numpy as np
import pytest

from tvquant.features.moving_averages import lengths_of
from tvquant.features.rolling import (
    HIGHEST,
    LAST,
    LOWEST,
    SUM,
    band_position,
    gathered,
    last_known,
    on_rows,
    rolling_median,
)
from tvquant.features.tiles import aligned

NAN = np.nan


@pytest.fixture
def close():
    draw = np.random.default_rng(2)
    values = draw.random((90, 7)) + 1.0
    values[draw.random(values.shape) < 0.3] = NAN
    values[:, 3] = NAN
    return values


@pytest.mark.parametrize("rows", [1, 33, 90])
def test_bars_go_back_to_the_rows_they_came_from(close, rows):
    assert on_rows(aligned(close, close, rows), close).tobytes() == close[-rows:].tobytes()


def test_the_last_known_value_stands_until_the_next():
    found = last_known(np.array([[NAN, 1.0], [2.0, NAN], [NAN, NAN], [3.0, 4.0]]))
    np.testing.assert_array_equal(found, [[NAN, 1.0], [2.0, 1.0], [2.0, 1.0], [3.0, 4.0]])


@pytest.mark.parametrize("length", [1, 4, 7])
def test_the_rolling_median_is_that_of_each_window(length):
    draw = np.random.default_rng(1)
    series = draw.integers(0, 5, (6, 60)).astype(float)
    series[draw.random(series.shape) < 0.05] = NAN
    rows = 60 - length + 1
    windows = np.lib.stride_tricks.sliding_window_view(series, length, axis=1)
    block = series.T.copy()
    np.testing.assert_array_equal(rolling_median(block, length, rows), np.median(windows, axis=2).T)
    assert rolling_median(block, length, 3).tobytes() == rolling_median(block, length, rows)[-3:].tobytes()


def test_the_band_is_of_the_population_and_none_where_prices_stand_still():
    series = np.vstack([np.random.default_rng(0).random(40), np.full(40, 0.1), np.r_[NAN, np.arange(39.0)]])
    windows = np.lib.stride_tricks.sliding_window_view(series, 20, axis=1)
    mean, deviation = windows.mean(axis=2), windows.std(axis=2)
    found = band_position(series.T.copy(), lengths_of(20), 2.0, 21).T
    expected = (series[:, 19:] - (mean - 2.0 * deviation)) / (4.0 * deviation)
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-10)
    assert np.isnan(found[1]).all()
    assert np.isnan(found[2, 0])
    assert not np.isnan(found[2, 1:]).any()


def test_periods_are_gathered_from_the_bars_there_are():
    close = np.array([[1.0], [NAN], [3.0], [2.0], [NAN], [5.0], [6.0]])
    period = np.array([0, 0, 0, 1, 2, 3, 4])
    for how, expected in ((LAST, [3, 2, NAN, 5]), (HIGHEST, [3, 2, NAN, 5]), (LOWEST, [1, 2, NAN, 5]),
                          (SUM, [4, 2, NAN, 5])):  # fmt: skip
        np.testing.assert_array_equal(gathered(close, close, period, 4, how)[:, 0], expected)
    unknown = close.copy()
    unknown[2] = NAN
    for how in (LAST, HIGHEST, LOWEST, SUM):
        assert np.isnan(gathered(unknown, close, period, 1, how)[0, 0])
    unknown[2], unknown[0] = 3.0, NAN
    for how in (HIGHEST, LOWEST, SUM):
        assert np.isnan(gathered(unknown, close, period, 1, how)[0, 0])
