"""Spreads of bars: by hand, and of a market whose spread is known."""

import math

import numpy as np
import pytest

from tvquant.core.books import Spread
from tvquant.core.panel import Floats
from tvquant.simulation.spreads import two_day_spreads

CS, AR = Spread.CORWIN_SCHULTZ, Spread.ABDI_RANALDO


def test_two_days_by_hand() -> None:
    """Two days of 98 to 102 that close at 101, written out: the sum of squared ranges is twice the one of both days."""
    high, low, close = np.array([102.0, 102.0]), np.array([98.0, 98.0]), np.array([101.0, 99.0])
    range_ = math.log(102.0 / 98.0)
    alpha = (math.sqrt(4.0) - math.sqrt(2.0)) / (3.0 - 2.0 * math.sqrt(2.0)) * range_
    alpha -= range_ / math.sqrt(3.0 - 2.0 * math.sqrt(2.0))
    assert two_day_spreads(high, low, close, CS)[1] == pytest.approx(
        2.0 * (math.exp(alpha) - 1) / (1 + math.exp(alpha))
    )
    assert alpha == pytest.approx(range_)  # the range itself, when both days have the same: all of it is spread
    middle = 0.5 * math.log(102.0 * 98.0)
    assert two_day_spreads(high, low, close, AR)[1] == pytest.approx(2.0 * abs(math.log(101.0) - middle))
    assert np.isnan(two_day_spreads(high, low, close, CS)[0])
    assert len(two_day_spreads(high[:1], low[:1], close[:1], AR)) == 1


def test_a_gap_is_no_range() -> None:
    """The second day lies 10 above or below the first one's close as a whole: as if it had opened there."""
    for move in (10.0, -10.0):
        high, low, close = (
            np.array([102.0, 102.0 + move]),
            np.array([98.0, 101.0 + move]),
            np.array([101.0, 101.0 + move]),
        )
        if move < 0.0:
            high[1], low[1] = 101.0 + move, 100.0 + move
        flat = (np.array([102.0, 102.0]), np.array([98.0, 101.0])) if move > 0 else (
            np.array([102.0, 101.0]), np.array([98.0, 100.0])
        )  # fmt: skip
        moved = two_day_spreads(high, low, close, CS)[1]
        assert moved == pytest.approx(two_day_spreads(*flat, close - [0.0, move], CS)[1], rel=1e-12)
        assert moved > 0.0


def test_a_negative_estimate_is_no_spread() -> None:
    """A trend: the range of two days is far above that of one, and closes lie between both mid-ranges."""
    high, low, close = np.array([101.0, 106.0]), np.array([100.0, 100.5]), np.array([100.9, 105.9])
    assert two_day_spreads(high, low, close, CS)[1] == 0.0
    assert two_day_spreads(high, low, close, AR)[1] == 0.0


def bounced(spread: float, days: int, seed: int) -> tuple[Floats, Floats, Floats]:
    """Bars of 390 trades a day, each at the bid or the ask around a mid-price of 1 % daily volatility."""
    rng = np.random.default_rng(seed)
    middle = np.exp(rng.normal(0.0, 0.01 / math.sqrt(390.0), (days, 390)).ravel().cumsum().reshape(days, 390))
    traded = 100.0 * middle * (1.0 + 0.5 * spread * rng.choice([-1.0, 1.0], (days, 390)))
    return traded.max(axis=1), traded.min(axis=1), traded[:, -1]


@pytest.mark.parametrize("spread", [0.01, 0.03])
@pytest.mark.parametrize("estimator", [CS, AR])
def test_the_spread_of_a_market_with_a_bounce_is_found(estimator: Spread, spread: float) -> None:
    """Within a fifth: cutting negative estimates lifts both a little, discrete trades lower the range."""
    found = two_day_spreads(*bounced(spread, 4000, 3), estimator)[1:]
    assert found.mean() == pytest.approx(spread, rel=0.2)
    wide, none = (two_day_spreads(*bounced(one, 4000, 3), estimator)[1:].mean() for one in (2 * spread, 0.0))
    assert wide > 1.6 * found.mean()
    assert none < 0.6 * 0.01
