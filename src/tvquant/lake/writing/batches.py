"""Rows by batches of whole symbols: long histories are judged a part at a time, so memory does not grow with them."""

from collections.abc import Iterator
from math import inf

import polars as pl
import polars.selectors as cs

ROWS = 500_000
"""Rows of a batch, at most, but for a symbol that has more."""


def batches(rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield the rows (those of a `symbol` together) in slices of whole symbols.

    Columns that hold nothing in any row (of type Null, they take no memory) are numbers in the slices.
    """
    if len(rows) <= ROWS:
        if len(rows):
            yield _numbers(rows)
        return
    ends: list[int] = rows["symbol"].rle().struct.field("len").cum_sum().to_list()
    start = 0
    for end, after in zip(ends, [*ends[1:], inf], strict=True):
        if after - start > ROWS:
            yield _numbers(rows.slice(start, end - start))
            start = end


def _numbers(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with columns that hold nothing as numbers."""
    return rows.cast({cs.by_dtype(pl.Null): pl.Float64}) if pl.Null in rows.dtypes else rows
