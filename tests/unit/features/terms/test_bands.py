"""Relative strength and the place in a band, against TA-Lib and by hand."""

import numpy as np
import pytest
import talib

from tvquant.features import compute, history

pytestmark = [pytest.mark.requirement("R-UNI-17")]


@pytest.fixture
def panel(market):
    draw = np.random.default_rng(4)
    close = {name: 50.0 + draw.normal(0.0, 1.0, 120).cumsum() for name in ("walk", "flat", "holes", "young")}
    close["flat"][60:] = 31.7
    close["holes"][10:100:9] = np.nan
    close["young"][:90] = np.nan
    return market(close)


def bars(panel, name):
    close = panel.fields["close"][:, panel.keys.index(f"X:{name}")]
    return close[~np.isnan(close)]


@pytest.mark.parametrize("name", ["walk", "holes", "young"])
def test_both_are_talibs_on_the_bars_of_a_name(panel, name):
    found = history(panel, ["rsi_14", "bollinger_b_20"], rating_min_bars=1).values[:, :, panel.keys.index(f"X:{name}")]
    close = bars(panel, name)
    mine = found[:, panel.tradable[:, panel.keys.index(f"X:{name}")]]
    np.testing.assert_allclose(mine[0], talib.RSI(close, 14), rtol=1e-10)
    upper, _, lower = talib.BBANDS(close, 20, 2.0, 2.0)
    np.testing.assert_allclose(mine[1], (close - lower) / (upper - lower), rtol=1e-8, atol=1e-10)


def test_the_band_is_two_deviations_of_the_population_wide(market):
    rising = np.arange(1.0, 21.0)
    found = compute(market({"A": rising, "B": rising[::-1]}), ["bollinger_b_20"], rating_min_bars=1).values[0]
    expected = 0.5 + 9.5 / (4.0 * np.sqrt((20**2 - 1) / 12.0))
    np.testing.assert_allclose(found, [expected, 1.0 - expected], rtol=1e-12)


def test_where_prices_stand_still_there_is_no_band_and_all_is_strength(panel):
    found = compute(panel, ["rsi_14", "bollinger_b_20"], rating_min_bars=1)
    column = panel.keys.index("X:flat")
    assert np.isnan(found.values[1, column])
    assert 0.0 < found.values[0, column] < 100.0


def test_too_few_bars_have_neither(market):
    names = ["rsi_14", "bollinger_b_20"]
    assert np.isnan(compute(market({"A": np.arange(1.0, 15.0)}), names, rating_min_bars=1).values).all()
    assert not np.isnan(compute(market({"A": np.arange(1.0, 16.0)}), names, rating_min_bars=1).values[0]).any()
