"""Books of frames: prices as tables, the panel of the names that are weighed, decisions on it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tvquant.api import frames
from tvquant.core.books import WeightPath
from tvquant.core.errors import ProfileError
from tvquant.core.instruments import Instrument, Kind
from tvquant.core.panel import Basis, Floats, Panel
from tvquant.core.quoting import several
from tvquant.lake.writing import headers

FIELDS = ("open", "high", "low", "volume", "close")
MOST = 10.0
"""Gross weight (a fraction of equity) beyond which weights are taken for percents."""


def prices_of(prices: Any) -> dict[str, frames.Wide]:
    """Return wide frames by field, of one shape; `close` is always there."""
    if isinstance(prices, Mapping):
        if "close" not in prices or set(prices) - set(FIELDS):
            raise ProfileError(
                f"prices: expected frames for close and perhaps {', '.join(FIELDS[:-1])}, found {several(list(prices))}"
            )
        tables = {name: frames.wide(frame, f"prices[{name!r}]") for name, frame in prices.items()}
    else:
        given = frames.as_polars(prices, "prices")
        in_rows = any(headers.meant(name) == "symbol" for name in given.columns)
        if in_rows:
            every, _, _ = frames.bars(given, "prices").spread()
            tables = {name: every[name] for name in FIELDS if name in every}
        else:
            tables = {"close": frames.wide(given, "prices")}
    close = tables["close"]
    for name, table in tables.items():
        if table.names != close.names or not np.array_equal(table.times, close.times):
            raise ProfileError(f"prices: {name} and close have different dates or names; reindex one as the other")
        low = np.argwhere(table.values < 0.0 if name == "volume" else table.values <= 0.0)
        if len(low):
            t, j = low[0]
            at = f"{name} of {table.names[j]} on {frames.day(table.times[t])} is {table.values[t, j]:g}"
            raise ProfileError(f"prices: {at}, expected a number above zero; write NaN where there is no bar")
    return tables


def panel_of(names: Sequence[str], tables: Mapping[str, frames.Wide]) -> Panel:
    """Return the panel of some names; ProfileError for one that has no price."""
    close = tables["close"]
    strange = [name for name in names if name not in close.names]
    if strange:
        raise ProfileError(f"weights: prices have no column {several(strange)}; they have {several(close.names)}")
    place = {name: j for j, name in enumerate(close.names)}
    columns = np.array([place[name] for name in names])
    columns = columns[np.argsort(np.argmax(~np.isnan(close.values[:, columns]), axis=0), kind="stable")]
    values: dict[str, Floats] = {name: wide.values[:, columns] for name, wide in tables.items()}
    never = np.isnan(values["close"]).all(axis=0)
    if never.any():
        raise ProfileError(f"prices: {close.names[columns[int(np.argmax(never))]]} has no price at all")
    return Panel(
        times=close.times,
        instruments=tuple(_instrument(close.names[j]) for j in columns),
        fields=values,
        known_at=np.broadcast_to(close.times[:, None], values["close"].shape),
        tradable=~np.isnan(values["close"]),
        bases=(Basis.TOTAL,) * len(columns),
        stamps=(frozenset(),) * len(columns),
        calendar="24x7",
    )


def path_on(panel: Panel, weights: frames.Wide) -> WeightPath:
    """Return the decisions on a panel; a name of it that they do not weigh is not held.

    Raises
    ------
    ProfileError : a date that has no prices, a cell that is empty, or weights that are no fractions.
    """
    at = np.searchsorted(panel.times, weights.times)
    found = at < len(panel.times)
    found[found] = panel.times[at[found]] == weights.times[found]
    if not found.all():
        bad = frames.day(weights.times[int(np.argmin(found))])
        raise ProfileError(f"weights: prices have no row of {bad}; decide on a date that has prices")
    _refuse_weights(weights)
    mine = {name: j for j, name in enumerate(weights.names)}
    net = np.zeros((len(at), len(panel.keys)))
    for column, key in enumerate(panel.keys):
        if key in mine:
            net[:, column] = weights.values[:, mine[key]]
    return WeightPath(keys=panel.keys, decided=at.astype(np.int64), net=net)


def _refuse_weights(weights: frames.Wide) -> None:
    empty = np.argwhere(np.isnan(weights.values))
    if len(empty):
        k, j = empty[0]
        raise ProfileError(
            f"weights: {weights.names[j]} on {frames.day(weights.times[k])} is empty; write 0 for a name that is not "
            'held, and leave out dates without a decision (dropna(how="all"))'
        )
    gross = np.abs(weights.values).sum(axis=1)
    if gross.max() > MOST:
        k = int(np.argmax(gross > MOST))
        raise ProfileError(
            f"weights: on {frames.day(weights.times[k])} they sum to {gross[k]:g} times equity without their signs, of "
            f"{MOST:g} at most; weights are fractions: 60 % is 0.6"
        )


def _instrument(name: str) -> Instrument:
    """Return a name as something that is bought for cash and sold short on loan."""
    if name.endswith(".P"):
        raise ProfileError(
            f"prices: {name} is a perpetual swap, whose funding a frame of prices has not; import it and run a profile"
        )
    return Instrument(symbol=name, kinds=frozenset({Kind.STOCK}), currency="USD", calendar="24x7")
