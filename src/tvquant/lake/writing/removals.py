"""Symbols taken out of the lake whole, and put back as they were.

1. A removal is recorded first: per symbol and table, how many rows go and at which version of the table they stand.
   That version stays readable until the removal is reverted (see `compaction`), as do those that runs have pinned.
2. Then the rows go, those of bars before all others: nobody reads what is left of a symbol without bars. Killed in
   between, the same removal again takes the rest.
3. To put a symbol back, the rows are read at that version and added, bars last, and the removal is dated as reverted.
   A symbol that was imported anew in between is refused: two histories of one symbol would stand beside each other.

What was computed of a symbol, scanned of it or told of its deliveries stays: none of it is read for its own sake.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from tvquant.core.errors import DataError
from tvquant.core.quoting import shown
from tvquant.lake.reading.lake import Lake
from tvquant.lake.storage import commits, tables
from tvquant.lake.storage.location import Root
from tvquant.lake.storage.provenance import operation_id
from tvquant.lake.storage.tables import TIME

TABLE = "removals"
HELD = ("bars", "bars_4h", "actions", "funding", "instruments", "facts", "repairs")
"""Tables that say what a symbol is and was, in the order in which its rows go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What went, or came back: table -> rows, of which symbols; by removals of these names."""

    ids: tuple[str, ...]
    symbols: tuple[str, ...]
    rows: Mapping[str, int]


def remove(lake: Lake, symbols: Collection[str], *, recorded_at: datetime) -> Removal:
    """Take all that is stored of the symbols out of the lake, so that `put_back` can bring it back.

    Raises
    ------
    DataError : nothing is stored of one of them, and nothing was removed; the lake cannot be written.
    """
    names = sorted(set(symbols))

    def decide() -> Removal:
        return _remove(lake.root, names, recorded_at)

    return commits.transact(lake.root, decide)


def _remove(root: Root, names: Sequence[str], recorded_at: datetime) -> Removal:
    versions = {name: version for name in HELD if (version := tables.version(root, name)) is not None}
    mine = pl.col("symbol").is_in(names)
    parts = [
        tables.read(root, name, ["symbol"], where=mine, at=version)
        .group_by("symbol")
        .agg(pl.lit(name).alias("held_in"), pl.lit(version, pl.Int64).alias("version"), rows=pl.len().cast(pl.Int64))
        for name, version in versions.items()
    ]
    found = pl.concat(parts) if parts else pl.DataFrame(schema={"symbol": pl.String()})
    absent = sorted(set(names) - set(found["symbol"]))
    if absent:
        raise DataError(f"the lake {root} holds nothing of {shown(absent[0])}; nothing was removed")
    begun = _begun(root, names)
    now = recorded_at.astimezone(UTC)
    removal = operation_id(names, versions, now.isoformat())
    labels = {"removal_id": pl.lit(removal), "recorded_at": pl.lit(now, TIME), "reverted_at": pl.lit(None, TIME)}
    fresh = found.filter(~pl.col("symbol").is_in(begun["symbol"].implode())).with_columns(**labels)
    commits.append(root, TABLE, fresh.sort("symbol", "held_in"))
    for name in versions:
        if name in set(found["held_in"]):
            commits.delete(root, name, commits.among("symbol", names))
    all_of_it = pl.concat([begun, fresh.select(begun.columns)])
    ids = all_of_it["removal_id"].unique().sort()
    return Removal(ids=tuple(ids), symbols=tuple(names), rows=_counted(all_of_it))


def _begun(root: Root, names: Sequence[str]) -> pl.DataFrame:
    """Return removals of the symbols that were killed: some of what they took is still there, as it was then.

    One whose version cannot be read any more brings nothing back, and so is none that could be completed.
    """
    found = removed(root, names, None)
    stood = found.select("removal_id", "held_in", "version").unique().iter_rows()
    lost = [removal for removal, table, version in stood if not _readable(root, table, version, names)]
    found = found.filter(~pl.col("removal_id").is_in(lost))
    there = {symbol for *_, symbol, was, now in _compared(root, found) if len(was) and now.equals(was)}
    return found.filter(pl.col("symbol").is_in(list(there)))


def _readable(root: Root, table: str, version: int, names: Collection[str]) -> bool:
    try:
        tables.read(root, table, ["symbol"], where=pl.col("symbol").is_in(list(names)), at=version)
    except DataError:
        return False
    return True


def _counted(found: pl.DataFrame) -> dict[str, int]:
    counted = dict(found.group_by("held_in").agg(pl.col("rows").sum()).iter_rows())
    return {name: counted[name] for name in HELD if name in counted}


def open_removals(root: Root) -> pl.DataFrame:
    """Return removals that were not reverted, per symbol and table, the oldest first."""
    return tables.read(root, TABLE, where=pl.col("reverted_at").is_null()).sort("recorded_at", "removal_id", "symbol")


def versions(root: Root) -> Iterator[tuple[str, int]]:
    """Yield tables and their versions that what was removed would come back from."""
    yield from open_removals(root).select("held_in", "version").unique().sort("held_in", "version").iter_rows()


def removed(root: Root, symbols: Collection[str] | None, removal_id: str | None) -> pl.DataFrame:
    """Return the newest open removal of each of these symbols (None: all), of that name where one is given."""
    found = open_removals(root)
    if symbols is not None:
        found = found.filter(pl.col("symbol").is_in(list(symbols)))
    if removal_id is not None:
        return found.filter(pl.col("removal_id") == removal_id)
    return found.filter(pl.col("removal_id") == pl.col("removal_id").last().over("symbol"))


def put_back(
    lake: Lake, symbols: Collection[str] | None = None, removal_id: str | None = None, *, recorded_at: datetime
) -> Removal | None:
    """Bring back what was removed last of each symbol, or by that removal; None where nothing was.

    Raises
    ------
    DataError : a symbol is in the lake again; nothing was put back. Or the lake cannot be read or written.
    """

    def decide() -> Removal | None:
        return _put_back(lake.root, removed(lake.root, symbols, removal_id), recorded_at)

    return commits.transact(lake.root, decide)


def _put_back(root: Root, found: pl.DataFrame, recorded_at: datetime) -> Removal | None:
    if found.is_empty():
        return None
    missing: dict[str, list[pl.DataFrame]] = {}
    for table, removal, symbol, was, now in _compared(root, found):
        if now.is_empty():
            missing.setdefault(table, []).append(was)
        elif not now.equals(was):
            raise DataError(
                f"{symbol} is in the lake again ({len(now):,} rows of {table}); remove it first by `tvquant data rm`, "
                f"then revert by `--upsert {removal}`; nothing was put back"
            )
    for table, parts in missing.items():
        commits.append(root, table, pl.concat(parts))
    ids, names = found["removal_id"].unique().sort().to_list(), found["symbol"].unique().sort().to_list()
    which = f"{commits.among('removal_id', ids)} AND {commits.among('symbol', names)}"
    commits.update(root, TABLE, {"reverted_at": recorded_at.astimezone(UTC)}, which)
    return Removal(ids=tuple(ids), symbols=tuple(names), rows=_counted(found))


def _compared(root: Root, found: pl.DataFrame) -> Iterator[tuple[str, str, str, pl.DataFrame, pl.DataFrame]]:
    """Yield table, removal, symbol, its rows as they were removed, and as they are now; tables of bars last."""
    for table in reversed(HELD):
        mine = found.filter(pl.col("held_in") == table)
        for version in mine["version"].unique().sort():
            part = mine.filter(pl.col("version") == version)
            where = pl.col("symbol").is_in(part["symbol"].implode())
            both = [tables.read(root, table, where=where, at=at).sort(pl.all()) for at in (int(version), None)]
            for symbol, removal in part.select("symbol", "removal_id").iter_rows():
                was, now = (rows.filter(pl.col("symbol") == symbol) for rows in both)
                yield table, removal, symbol, was, now
