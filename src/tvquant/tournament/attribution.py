"""Attribution: what longs, shorts, costs and funding brought to each row's return.

A row's return = longs + shorts - costs - funding + other, in fractions of the equity before it. Holdings earn their
total return from close to close; on a fill row what was held earns to the fill price, what is held from then on earns
from there; a short that lost its collateral earns to the price it was closed at. `other` is what that does not explain:
close-outs below the last price, and a dividend's share of the way to the open.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tvquant.core.books import EventKind, Execution, SimResult
from tvquant.core.panel import Floats, Panel, frozen
from tvquant.simulation.account import LOST_AT
from tvquant.tournament.trades import Trades

type Earned = tuple[Floats, Floats]
"""What each name earned while it was held long, and while short: R x N each, fractions of the equity before the row."""


def contributions(result: SimResult, earned: Earned) -> Mapping[str, Floats]:
    """Return `long`, `short`, `costs` and `funding` (positive where paid) and `other` by row (R each) of a book."""
    solvent = _before(result)
    costs = np.sum([amounts for name, amounts in result.costs.items() if name != "funding"], axis=0)
    parts = {"long": earned[0].sum(axis=1), "short": earned[1].sum(axis=1),
             "costs": costs / solvent, "funding": result.costs["funding"] / solvent}  # fmt: skip
    explained = parts["long"] + parts["short"] - parts["costs"] - parts["funding"]
    return {**parts, "other": result.returns - explained}


def by_name(
    panel: Panel, result: SimResult, earned: Earned, made: Trades, filled: NDArray[np.int64]
) -> Mapping[str, Any]:
    """Return what each name brought between one fill and the next: columns `fill`, `symbol`, `long`, `short`, `costs`.

    `filled` are the rows of the fills that count: all, or the first of each window. Sums over rows of fractions of the
    equity before the row; a fill's row is the new fill's, `costs` are those of the
    trades. Borrow fees, interest and funding are of no one name. Names that brought nothing have no line; rows after
    the equity is gone count nothing.
    """
    first = len(panel.times) - len(result.times)
    starts, keys = filled - first, panel.keys
    paid, before, rows = np.zeros((len(starts), len(keys))), _before(result), made.row - first
    sides = earned if np.isfinite(before).all() else map(np.nan_to_num, earned)  # nothing else makes them NaN
    cost = made.slippage + made.commission + made.impact
    np.add.at(paid, (np.searchsorted(starts, rows, side="right") - 1, made.name), cost / before[rows])
    long, short = (np.add.reduceat(side, starts, axis=0) for side in sides)
    fill, name = np.nonzero((long != 0.0) | (short != 0.0) | (paid != 0.0))
    return {
        "fill": fill,
        "symbol": pl.Series([keys[j] for j in name.tolist()], dtype=pl.String),
        "long": long[fill, name],
        "short": short[fill, name],
        "costs": paid[fill, name],
    }


def earnings(panel: Panel, result: SimResult, execution: Execution) -> Earned:
    """Return what each name earned while it was held long, and while short (R x N each), of the equity before the row.

    Before costs and funding; NaN once the equity is gone.
    """
    first = len(panel.times) - len(result.times)
    growth = growth_of(panel)[first:]
    held = result.quantities[:-1] * result.marks[:-1]  # without a mark nothing is held
    brought = held * growth[1:]
    long, short = np.zeros_like(growth), np.zeros_like(growth)
    long[1:] = np.where(held > 0.0, brought, 0.0)
    if (shorts := held < 0.0).any():
        short[1:] = np.where(shorts, brought, 0.0)
    at_open = execution.at_open
    if at_open:
        _split_fills(panel, result, first, growth, (long, short))
    _spare(panel, result, growth, short, at_open=at_open)
    for side in (long, short):
        side /= _before(result)[:, None]
    return long, short


@lru_cache(maxsize=1)  # every cell asks for it
def growth_of(panel: Panel) -> Floats:
    """Return the total returns of a panel (T x N), 0 where there is none."""
    return frozen(np.nan_to_num(panel.fields["total_return"]))


def _before(result: SimResult) -> Floats:
    """Return equity before each row (R); NaN once it is gone."""
    before = np.concatenate([[1.0], result.equity[:-1]])
    return np.where(before > 0, before, np.nan)


def _split_fills(panel: Panel, result: SimResult, first: int, growth: Floats, sides: tuple[Floats, Floats]) -> None:
    """Put the two parts of each fill row, to the open and from there, in the place of the whole row."""
    rows = result.filled - first
    price, close = panel.fields["open"][result.filled], panel.fields["close"][result.filled]
    there = np.isfinite(price) & np.isfinite(close)
    ratio = np.where(there, price / np.where(there, close, 1.0), 1.0)
    held = result.quantities[rows]
    new = held * np.where(there, close - price, 0.0)
    old = result.quantities[rows - 1] * np.nan_to_num(result.marks[rows - 1])
    old[rows == 0] = 0.0
    until = old * ((1.0 + growth[rows]) * ratio - 1.0)
    for side, sign in zip(sides, (1, -1), strict=True):
        side[rows] = np.where(np.sign(old) == sign, until, 0.0) + np.where(np.sign(held) == sign, new, 0.0)


def _spare(panel: Panel, result: SimResult, growth: Floats, short: Floats, *, at_open: bool) -> None:
    """Add to `short` (R x N) the loss that shorts without collateral were spared, against the prices at the closes.

    Closed at twice the very open of its row, a short was sold there, and no close shows it; else it was held before.
    """
    first = len(panel.times) - len(result.times)
    filled, place = set(result.filled.tolist()) if at_open else set(), {key: j for j, key in enumerate(panel.keys)}
    for event in (event for event in result.events if event.kind is EventKind.COLLATERAL_LOST):
        row, j = event.row - first, place[event.key]
        closed = event.value * (result.equity[row - 1] if row > 0 else 1.0)
        price = panel.fields["open"][event.row, j] if event.row in filled else np.nan
        if event.price == LOST_AT * price:
            short[row, j] += closed / LOST_AT
            continue
        ratio = price / panel.fields["close"][event.row, j]
        ratio = ratio if np.isfinite(ratio) else 1.0
        old = result.quantities[row - 1, j] * result.marks[row - 1, j]
        paid = panel.fields["dividend"][event.row, j] if "dividend" in panel.fields else 0.0
        lost = closed - old + closed / event.price * paid
        short[row, j] += lost - old * ((1.0 + growth[row, j]) * ratio - 1.0)
