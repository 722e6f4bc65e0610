"""Scans, kept for ever: what a scanner said of each instrument, when it was asked, and the figures it was told.

A screener has no history, so each scan is a record of its own, with the bar it looked at and the moment it was made;
none is changed or replaced (R-DAT-23).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from tvquant.lake import commits, tables
from tvquant.lake.lake import Lake


def store_scan(lake: Lake, rows: Sequence[Mapping[str, Any]]) -> int:
    """Add the rows of one scan in one commit; how many there were.

    Raises
    ------
    DataError : the lake cannot be written.
    """
    frame = pl.DataFrame(rows, schema=tables.SCHEMAS["scans"])

    def decide() -> int:
        with commits.writing(lake.root):
            commits.append(lake.root, "scans", frame)
        return len(frame)

    return commits.retried(lake.root, decide)


def stored_scans(lake: Lake, scanner: str, *, first: datetime | None = None) -> pl.DataFrame:
    """Rows of a scanner's scans, those of bars from `first` on, in the order in which they were made."""
    where = pl.col("scanner") == scanner
    if first is not None:
        where &= pl.col("timestamp") >= pl.lit(first, tables.TIME)
    return tables.read(lake.root, "scans", where=where).sort("scanned_at", "symbol", maintain_order=True)
