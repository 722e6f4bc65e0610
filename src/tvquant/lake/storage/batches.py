"""A table read a batch at a time, each file once: what is in memory is one batch.

Small files are read together, large ones in slices, in the order that the log has them in.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import polars as pl

from tvquant.lake.storage import tables
from tvquant.lake.storage.location import Root

BATCH = 250_000
"""Rows that are read at a time, before any are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some files of a table whole, or `count` rows of one from `first` on (None: all that follow)."""

    files: tuple[str, ...]
    first: int = 0
    count: int | None = None


def batches(root: Root, table: str, columns: Sequence[str], *, where: pl.Expr, at: int) -> Iterator[pl.DataFrame]:
    """Yield the rows of a version of a table, those of at most `BATCH` stored ones at a time; some may be empty.

    Raises
    ------
    DataError : that version cannot be read, or is not what was committed.
    """
    for one in divided(tables.sizes(root, table, at)):
        yield tables.collected(root, table, columns, at, partial(_files, one), partial(_rows, one, columns, where))


def _files(one: Batch, _held: pl.DataFrame) -> tuple[str, ...]:
    return one.files


def _rows(one: Batch, columns: Sequence[str], where: pl.Expr, rows: pl.LazyFrame) -> pl.LazyFrame:
    return rows.slice(one.first, one.count).filter(where).select(columns)


def divided(sizes: Mapping[str, int]) -> Iterator[Batch]:
    """Yield batches of at most `BATCH` rows, given the files and how many rows each has."""
    together: list[str] = []
    rows = 0
    for file, count in sizes.items():
        if together and rows + count > BATCH:
            yield Batch(files=tuple(together))
            together, rows = [], 0
        if count <= BATCH:
            together.append(file)
            rows += count
            continue
        for first in range(0, count, BATCH):
            yield Batch(files=(file,), first=first, count=BATCH if first + BATCH < count else None)
    if together:
        yield Batch(files=tuple(together))
