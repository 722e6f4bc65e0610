"""Scans, put into the lake: what a scanner said of each instrument, and the figures it was given.

A screener has no history, so each scan is a record of its own, with the bar it looked at and the moment it was made;
none is changed or replaced (R-DAT-23).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from tvquant.lake.reading.lake import Lake
from tvquant.lake.storage import commits, tables


def store_scan(lake: Lake, rows: Sequence[Mapping[str, Any]]) -> int:
    """Add the rows of one scan in one commit; how many there were.

    Raises
    ------
    DataError : the lake cannot be written.
    """
    frame = pl.DataFrame(rows, schema=tables.SCHEMAS["scans"])

    def decide() -> int:
        commits.append(lake.root, "scans", frame)
        return len(frame)

    return commits.transact(lake.root, decide)
