"""The Delta tables of a lake: their columns, and how they are read at a version.

Readers hold no lock. They read a version, and every version stays readable until `compaction` lets it go.
"""

import os
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from tvquant.core.errors import DataError
from tvquant.lake.storage import committed, handles
from tvquant.lake.storage.location import Place, Root, address, options

if TYPE_CHECKING:
    import deltalake

DAILY = "1d"
TIME = pl.Datetime("us", "UTC")
PRICES = ("open", "high", "low", "close")
MEASURES = (*PRICES, "volume", "quote_volume")
VALUES = (*MEASURES, "adj_close")

ACCEPTED = "accepted_basis"
"""A fact that no provider tells: a declared basis was taken on the user's word, against what the prices show."""
SIMULATED = "simulated"
"""The source of bars of a simulated exchange; and the fact that a symbol's bars are such."""

SCANNED = (
    "value_traded_last", "recommend_all", "recommend_ma", "recommend_other", "adx_14", "atr_14", "volatility_d",
    "volume_change_24h", "roc_9", "perf_1w", "perf_1m", "perf_3m",
)  # fmt: skip
"""Figures that every scan records."""

_ORIGIN: dict[str, pl.DataType] = {"source": pl.String(), "import_id": pl.String(), "recorded_at": TIME}

_BARS: dict[str, pl.DataType] = {
    "symbol": pl.String(),
    "interval": pl.String(),
    "timestamp": TIME,
    **{name: pl.Float64() for name in VALUES},
    "basis": pl.String(),
    **_ORIGIN,
}

SCHEMAS: dict[str, dict[str, pl.DataType]] = {
    "bars": _BARS,
    "bars_4h": _BARS,
    "actions": {"symbol": pl.String(), "timestamp": TIME, "kind": pl.String(), "value": pl.Float64(), **_ORIGIN},
    "funding": {"symbol": pl.String(), "timestamp": TIME, "rate": pl.Float64(), **_ORIGIN},
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
    "repairs": {
        "symbol": pl.String(),
        "interval": pl.String(),
        "timestamp": TIME,
        "field": pl.String(),
        "original": pl.Float64(),
        "repaired": pl.Float64(),
        "version": pl.Int64(),
        "sequence": pl.Int64(),
        "upsert_id": pl.String(),
        "reason": pl.String(),
        "source": pl.String(),
        "recorded_at": TIME,
        "reverted_at": TIME,
    },
    "removals": {
        "symbol": pl.String(),
        "held_in": pl.String(),
        "version": pl.Int64(),
        "rows": pl.Int64(),
        "removal_id": pl.String(),
        "recorded_at": TIME,
        "reverted_at": TIME,
    },
    "facts": {
        "symbol": pl.String(),
        "field": pl.String(),
        "value": pl.Float64(),
        "known_at": TIME,
        **_ORIGIN,
    },
    "scans": {
        "scanner": pl.String(),
        "definition": pl.String(),
        "clock": pl.String(),
        "timestamp": TIME,
        "scanned_at": TIME,
        "symbol": pl.String(),
        "logic": pl.String(),
        "direction": pl.String(),
        "atom": pl.String(),
        "outcome": pl.String(),
        **dict.fromkeys(SCANNED, pl.Float64()),
    },
}
"""`bars`: daily bars as delivered, then as repaired; `bars_4h`: those of that interval, apart; `actions`: a dividend is
cash per unit, a split new units per old; `funding`: what longs of a swap paid to shorts, a fraction of the position, at
that second; `instruments`: what a symbol fixes, and over which bars its dividends were
delivered, zeros included (its rows together span them); `journal`: what became of each delivery's rows, per symbol;
`repairs`: every value that was changed, with the original; `removals`: how many rows of a symbol were taken out of
which table, and the version that has them; `facts`: ticks, lots and the like, as providers told them;
`scans`: what scanners said, of which bar and when.
"""

UNREADABLE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)
"""What polars raises for a file that is torn or no table; it panics on some, which is no `Exception`."""
CAUSE = re.compile(r"^\s*\x1b\[[0-9;]*m↳\x1b\[0m\s*")
"""How the Delta library begins the lines below the first of what a store said."""


def version(root: Root, table: str) -> int | None:
    """Return the latest version of a table, None when it does not exist.

    Raises
    ------
    DataError : it cannot be read, or its log is not what was committed.
    """
    committed.check_log(root, table)
    if not isinstance(root, Place):
        return _latest(root, table)
    from deltalake.exceptions import DeltaError, TableNotFoundError

    try:
        return int(_newest(root, table).version())
    except TableNotFoundError:
        return None
    except (DeltaError, OSError) as error:
        raise _unreadable(root, table, error) from error


def held(root: Root) -> dict[str, int]:
    """Return the latest version of each table that is there.

    Raises
    ------
    DataError : one cannot be read.
    """
    return {table: latest for table in SCHEMAS if (latest := version(root, table)) is not None}


def count(root: Root, table: str) -> int:
    """Return rows of the latest version of a table, as its log counts them; no file of it is read.

    Raises
    ------
    DataError : it cannot be read, or a file is not there in its full length.
    """
    actions = _actions(root, table, None)
    if actions is None:
        return 0
    committed.check_sizes(root, table, dict(actions.select("path", "size_bytes").iter_rows()))
    return int(actions["num_records"].sum())


def sizes(root: Root, table: str, at: int) -> dict[str, int]:
    """Return the files of a version of a table and how many rows each has, as its log counts them.

    Raises
    ------
    DataError : it cannot be read.
    """
    actions = _actions(root, table, at)
    return {} if actions is None else dict(actions.select("path", "num_records").iter_rows())


def verify(root: Root, table: str) -> None:
    """Hold all that the latest version of a table is made of against what was committed.

    Raises
    ------
    DataError : it is something else, or cannot be read.
    """
    if version(root, table) is not None:
        try:
            committed.check_files(root, table, files(root, table))
        except OSError as error:
            raise _unreadable(root, table, error) from error


def opened(root: Root, table: str, at: int | None = None) -> "deltalake.DeltaTable":
    """Return the table at a version; errors are those of the Delta library."""
    import deltalake

    return deltalake.DeltaTable(address(root, table), version=at, storage_options=options(root))


def _latest(root: Path, table: str) -> int | None:
    """Return the latest version in the log of a table in a folder: its last entry, which a commit ends with."""
    return max(committed.versions(root / table / committed.LOG), default=None)


def _newest(place: Place, table: str) -> "deltalake.DeltaTable":
    """Return the newest version of a table below a URI; a log only grows, so what was read of it is not asked again."""
    held = _followed(address(place, table), tuple(sorted((options(place) or {}).items())))
    held.update_incremental()
    return held


@lru_cache(maxsize=64)
def _followed(uri: str, told: tuple[tuple[str, str], ...]) -> "deltalake.DeltaTable":
    import deltalake

    return deltalake.DeltaTable(uri, storage_options=dict(told))


def _described(root: Root, table: str, at: int | None) -> tuple[int, pl.DataFrame] | None:
    """Return a version of a table (the latest when None) and what its log tells of each of its files.

    None where no first commit is: its folder alone may be that of a writer who is about to make it. A version never
    changes: in a folder its log is read once, as long as its last entry's size and time stay what they are. Errors are
    those of the Delta library.
    """
    from deltalake.exceptions import TableNotFoundError

    if not isinstance(root, Place):
        latest = _latest(root, table)
        if latest is None:
            return None
        at = latest if at is None else at
        entry = os.stat(committed.entry(root / table / committed.LOG, at))
        return at, _described_once(root, table, at, entry.st_size, entry.st_mtime_ns)
    try:
        held = _newest(root, table)
    except TableNotFoundError:
        return None
    if at not in (None, held.version()):
        held = opened(root, table, at)
    return held.version(), pl.DataFrame(held.get_add_actions(flatten=True))


def _actions(root: Root, table: str, at: int | None) -> pl.DataFrame | None:
    """Return what the log of a version tells of each of its files; None where no first commit is."""
    from deltalake.exceptions import DeltaError

    committed.check_log(root, table, at)
    try:
        found = _described(root, table, at)
    except (DeltaError, OSError) as error:
        raise _unreadable(root, table, error, at) from error
    return None if found is None else found[1]


@lru_cache(maxsize=64)
def _described_once(root: Path, table: str, at: int, size: int, changed: int) -> pl.DataFrame:  # noqa: ARG001 (size and time are its key)
    held = handles.take(root, table) if at == _latest(root, table) else None
    if held is None or held.version() != at:  # an old one, or a newer one came in between
        held = opened(root, table, at)
    told = pl.DataFrame(held.get_add_actions(flatten=True))
    handles.keep(root, table, held)
    return told


def read(
    root: Root,
    table: str,
    columns: Sequence[str] | None = None,
    *,
    where: pl.Expr | None = None,
    span: tuple[datetime, datetime] | None = None,
    at: int | None = None,
) -> pl.DataFrame:
    """Return rows of a table at a version (the latest when None); an absent table has no rows.

    With `span` only rows with a `timestamp` from its first to its second moment, from the files that have such rows.

    Raises
    ------
    DataError : the table or that version of it cannot be read, or is not what was committed.
    """
    if span is not None:
        within = pl.col("timestamp").is_between(pl.lit(span[0], TIME), pl.lit(span[1], TIME))
        where = within if where is None else where & within
    every, wanted = list(columns) if columns else list(SCHEMAS[table]), pl.lit(True) if where is None else where
    chosen = partial(_within, span=span)
    return collected(root, table, every, at, chosen, lambda rows: rows.filter(wanted).select(every))


def distinct(root: Root, table: str, columns: Sequence[str], *, where: pl.Expr, at: int) -> pl.DataFrame:
    """Return the distinct values that rows of a version of a table have in these columns, in any order.

    Raises
    ------
    DataError : that version cannot be read, or is not what was committed.
    """
    return collected(
        root, table, columns, at, lambda held: held["path"], lambda rows: rows.filter(where).select(columns).unique()
    )


def collected(
    root: Root,
    table: str,
    columns: Sequence[str],
    at: int | None,
    chosen: Callable[[pl.DataFrame], Iterable[str]],
    query: Callable[[pl.LazyFrame], pl.LazyFrame],
) -> pl.DataFrame:
    """Return what a query for these columns makes of the rows of a table at a version (the latest when None).

    `chosen` names the files to read, given what the log tells of each: of none nothing is asked. Errors are those of
    `read`.
    """
    from deltalake.exceptions import DeltaError

    committed.check_log(root, table, at)
    seen = None
    while True:
        try:
            before = seen
            found = _described(root, table, at)
            seen, actions = found or (seen, None)
            # By names below our own folder: the addresses that the table itself gives have blanks in them quoted.
            names = () if actions is None else tuple(chosen(actions))
            if not names:
                return pl.DataFrame(schema={name: SCHEMAS[table][name] for name in columns})
            committed.check_files(root, table, names)
            return query(_scanned(root, table, names)).collect()
        except (DeltaError, *UNREADABLE) as error:
            # The latest version may be gone before its files are read, when a newer one took its place.
            if at is not None or seen is None or seen == before or seen == version(root, table):
                raise _unreadable(root, table, error, at) from error


def _scanned(root: Root, table: str, names: Iterable[str]) -> pl.LazyFrame:
    """Return the rows of some files of a table, which are not read yet."""
    files = [f"{address(root, table)}/{name}" for name in names]
    stored = pl.ScanCastOptions(categorical_to_string="allow")  # texts are stored as dictionaries
    scan = partial(pl.scan_parquet, schema=SCHEMAS[table], cast_options=stored, glob=False)
    # The store as Delta sees it: no other source of credentials is looked for.
    return scan(files, storage_options=options(root), credential_provider=None)


def among(symbols: pl.Series) -> pl.Expr:
    """Return whether `symbol` is one of the given texts, with bounds that files can be skipped by."""
    symbol = pl.col("symbol")
    return symbol.is_between(pl.lit(symbols.min()), pl.lit(symbols.max())) & symbol.is_in(symbols.implode())


def files(root: Root, table: str, at: int | None = None) -> tuple[str, ...]:
    """Return names of the files that a version of a table is made of; errors are those of the Delta library."""
    found = _described(root, table, at)
    return () if found is None else tuple(found[1]["path"])


def _within(actions: pl.DataFrame, span: tuple[datetime, datetime] | None) -> pl.Series:
    """Names of the files that may have rows in the span, by the smallest and greatest time each is known to hold."""
    if span is not None and "min.timestamp" in actions.columns:
        first, last = (pl.lit(moment, TIME) for moment in span)
        outside = (pl.col("min.timestamp") > last) | (pl.col("max.timestamp") < first)
        actions = actions.filter(~outside.fill_null(False))
    return actions["path"]


def all_are(root: Root, table: str, column: str, value: str) -> bool:
    """Return whether every file of the table is known to hold this one text in the column; told without reading any."""
    actions = _actions(root, table, None)
    if actions is None:
        return True
    bounds = [f"min.{column}", f"max.{column}"]
    return set(bounds) <= set(actions.columns) and bool(
        actions.select((pl.col(bounds) == value).all()).row(0) == (True, True)
    )


def may_hold(root: Root, table: str, column: str, value: str, at: int | None) -> bool:
    """Return whether some file of a version of the table may have this text in the column; told without reading any."""
    actions = _actions(root, table, at)
    if actions is None:
        return False
    least, most = f"min.{column}", f"max.{column}"
    if not {least, most} <= set(actions.columns):
        return len(actions) > 0
    outside = (pl.col(least) > value) | (pl.col(most) < value)
    return not actions.select(outside.fill_null(False).all()).item()


def _unreadable(root: Root, table: str, error: BaseException, at: int | None = None) -> DataError:
    which = "" if at is None else f" at version {at}"
    cure = "" if isinstance(root, Place) else f"; if the file is damaged, {committed.CURE}"
    return DataError(f"lake table {address(root, table)}{which} cannot be read: {first_line(error)}{cure}")


def first_line(error: BaseException) -> str:
    """Return a library's message, cut to one line; a store's with the whole chain of causes."""
    lines = str(error).splitlines() or [type(error).__name__]
    causes = (CAUSE.sub("", line).strip() for line in lines)
    return " ".join(causes) if len(lines) > 1 and CAUSE.match(lines[1]) else lines[0]
