"""Results on disk: shards while a run works, one sorted parquet file per table afterwards.

A shard is an Arrow stream of one table, of the cells that were put together, and bears a number: where a cell is in
several, its rows are those of the last. To write a file takes longer than the rows of one cell, so cells are put many
at a time; and a parquet file of a few hundred rows takes fifty times as long as a stream.
"""

import io
import os
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tvquant.core import durable
from tvquant.core.errors import DataError, unwritten
from tvquant.core.records import in_shadow
from tvquant.ledger.run_folder import RunFolder

SHARD = ".arrows"

type Columns = Mapping[str, Any]


class ResultStore:
    """Result tables under `root`; a `core.records.ResultSink`.

    Files are written whole or not at all, so that after a kill a cell's table either is there or is not.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, table: str, cell: str, columns: Columns) -> None:
        """Write equal-length columns as the rows of `cell` in `table`, in the place of earlier ones.

        Raises
        ------
        DataError : the disk refuses.
        """
        self.put_cells({cell: {table: columns}})

    def put_cells(self, cells: Mapping[str, Mapping[str, Columns]]) -> None:
        """Write the tables of cells as one shard per table, as `put` of each table and cell.

        Raises
        ------
        DataError : the disk refuses, or cells have different columns in a table.
        """
        for table in dict.fromkeys(table for tables in cells.values() for table in tables):
            content, shards = io.BytesIO(), self._shards(table)
            frame = self._frame(table, {key: tables[table] for key, tables in cells.items() if table in tables})
            frame.write_ipc_stream(content)
            number = 1 + int(shards[-1].stem) if shards else 1
            _write(content, self.root / table / f"{number:08}{SHARD}")

    def read(self, table: str) -> pl.DataFrame:
        """Return all rows of a table, sorted by cell; rows of a cell in the order they were put.

        Raises
        ------
        DataError : there is no such table, or its shards have different columns.
        """
        return self._read(table, self._shards(table))

    def compact(self) -> None:
        """Join the shards of every table into `<table>.parquet`, which is on the disk when this returns.

        Equal content gives equal bytes.

        Raises
        ------
        DataError : a shard cannot be read, or the disk refuses.
        """
        for folder in sorted(path for path in self.root.glob("*") if path.is_dir()):
            shards = self._shards(folder.name)
            if shards:
                content = io.BytesIO()  # polars reports a full disk in words of its own
                self._read(folder.name, shards).write_parquet(content, compression="zstd")
                _write(content, self._whole(folder.name), wait=True)
            for shard in shards:
                shard.unlink()
            if not any(folder.iterdir()):
                folder.rmdir()

    def _whole(self, table: str) -> Path:
        return self.root / f"{table}.parquet"

    def _shards(self, table: str) -> list[Path]:
        return sorted((self.root / table).glob(f"*{SHARD}"))

    def _frame(self, table: str, cells: Mapping[str, Columns]) -> pl.DataFrame:
        """Return the rows of the cells, one after another."""
        each = list(cells.values())
        if any(columns.keys() != each[0].keys() for columns in each):
            raise DataError(f"cells of result table {table!r} for {self.root} differ in columns: {', '.join(cells)}")
        frame = pl.DataFrame([_joined(name, [columns[name] for columns in each]) for name in each[0]])
        sizes = [len(next(iter(columns.values()), ())) for columns in each]
        keys = pl.Series("cell", list(cells), pl.String)
        return frame.insert_column(0, keys.gather(np.repeat(np.arange(len(each)), sizes)))

    def _read(self, table: str, shards: list[Path]) -> pl.DataFrame:
        parts, whole = [pl.read_ipc_stream(path) for path in shards], self._whole(table)
        if whole.is_file():
            parts.insert(0, pl.read_parquet(whole, glob=False))
        if not parts:
            raise DataError(f"no result table {table!r} in {self.root}")
        try:
            frame = pl.concat(_newest(parts), how="vertical_relaxed")
        except pl.exceptions.PolarsError as error:
            raise DataError(f"shards of result table {table!r} in {self.root} differ in columns: {error}") from error
        return frame.sort("cell", maintain_order=True).rechunk()


class RunTables:
    """Result tables of a run, those of challengers apart; a `core.records.ResultSink`."""

    def __init__(self, folder: RunFolder) -> None:
        self._stores = {False: ResultStore(folder.results), True: ResultStore(folder.shadow)}

    def put_cells(self, cells: Mapping[str, Mapping[str, Columns]]) -> None:
        """Write the tables of cells, as `ResultStore.put_cells`."""
        for shadow, store in self._stores.items():
            if of := {key: tables for key, tables in cells.items() if in_shadow(key) is shadow}:
                store.put_cells(of)

    def compact(self) -> tuple[Path, ...]:
        """Join the shards of every table, as `ResultStore.compact`; return the files."""
        for store in self._stores.values():
            store.compact()
        return tuple(path for store in self._stores.values() for path in sorted(store.root.glob("*.parquet")))


def _joined(name: str, parts: Sequence[Any]) -> pl.Series:
    """Return the columns of cells as one: lists, arrays or series."""
    if all(isinstance(part, list) for part in parts):
        return pl.Series(name, list(chain.from_iterable(parts)))
    if all(isinstance(part, np.ndarray) and part.dtype == parts[0].dtype for part in parts):
        return pl.Series(name, np.concatenate(parts))
    if all(isinstance(part, pl.Series) and part.dtype == parts[0].dtype for part in parts):
        joined: pl.Series = pl.concat(parts, rechunk=True)
        return joined.rename(name)
    frames = [pl.DataFrame({name: part}) for part in parts]
    return pl.concat(frames, how="vertical_relaxed").to_series()


def _newest(parts: Sequence[pl.DataFrame]) -> list[pl.DataFrame]:
    """Return the parts without rows of cells that a later part has: a cell that was put again, or what a kill left."""
    seen, kept = set[str](), []
    for part in reversed(parts):
        cells = set(part["cell"].unique())
        kept.append(part if seen.isdisjoint(cells) else part.filter(~pl.col("cell").is_in(list(seen))))
        seen |= cells
    return kept[::-1]


def _write(content: io.BytesIO, path: Path, *, wait: bool = False) -> None:
    """Write whole or not at all; where asked to, wait for the disk."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if wait:
            durable.replace(path, content.getvalue())
        else:
            temporary = path.with_suffix(".tmp")
            temporary.write_bytes(content.getvalue())
            os.replace(temporary, path)
    except OSError as error:
        raise unwritten(
            f"{path}: {error.strerror}; make room and continue with --resume (a meta-portfolio: play it again)", error
        ) from error
