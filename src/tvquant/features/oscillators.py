"""Oscillators of many series at their last bars, compiled. Importing this module imports numba.

1. Blocks are those of `moving_averages.Tile`: W x K, the newest bar at the bottom, NaN above the first. A kernel that
   smooths exponentially wants every bar since the first; one over windows takes the last it needs.
2. What is not known makes every window with it NaN; exponential smoothing passes over it and goes on.
3. The change and the true range of the first bar are NaN, for they are of two bars; their averages begin one later.

Sources: J. W. Wilder, New Concepts in Technical Trading Systems (1978): RSI. G. Lane: stochastic. D. Lambert
(1980): CCI. L. Williams: %R, ultimate oscillator (1985), awesome oscillator. G. Appel: MACD. A. Elder: bull and bear
power. Seeds and edge cases are those of Pine's built-ins.
"""

from typing import NamedTuple

import numpy as np

from tvquant.core.panel import Floats
from tvquant.features.moving_averages import exponential, highest, lengths_of, negated_lowest, simple, smoothed
from tvquant.features.rating_rules import PriceSource
from tvquant.features.tiles import Tile
from tvquant.features.votes import TOLERANCE, WHOLE
from tvquant.statistics.directional import directional_movement
from tvquant.statistics.first_valid import Integers
from tvquant.statistics.kernels import compiled, inner

RSI_LENGTH = 14
RANGE = lengths_of(14)
"""Bars of the stochastic, that of the RSI, and Williams' %R."""
SMOOTHING = lengths_of(3)
CCI = lengths_of(20)
AWESOME = lengths_of(5, 34)
MOMENTUM_LENGTH = 10
SMOOTHED = lengths_of(12, 26, 13, 50)
"""Bars of the two averages of the MACD, of the base of bull and bear power, and of the trend."""
SIGNAL = lengths_of(9)
ULTIMATE_LENGTH = 7
BEFORE = 2
"""Bars before the first asked one that votes look at."""
REACH = BEFORE + int(AWESOME[-1]) - 1
"""Bars before the first asked one that windows look at: the longest is that of the awesome oscillator."""


class Oscillators(NamedTuple):
    """Values at the last `rows` + 2 bars of each name, N x (rows + 2) each; the close and its trend go with them."""

    close: Floats
    trend: Floats
    rsi: Floats
    k: Floats
    d: Floats
    cci: Floats
    adx: Floats
    plus: Floats
    minus: Floats
    awesome: Floats
    momentum: Floats
    macd: Floats
    signal: Floats
    rsi_k: Floats
    rsi_d: Floats
    williams: Floats
    bull: Floats
    bear: Floats
    ultimate: Floats


def oscillators(
    high: Floats | None, low: Floats | None, close: Floats, *, rows: int, cci_source: PriceSource
) -> Oscillators:
    """Return all oscillators of the rating at the last `rows` + 2 bars of each name.

    Parameters
    ----------
    high, low, close : T x N; without high or low, which is the same as all of them NaN, what needs them is NaN.
    rows : at most T.
    cci_source : what the CCI is taken of.
    """
    tile, width = Tile(close, 0, close.shape[1], close.shape[1]), max(len(close), rows + REACH)
    closes = tile.stacked(close, width)[0]
    highs, lows = (
        np.full_like(closes, np.nan) if field is None else tile.stacked(field, width)[0] for field in (high, low)
    )
    smooth = recursive(highs, lows, closes)
    values = windowed(highs, lows, closes, smooth, rows, cci_source is PriceSource.TYPICAL)
    return Oscillators(*(block.T for block in values))


class Recursive(NamedTuple):
    """What is smoothed exponentially, at every bar: W x K each."""

    strength: Floats
    adx: Floats
    plus: Floats
    minus: Floats
    macd: Floats
    signal: Floats
    base: Floats
    trend: Floats


def recursive(highs: Floats, lows: Floats, closes: Floats) -> Recursive:
    """Return the exponentially smoothed values, at every bar since the first."""
    width = len(closes)
    faster, slower, base, trend = exponential(closes, SMOOTHED, width)
    faster -= slower
    return Recursive(
        relative_strength(closes, RSI_LENGTH, width),
        *directional_movement(highs, lows, closes, rows=width),
        macd=faster,
        signal=exponential(faster, SIGNAL, width)[0],
        base=base,
        trend=trend,
    )


def windowed(highs: Floats, lows: Floats, closes: Floats, smooth: Recursive, rows: int, typical: bool) -> Oscillators:
    """Return the oscillators at the last `rows` + 2 bars of those given, from the smoothed values, rows + 2 x K each.

    `typical` asks for the CCI of the typical price instead of the close.
    """
    reach = rows + BEFORE
    raw = position(closes, highs, lows, RANGE, reach + 2 * (int(SMOOTHING[0]) - 1), 0.0)
    k, d = stochastic(raw)
    strength = smooth.strength
    rsi_k, rsi_d = stochastic(position(strength, strength, strength, RANGE, len(raw), TOLERANCE * WHOLE))
    begin = len(closes) - reach
    now, high, low, base = closes[begin:], highs[begin:], lows[begin:], smooth.base[begin:]
    source = _typical(highs, lows, closes, reach + int(CCI[0]) - 1) if typical else closes
    wide = len(closes) - (reach + int(AWESOME[-1]) - 1)
    faster, slower = simple((highs[wide:] + lows[wide:]) / 2.0, AWESOME, reach)
    return Oscillators(
        close=now,
        trend=smooth.trend[begin:],
        rsi=strength[begin:],
        k=k,
        d=d,
        cci=commodity_channel(source, CCI, reach),
        adx=smooth.adx[begin:],
        plus=smooth.plus[begin:],
        minus=smooth.minus[begin:],
        awesome=faster - slower,
        momentum=now - closes[begin - MOMENTUM_LENGTH : -MOMENTUM_LENGTH],
        macd=smooth.macd[begin:],
        signal=smooth.signal[begin:],
        rsi_k=rsi_k,
        rsi_d=rsi_d,
        williams=raw[len(raw) - reach :] - 100.0,
        bull=high - base,
        bear=low - base,
        ultimate=ultimate(highs, lows, closes, ULTIMATE_LENGTH, reach),
    )


def _typical(highs: Floats, lows: Floats, closes: Floats, rows: int) -> Floats:
    """Return mean of high, low and close of each of the last bars."""
    first = len(highs) - rows
    out = highs[first:] + lows[first:]
    out += closes[first:]
    out /= 3.0
    return out


def relative_strength(close: Floats, length: int, rows: int) -> Floats:
    """Return RSI in percent, rows x K: 100 - 100 / (1 + U / D) of Wilder's averages of rises and falls.

    100 where the falls average no more than the tolerance's share of the close, which is asked first; 0 where the rises
    do.
    """
    rises, falls = np.full_like(close, np.nan), np.full_like(close, np.nan)
    _rises_and_falls(close[1:].reshape(-1), close.reshape(-1), rises[1:].reshape(-1), falls[1:].reshape(-1))
    up, down = (smoothed(moves, length, 1.0 / length, rows) for moves in (rises, falls))
    _strength(up.reshape(-1), down.reshape(-1), close[len(close) - rows :].reshape(-1))
    return up


@compiled
def _rises_and_falls(now: Floats, before: Floats, rises: Floats, falls: Floats) -> None:
    for i in range(len(now)):
        change = now[i] - before[i]
        rises[i] = change if (change > 0.0) | (change != change) else 0.0
        falls[i] = -change if (change < 0.0) | (change != change) else 0.0


@compiled
def _strength(up: Floats, down: Floats, price: Floats) -> None:
    """Write the RSI into `up`."""
    for i in range(len(up)):
        ratio, nothing = 100.0 - 100.0 / (1.0 + up[i] / down[i]), TOLERANCE * abs(price[i])
        ratio = 0.0 if up[i] <= nothing else ratio
        up[i] = 100.0 if down[i] <= nothing else ratio


def position(source: Floats, high: Floats, low: Floats, lengths: Integers, rows: int, nothing: float) -> Floats:
    """Return the place of the source between lowest low and highest high of n bars, in percent, rows x K.

    `lengths` is the one n. NaN where the two are no more than `nothing` apart.
    """
    top: Floats = highest(high, lengths, rows)[0]
    bottom = negated_lowest(low, lengths, rows)[0]
    _position(source[len(source) - rows :].reshape(-1), top.reshape(-1), bottom.reshape(-1), nothing)
    return top


@compiled
def _position(source: Floats, top: Floats, negated: Floats, nothing: float) -> None:
    """Write the position into `top`; `negated` is the lowest low with its sign changed."""
    for i in range(len(source)):
        spread = top[i] + negated[i]
        top[i] = 100.0 * (source[i] + negated[i]) / spread if spread > nothing else np.nan


def stochastic(raw: Floats) -> tuple[Floats, Floats]:
    """Return %K and %D of a position: its average over 3 bars, and that over 3 bars again.

    Both are rows x K, four rows fewer than the position.
    """
    more = int(SMOOTHING[0]) - 1
    k = simple(raw, SMOOTHING, len(raw) - more)[0]
    return k[more:], simple(k, SMOOTHING, len(k) - more)[0]


def commodity_channel(source: Floats, lengths: Integers, rows: int) -> Floats:
    """Return the CCI, rows x K: distance from the mean of n bars over 0.015 of the mean absolute distance.

    `lengths` is the one n. NaN where the mean absolute distance is zero.
    """
    out: Floats = simple(source, lengths, rows)[0]
    mean = out.reshape(-1)
    _channel_of_mean(source.reshape(-1), int(lengths[0]), source.shape[1], np.zeros(len(mean)), mean)
    return out


@compiled
def _channel_of_mean(prices: Floats, length: int, columns: int, spread: Floats, mean: Floats) -> None:
    """Write the CCI in place of the mean; `spread` are zeros."""
    first = len(prices) - len(mean)
    back = 0
    while back < length:
        a = first - back * columns
        if back + 3 < length:
            b, c, d = a - columns, a - 2 * columns, a - 3 * columns
            _add_distances(spread, prices[a:], prices[b:], prices[c:], prices[d:], mean)
            back += 4
        else:
            _add_distance(spread, prices[a:], mean)
            back += 1
    _channel(mean, prices[first:], spread, float(length))


@inner
def _add_distances(total: Floats, a: Floats, b: Floats, c: Floats, d: Floats, mean: Floats) -> None:
    """Add the distances of four bars at once."""
    for i in range(len(total)):
        total[i] += (abs(a[i] - mean[i]) + abs(b[i] - mean[i])) + (abs(c[i] - mean[i]) + abs(d[i] - mean[i]))


@inner
def _add_distance(total: Floats, source: Floats, mean: Floats) -> None:
    for i in range(len(total)):
        total[i] += abs(source[i] - mean[i])


@inner
def _channel(mean: Floats, source: Floats, spread: Floats, length: float) -> None:
    """Write the CCI in place of the mean."""
    for i in range(len(mean)):
        mean[i] = (source[i] - mean[i]) / (0.015 * (spread[i] / length)) if spread[i] > 0.0 else np.nan


def ultimate(high: Floats, low: Floats, close: Floats, length: int, rows: int) -> Floats:
    """Return ultimate oscillator in percent, rows x K: shares bought in n, 2 n and 4 n bars, weighted 4, 2, 1.

    A share is the sum of buying pressures over that of true ranges; NaN where a window has no range.
    """
    columns, first = close.shape[1], len(close) - (rows + 4 * length - 1)
    top, bottom, now = (field[first:].reshape(-1) for field in (high, low, close))
    pressure, ranges = np.empty(len(now)), np.empty(len(now))
    _pressure_and_range(top, bottom, now, close[first - 1 : -1].reshape(-1), pressure, ranges)
    out, step = np.zeros((rows, columns)), length * columns
    bought, moved = _sums(pressure, length, columns), _sums(ranges, length, columns)
    _add_share(out.reshape(-1), bought[-out.size :], moved[-out.size :], 4.0)
    for wider, weight in ((step, 2.0), (2 * step, 1.0)):
        bought, moved = bought[wider:] + bought[:-wider], moved[wider:] + moved[:-wider]
        _add_share(out.reshape(-1), bought[-out.size :], moved[-out.size :], weight)
    return out


@compiled
def _pressure_and_range(
    high: Floats, low: Floats, close: Floats, before: Floats, pressure: Floats, ranges: Floats
) -> None:
    """Write buying pressure and true range of bars; `before` are the closes before them."""
    for i in range(len(close)):
        bottom = low[i] if (low[i] < before[i]) | (low[i] != low[i]) else before[i]
        top = high[i] if (high[i] > before[i]) | (high[i] != high[i]) else before[i]
        pressure[i] = close[i] - bottom
        ranges[i] = top - bottom


def _sums(series: Floats, length: int, columns: int) -> Floats:
    """Return sums of n values that follow each other, for n - 1 bars fewer."""
    out = series[(length - 1) * columns :].copy()
    for back in range(1, length):
        out += series[(length - 1 - back) * columns : len(series) - back * columns]
    return out


@compiled
def _add_share(out: Floats, bought: Floats, moved: Floats, weight: float) -> None:
    for i in range(len(out)):
        out[i] += weight / 7.0 * (100.0 * bought[i] / moved[i] if moved[i] > 0.0 else np.nan)
