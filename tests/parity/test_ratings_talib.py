"""Moving averages against TA-Lib, whose EMA has the same seed as ours: the mean of the first n bars."""

import numpy as np
import pytest

from tvquant.features.moving_averages import aligned, exponential, hull_weights, simple, volume_weighted, weighted
from tvquant.features.ratings import INDICATORS, LENGTHS, MISSING, moving_average_votes

pytestmark = [pytest.mark.xdist_group("talib"), pytest.mark.requirement("R-FEA-12")]
T = 900


def market(level):
    draw = np.random.default_rng(11)
    return level * np.exp(draw.normal(0.0, 0.03, T).cumsum()), draw.random(T) * 1e6


def bars_of(values):
    return aligned(values[:, None], values[:, None], T + 199)


@pytest.mark.parametrize("level", [1e-5, 1.0, 40_000.0])
def test_simple_and_exponential_averages_equal_talib(level):
    import talib

    close, _ = market(level)
    simples, exponentials = simple(bars_of(close), LENGTHS, T), exponential(bars_of(close), LENGTHS, T)
    for m, n in enumerate(LENGTHS):
        np.testing.assert_allclose(simples[m, 0], talib.SMA(close, n), rtol=1e-9)
        np.testing.assert_allclose(exponentials[m, 0], talib.EMA(close, n), rtol=1e-9)


@pytest.mark.parametrize("level", [1e-5, 1.0, 40_000.0])
def test_hull_and_volume_weighted_averages_equal_those_built_from_talib(level):
    import talib

    close, volume = market(level)
    fast = 2.0 * talib.WMA(close, 4) - talib.WMA(close, 9)
    hull = np.r_[np.full(8, np.nan), talib.WMA(fast[8:], 3)]
    np.testing.assert_allclose(weighted(bars_of(close), hull_weights(9), T)[0], hull, rtol=1e-9)
    traded = aligned(volume[:, None], close[:, None], T + 19)
    expected = talib.SMA(close * volume, 20) / talib.SMA(volume, 20)
    np.testing.assert_allclose(volume_weighted(bars_of(close), traded, 20, T)[0], expected, rtol=1e-9)


def test_votes_are_those_of_talibs_averages():
    import talib

    close, _ = market(100.0)
    votes = moving_average_votes(None, None, close[:, None], None, rows=T)[:, 0]
    for n in LENGTHS:
        for kind in ("SMA", "EMA"):
            average = getattr(talib, kind)(close, n)
            expected = np.where(np.isnan(average), MISSING, np.sign(close - average))
            assert (votes[:, INDICATORS.index(f"{kind}{n}")] == expected).all(), (kind, n)
