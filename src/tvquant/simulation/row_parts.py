"""What accounts one by one and side by side have in common, compiled: rows that need no step, opening prices, values.

Sums over names run in their order. Importing this module imports numba.
"""

import numpy as np

from tvquant.core.panel import Bools, Floats
from tvquant.simulation.account import SPLIT, PriceRows
from tvquant.simulation.compiling import inlined, part


@part
def calm_until(marks: Floats, busy: Bools, lost_from: Floats, t: int) -> int:
    """Return the first row from `t` on that needs every step: a busy one, or one whose mark takes collateral.

    `lost_from` (N) are the prices from which shorts have lost theirs, infinite where there is none.
    """
    until, posted = t, False
    while until < len(marks) and not busy[until]:
        until += 1
    for level in lost_from:
        posted |= level < np.inf
    return t + first_lost(marks[t:until], lost_from) if posted else until


@part
def first_lost(marks: Floats, lost_from: Floats) -> int:
    """Return the first row in which a price has reached its level (N), the number of rows if none; eight at a time.

    The last eight may be in part those before, in which none has.
    """
    rows, names = marks.shape
    calm, lost = 0, 0
    while calm < rows and rows >= 8:
        i = min(calm, rows - 8)
        m0, m1, m2, m3 = marks[i], marks[i + 1], marks[i + 2], marks[i + 3]
        m4, m5, m6, m7 = marks[i + 4], marks[i + 5], marks[i + 6], marks[i + 7]
        for j in range(names):
            early = _higher(_higher(m0[j], m1[j]), _higher(m2[j], m3[j]))
            late = _higher(_higher(m4[j], m5[j]), _higher(m6[j], m7[j]))
            lost += _higher(early, late) >= lost_from[j]
        if lost > 0:
            break
        calm = i + 8
    lost = 0
    while calm < rows:
        for j in range(names):
            lost += marks[calm, j] >= lost_from[j]
        if lost > 0:
            break
        calm += 1
    return calm


@part
def _higher(a: float, b: float) -> float:
    """Return the higher of two prices; unlike `max`, one machine instruction for many of them."""
    return a if a > b else b


@part
def set_open_prices(market: PriceRows, price: Floats, t: int) -> None:
    """Set prices (N) to the opening ones; where there is none to the last mark, through a split."""
    for j in range(len(price)):
        if market.priced[t, j] and market.opens[t, j] > 0.0:
            price[j] = market.opens[t, j]
        else:
            price[j] = market.marks[t - 1, j]
            if market.actions.shape[1] > 0:
                price[j] /= market.actions[SPLIT, t, j]


@part
def set_values(marks: Floats, held: Floats, value: Floats) -> None:
    """Set `value` to what is held (N) is worth in each row of marks; many rows at a time, for a sum waits on itself.

    The last four may be in part those before: the same rows have the same sums.
    """
    rows, i = len(marks), 0
    while i + 8 <= rows:
        m0, m1, m2, m3 = marks[i], marks[i + 1], marks[i + 2], marks[i + 3]
        m4, m5, m6, m7 = marks[i + 4], marks[i + 5], marks[i + 6], marks[i + 7]
        v0 = v1 = v2 = v3 = v4 = v5 = v6 = v7 = 0.0
        for j in range(len(held)):
            q = held[j]
            v0 += m0[j] * q
            v1 += m1[j] * q
            v2 += m2[j] * q
            v3 += m3[j] * q
            v4 += m4[j] * q
            v5 += m5[j] * q
            v6 += m6[j] * q
            v7 += m7[j] * q
        value[i], value[i + 1], value[i + 2], value[i + 3] = v0, v1, v2, v3
        value[i + 4], value[i + 5], value[i + 6], value[i + 7] = v4, v5, v6, v7
        i += 8
    while i < rows and rows >= 4:
        i = min(i, rows - 4)
        m0, m1, m2, m3 = marks[i], marks[i + 1], marks[i + 2], marks[i + 3]
        v0 = v1 = v2 = v3 = 0.0
        for j in range(len(held)):
            q = held[j]
            v0 += m0[j] * q
            v1 += m1[j] * q
            v2 += m2[j] * q
            v3 += m3[j] * q
        value[i], value[i + 1], value[i + 2], value[i + 3] = v0, v1, v2, v3
        i += 4
    while i < rows:
        value[i] = dot(marks[i], held)
        i += 1


@inlined
def set_row(to: Floats, values: Floats) -> None:
    """Set an array (N) to values."""
    for j in range(len(to)):
        to[j] = values[j]


@inlined
def dot(a: Floats, b: Floats) -> float:
    """Return the sum of products in order."""
    total = 0.0
    for j in range(len(a)):
        total += a[j] * b[j]
    return total


# 20325
