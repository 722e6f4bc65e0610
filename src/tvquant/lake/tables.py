"""The Delta tables of a lake on disk: their columns, how they are read at a version, and how they are appended to.

Nothing here rewrites or vacuums: every version that was ever committed stays readable, because snapshots point at it.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import polars as pl

from tvquant.core.errors import DataError

DAILY = "1d"
TIME = pl.Datetime("us", "UTC")
PRICES = ("open", "high", "low", "close")
MEASURES = (*PRICES, "volume", "quote_volume")
VALUES = (*MEASURES, "adj_close")

_ORIGIN: dict[str, pl.DataType] = {"source": pl.String(), "import_id": pl.String(), "recorded_at": TIME}

SCHEMAS: dict[str, dict[str, pl.DataType]] = {
    "bars": {
        "symbol": pl.String(),
        "interval": pl.String(),
        "timestamp": TIME,
        **{name: pl.Float64() for name in VALUES},
        "basis": pl.String(),
        **_ORIGIN,
    },
    "actions": {"symbol": pl.String(), "timestamp": TIME, "kind": pl.String(), "value": pl.Float64(), **_ORIGIN},
    "instruments": {
        "symbol": pl.String(),
        "kinds": pl.String(),
        "currency": pl.String(),
        "calendar": pl.String(),
        "actions_first": TIME,
        "actions_last": TIME,
        **_ORIGIN,
    },
    "journal": {
        "symbol": pl.String(),
        "rows": pl.Int64(),
        "stored": pl.Int64(),
        "duplicates": pl.Int64(),
        "repeated": pl.Int64(),
        "repeated_first": TIME,
        "repeated_last": TIME,
        "sha256": pl.String(),
        **_ORIGIN,
    },
}
"""`bars` as delivered; `actions`: a dividend is cash per unit, a split new units per old; `instruments`: what a symbol
fixes, and over which bars its dividends were delivered, zeros included (its rows together span them); `journal`: what
became of each file's rows, per symbol."""

UNREADABLE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)
"""What polars raises for a file that is torn or no table; it panics on some, which is no `Exception`."""

UNUSABLE = frozenset("[]%")
"""What the Delta library takes for a pattern or an escape in a path, and then loses its way."""

_KEEP = {
    "delta.enableExpiredLogCleanup": "false",
    "delta.deletedFileRetentionDuration": "interval 36500 days",
}


def version(root: Path, table: str) -> int | None:
    """The latest version of a table, None when it does not exist."""
    if not (root / table / "_delta_log").is_dir():
        return None
    import deltalake
    from deltalake.exceptions import DeltaError

    try:
        return int(deltalake.DeltaTable(root / table).version())
    except (DeltaError, OSError) as error:
        raise _unreadable(root, table, error) from error


def read(
    root: Path,
    table: str,
    columns: Sequence[str] | None = None,
    *,
    where: pl.Expr | None = None,
    at: int | None = None,
) -> pl.DataFrame:
    """Rows of a table at a version (the latest when None); an absent table has no rows.

    Raises
    ------
    DataError : the table or that version of it cannot be read.
    """
    import deltalake
    from deltalake.exceptions import DeltaError

    empty = pl.DataFrame(schema=SCHEMAS[table])
    if not (root / table / "_delta_log").is_dir():
        return empty.select(columns) if columns else empty
    try:
        # By names below our own folder: the addresses that the table itself gives have blanks in them quoted.
        actions = pl.DataFrame(deltalake.DeltaTable(root / table, version=at).get_add_actions(flatten=True))
        files = [root / table / name for name in actions["path"]]
        stored = pl.ScanCastOptions(categorical_to_string="allow")  # texts are stored as dictionaries
        scan = partial(pl.scan_parquet, schema=SCHEMAS[table], cast_options=stored, glob=False)
        lazy = scan(files) if files else empty.lazy()
        lazy = lazy if where is None else lazy.filter(where)
        return (lazy.select(columns) if columns else lazy).collect()
    except (DeltaError, *UNREADABLE) as error:
        raise _unreadable(root, table, error, at) from error


def append(root: Path, table: str, frame: pl.DataFrame) -> None:
    """Commit the rows in one transaction; no rows, no commit."""
    if frame.is_empty():
        return
    odd = sorted(UNUSABLE & set(str(root)))
    if odd:
        found = " ".join(odd)
        raise DataError(f"lake {root}: Delta tables cannot stand below a folder with {found} in its name; move it")
    import deltalake
    from deltalake.exceptions import DeltaError

    schema = SCHEMAS[table]
    # Prices hardly repeat: a dictionary of them is work for nothing.
    numbers = [name for name, kind in schema.items() if kind == pl.Float64]
    plainly = deltalake.ColumnProperties(dictionary_enabled=False)
    properties = deltalake.WriterProperties(compression="SNAPPY", column_properties=dict.fromkeys(numbers, plainly))
    frame = frame.select(pl.col(name).cast(kind) for name, kind in schema.items())
    # Texts repeat: as dictionaries they cost half the time to write. Plain large strings, not views: filters need them.
    texts = [name for name, kind in schema.items() if kind == pl.String]
    arrow = frame.with_columns(pl.col(texts).cast(pl.Categorical)).to_arrow(compat_level=pl.CompatLevel.oldest())
    plain = arrow.schema
    for place, field in enumerate(plain):
        plain = plain.set(place, field.remove_metadata())
    arrow = type(arrow).from_arrays(arrow.columns, schema=plain)
    try:
        (root / table).mkdir(parents=True, exist_ok=True)
        deltalake.write_deltalake(root / table, arrow, mode="append", configuration=_KEEP, writer_properties=properties)
    except (DeltaError, OSError) as error:
        raise DataError(f"lake table {root / table} cannot be written: {first_line(error)}", retryable=True) from error


def _unreadable(root: Path, table: str, error: BaseException, at: int | None = None) -> DataError:
    which = "" if at is None else f" at version {at}"
    return DataError(f"lake table {root / table}{which} cannot be read: {first_line(error)}")


def first_line(error: BaseException) -> str:
    """What a library said, cut to one line."""
    return (str(error).splitlines() or [type(error).__name__])[0]
