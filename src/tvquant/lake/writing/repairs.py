"""Repairs: every stored value that was changed, with the original, so that each change can be undone.

1. A repair is one value of one stored row: symbol, interval, timestamp, field, and the row's number (`version`) where
   several rows are of one bar. `sequence` orders repairs.
2. They are written before the bars are. A repair whose value is not in the bars was never carried out, or was
   overtaken: undoing it does nothing.
3. Rows of one bar are numbered by where they came from, then by the values that the repair left alone, then by those it
   changed: a repair makes the latter equal, so the numbers can be told again afterwards.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import polars as pl

from tvquant.core.errors import DataError
from tvquant.lake.storage import commits, tables
from tvquant.lake.storage.intervals import table_of
from tvquant.lake.storage.location import Root
from tvquant.lake.storage.tables import MEASURES, VALUES

BAR = ["symbol", "timestamp"]
ORIGIN = ["recorded_at", "import_id", "source"]
MOST_NAMED = 200
"""More symbols than this are not named one by one to the Delta library: their rows are found by time alone."""


def numbered(rows: pl.DataFrame, touched: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with `version`: their number among those of one bar.

    `touched` : symbol, timestamp, and per measure whether the repair changes it (every bar of the rows is in it).
    """
    marks = touched.select(*BAR, pl.col(MEASURES).name.suffix("_touched"))
    frame = rows.join(marks, on=BAR, how="left", maintain_order="left")
    alone = [pl.when(~pl.col(f"{name}_touched")).then(name) if name in MEASURES else pl.col(name) for name in VALUES]
    frame = frame.sort(*BAR, *ORIGIN, *alone, *VALUES, maintain_order=True)
    version = pl.int_range(pl.len(), dtype=pl.Int64).over(BAR)
    return frame.with_columns(version.alias("version")).select(*rows.columns, "version")


def entries(held: pl.DataFrame, repaired: pl.DataFrame) -> pl.DataFrame:
    """Return the repairs that make stored rows (`held`) say what `repaired` says: one per row and changed value.

    `repaired` : symbol, timestamp and measures, null where nothing is changed; one row per bar of `held`.
    """
    touched = repaired.select(*BAR, pl.col(MEASURES).is_not_null())
    rows = numbered(held, touched).select(*BAR, "version", *MEASURES)
    old = rows.unpivot(MEASURES, index=[*BAR, "version"], variable_name="field", value_name="original")
    new = repaired.unpivot(MEASURES, index=BAR, variable_name="field", value_name="repaired")
    changed = old.join(new.drop_nulls("repaired"), on=[*BAR, "field"])
    return changed.sort(*BAR, "version", "field")


def open_repairs(
    root: Root,
    *,
    interval: str,
    symbols: Collection[str] | None = None,
    span: tuple[datetime, datetime] | None = None,
) -> pl.DataFrame:
    """Return repairs that were not reverted, the oldest first."""
    where = (pl.col("interval") == interval) & pl.col("reverted_at").is_null()
    if symbols is not None:
        where &= pl.col("symbol").is_in(list(symbols))
    return tables.read(root, "repairs", where=where, span=span).sort("sequence", *BAR, "version", "field")


def take_back(
    root: Root,
    interval: str,
    symbols: Collection[str] | None,
    upsert_id: str | None,
    recorded_at: datetime,
) -> pl.DataFrame:
    """Undo the open repairs of an upsert, of symbols, or of both (None: all of them), and date them as reverted.

    Returns them with `put_back`: whether the value was what the repair had made of it. Call it under `commits.writing`.

    Raises
    ------
    DataError : a repair that stays rests on one of them.
    """
    found = open_repairs(root, interval=interval, symbols=symbols)
    mine = found if upsert_id is None else found.filter(pl.col("upsert_id") == upsert_id)
    if mine.is_empty():
        return mine.with_columns(put_back=pl.lit(True))
    _check_last(found, mine)
    table, (names, stamps) = table_of(interval), (mine["symbol"].unique().sort(), mine["timestamp"])
    span: Any = (stamps.min(), stamps.max())
    few = len(names) <= MOST_NAMED
    version = tables.version(root, table)
    held = tables.read(root, table, where=pl.col("symbol").is_in(names.implode()) if few else None, span=span)
    back, told = undone(held, mine)
    if version is not None and told["put_back"].any():
        commits.replace(root, table, back, version, span=span, symbols=names.to_list() if few else None)
    commits.update(root, "repairs", {"reverted_at": recorded_at}, _these(mine, interval))
    return told


def _these(mine: pl.DataFrame, interval: str) -> str:
    """Return SQL: the repairs of these upserts and symbols that are open."""
    clauses = [f"\"interval\" = '{interval}'", "reverted_at IS NULL"]
    for name in ("upsert_id", "symbol"):
        found = mine[name].unique().sort()
        clauses.append(f"{name} IN ({', '.join(f"'{one}'" for one in found)})")
    return " AND ".join(clauses)


def _check_last(found: pl.DataFrame, mine: pl.DataFrame) -> None:
    """Refuse to take back a repair that one which stays rests on."""
    value = [*BAR, "field"]
    first = mine.group_by(value).agg(pl.col("sequence").min().alias("from"))
    others = found.join(mine.select(*value, "sequence"), on=[*value, "sequence"], how="anti")
    later = others.join(first, on=value).filter(pl.col("sequence") > pl.col("from"))
    if len(later):
        row = later.sort("sequence", *value).row(-1, named=True)
        again = f"{row['field']} of {row['symbol']} at {row['timestamp']:%Y-%m-%d %H:%M} was changed again"
        raise DataError(f"{again} by upsert {row['upsert_id']}; revert that one first, or the whole symbol")


def undone(held: pl.DataFrame, found: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the stored rows as they were before the repairs, and the repairs with `put_back`.

    Repairs are taken back one upsert after the other, the newest first. A value that is not what a repair made of it
    stays as it is.
    """
    rows, told = held, []
    for _, done in found.sort("sequence", descending=True).group_by("sequence", maintain_order=True):
        rows, one = _taken_back(rows, done)
        told.append(one)
    none = found.clear().with_columns(put_back=pl.lit(True))
    return rows, pl.concat([none, *told])


def _taken_back(held: pl.DataFrame, done: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows before the repairs of one upsert, and these with `put_back`."""
    here = done.select(BAR).unique()
    mine, rest = held.join(here, on=BAR, how="semi"), held.join(here, on=BAR, how="anti")
    told = pl.col("field")
    touched = done.group_by(BAR).agg(**{name: (told == name).any() for name in MEASURES})
    rows = numbered(mine, touched)
    on = [*BAR, "version"]
    values = rows.select(*on, *MEASURES).unpivot(MEASURES, index=on, variable_name="field", value_name="value")
    done = done.join(values, on=[*on, "field"], how="left", maintain_order="left")
    done = done.with_columns(put_back=pl.col("value").eq_missing(pl.col("repaired"))).drop("value")
    back = done.filter("put_back").unique([*on, "field"], keep="first", maintain_order=True)
    for name in back["field"].unique().sort():
        was = back.filter(told == name).select(*on, pl.col("original").alias("was"), there=pl.lit(True))
        rows = rows.join(was, on=on, how="left", maintain_order="left")
        rows = rows.with_columns(pl.when("there").then("was").otherwise(name).alias(name)).drop("was", "there")
    return pl.concat([rest, rows.select(held.columns)]), done
