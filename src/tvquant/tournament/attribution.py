"""Attribution: what longs, shorts and costs brought to each row's return.

A row's return = longs + shorts - costs + other, in fractions of the equity before it. Holdings earn their total return
from close to close; on a fill row what was held earns to the fill price, what is held from then on earns from there.
`other` is what that does not explain: close-outs below the last price, and a dividend's share of the way to the open.
"""

from collections.abc import Mapping

import numpy as np

from tvquant.core.books import Convention, Execution, SimResult
from tvquant.core.panel import Floats, Panel


def contributions(panel: Panel, result: SimResult, execution: Execution) -> Mapping[str, Floats]:
    """`long`, `short`, `costs` (positive) and `other` by row (R each) of a book over all columns of the panel."""
    first = len(panel.times) - len(result.times)
    growth = np.nan_to_num(panel.fields["total_return"][first:])
    marks = np.nan_to_num(result.marks)
    earned = np.zeros_like(marks)
    held = result.quantities[:-1] * marks[:-1]
    earned[1:] = held * growth[1:]
    sides = np.zeros_like(marks)
    sides[1:] = np.sign(held)
    long, short = _side(earned, sides, 1), _side(earned, sides, -1)
    if execution.convention is Convention.NEXT_OPEN:
        _split_fills(panel, result, first, growth, (long, short))
    before = np.concatenate([[1.0], result.equity[:-1]])
    solvent = np.where(before > 0, before, np.nan)
    costs = np.sum(list(result.costs.values()), axis=0)
    parts = {"long": long / solvent, "short": short / solvent, "costs": costs / solvent}
    explained = parts["long"] + parts["short"] - parts["costs"]
    return {**parts, "other": result.returns - explained}


def _side(earned: Floats, sides: Floats, sign: int) -> Floats:
    return np.asarray(np.where(sides == sign, earned, 0.0).sum(axis=1))


def _split_fills(panel: Panel, result: SimResult, first: int, growth: Floats, totals: tuple[Floats, Floats]) -> None:
    """Put the two parts of each fill row, to the open and from there, in the place of the whole row."""
    opens, closes = panel.fields["open"], panel.fields["close"]
    for row in result.filled - first:
        price, close = opens[row + first], closes[row + first]
        there = np.isfinite(price) & np.isfinite(close)
        ratio = np.where(there, price / np.where(there, close, 1.0), 1.0)
        new = result.quantities[row] * np.where(there, close - price, 0.0)
        old = np.zeros_like(new)
        if row > 0:
            old = result.quantities[row - 1] * np.nan_to_num(result.marks[row - 1])
        until = old * ((1.0 + growth[row]) * ratio - 1.0)
        for total, sign in zip(totals, (1, -1), strict=True):
            total[row] = until[np.sign(old) == sign].sum() + new[np.sign(result.quantities[row]) == sign].sum()
