"""Bars since the last row are one bar, by hand."""

import numpy as np
import pytest

from builders.panels import days, market_of
from tvquant.core.calendars import NEW_YORK
from tvquant.core.instruments import Kind
from tvquant.tournament.sleeves.aggregation import bars_on

NONE = np.nan
MARKET = "24x7+XNYS"
FRIDAY, SATURDAY, MONDAY = (np.datetime64(day, "us") for day in ("2024-01-05", "2024-01-06", "2024-01-08"))


def test_three_bars_of_a_week_end_are_one() -> None:
    """The second name is split on Sunday and pays on Saturday, before it; the third has no bar on Saturday."""
    panel = market_of(
        {"A": [10.0, 11.0, 12.0, 13.0], "B": [8.0, 8.0, 4.0, 5.0], "C": [2.0, NONE, 3.0, NONE]},
        open={"A": [9.0, 10.5, 11.5, 12.5], "B": [7.0, 8.2, 4.2, 4.4], "C": [2.0, NONE, 2.5, NONE]},
        high={"A": [10.0, 14.0, 13.0, 13.5], "B": [8.0, 9.0, 4.4, 5.0], "C": [2.0, NONE, 3.5, NONE]},
        low={"A": [8.0, 10.0, 9.5, 12.0], "B": [7.0, 8.0, 3.9, 4.0], "C": [2.0, NONE, 2.4, NONE]},
        volume={"A": [5.0, 1.0, 2.0, 3.0], "B": [5.0, 1.0, 2.0, 3.0], "C": [5.0, NONE, 2.0, NONE]},
        split={"B": [1.0, 1.0, 2.0, 1.0]},
        dividend={"B": [0.0, 0.8, 0.0, 0.1]},
        blanks={"split": 1.0, "dividend": 0.0},
        times=days(4, start="2024-01-05"),
    )
    found = bars_on(panel, np.array([FRIDAY, MONDAY]), MARKET)
    expected = {
        "open": [10.5, 4.1, 2.5], "high": [14.0, 5.0, 3.5], "low": [9.5, 3.9, 2.4], "close": [13.0, 5.0, 3.0],
        "volume": [6.0, 7.0, 2.0], "split": [1.0, 2.0, 1.0], "dividend": [0.0, 0.5, 0.0],
        "total_return": [0.3, 1.1 * 1.0 * (5.1 / 4.0) - 1.0, 0.5],
    }  # fmt: skip
    assert set(found.fields) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(found.fields[name][1], values, rtol=1e-14, err_msg=name)
    for name in ("open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(found.fields[name][0], panel.fields[name][0])
    assert np.isnan(found.fields["total_return"][0]).all()
    assert found.tradable.all()
    np.testing.assert_array_equal(found.known_at, panel.known_at[[0, 3]])


def test_a_row_without_a_bar_is_empty_and_known_at_its_close() -> None:
    panel = market_of({"E": [50.0, 51.0]}, kind=Kind.ETF, calendar=NEW_YORK, times=np.array([FRIDAY, MONDAY]))
    found = bars_on(panel, np.array([FRIDAY, SATURDAY, MONDAY]), MARKET)
    np.testing.assert_array_equal(found.fields["close"][:, 0], [50.0, NONE, 51.0])
    np.testing.assert_allclose(found.fields["total_return"][:, 0], [NONE, NONE, 0.02])
    assert found.tradable[:, 0].tolist() == [True, False, True]
    closes = np.array(["2024-01-05T21", "2024-01-07", "2024-01-08T21"], "datetime64[us]")
    assert found.known_at[:, 0].tolist() == closes.tolist()


def test_a_return_over_a_hole_covers_it_and_the_first_row_has_none() -> None:
    """What came before the first row of the grid is no row before."""
    panel = market_of(
        {"A": [1.0, 2.0, NONE, NONE, 3.0, 6.0], "B": [NONE, NONE, NONE, 4.0, 5.0, 5.0]},
        times=days(6, start="2024-01-03"),
    )
    found = bars_on(panel, np.array(["2024-01-04", "2024-01-05", "2024-01-08"], "datetime64[us]"), MARKET)
    np.testing.assert_allclose(found.fields["total_return"], [[NONE, NONE], [NONE, NONE], [2.0, NONE]], rtol=1e-14)
    np.testing.assert_array_equal(found.fields["close"], [[2.0, NONE], [NONE, NONE], [6.0, 5.0]])


def test_funding_of_a_row_by_hand() -> None:
    """A week-end at 10, 20 and 40: .001, nothing told, .002 for eight hours each, of the value at each close."""
    panel = market_of(
        {"P": [10.0, 10.0, 20.0, 40.0], "S": [1.0] * 4},
        funding={"P": [0.0, 0.001, NONE, 0.002]},
        funding_hours={"P": [24.0, 8.0, NONE, 24.0]},
        kind=Kind.SWAP,
        times=days(4, start="2024-01-05"),
    )
    found = bars_on(panel, np.array([FRIDAY, MONDAY]), MARKET).fields
    assert found["funding"][1, 0] == pytest.approx((0.001 * 10 + 0.002 * 40) / 40, rel=1e-14)
    bare = (16 * 10 + 24 * 20 + 0 * 40) / 40
    assert found["funding_hours"][1, 0] == pytest.approx(72 - bare, rel=1e-14)
    assert found["funding_early_hours"][:, 0].tolist() == [0.0, 48.0]
    assert "funding_early" not in found
    assert found["funding_hours"][0].tolist() == [24.0, 0.0]
    assert found["funding_hours"][1, 1] == pytest.approx(0.0)


def test_funding_where_there_is_no_bar_is_of_the_carried_price_through_a_split() -> None:
    """Without a bar on Sunday, the day of the split: Saturday's 10 is 5 of the units that close at 20."""
    panel = market_of(
        {"P": [10.0, 10.0, NONE, 20.0]},
        split={"P": [1.0, 1.0, 2.0, 1.0]},
        funding={"P": [0.0, 0.001, 0.002, 0.0]},
        funding_hours={"P": [24.0] * 4},
        kind=Kind.SWAP,
        times=days(4, start="2024-01-05"),
    )
    found = bars_on(panel, np.array([FRIDAY, MONDAY]), MARKET).fields
    assert found["funding"][1, 0] == pytest.approx((0.001 * 5 + 0.002 * 5) / 20, rel=1e-14)
    assert found["close"][1, 0] == 20.0
