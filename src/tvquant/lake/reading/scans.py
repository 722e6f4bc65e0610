"""Scans as they were stored, in the order in which they were made."""

from datetime import datetime

import polars as pl

from tvquant.lake.storage import tables
from tvquant.lake.storage.location import Root


def stored_scans(root: Root, scanner: str, *, first: datetime | None = None) -> pl.DataFrame:
    """Return rows of a scanner's scans, those of bars from `first` on, in the order in which they were made."""
    where = pl.col("scanner") == scanner
    if first is not None:
        where &= pl.col("timestamp") >= pl.lit(first, tables.TIME)
    return tables.read(root, "scans", where=where).sort("scanned_at", "symbol", maintain_order=True)
