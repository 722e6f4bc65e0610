"""Parquet files of any writer: only the columns that are read, with times of any unit and zone.

Arrow reads them, as it keeps instants that have no place in a calendar or a zone that no one knows; such rows are
judged, not the file. What is none is named in one line, whatever the library says of it.
"""

from pathlib import Path
from typing import Any

import polars as pl

from tvquant.core.errors import DataError
from tvquant.core.quoting import shown
from tvquant.lake.storage.tables import UNREADABLE, first_line
from tvquant.lake.writing import headers
from tvquant.lake.writing.csv_files import no_rows
from tvquant.lake.writing.memory import check_fits
from tvquant.lake.writing.sheets import Sheet
from tvquant.lake.writing.timestamps import Moments, of_arrow

CELL = 8
"""Bytes of a number; a text counts for four."""


def read_parquet(path: Path) -> tuple[Sheet, Moments | None]:
    """Read a Parquet file, and the times of its rows (None where it has no such column).

    Raises
    ------
    DataError : it is none, would not fit into memory, or a column is of a type that cannot be read.
    """
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    try:
        with pq.ParquetFile(path) as file:
            found = file.schema_arrow.names
            names = headers.renamed(path, found)
            rows = file.metadata.num_rows
            check_fits(path, f"{rows:,} rows", rows * CELL * (4 + len(names)))
            if not file.metadata.num_rows:
                raise no_rows(path)
            time = next((name for name, wanted in names.items() if wanted == "timestamp"), None)
            frames: list[pl.DataFrame] = []
            times: list[Any] = []
            for group in range(file.metadata.num_row_groups):
                table = file.read_row_group(group, columns=list(names))
                columns = {name: _column(path, table.column(name), name, names[name]) for name in names if name != time}
                frames.append(pl.DataFrame(columns))
                times += table.column(time).chunks if time is not None else []
        moments = None if time is None else _moments(path, pa.chunked_array(times), time)
    except (pa.ArrowException, *UNREADABLE) as error:
        raise DataError(f"{path} is not a readable parquet file: {first_line(error)}") from error
    cells = pl.concat(frames, rechunk=True)
    del table, columns, frames, times
    pa.default_memory_pool().release_unused()  # else Arrow keeps the memory that the file was decoded in
    if moments is not None:
        cells = cells.with_columns(moments.given.alias(str(time))).select(list(names))
    numbers = pl.int_range(len(cells), eager=True, dtype=pl.Int64)
    ignored = tuple(name for name in found if name not in names)
    return Sheet(cells=cells, names=names, numbers=numbers, ignored=ignored, said=headers.read_as(names)), moments


def _moments(path: Path, column: Any, name: str) -> Moments:
    """Return the times, or the refusal of a column that has none."""
    import pyarrow as pa

    moments = of_arrow(column)
    if moments is None:
        if pa.types.is_timestamp(column.type):
            found = f"row 0, column {name!r}: {_first(column)} has no zone"
            raise DataError(f"{path}: {found}; expected times with a zone, such as UTC, or dates")
        raise _wrong_type(path, column, name, "times with a zone, such as UTC, or dates")
    return moments


def _column(path: Path, column: Any, name: str, wanted: str) -> pl.Series:
    """Return a column in the type that is judged: symbols, of which each text is kept once, and numbers."""
    import pyarrow as pa

    is_a = pa.types
    kind = column.type.value_type if is_a.is_dictionary(column.type) else column.type
    if wanted == "symbol":
        if not any(one(kind) for one in (is_a.is_string, is_a.is_large_string, is_a.is_string_view, is_a.is_null)):
            raise _wrong_type(path, column, name, "text")
        return pl.Series(pl.from_arrow(column.cast(pa.large_string()))).cast(pl.Categorical)
    if not any(one(kind) for one in (is_a.is_integer, is_a.is_floating, is_a.is_decimal, is_a.is_null)):
        raise _wrong_type(path, column, name, "numbers")
    return pl.Series(pl.from_arrow(column.cast(pa.float64(), safe=False)))


def _wrong_type(path: Path, column: Any, name: str, expected: str) -> DataError:
    kind = shown(str(column.type).removeprefix("large_"))[1:-1]
    found = f"row 0, column {name!r}: {_first(column)} is of type {kind}"
    return DataError(f"{path}: {found}, expected {expected}; convert the column")


def _first(column: Any) -> str:
    """Return the first value, as Arrow has it where Python has none such."""
    try:
        value = column[0].as_py()
    except (ValueError, OverflowError):
        return str(column[0].value)
    return shown(value) if isinstance(value, str | bytes) else shown(str(value))[1:-1]
