"""Writing to the tables of a lake.

Every write is one commit of one table, on the disk when it returns (see `committed`). Whoever decides from stored rows
what to write does so within `transact`, which holds `writing` from the read to the commit; what a writer who does not
hold it committed in between makes Delta refuse, and then all is decided again.
"""

import os
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

import polars as pl

from tvquant.core.errors import DataError, unwritten
from tvquant.lake.storage import committed, handles
from tvquant.lake.storage.location import Place, Root, address, folder, options
from tvquant.lake.storage.tables import MEASURES, SCHEMAS, first_line, opened

if TYPE_CHECKING:
    import deltalake

UNUSABLE = frozenset("[]%")
"""What the Delta library takes for a pattern or an escape in a path, and then loses its way."""

_KEEP = {
    "delta.enableExpiredLogCleanup": "false",
    "delta.deletedFileRetentionDuration": "interval 36500 days",
}

ATTEMPTS = 12
"""How often a commit that another writer forestalled is decided anew; the pauses between add up to a quarter minute."""
LOCK = ".writing.lock"
PATIENCE = 120.0
"""Seconds that a writer waits for the one before it."""


@contextmanager
def writing(root: Root) -> Iterator[None]:
    """Hold the only right to decide what is written to this lake; a process that dies lets it go.

    Raises
    ------
    DataError : another writer does not end (retryable), or the folder cannot be written.
    """
    from filelock import FileLock, Timeout

    usable(root)
    here = folder(root)
    lock = FileLock(here / LOCK)
    try:
        here.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=PATIENCE, poll_interval=0.01)
    except Timeout as error:
        raise DataError(f"lake {root}: another writer has not ended; try again later", retryable=True) from error
    except OSError as error:
        said = f"lake {here} cannot be written: {error.strerror}; is the disk full or read-only?"
        raise unwritten(said, error) from error
    try:
        yield
    finally:
        lock.release()


def transact[T](root: Root, decide: Callable[[], T]) -> T:
    """Return what `decide` returns, called while this lake's `writing` is held.

    While commits of other workspaces, which do not hold it, forestall its own, it is called anew after a pause.

    Raises
    ------
    DataError : they do so every time (retryable), or a table cannot be written.
    """
    from deltalake.exceptions import CommitFailedError

    pause = random.Random(os.getpid())  # noqa: S311 - only so that two writers do not stay in step
    for attempt in range(ATTEMPTS):
        try:
            with writing(root):
                return decide()
        except CommitFailedError as error:
            last = error
            time.sleep(min(2.0, 0.01 * 2**attempt) * pause.uniform(0.5, 1.0))
    said = f"lake {root}: other writers forestalled {ATTEMPTS} attempts to commit"
    raise DataError(f"{said} ({first_line(last)}); try again", retryable=True)


def usable(root: Root) -> None:
    """Refuse a folder under whose name the Delta library loses its way."""
    odd = sorted(UNUSABLE & set(address(root, "")))
    if odd:
        found = " ".join(odd)
        raise DataError(f"lake {root}: Delta tables cannot stand below a folder with {found} in its name; move it")


def append(root: Root, table: str, frame: pl.DataFrame) -> None:
    """Commit the rows in one transaction; no rows, no commit."""
    extend(root, table, [frame])


def extend(root: Root, table: str, frames: Iterable[pl.DataFrame]) -> None:
    """Commit the rows of all frames, taken one after the other, in one transaction; no rows, no commit."""
    some = (frame for frame in frames if len(frame))
    first = next(some, None)
    if first is None:
        return
    usable(root)
    import deltalake

    with committing(root, table):
        held = None
        if not isinstance(root, Place):
            (root / table).mkdir(parents=True, exist_ok=True)
            held = handles.take(root, table)
        deltalake.write_deltalake(
            address(root, table) if held is None else held,
            _stream(table, first, some),
            mode="append",
            configuration=_KEEP,
            storage_options=options(root),
            writer_properties=properties(table),
        )
        if held is not None and not isinstance(root, Place):
            handles.keep(root, table, held)


def _stream(table: str, first: pl.DataFrame, others: Iterator[pl.DataFrame]) -> Any:
    """Return the rows of all frames, for the Delta library, which takes them one frame after the other."""
    import pyarrow as pa  # type: ignore[import-untyped]

    begun = arrow(table, first)
    rest = (batch for frame in others for batch in arrow(table, frame).to_batches())
    return pa.RecordBatchReader.from_batches(begun.schema, chain(begun.to_batches(), rest))


@contextmanager
def committing(root: Root, table: str) -> Iterator[None]:
    """What is committed within is on the disk and recorded at the end.

    Failures of the Delta library become ours; a commit that came second is left to `transact`.
    """
    from deltalake.exceptions import CommitFailedError, DeltaError

    try:
        yield
        committed.record(root, table)
    except CommitFailedError:
        raise
    except (DeltaError, OSError) as error:
        where = address(root, table)
        said = f"lake table {where} cannot be written: {first_line(error)}"
        raise unwritten(said, error, retryable=True) from error


def properties(table: str) -> "deltalake.WriterProperties":
    """Return how files of a table are written."""
    import deltalake

    # Prices hardly repeat: a dictionary of them is work for nothing.
    numbers = [name for name, kind in SCHEMAS[table].items() if kind == pl.Float64]
    plainly = deltalake.ColumnProperties(dictionary_enabled=False)
    return deltalake.WriterProperties(compression="SNAPPY", column_properties=dict.fromkeys(numbers, plainly))


def arrow(table: str, frame: pl.DataFrame) -> Any:
    """Return the rows in the table's types, for the Delta library."""
    schema = SCHEMAS[table]
    # Texts repeat: as dictionaries they cost half the time to write. Plain large strings, not views: filters need them.
    columns = {name: pl.col(name).cast(kind) for name, kind in schema.items()}
    texts = {name: columns[name].cast(pl.Categorical) for name, kind in schema.items() if kind == pl.String}
    rows = frame.select(**columns | texts).to_arrow(compat_level=pl.CompatLevel.oldest())
    plain = rows.schema
    for place, field in enumerate(plain):
        plain = plain.set(place, field.remove_metadata())
    return type(rows).from_arrays(rows.columns, schema=plain)


def merge(root: Root, table: str, rows: pl.DataFrame, version: int | None) -> None:
    """Commit the rows (one per symbol and timestamp) onto a version of the table, in one transaction.

    Stored rows take over what the given ones say of measures, or are replaced by those with a `recorded_at`; given rows
    of times that are not stored are added. A table that is not there (None) is made.
    """
    if rows.is_empty():
        return
    if version is None:
        append(root, table, rows)
        return
    stamps = rows["timestamp"]
    keys = "t.symbol = s.symbol AND t.timestamp = s.timestamp"
    with committing(root, table):
        merging = opened(root, table, version).merge(
            arrow(table, rows),
            f"{keys} AND {within('t.timestamp', stamps.min(), stamps.max())}",  # type: ignore[arg-type]
            source_alias="s",
            target_alias="t",
            writer_properties=properties(table),
        )
        values = {name: f"coalesce(s.{name}, t.{name})" for name in MEASURES}
        merging = merging.when_matched_update(values, predicate="s.recorded_at IS NULL")
        merging.when_matched_update_all(predicate="s.recorded_at IS NOT NULL").when_not_matched_insert_all().execute()


def replace(
    root: Root,
    table: str,
    rows: pl.DataFrame,
    version: int,
    *,
    span: tuple[datetime, datetime],
    symbols: Sequence[str] | None = None,
) -> None:
    """Commit the rows in place of all that a version of the table has of these symbols (None: all) in the span."""
    import deltalake

    predicate = within("timestamp", *span)
    if symbols is not None:
        predicate += f" AND symbol IN ({', '.join(f"'{name}'" for name in symbols)})"
    with committing(root, table):
        deltalake.write_deltalake(
            opened(root, table, version),
            arrow(table, rows),
            mode="overwrite",
            predicate=predicate,
            writer_properties=properties(table),
        )


def update(root: Root, table: str, values: Mapping[str, datetime], predicate: str) -> None:
    """Commit these moments as the columns' values in the rows that the SQL predicate names."""
    with committing(root, table):
        opened(root, table).update(new_values=dict(values), predicate=predicate, writer_properties=properties(table))


def delete(root: Root, table: str, predicate: str) -> None:
    """Commit the table without the rows that the SQL predicate names."""
    with committing(root, table):
        opened(root, table).delete(predicate, writer_properties=properties(table))


def among(column: str, texts: Sequence[str]) -> str:
    """Return SQL: the column is one of the texts."""
    return f"{column} IN ({', '.join("'" + text.replace("'", "''") + "'" for text in texts)})"


def within(column: str, first: datetime, last: datetime) -> str:
    """Return SQL: the time is from `first` to `last`."""
    return f"{column} >= '{first.isoformat()}' AND {column} <= '{last.isoformat()}'"
