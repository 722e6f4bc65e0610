"""Stored rows of bars as columns: gathered a part at a time, in order, without those that count for nothing.

What is in memory at once is the columns and the frame of one part: its texts and times are let go before the next.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tvquant.core.calendars import CRYPTO
from tvquant.core.panel import Bools, Floats, Times
from tvquant.lake.reading.unclosed_bars import provisional
from tvquant.lake.storage.tables import VALUES
from tvquant.symbology.kinds import Structure

type Ints = NDArray[np.int64]

COLUMNS = ["symbol", "timestamp", "recorded_at", *VALUES]
"""What is read of each row."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredRows:
    """n rows by symbol and session, equals as they were stored.

    Parameters
    ----------
    symbol, stamp : n, the symbol's number and the bar's session.
    early : n, recorded before the bar closed; only rows of bars that have no others.
    values : name -> n, NaN where there is none.
    """

    symbol: Ints
    stamp: Times
    early: Bools
    values: Mapping[str, Floats]


def gathered(structures: Mapping[str, Structure], parts: Iterable[pl.DataFrame], most: int) -> StoredRows:
    """Return the rows of all parts (`COLUMNS`), at most so many in all; symbols are numbered as `structures` has them.

    Memory is taken for `most` rows and used for those that there are.
    """
    kinds = {"symbol": "int64", "stamp": "datetime64[us]", "early": "bool", **dict.fromkeys(VALUES, "float64")}
    columns: dict[str, NDArray[Any]] = {name: np.empty(most, kind) for name, kind in kinds.items()}
    who = pl.col("symbol").cast(pl.Enum(list(structures))).to_physical().cast(pl.Int64)
    when = session(structures).dt.replace_time_zone(None).alias("stamp")
    count = 0
    for part in parts:
        found = part.select(who, when, provisional(part, structures), pl.col(VALUES).fill_null(np.nan))
        for name, column in columns.items():
            column[count : count + len(found)] = found[name].to_numpy()
        count += len(found)
        del part, found  # the next part is read without this one in memory
    columns = {name: column[:count] for name, column in columns.items()}
    order = _order(columns["symbol"], columns["stamp"], columns["early"])
    if order is not None:
        for name in columns:
            columns[name] = columns[name][order]
    values = {name: columns[name] for name in VALUES}
    return StoredRows(symbol=columns["symbol"], stamp=columns["stamp"], early=columns["early"], values=values)


def _order(symbol: Ints, stamp: Times, early: Bools) -> Ints | None:
    """Return the rows that count by symbol and time, early ones where a bar has no others; None: all as they stand."""
    same = symbol[1:] == symbol[:-1]
    done = bool(((symbol[1:] > symbol[:-1]) | (same & (stamp[1:] >= stamp[:-1]))).all())
    if done and not early.any():
        return None
    order: Ints = np.arange(len(symbol)) if done else np.lexsort((stamp, symbol))
    if not early.any():
        return order
    soon, starts = early[order], bar_starts(symbol[order], stamp[order])
    only = np.repeat(np.logical_and.reduceat(soon, starts), np.diff(starts, append=len(order)))
    counting: Ints = order[~soon | only]
    return counting


def bar_starts(symbol: Ints, stamp: Times) -> Ints:
    """Return the first row of every bar, of rows in order; there must be some."""
    starts: Ints = np.flatnonzero(np.r_[True, (symbol[1:] != symbol[:-1]) | (stamp[1:] != stamp[:-1])])
    return starts


def session(symbols: Mapping[str, Structure]) -> pl.Expr:
    """The bar a `timestamp` belongs to: itself round the clock, its UTC date on an exchange calendar."""
    exchange = [name for name, found in symbols.items() if found.calendar != CRYPTO]
    stamp = pl.col("timestamp")
    return pl.when(pl.col("symbol").cast(pl.String).is_in(exchange)).then(stamp.dt.truncate("1d")).otherwise(stamp)


def in_time_order(rows: pl.DataFrame, stamp: str) -> pl.DataFrame:
    """Rows by `symbol` (a number or an enumeration) and time, equals as they stood; mostly they are so already."""
    number, time = pl.col("symbol").to_physical().cast(pl.Int64), pl.col(stamp)
    later = (number.diff() == 0) & (time.diff() >= pl.duration())
    done = rows.select(((number.diff() > 0) | later).all()).item()
    return rows if done else rows.sort("symbol", stamp, maintain_order=True)
