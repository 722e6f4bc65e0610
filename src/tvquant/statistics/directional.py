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
    high, low, close = (np.ascontiguousarray(field) for field in (high, low, close))
    moved, up, down = (np.empty(close.shape) for _ in range(3))
    moved[0] = up[0] = down[0] = np.nan
    bars, before = ([field[part].reshape(-1) for field in (high, low, close)] for part in (slice(1, None), slice(-1)))
    _moves(*bars, *before, *(field[1:].reshape(-1) for field in (moved, up, down)))
    starts = first_known(moved)
    if starts[0] >= 0:
        for values in (moved, up, down):
            _smooth(values, starts, np.zeros(len(starts)))
        _share(up.reshape(-1), down.reshape(-1), moved.reshape(-1))
        starts = first_known(moved)
    if starts[0] >= 0:
        _smooth(moved, starts, np.zeros(len(starts)))
        moved *= 100.0
        return moved[-rows:], up[-rows:], down[-rows:]
    out = np.full((3, rows, close.shape[1]), np.nan)
    _directional(high, low, close, _unbegun(close.shape[1]), out)
    return out[0], out[1], out[2]


def average_true_range(high: Floats, low: Floats, close: Floats, *, rows: int) -> Floats:
    """Return ATR(14), rows x N in units of the price; from the 14th bar of a name on."""
    out = np.full((rows, close.shape[1]), np.nan)
    high, low, close = (np.ascontiguousarray(field) for field in (high, low, close))
    _true_range(high, low, close, _unbegun(close.shape[1]), out)
    return out


HIGH, LOW, CLOSE, RANGES, UPS, DOWNS, STRENGTH, BARS, STRENGTHS = range(9)
"""Rows of what is known of N names between two rows: their last bar, four averages, bars and values of the last one."""


def _unbegun(names: int) -> Floats:
    """Return what is known of N names before their first bar, 9 x N."""
    state = np.zeros((STRENGTHS + 1, names))
    state[:RANGES] = np.nan
    return state


@inner
def _range(high: float, low: float, before: float) -> float:
    """Return the true range: of the bar and the close before it."""
    return max(high, before) - min(low, before)


@inner
def _wilder(average: float, value: float, count: float) -> float:
    """Return the average after its `count`-th value; while there are fewer than 14 it is their sum over 14."""
    if count <= LENGTH:
        return average + value / LENGTH
    return average + (value - average) / LENGTH


@compiled
def _moves(
    high: Floats, low: Floats, close: Floats, high1: Floats, low1: Floats, close1: Floats,
    moved: Floats, up: Floats, down: Floats,
) -> None:  # fmt: skip
    """Write true range, movement up and movement down of bars since those of the row before, all as lines.

    No range (NaN) where one of the two is no bar.
    """
    for i in range(len(moved)):
        top = high[i] if (high[i] > close1[i]) | (high[i] != high[i]) else close1[i]
        bottom = low[i] if (low[i] < close1[i]) | (low[i] != low[i]) else close1[i]
        rise, fall = high[i] - high1[i], low1[i] - low[i]
        known = (close[i] == close[i]) & (rise + fall == rise + fall)
        moved[i] = top - bottom if known else np.nan
        up[i] = rise if (rise > fall) & (rise > 0.0) else 0.0
        down[i] = fall if (fall > rise) & (fall > 0.0) else 0.0


@compiled
def _smooth(values: Floats, starts: Integers, seeds: Floats) -> None:
    """Replace the movements of names without holes by Wilder's average; NaN until it begins. `seeds` are N zeros."""
    rows, names = values.shape
    first, last = rows, 0
    for j in range(names):
        begin = starts[j] + (LENGTH - 1)
        first, last = min(first, begin), max(last, begin)
        for t in range(starts[j], min(begin + 1, rows)):
            seeds[j] += values[t, j] / LENGTH
    for t in range(min(first + 1, rows)):
        for j in range(names):
            values[t, j] = seeds[j] if starts[j] + (LENGTH - 1) == t else np.nan
    for t in range(first + 1, rows):
        for j in range(names):
            values[t, j] = values[t - 1, j] + (values[t, j] - values[t - 1, j]) / LENGTH
        if t <= last:
            for j in range(names):
                values[t, j] = seeds[j] if starts[j] + (LENGTH - 1) == t else values[t, j]


@compiled
def _share(up: Floats, down: Floats, moved: Floats) -> None:
    """Replace the averages of movements by the DIs, and that of the range by the share that has a direction."""
    for i in range(len(up)):
        known = moved[i] > 0.0
        plus = 100.0 * up[i] / moved[i] if known else np.nan
        minus = 100.0 * down[i] / moved[i] if known else np.nan
        both = plus + minus
        up[i], down[i] = plus, minus
        moved[i] = abs(plus - minus) / both if (both > 0.0) | (both != both) else 0.0


@compiled
def _directional(high: Floats, low: Floats, close: Floats, state: Floats, out: Floats) -> None:
    """Write ADX, +DI, -DI of the last rows, 3 x rows x N, where there are any."""
    days, rows = close.shape[0], out.shape[1]
    for t in range(days):
        for j in range(close.shape[1]):
            h, w, c = high[t, j], low[t, j], close[t, j]
            if h != h or w != w or c != c:
                continue
            up, down, reach = h - state[HIGH, j], state[LOW, j] - w, _range(h, w, state[CLOSE, j])
            state[HIGH, j], state[LOW, j], state[CLOSE, j] = h, w, c
            n = state[BARS, j]  # moves from bar to bar
            state[BARS, j] = n + 1.0
            if n == 0.0:
                continue
            ranges = state[RANGES, j] = _wilder(state[RANGES, j], reach, n)
            ups = state[UPS, j] = _wilder(state[UPS, j], up if up > down and up > 0.0 else 0.0, n)
            downs = state[DOWNS, j] = _wilder(state[DOWNS, j], down if down > up and down > 0.0 else 0.0, n)
            if n < LENGTH or not ranges > 0.0:
                continue
            plus, minus = 100.0 * ups / ranges, 100.0 * downs / ranges
            both = plus + minus
            m = state[STRENGTHS, j] = state[STRENGTHS, j] + 1.0
            share = abs(plus - minus) / both if both > 0.0 else 0.0
            strength = state[STRENGTH, j] = _wilder(state[STRENGTH, j], share, m)
            place = t - days + rows
            if place >= 0:
                out[1, place, j], out[2, place, j] = plus, minus
                if m >= LENGTH:
                    out[0, place, j] = 100.0 * strength


@compiled
def _true_range(high: Floats, low: Floats, close: Floats, state: Floats, out: Floats) -> None:
    """Write the ATR of the last rows, rows x N, where there is one."""
    days, rows = close.shape[0], out.shape[0]
    for t in range(days):
        for j in range(close.shape[1]):
            h, w, c = high[t, j], low[t, j], close[t, j]
            if h != h or w != w or c != c:
                continue
            n = state[BARS, j] + 1.0
            state[BARS, j] = n
            reach = _range(h, w, state[CLOSE, j]) if n > 1.0 else h - w
            average = state[RANGES, j] = _wilder(state[RANGES, j], reach, n)
            state[CLOSE, j] = c
            if n >= LENGTH and t - days + rows >= 0:
                out[t - days + rows, j] = average
