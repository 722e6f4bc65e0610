"""Traded values by hand."""

import numpy as np
import pytest

from tvquant.features import compute

NAN = np.nan


def values(panel, name):
    return compute(panel, [name], rating_min_bars=1).values[0]


@pytest.mark.requirement("R-UNI-05")
def test_the_value_traded_is_the_last_bars_quote_volume_or_volume_times_close(market):
    close = {"quoted": [1, 2, 3], "unquoted": [1, 2, 3], "unknown": [1, 2, 3], "halted": [1, 2, NAN]}
    volume = {"quoted": [9, 9, 10], "unquoted": [9, 9, 10], "unknown": [9, 9, NAN], "halted": [9, 9, NAN]}
    quote = {"quoted": [5, 5, 31], "unquoted": [5, 5, NAN], "unknown": [5, 5, NAN], "halted": [5, 5, NAN]}
    panel = market(close, volume=volume, quote_volume=quote)
    np.testing.assert_array_equal(values(panel, "value_traded_last"), [31, 30, NAN, NAN])
    earlier = panel.until(panel.known_at[1, 0])
    np.testing.assert_array_equal(values(earlier, "value_traded_last"), [5, 5, 5, 5])


@pytest.mark.parametrize("field", ["volume", "quote_volume"])
def test_either_field_is_enough(market, field):
    panel = market({"A": [2.0, 4.0]}, **{field: {"A": [10.0, 20.0]}})
    expected = {"volume": 80.0, "quote_volume": 20.0}[field]
    assert values(panel, "value_traded_last").tolist() == [expected]


def test_a_bar_without_trade_is_worth_zero_and_not_missing(market):
    panel = market({"A": [2.0, 2.0]}, volume={"A": [1.0, 0.0]})
    assert values(panel, "value_traded_last").tolist() == [0.0]


def test_the_median_is_of_the_last_thirty_bars_that_exist(market):
    draw = np.random.default_rng(0)
    quote = {name: draw.random(60) * 1e6 for name in ("full", "holes", "young", "short", "dead")}
    close = {name: np.ones(60) for name in ("full", "holes", "dead", "young", "short")}
    close["holes"][5:58:2] = NAN  # 33 bars are left
    close["young"][:30] = NAN
    close["short"][:31] = NAN
    close["dead"][-1] = NAN
    quote = {name: np.where(np.isnan(close[name]), NAN, quote[name]) for name in quote}
    found = values(market(close, quote_volume=quote), "adv_median_30")
    expected = [np.median(quote[name][~np.isnan(close[name])][-30:]) for name in ("full", "holes", "young")]
    np.testing.assert_array_equal(found, [*expected[:2], NAN, expected[2], NAN])
    assert np.count_nonzero(~np.isnan(close["holes"])) == 33


@pytest.mark.parametrize(("row", "known"), [(9, True), (10, False), (39, False)])
def test_an_unknown_value_among_the_thirty_makes_the_median_unknown(market, row, known):
    volume = np.ones(40)
    volume[row] = NAN
    found = values(market({"A": np.ones(40)}, volume={"A": volume}), "adv_median_30")
    assert np.isnan(found[0]) != known


def test_the_median_takes_the_quote_volume_bar_by_bar(market):
    volume, quote = np.full(30, 10.0), np.full(30, NAN)
    quote[:16] = 70.0
    found = values(market({"A": np.full(30, 2.0)}, volume={"A": volume}, quote_volume={"A": quote}), "adv_median_30")
    assert found.tolist() == [70.0]
