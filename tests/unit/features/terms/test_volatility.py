"""Ranges of bars by hand; the average true range against plain loops is in the statistics room."""

import numpy as np
import pytest

from tvquant.features import compute
from tvquant.statistics.directional import average_true_range

NAN = np.nan


def values(panel, name):
    return compute(panel, [name], rating_min_bars=1).values[0]


@pytest.mark.requirement("R-UNI-17")
def test_the_daily_volatility_is_the_range_over_the_low_of_the_last_bar_in_percent(market):
    close = {"A": [1.0, 5.0], "B": [1.0, 5.0], "still": [1.0, 5.0], "halted": [1.0, NAN], "free": [1.0, 0.0]}
    high = {"A": [9.0, 6.0], "B": [9.0, 9.0], "still": [9.0, 5.0], "halted": [9.0, NAN], "free": [9.0, 1.0]}
    low = {"A": [1.0, 4.0], "B": [1.0, 4.0], "still": [1.0, 5.0], "halted": [1.0, NAN], "free": [1.0, 0.0]}
    found = values(market(close, high=high, low=low), "volatility_d")
    np.testing.assert_allclose(found, [50.0, 125.0, 0.0, NAN, NAN])


@pytest.mark.requirement("R-UNI-17")
def test_the_average_true_range_is_that_of_the_last_row_in_units_of_the_price(market):
    close = {"A": 50.0 + np.random.default_rng(0).normal(0.0, 1.0, 40).cumsum(), "halted": np.full(40, 3.0)}
    close["halted"][-1] = NAN
    high, low = ({name: field + move for name, field in close.items()} for move in (1.0, -1.0))
    found = values(panel := market(close, high=high, low=low), "atr_14")
    expected = average_true_range(*(panel.fields[field] for field in ("high", "low", "close")), rows=40)[-1]
    assert found.tobytes() == expected.tobytes()
    assert np.isnan(found).tolist() == [False, True]
    assert found[0] >= 2.0


@pytest.mark.parametrize("name", ["volatility_d", "atr_14"])
def test_one_side_alone_is_not_enough(market, name):
    close = {"A": np.full(40, 3.0)}
    assert np.isnan(values(market(close, high=close), name)).all()
    assert compute(market(close), [name], rating_min_bars=1).absent == {name: "the data have no high or low"}
