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
    ends: list[int] = rows["symbol"].rle().struct.field("len").cum_sum().to_list()
    start = 0
    for end, after in zip(ends, [*ends[1:], inf], strict=False):  # no rows, no ends
        if after - start > ROWS:
            yield rows.slice(start, end - start).cast({cs.by_dtype(pl.Null): pl.Float64})
            start = end
