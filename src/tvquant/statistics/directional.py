"""Directional movement and true range of bars (Wilder), compiled. Importing this module imports numba.

Both read T x N bars in order of time, all names of a row before the next row. A row without high, low and close is no
bar of a name: it is stepped over and its result is NaN. Wilder's average of n values begins with the mean of the first
n and then moves by (x - average) / n.

Source: Wilder (1978), New Concepts in Technical Trading Systems. As in TradingView's charts, which the screener's
values follow, directional movement has no true range on the first bar, while the average true range has high - low
there.
"""

import numpy as np

from tvquant.core.panel import Floats
from tvquant.statistics.first_valid import Integers, first_known
from tvquant.statistics.kernels import compiled, inner

LENGTH = 14
"""Bars of Wilder's averages."""


def directional_movement(high: Floats, low: Floats, close: Floats, *, rows: int) -> tuple[Floats, Floats, Floats]:
    """Return ADX(14), +DI(14) and -DI(14), each rows x N in [0, 100], of the last `rows` rows of T x N bars.

    The DIs begin at the 15th bar of a name, the ADX at the 28th. While no bar had a true range there is no DI; where
    neither DI is above zero the movement has no direction and counts as 0.
    """
    moved, up, down = _moves(high, low, close)
    starts = first_known(moved)
    if starts[0] >= 0:
        for values in (moved, up, down):
            _smooth(values, starts)
        _share(up, down, moved)
        starts = first_known(moved)
    if starts[0] >= 0:
        _smooth(moved, starts)
        moved *= 100.0
        return moved[-rows:], up[-rows:], down[-rows:]
    adx, plus, minus = _directional(high, low, close, rows)
    return adx, plus, minus


def average_true_range(high: Floats, low: Floats, close: Floats, *, rows: int) -> Floats:
    """Return ATR(14), rows x N in units of the price; from the 14th bar of a name on."""
    return _true_range(high, low, close, rows)


@inner
def _range(high: float, low: float, before: float) -> float:
    """Return the true range: of the bar and the close before it."""
    return max(high, before) - min(low, before)


@inner
def _wilder(average: float, value: float, count: int) -> float:
    """Return the average after its `count`-th value; while there are fewer than 14 it is their sum over 14."""
    if count <= LENGTH:
        return average + value / LENGTH
    return average + (value - average) / LENGTH


@compiled
def _moves(high: Floats, low: Floats, close: Floats) -> tuple[Floats, Floats, Floats]:
    """Return true range, movement up and movement down since the row before.

    No range (NaN) where one of the two is no bar.
    """
    moved, up, down = np.empty(close.shape), np.empty(close.shape), np.empty(close.shape)
    moved[0] = up[0] = down[0] = np.nan
    for t in range(1, len(close)):
        for j in range(close.shape[1]):
            top = high[t, j] if (high[t, j] > close[t - 1, j]) | np.isnan(high[t, j]) else close[t - 1, j]
            bottom = low[t, j] if (low[t, j] < close[t - 1, j]) | np.isnan(low[t, j]) else close[t - 1, j]
            moved[t, j] = top - bottom if close[t, j] == close[t, j] else np.nan
        for j in range(close.shape[1]):
            rise, fall = high[t, j] - high[t - 1, j], low[t - 1, j] - low[t, j]
            up[t, j] = rise if (rise > fall) & (rise > 0.0) else 0.0
            down[t, j] = fall if (fall > rise) & (fall > 0.0) else 0.0
            moved[t, j] = moved[t, j] if rise + fall == rise + fall else np.nan
    return moved, up, down


@compiled
def _smooth(values: Floats, starts: Integers) -> None:
    """Replace the movements of names without holes by Wilder's average; NaN until it begins."""
    names = values.shape[1]
    begins, seeds = starts + (LENGTH - 1), np.zeros(names)
    for j in range(names):
        for t in range(starts[j], min(begins[j] + 1, len(values))):
            seeds[j] += values[t, j] / LENGTH
    first, last = min(int(begins.min()), len(values)), begins.max()
    values[:first] = np.nan
    for t in range(first, len(values)):
        if t > first:
            for j in range(names):
                values[t, j] = values[t - 1, j] + (values[t, j] - values[t - 1, j]) / LENGTH
        else:
            values[t] = np.nan
        if t <= last:
            for j in range(names):
                values[t, j] = seeds[j] if begins[j] == t else values[t, j]


@compiled
def _share(up: Floats, down: Floats, moved: Floats) -> None:
    """Replace the averages of movements by the DIs, and that of the range by the share that has a direction."""
    for t in range(len(up)):
        for j in range(up.shape[1]):
            known = moved[t, j] > 0.0
            plus = 100.0 * up[t, j] / moved[t, j] if known else np.nan
            minus = 100.0 * down[t, j] / moved[t, j] if known else np.nan
            both = plus + minus
            up[t, j], down[t, j] = plus, minus
            moved[t, j] = abs(plus - minus) / both if (both > 0.0) | np.isnan(both) else 0.0


@compiled
def _directional(high: Floats, low: Floats, close: Floats, rows: int) -> Floats:
    """Return ADX, +DI, -DI as 3 x rows x N."""
    days, names = close.shape
    out = np.full((3, rows, names), np.nan)
    before = np.full((3, names), np.nan)  # high, low, close of the last bar
    ranges, ups, downs, strength = np.zeros(names), np.zeros(names), np.zeros(names), np.zeros(names)
    bars, strengths = np.zeros(names, np.int64), np.zeros(names, np.int64)
    for t in range(days):
        for j in range(names):
            h, w, c = high[t, j], low[t, j], close[t, j]
            if np.isnan(h) or np.isnan(w) or np.isnan(c):
                continue
            up, down, reach = h - before[0, j], before[1, j] - w, _range(h, w, before[2, j])
            before[0, j], before[1, j], before[2, j] = h, w, c
            bars[j] += 1
            n = bars[j] - 1  # moves from bar to bar
            if n == 0:
                continue
            ranges[j] = _wilder(ranges[j], reach, n)
            ups[j] = _wilder(ups[j], up if up > down and up > 0.0 else 0.0, n)
            downs[j] = _wilder(downs[j], down if down > up and down > 0.0 else 0.0, n)
            if n < LENGTH or not ranges[j] > 0.0:
                continue
            plus, minus = 100.0 * ups[j] / ranges[j], 100.0 * downs[j] / ranges[j]
            both = plus + minus
            strengths[j] += 1
            strength[j] = _wilder(strength[j], abs(plus - minus) / both if both > 0.0 else 0.0, strengths[j])
            if t >= days - rows:
                place = t - days + rows
                out[1, place, j], out[2, place, j] = plus, minus
                if strengths[j] >= LENGTH:
                    out[0, place, j] = 100.0 * strength[j]
    return out


@compiled
def _true_range(high: Floats, low: Floats, close: Floats, rows: int) -> Floats:
    """Return ATR as rows x N."""
    days, names = close.shape
    out = np.full((rows, names), np.nan)
    before, average, bars = np.zeros(names), np.zeros(names), np.zeros(names, np.int64)
    for t in range(days):
        for j in range(names):
            h, w, c = high[t, j], low[t, j], close[t, j]
            if np.isnan(h) or np.isnan(w) or np.isnan(c):
                continue
            bars[j] += 1
            average[j] = _wilder(average[j], _range(h, w, before[j]) if bars[j] > 1 else h - w, bars[j])
            before[j] = c
            if bars[j] >= LENGTH and t >= days - rows:
                out[t - days + rows, j] = average[j]
    return out
