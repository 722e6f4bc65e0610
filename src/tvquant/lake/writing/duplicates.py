"""Rows that say nothing new: equal to another row of the same bar, or holding less of it.

Values are compared exactly; null is "not said". Versions that differ at all are kept, whatever the difference. What was
stored before its bar closed does not make a row that comes after it a repeat: the bar would stay unfinished for ever.
"""

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tvquant.core.errors import DataError
from tvquant.lake.reading.stored_rows import session
from tvquant.lake.reading.unclosed_bars import provisional
from tvquant.lake.storage import tables
from tvquant.lake.storage.intervals import table_of
from tvquant.lake.storage.location import Root
from tvquant.lake.storage.tables import TIME, VALUES
from tvquant.lake.writing import repairs
from tvquant.symbology.kinds import Structure

VERSIONS = 50
"""More distinct rows than this for one bar are no bars but ticks."""
KEY = ["symbol", "session"]


def mark_repeats(
    root: Root,
    interval: str,
    rows: pl.DataFrame,
    structures: Mapping[str, Structure],
    recorded_at: dt.datetime,
    anew: Collection[str] = (),
) -> pl.DataFrame:
    """Return the rows (sorted by symbol and time, delivered at `recorded_at`) with two more columns.

    `duplicate` : another of the rows, or a stored one, says all that this row says; of equals the first stays.
    `repeated` : so it is, and the row before it, of the same file, is for the same bar.
    What is stored of the symbols `anew` gives way to the rows, and says nothing.

    Raises
    ------
    DataError : one bar has too many different rows to be a bar.
    """
    rows = rows.with_columns(session(structures).alias("session"), index=pl.int_range(pl.len(), dtype=pl.Int64))
    same = (pl.col("symbol") == pl.col("symbol").shift()) & (pl.col("session") == pl.col("session").shift())
    rows = rows.with_columns(again=same.fill_null(False))
    held = _held(root, interval, rows, structures, recorded_at)
    if anew:
        held = held.filter(~pl.col("symbol").cast(pl.String).is_in(sorted(anew)))
    said = np.zeros(len(rows), bool)
    twice = rows["again"].any()
    if twice or len(held):
        several = pl.col("again") | pl.col("again").shift(-1, fill_value=False)
        given = rows.select(*KEY, "index", *VALUES, several=several)
        said[_covered(given.filter(~pl.col("several")), held)] = True
    if twice:
        mine = given.filter("several").drop("several")
        said[mine["index"].to_numpy()] = True
        said[_unsaid(mine, held.join(mine.select(KEY), on=KEY, how="semi")).to_numpy()] = False
    within = pl.col("again") & (pl.col("file") == pl.col("file").shift())
    rows = rows.with_columns(duplicate=pl.Series(said))
    return rows.with_columns(repeated=pl.col("duplicate") & within).drop("index", "again")


def _covered(alone: pl.DataFrame, held: pl.DataFrame) -> NDArray[np.int64]:
    """Numbers of those rows, each the only one that is delivered for its bar, of which a stored row says it all."""
    names = [name for name in VALUES if alone[name].null_count() < len(alone)]  # what no row says is always said
    pairs = alone.join(held.select(*KEY, *names), on=KEY, suffix="_other")
    covered = [pl.col(name).is_null() | (pl.col(name) == pl.col(f"{name}_other")).fill_null(False) for name in names]
    return pairs.filter(pl.all_horizontal(pl.lit(True), *covered))["index"].to_numpy()


def _held(
    root: Root, interval: str, rows: pl.DataFrame, structures: Mapping[str, Structure], recorded_at: dt.datetime
) -> pl.DataFrame:
    """Return stored rows of the bars that are delivered again, and what they were before repairs.

    With negative row numbers.

    An original that comes once more is no news: it was taken for wrong before.
    """
    table = table_of(interval)
    if tables.version(root, table) is None:
        return rows.clear().select(*KEY, "index", *VALUES)
    symbols = rows["symbol"].unique().cast(pl.String)
    day, times = dt.timedelta(days=1), rows["timestamp"]
    span: Any = (times.min() - day, times.max() + day)  # type: ignore[operator]
    where = tables.among(symbols)
    held = tables.read(root, table, ["symbol", "timestamp", "recorded_at", *VALUES], where=where, span=span)
    repaired = repairs.open_repairs(root, interval=interval, symbols=symbols, span=span)
    if len(repaired):
        found: Any = (repaired["timestamp"].min(), repaired["timestamp"].max())
        mine = pl.col("symbol").is_in(repaired["symbol"].unique().implode())
        before, _ = repairs.undone(tables.read(root, table, where=mine, span=found), repaired)
        held = pl.concat([held, before.select(held.columns)]).unique()
    held = _final(held, interval, structures, recorded_at)
    held = held.with_columns(session(structures).alias("session")).with_columns(
        pl.col("symbol").cast(rows["symbol"].dtype)
    )
    return held.select(*KEY, (-1 - pl.int_range(pl.len(), dtype=pl.Int64)).alias("index"), *VALUES)


def _final(
    held: pl.DataFrame, interval: str, structures: Mapping[str, Structure], recorded_at: dt.datetime
) -> pl.DataFrame:
    """Return stored rows without those recorded before the close of a bar that has closed at `recorded_at`."""
    early = provisional(held, structures, interval)
    if not early.any():
        return held
    still = provisional(
        held.with_columns(recorded_at=pl.lit(recorded_at.astimezone(dt.UTC), TIME)), structures, interval
    )
    return held.filter(~early | still)


def _unsaid(mine: pl.DataFrame, held: pl.DataFrame) -> pl.Series:
    """Return numbers of the rows that say something which no row before them, and no fuller one, says."""
    exact = mine.unique([*KEY, *VALUES], keep="first", maintain_order=True)
    versions = exact.group_by(KEY).len().sort("len", *KEY)
    if versions["len"][-1] > VERSIONS:
        symbol, stamp, count = versions.row(-1)
        raise DataError(
            f"{symbol}: {count} different rows for the bar of {stamp:%Y-%m-%d}; these are no bars but ticks"
        )
    pairs = exact.join(pl.concat([exact, held]), on=KEY, suffix="_other").filter(
        pl.col("index_other") != pl.col("index")
    )
    equal = {name: pl.col(name) == pl.col(f"{name}_other") for name in VALUES}
    covered = pl.all_horizontal(pl.col(name).is_null() | equal[name].fill_null(False) for name in VALUES)
    covers = pl.all_horizontal(pl.col(f"{name}_other").is_null() | equal[name].fill_null(False) for name in VALUES)
    repeats = pairs.filter(covered & ((pl.col("index_other") < pl.col("index")) | ~covers))
    return exact["index"].filter(~exact["index"].is_in(repeats["index"].unique().implode()))
