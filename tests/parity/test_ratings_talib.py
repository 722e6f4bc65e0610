"""Moving averages and oscillators against TA-Lib.

Its EMA has the same seed as ours: the mean of the first n bars. Its directional movement and its MACD begin otherwise:
they are the same after their beginnings are forgotten.
"""

import numpy as np
import pytest

from tvquant.features.moving_averages import exponential, hull_weights, simple, volume_weighted, weighted
from tvquant.features.oscillators import Oscillators, oscillators
from tvquant.features.rating_rules import PriceSource
from tvquant.features.ratings import INDICATORS, LENGTHS, moving_average_votes
from tvquant.features.tiles import Tile
from tvquant.features.votes import MISSING

pytestmark = [pytest.mark.xdist_group("talib"), pytest.mark.requirement("R-FEA-12")]
T = 900


def market(level):
    draw = np.random.default_rng(11)
    return level * np.exp(draw.normal(0.0, 0.03, T).cumsum()), draw.random(T) * 1e6


def bars_of(values):
    return Tile(values[:, None], 0, 1, 1).stacked(values[:, None], T + 199)[0]


@pytest.mark.parametrize("level", [1e-5, 1.0, 40_000.0])
def test_simple_and_exponential_averages_equal_talib(level):
    import talib

    close, _ = market(level)
    simples, exponentials = simple(bars_of(close), LENGTHS, T), exponential(bars_of(close), LENGTHS, T)
    for m, n in enumerate(LENGTHS):
        np.testing.assert_allclose(simples[m, :, 0], talib.SMA(close, n), rtol=1e-9)
        np.testing.assert_allclose(exponentials[m, :, 0], talib.EMA(close, n), rtol=1e-9)


@pytest.mark.parametrize("level", [1e-5, 1.0, 40_000.0])
def test_hull_and_volume_weighted_averages_equal_those_built_from_talib(level):
    import talib

    close, volume = market(level)
    fast = 2.0 * talib.WMA(close, 4) - talib.WMA(close, 9)
    hull = np.r_[np.full(8, np.nan), talib.WMA(fast[8:], 3)]
    np.testing.assert_allclose(weighted(bars_of(close), hull_weights(9), T)[:, 0], hull, rtol=1e-9)
    traded = bars_of(volume)
    expected = talib.SMA(close * volume, 20) / talib.SMA(volume, 20)
    np.testing.assert_allclose(volume_weighted(bars_of(close), traded, 20, T)[:, 0], expected, rtol=1e-9)


def test_votes_are_those_of_talibs_averages():
    import talib

    close, _ = market(100.0)
    votes = moving_average_votes(None, None, close[:, None], None, rows=T)[:, 0]
    for n in LENGTHS:
        for kind in ("SMA", "EMA"):
            average = getattr(talib, kind)(close, n)
            expected = np.where(np.isnan(average), MISSING, np.sign(close - average))
            assert (votes[:, INDICATORS.index(f"{kind}{n}")] == expected).all(), (kind, n)


LEVELS = pytest.mark.parametrize("level", [1e-5, 1.0, 40_000.0])


def bars(level):
    """High, low and close."""
    close, _ = market(level)
    draw = np.random.default_rng(12)
    return close * (1.0 + draw.random(T) / 50), close * (1.0 - draw.random(T) / 50), close


def ours(level, source=PriceSource.CLOSE):
    found = oscillators(*(field[:, None] for field in bars(level)), rows=T - 2, cci_source=source)
    return Oscillators(*(series[0] for series in found))


def padded(values, missing):
    """TA-Lib's own functions of what begins with `missing` unknown values."""
    return np.r_[np.full(missing, np.nan), values]


@LEVELS
def test_oscillators_equal_talib_from_their_first_bar(level):
    import talib

    high, low, close = bars(level)
    found, same = ours(level), {"rtol": 1e-9, "atol": 1e-9}
    if level >= 1.0:  # below, the falls' average is within the tolerance and the RSI 100
        np.testing.assert_allclose(found.rsi, talib.RSI(close, 14), **same)
        k, d = talib.STOCHRSI(close, 14, 14, 3, 0)
        k = talib.SMA(k[~np.isnan(k)], 3)  # its fast K is not smoothed
        raw = np.r_[np.full(T - len(k), np.nan), k]
        there = ~np.isnan(raw) & ~np.isnan(found.rsi_k)
        assert there[34:].all()
        np.testing.assert_allclose(found.rsi_k[there], raw[there], **same)
    np.testing.assert_allclose(ours(level, PriceSource.TYPICAL).cci, talib.CCI(high, low, close, 20), **same)
    np.testing.assert_allclose(found.cci, talib.CCI(close, close, close, 20), **same)
    np.testing.assert_allclose(found.williams, talib.WILLR(high, low, close, 14), **same)
    np.testing.assert_allclose(found.momentum, talib.MOM(close, 10), rtol=1e-9)
    np.testing.assert_allclose(found.ultimate, talib.ULTOSC(high, low, close, 7, 14, 28), **same)
    middle = (high + low) / 2.0
    scale = {"rtol": 1e-9, "atol": 1e-12 * level}
    np.testing.assert_allclose(found.awesome, talib.SMA(middle, 5) - talib.SMA(middle, 34), **scale)
    np.testing.assert_allclose(found.bull, high - talib.EMA(close, 13), **scale)
    np.testing.assert_allclose(found.bear, low - talib.EMA(close, 13), **scale)
    np.testing.assert_allclose(found.trend, talib.EMA(close, 50), rtol=1e-9)
    macd = talib.EMA(close, 12) - talib.EMA(close, 26)
    np.testing.assert_allclose(found.macd, macd, **scale)
    np.testing.assert_allclose(found.signal, padded(talib.EMA(macd[25:], 9), 25), **scale)
    # Its stochastic leaves out values that it has: ours are compared where it has one.
    k, d = talib.STOCH(high, low, close, 14, 3, 0, 3, 0)
    there = ~np.isnan(k)
    assert np.flatnonzero(there)[0] == 17
    np.testing.assert_allclose(found.k[there], k[there], **same)
    np.testing.assert_allclose(found.d[there], d[there], **same)


@LEVELS
def test_oscillators_of_other_beginnings_equal_talib_after_them(level):
    """After 400 bars of Wilder's average of 14 what was at the beginning weighs (13 / 14) ** 400 < 1e-12."""
    import talib

    high, low, close = bars(level)
    found, late = ours(level), slice(440, None)
    for series, peer in (("adx", talib.ADX), ("plus", talib.PLUS_DI), ("minus", talib.MINUS_DI)):
        ours_now, theirs = getattr(found, series), peer(high, low, close, 14)
        np.testing.assert_allclose(ours_now[late], theirs[late], rtol=1e-9, err_msg=series)
        assert not np.allclose(ours_now[28:60], theirs[28:60], rtol=1e-9), series
    macd, signal, _ = talib.MACD(close, 12, 26, 9)
    scale = {"rtol": 1e-9, "atol": 1e-12 * level}
    np.testing.assert_allclose(found.macd[late], macd[late], **scale)
    np.testing.assert_allclose(found.signal[late], signal[late], **scale)
    assert not np.allclose(found.macd[33:50], macd[33:50], rtol=1e-9)
