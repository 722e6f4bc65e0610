"""Payments of perpetual swaps, put into the lake: each once, at the second of its settlement, and never changed."""

from datetime import datetime

import polars as pl

from tvquant.core.errors import DataError
from tvquant.lake.reading.funding import COLUMNS, KEY, pays
from tvquant.lake.reading.lake import Lake
from tvquant.lake.storage import commits, tables
from tvquant.lake.storage.location import Root
from tvquant.lake.storage.provenance import operation_id, origin
from tvquant.lake.storage.tables import TIME

MOST = 1.0
"""No swap pays all of a position at once, either way: such a rate is no fraction."""


def store_funding(lake: Lake, rows: pl.DataFrame, *, source: str, recorded_at: datetime) -> int:
    """Store the payments that the lake does not have, in one commit; how many those were.

    Parameters
    ----------
    rows : symbol, timestamp (UTC), funding_rate.
    recorded_at : with a zone.

    Raises
    ------
    DataError : a symbol is no swap, a rate is no fraction, or the lake cannot be written; nothing was stored.
    """
    for name in rows["symbol"].unique().sort():
        if not pays(name):
            raise DataError(f"{name} is no perpetual swap: it has no funding; nothing was stored")
    bad = rows.filter(~sound())
    if len(bad):
        symbol, at, rate = bad.select(*KEY, "funding_rate").row(0)
        raise DataError(f"{symbol}: funding of {rate} at {at} is no fraction from -1 to 1; nothing was stored")
    given = settled(rows)
    plain = given.with_columns(pl.col("timestamp").cast(pl.String)).rows()
    columns = origin(source, operation_id(plain, source, recorded_at.isoformat()), recorded_at)

    def decide() -> int:
        new = unstored(lake.root, given)
        commits.append(lake.root, "funding", new.with_columns(**columns))
        return len(new)

    return commits.transact(lake.root, decide)


def sound() -> pl.Expr:
    """Return whether a payment has a time, and a rate that is a fraction."""
    rate = pl.col("funding_rate")
    return (pl.col("timestamp").is_not_null() & rate.is_finite() & (rate.abs() <= MOST)).fill_null(False)


def settled(rows: pl.DataFrame) -> pl.DataFrame:
    """Return distinct payments at the second of their settlement, as the table has them, sorted."""
    second = pl.col("timestamp").cast(TIME).dt.truncate("1s")
    found = rows.with_columns(second, pl.col("symbol").cast(pl.String), pl.col("funding_rate").alias("rate"))
    return found.drop("funding_rate").unique(COLUMNS, keep="first", maintain_order=True).sort(COLUMNS)


def unstored(root: Root, given: pl.DataFrame) -> pl.DataFrame:
    """Return those of the settled payments that the lake does not have."""
    if given.is_empty():
        return given
    where = pl.col("symbol").is_in(given["symbol"].unique().implode())
    return given.join(tables.read(root, "funding", COLUMNS, where=where), on=COLUMNS, how="anti", maintain_order="left")
