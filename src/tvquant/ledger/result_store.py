"""Results on disk: one shard per table and cell while a run works, one sorted parquet file per table afterwards.

A shard is an Arrow stream: to write a parquet file of a few hundred rows takes fifty times as long, and there are as
many as tables times cells.
"""

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl

from tvquant.core import durable
from tvquant.core.digests import digest_bytes
from tvquant.core.errors import DataError, unwritten
from tvquant.core.records import in_shadow
from tvquant.ledger.run_folder import RunFolder

LONGEST_NAME = 180
SHARD = ".arrows"


class ResultStore:
    """Result tables under `root`; a `core.records.ResultSink`.

    Files are written whole or not at all, so that after a kill a cell's table either is there or is not.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, table: str, cell: str, columns: Mapping[str, Any]) -> None:
        """Write equal-length columns as the shard `cell` of `table`, replacing an earlier one of that name.

        Raises
        ------
        DataError : the disk refuses.
        """
        frame = pl.DataFrame(dict(columns))
        frame.insert_column(0, pl.Series("cell", [cell], pl.String).new_from_index(0, len(frame)))
        content = io.BytesIO()
        frame.write_ipc_stream(content)
        _write(content, self.root / table / f"{_slug(cell)}{SHARD}")

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

    def _read(self, table: str, shards: list[Path]) -> pl.DataFrame:
        parts = [pl.read_ipc_stream(path) for path in shards]
        whole = self._whole(table)
        if whole.is_file():
            # A cell that was put again counts in its newer form, also when a kill left both.
            again = {part["cell"][0] for part in parts if len(part)}
            parts.insert(0, pl.read_parquet(whole, glob=False).filter(~pl.col("cell").is_in(list(again))))
        if not parts:
            raise DataError(f"no result table {table!r} in {self.root}")
        try:
            frame = pl.concat(parts, how="vertical_relaxed")
        except pl.exceptions.PolarsError as error:
            raise DataError(f"shards of result table {table!r} in {self.root} differ in columns: {error}") from error
        return frame.sort("cell", maintain_order=True).rechunk()


class RunTables:
    """Result tables of a run, those of challengers apart; a `core.records.ResultSink`."""

    def __init__(self, folder: RunFolder) -> None:
        self._stores = {False: ResultStore(folder.results), True: ResultStore(folder.shadow)}

    def put(self, table: str, cell: str, columns: Mapping[str, Any]) -> None:
        """Write the shard of a cell, as `ResultStore.put`."""
        self._stores[in_shadow(cell)].put(table, cell, columns)

    def compact(self) -> tuple[Path, ...]:
        """Join the shards of every table, as `ResultStore.compact`; return the files."""
        for store in self._stores.values():
            store.compact()
        return tuple(path for store in self._stores.values() for path in sorted(store.root.glob("*.parquet")))


def _slug(cell: str) -> str:
    """Return a file name for a cell key; keys too long for one end in their digest (the key itself is a column)."""
    name = quote(cell, safe=" ,=+@")
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}~{digest_bytes(cell.encode())[:16]}"


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
        raise unwritten(f"{path}: {error.strerror}; make room and continue with --resume", error) from error
