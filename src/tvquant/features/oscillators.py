"""Oscillators of many series at their last bars, compiled. Importing this module imports numba.

1. Blocks are those of `moving_averages.aligned`: N x W, bars side by side, the newest to the right, NaN before the
   first. A kernel that smooths exponentially wants every bar since the first; one over windows takes the last it needs.
2. What is not known makes every window with it NaN; exponential smoothing passes over it and goes on.
3. The change and the true range of the first bar are NaN, for they are of two bars; their averages begin one later.

Sources: J. W. Wilder, New Concepts in Technical Trading Systems (1978): RSI. G. Lane: stochastic. D. Lambert
(1980): CCI. L. Williams: %R, ultimate oscillator (1985), awesome oscillator. G. Appel: MACD. A. Elder: bull and bear
power. Seeds and edge cases are those of Pine's built-ins.
"""

from typing import NamedTuple

import numpy as np

from tvquant.core.panel import Floats
from tvquant.features.moving_averages import aligned, compiled, exponential, highest, simple, smoothed
from tvquant.features.rating_rules import PriceSource
from tvquant.features.votes import TOLERANCE
from tvquant.statistics.directional import directional_movement

RSI_LENGTH = STOCHASTIC_LENGTH = WILLIAMS_LENGTH = 14
SMOOTHING = 3
CCI_LENGTH = 20
AWESOME_LENGTHS = (5, 34)
MOMENTUM_LENGTH = 10
MACD_LENGTHS = (12, 26)
SIGNAL_LENGTH = 9
POWER_LENGTH = 13
TREND_LENGTH = 50
ULTIMATE_LENGTH = 7
BEFORE = 2
"""Bars before the first asked one that votes look at."""
REACH = BEFORE + AWESOME_LENGTHS[-1] - 1
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
    """All oscillators of the rating at the last `rows` + 2 bars of each name.

    Parameters
    ----------
    high, low, close : T x N; without high or low, which is the same as all of them NaN, what needs them is NaN.
    rows : at most T.
    cci_source : what the CCI is taken of.
    """
    reach, width = rows + BEFORE, max(len(close), rows + REACH)
    closes = aligned(close, close, width)
    unknown = np.full_like(closes, np.nan)
    highs, lows = (unknown if field is None else aligned(field, close, width) for field in (high, low))
    typical = cci_source is PriceSource.TYPICAL
    strength = relative_strength(closes, RSI_LENGTH, reach + STOCHASTIC_LENGTH + 2 * SMOOTHING - 3)
    movement = directional_movement(highs.T, lows.T, closes.T, rows=reach)
    adx, plus, minus = (np.ascontiguousarray(line.T) for line in movement)
    faster, slower = exponential(closes, MACD_LENGTHS, width)
    macd = faster - slower
    base, trend = exponential(closes, (POWER_LENGTH, TREND_LENGTH), reach)
    k, d = stochastic(closes, highs, lows, reach, 0.0)
    rsi_k, rsi_d = stochastic(strength, strength, strength, reach, TOLERANCE)
    fast, slow = simple((highs + lows) / 2.0, AWESOME_LENGTHS, reach)

    def last(block: Floats) -> Floats:
        return np.ascontiguousarray(block[:, -reach:])

    return Oscillators(
        close=last(closes),
        trend=trend,
        rsi=last(strength),
        k=k,
        d=d,
        cci=commodity_channel((highs + lows + closes) / 3.0 if typical else closes, CCI_LENGTH, reach),
        adx=adx,
        plus=plus,
        minus=minus,
        awesome=fast - slow,
        momentum=closes[:, -reach:] - closes[:, -reach - MOMENTUM_LENGTH : -MOMENTUM_LENGTH],
        macd=last(macd),
        signal=exponential(macd, (SIGNAL_LENGTH,), reach)[0],
        rsi_k=rsi_k,
        rsi_d=rsi_d,
        williams=position(closes, highs, lows, WILLIAMS_LENGTH, reach, 0.0) - 100.0,
        bull=highs[:, -reach:] - base,
        bear=lows[:, -reach:] - base,
        ultimate=ultimate(highs, lows, closes, ULTIMATE_LENGTH, reach),
    )


def relative_strength(close: Floats, length: int, rows: int) -> Floats:
    """RSI in percent, N x rows: 100 - 100 / (1 + U / D) of Wilder's averages of rises and falls.

    100 where the falls average no more than the tolerance, which is asked first; 0 where the rises do.
    """
    rises, falls = np.empty_like(close), np.empty_like(close)
    _rises_and_falls(close, rises, falls)
    up, down = (smoothed(moves, length, 1.0 / length, rows) for moves in (rises, falls))
    _strength(up, down)
    return up


@compiled
def _rises_and_falls(close: Floats, rises: Floats, falls: Floats) -> None:
    for j in range(len(close)):
        rises[j, 0] = falls[j, 0] = np.nan
        for i in range(1, close.shape[1]):
            change = close[j, i] - close[j, i - 1]
            rises[j, i] = change if (change > 0.0) | (change != change) else 0.0
            falls[j, i] = -change if (change < 0.0) | (change != change) else 0.0


@compiled
def _strength(up: Floats, down: Floats) -> None:
    """RSI into `up`."""
    for j in range(len(up)):
        for i in range(up.shape[1]):
            ratio = 100.0 - 100.0 / (1.0 + up[j, i] / down[j, i])
            ratio = 0.0 if up[j, i] <= TOLERANCE else ratio
            up[j, i] = 100.0 if down[j, i] <= TOLERANCE else ratio


@compiled
def position(source: Floats, high: Floats, low: Floats, length: int, rows: int, nothing: float) -> Floats:
    """Where the source stands between the lowest low and the highest high of n bars, in percent, N x rows.

    NaN where the two are no more than `nothing` apart.
    """
    first = source.shape[1] - rows
    top: Floats = highest(high, (length,), rows)[0]
    bottom = highest(-low, (length,), rows)[0]
    for j in range(len(source)):
        _position(source[j, first:], top[j], bottom[j], nothing)
    return top


@compiled
def _position(source: Floats, top: Floats, negated: Floats, nothing: float) -> None:
    """The position into `top`; `negated` is the lowest low with its sign changed."""
    for i in range(len(source)):
        spread = top[i] + negated[i]
        top[i] = 100.0 * (source[i] + negated[i]) / spread if spread > nothing else np.nan


def stochastic(source: Floats, high: Floats, low: Floats, rows: int, nothing: float) -> tuple[Floats, Floats]:
    """%K and %D, N x rows each: the position in 14 bars averaged over 3 bars, and that over 3 bars again."""
    more = SMOOTHING - 1
    raw = position(source, high, low, STOCHASTIC_LENGTH, rows + 2 * more, nothing)
    k = simple(raw, (SMOOTHING,), rows + more)[0]
    return np.ascontiguousarray(k[:, more:]), simple(k, (SMOOTHING,), rows)[0]


@compiled
def commodity_channel(source: Floats, length: int, rows: int) -> Floats:
    """CCI, N x rows: distance from the mean of n bars over 0.015 of the mean absolute distance; NaN if that is zero."""
    width = source.shape[1]
    first = width - rows
    out: Floats = simple(source, (length,), rows)[0]
    spread = np.empty(rows)
    for j in range(len(source)):
        spread[:] = 0.0
        for back in range(length):
            _add_distance(spread, source[j, first - back : width - back], out[j])
        _channel(out[j], source[j, first:], spread, float(length))
    return out


@compiled
def _add_distance(total: Floats, source: Floats, mean: Floats) -> None:
    for i in range(len(total)):
        total[i] += abs(source[i] - mean[i])


@compiled
def _channel(mean: Floats, source: Floats, spread: Floats, length: float) -> None:
    """CCI in place of the mean."""
    for i in range(len(mean)):
        mean[i] = (source[i] - mean[i]) / (0.015 * (spread[i] / length)) if spread[i] > 0.0 else np.nan


@compiled
def ultimate(high: Floats, low: Floats, close: Floats, length: int, rows: int) -> Floats:
    """Ultimate oscillator in percent, N x rows: shares bought in n, 2 n and 4 n bars, weighted 4, 2, 1.

    A share is the sum of buying pressures over that of true ranges; NaN where a window has no range.
    """
    size = rows + 4 * length - 1
    first = close.shape[1] - size
    pressure, ranges = np.empty(size), np.empty(size)
    out = np.zeros((len(close), rows))
    for j in range(len(close)):
        _pressure(high[j, first:], low[j, first:], close[j, first:], close[j, first - 1 : -1], pressure, ranges)
        bought, moved = _sums(pressure, length), _sums(ranges, length)
        more_bought, more_moved = _doubled(bought, length), _doubled(moved, length)
        most_bought, most_moved = _doubled(more_bought, 2 * length), _doubled(more_moved, 2 * length)
        _add_share(out[j], bought[-rows:], moved[-rows:], 4.0)
        _add_share(out[j], more_bought[-rows:], more_moved[-rows:], 2.0)
        _add_share(out[j], most_bought, most_moved, 1.0)
    return out


@compiled
def _pressure(high: Floats, low: Floats, close: Floats, before: Floats, pressure: Floats, ranges: Floats) -> None:
    for i in range(len(close)):
        bottom = low[i] if (low[i] < before[i]) | (low[i] != low[i]) else before[i]
        top = high[i] if (high[i] > before[i]) | (high[i] != high[i]) else before[i]
        pressure[i] = close[i] - bottom
        ranges[i] = top - bottom


@compiled
def _sums(series: Floats, length: int) -> Floats:
    """Sums of n values that follow each other, n - 1 fewer than values."""
    out = series[length - 1 :].copy()
    for back in range(1, length):
        _add(out, series[length - 1 - back :])
    return out


@compiled
def _doubled(sums: Floats, length: int) -> Floats:
    """Sums of windows of twice n bars from those of n."""
    out = sums[length:].copy()
    _add(out, sums)
    return out


@compiled
def _add(out: Floats, more: Floats) -> None:
    for i in range(len(out)):
        out[i] += more[i]


@compiled
def _add_share(out: Floats, bought: Floats, moved: Floats, weight: float) -> None:
    for i in range(len(out)):
        out[i] += weight / 7.0 * (100.0 * bought[i] / moved[i] if moved[i] > 0.0 else np.nan)
