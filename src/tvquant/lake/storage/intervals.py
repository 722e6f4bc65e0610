"""Intervals of bars: their lengths, their tables, and days made of shorter bars.

Panels are of daily bars. Shorter ones are stored apart, round the clock only, to be aggregated and compared with them.
"""

from collections.abc import Mapping
from datetime import timedelta

import polars as pl

from tvquant.core.errors import DataError
from tvquant.lake.storage.tables import DAILY, MEASURES

FOUR_HOURS = "4h"
LENGTHS: Mapping[str, timedelta] = {DAILY: timedelta(days=1), FOUR_HOURS: timedelta(hours=4)}
_TABLES: Mapping[str, str] = {DAILY: "bars", FOUR_HOURS: "bars_4h"}


def table_of(interval: str) -> str:
    """Return the table of the bars of an interval.

    Raises
    ------
    DataError : no such interval is stored.
    """
    if interval not in _TABLES:
        raise DataError(f"interval {interval!r} is not stored; use one of {', '.join(_TABLES)}")
    return _TABLES[interval]


def off_grid(interval: str) -> pl.Expr:
    """Return whether a `timestamp` is no open of a bar round the clock."""
    return pl.col("timestamp") != pl.col("timestamp").dt.truncate(interval)


def aggregate(rows: pl.DataFrame) -> pl.DataFrame:
    """Return bars of UTC days from shorter bars (symbol, timestamp, measures; one row per bar), by symbol and day.

    First open, highest high, lowest low, last close, sums of volumes; a measure that any part lacks is null, for it is
    not known. `parts` counts the bars that a day was made of: 6 of 4h make it whole.
    """
    last = {"open": pl.col("open").first(), "close": pl.col("close").last()}
    whole = {"high": pl.col("high").max(), "low": pl.col("low").min()}
    summed = {name: pl.col(name).sum() for name in ("volume", "quote_volume")}
    made = last | whole | summed
    known = {name: pl.when(pl.col(name).null_count() == 0).then(made[name]) for name in MEASURES}
    days = rows.sort("symbol", "timestamp").with_columns(pl.col("timestamp").dt.truncate("1d"))
    return days.group_by("symbol", "timestamp", maintain_order=True).agg(**known, parts=pl.len())
