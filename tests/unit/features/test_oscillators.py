"""Oscillators against fifty-digit loops, and what they are in closed form."""

import numpy as np
import oscillator_referee
import pytest
from markets import T, markets, matrices

from tvquant.features.oscillators import (
    BEFORE,
    CCI,
    RANGE,
    Oscillators,
    commodity_channel,
    oscillators,
    position,
    relative_strength,
    stochastic,
    ultimate,
)
from tvquant.features.rating_rules import PriceSource

NAN = np.nan
ROWS = T - BEFORE
DIFFERENCES = ("awesome", "momentum", "macd", "signal", "bull", "bear")
"""In units of the price, and near zero where two averages meet: exact against the price."""


def floats(values):
    return np.array([NAN if value is None else float(value) for value in values])


@pytest.mark.requirement("R-FEA-12")
@pytest.mark.parametrize("source", PriceSource)
def test_every_value_of_every_market_equals_the_slow_referee(source):
    names = markets()
    fields = matrices(names)
    found = oscillators(fields["high"], fields["low"], fields["close"], rows=ROWS, cci_source=source)
    for j, (name, bars) in enumerate(names.items()):
        kept, expected = oscillator_referee.values(
            bars["high"], bars["low"], bars["close"], typical=source is PriceSource.TYPICAL
        )
        for series in Oscillators._fields:
            ours, theirs = getattr(found, series)[j], np.full(T, NAN)
            theirs[T - len(kept) :] = floats(expected[series])
            scale = np.nanmax(bars["close"], initial=0.0) if series in DIFFERENCES else 100.0
            np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs), err_msg=f"{series} of {name}")
            np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12 * scale, err_msg=f"{series} of {name}")


@pytest.mark.parametrize("rows", [1, 7])
def test_fewer_rows_give_the_same_bits(rows):
    fields = [matrices(markets())[name] for name in ("high", "low", "close")]
    whole = oscillators(*fields, rows=ROWS, cci_source=PriceSource.CLOSE)
    for ours, all_rows in zip(oscillators(*fields, rows=rows, cci_source=PriceSource.CLOSE), whole, strict=True):
        assert ours.tobytes() == np.ascontiguousarray(all_rows[:, -rows - BEFORE :]).tobytes()


@pytest.mark.requirement("R-FEA-12")
def test_strength_is_the_share_of_rises():
    """Two up, one down, by turns: after long the averages stand to each other as the geometric sums of the steps."""
    close = np.r_[100.0, 100.0 + np.tile([1.0, 1.0, -1.0], 200).cumsum()]
    keep = 13.0 / 14.0
    expected = 100.0 - 100.0 / (1.0 + (keep + keep**2) / 1.0)  # the last step is the fall
    assert relative_strength(close[:, None], 14, 1)[0, 0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("close", "strength"), [(np.arange(30.0), 100.0), (-np.arange(30.0), 0.0), ([5.0] * 30, 100.0)]
)
def test_strength_without_falls_or_rises(close, strength):
    """Falls are asked first: without any movement it is 100."""
    assert relative_strength(np.asarray(close, float)[:, None], 14, 3).tolist() == [[strength]] * 3


@pytest.mark.requirement("R-FEA-12")
def test_a_position_is_the_share_of_the_range():
    high, low, close = np.full((20, 1), 12.0), np.full((20, 1), 8.0), np.full((20, 1), 11.0)
    raw = position(close, high, low, RANGE, 6, 0.0)
    assert raw.tolist() == [[75.0]] * 6
    k, d = stochastic(raw)
    assert k.tolist() == d.tolist() == [[75.0]] * 2
    assert np.isnan(position(close, close, close, RANGE, 3, 0.0)).all()


@pytest.mark.requirement("R-FEA-12")
def test_a_channel_index_of_a_straight_line():
    """The last of n equal steps lies (n - 1) / 2 above the mean; their mean distance from it is n / 4 for even n."""
    line = np.arange(40.0)[:, None] * 3.0
    np.testing.assert_allclose(commodity_channel(line, CCI, 5), 9.5 / (0.015 * 5.0), rtol=1e-13)
    assert np.isnan(commodity_channel(np.full((40, 1), 3.0), CCI, 5)).all()


@pytest.mark.requirement("R-FEA-12")
def test_an_ultimate_oscillator_is_the_share_bought():
    close = np.full((60, 1), 10.0)
    np.testing.assert_allclose(ultimate(close + 1.0, close - 3.0, close, 7, 4), 75.0, rtol=1e-14)
    assert np.isnan(ultimate(close, close, close, 7, 4)).all()
    moved = close.copy()
    moved[45:, 0] = 11.0  # one rise, which only the longest window still sees
    assert np.isnan(ultimate(moved, moved, moved, 7, 1)).all()


def test_averages_of_two_meet_where_prices_stand_still():
    fields = [np.full((T, 1), 60_000.1)] * 3
    found = oscillators(*fields, rows=10, cci_source=PriceSource.CLOSE)
    for name in DIFFERENCES:
        assert (getattr(found, name) == 0.0).all(), name
