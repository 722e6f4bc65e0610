"""Attribution: what longs, shorts, costs and funding brought to each row's return.

A row's return = longs + shorts - costs - funding + other, in fractions of the equity before it. Holdings earn their
total return from close to close; on a fill row what was held earns to the fill price, what is held from then on earns
from there; a short that lost its collateral earns to the price it was closed at. `other` is what that does not explain:
close-outs below the last price, and a dividend's share of the way to the open.
"""

from collections.abc import Mapping

import numpy as np

from tvquant.core.books import Convention, Execution, SimResult
from tvquant.core.panel import Floats, Panel


def contributions(panel: Panel, result: SimResult, execution: Execution) -> Mapping[str, Floats]:
    """Return `long`, `short`, `costs` and `funding` (positive where paid) and `other` by row (R each) of a book.

    The book is over all columns of the panel.
    """
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
    short += _spared(panel, result, growth, at_open=execution.convention is Convention.NEXT_OPEN)
    solvent = np.where(before > 0, before, np.nan)
    costs = np.sum([amounts for name, amounts in result.costs.items() if name != "funding"], axis=0)
    parts = {"long": long, "short": short, "costs": costs, "funding": result.costs["funding"]}
    parts = {name: part / solvent for name, part in parts.items()}
    explained = parts["long"] + parts["short"] - parts["costs"] - parts["funding"]
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


def _spared(panel: Panel, result: SimResult, growth: Floats, *, at_open: bool) -> Floats:
    """Return the loss (R) that shorts without collateral were spared, against the prices at the closes.

    Closed at twice the very open of its row, a short was sold there, and no close shows it; else it was held before.
    """
    found, first = np.zeros(len(result.times)), len(panel.times) - len(result.times)
    filled, place = set(result.filled.tolist()) if at_open else set(), {key: j for j, key in enumerate(panel.keys)}
    for event in (event for event in result.events if event.kind == "collateral_lost"):
        row, j = event.row - first, place[event.key]
        closed = event.value * (result.equity[row - 1] if row > 0 else 1.0)
        price = panel.fields["open"][event.row, j] if event.row in filled else np.nan
        if event.price == 2.0 * price:
            found[row] += closed / 2.0
            continue
        ratio = price / panel.fields["close"][event.row, j]
        ratio = ratio if np.isfinite(ratio) else 1.0
        old = result.quantities[row - 1, j] * result.marks[row - 1, j]
        paid = panel.fields["dividend"][event.row, j] if "dividend" in panel.fields else 0.0
        lost = closed - old + closed / event.price * paid
        found[row] += lost - old * ((1.0 + growth[row, j]) * ratio - 1.0)
    return found
