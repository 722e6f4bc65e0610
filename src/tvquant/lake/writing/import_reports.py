"""What became of every row of an import: the journal, the quarantine, and the report that a person reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from tvquant.core import durable
from tvquant.core.errors import DataError
from tvquant.core.quoting import shown
from tvquant.lake.storage.location import Root, folder
from tvquant.lake.storage.tables import TIME
from tvquant.lake.writing.files import Delivery
from tvquant.lake.writing.revisions import Revision


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What became of one file: rows = stored + duplicates + quarantined + left_out.

    Left out are all rows of symbols that were refused. `ignored` columns are not of the schema; `said` is how the file
    was read, where its form is not plain.
    """

    name: str
    rows: int
    stored: int
    duplicates: int
    quarantined: int
    left_out: int
    ignored: tuple[str, ...]
    said: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did; `symbols` counts those delivered, `actions` and `funding` those newly stored.

    `refused` : symbols that were left out whole, with the first thing that is wrong with each. `revised` : those whose
    stored history gave way to another scale, as the revision `import_id`. `accepted` : those whose basis was taken on
    the user's word, against what their prices show.
    """

    import_id: str
    files: tuple[FileReport, ...]
    symbols: int
    actions: int
    funding: int
    quarantine: Path | None
    refused: Mapping[str, str]
    revised: tuple[Revision, ...] = ()
    accepted: tuple[str, ...] = ()

    @property
    def stored(self) -> int:
        """Rows that are new in the lake."""
        return sum(file.stored for file in self.files)

    @property
    def duplicates(self) -> int:
        """Rows that repeat another row, of these files or of the lake."""
        return sum(file.duplicates for file in self.files)

    @property
    def quarantined(self) -> int:
        """Rows that were refused and written to the quarantine file."""
        return sum(file.quarantined for file in self.files)


def malformed(delivery: Delivery) -> DataError:
    """Return the refusal of a file: its first bad row, how many more there are, and what to do."""
    first, more = delivery.rejected.row(0, named=True), len(delivery.rejected) - 1
    others = f"; {more:,} more bad rows" if more else ""
    good = "mend the file, or take its good rows with --quarantine" if len(delivery.rows) else "no row of it is good"
    return DataError(f"{_reason(delivery.name, first)}{others}; nothing was imported; {good}")


def _reason(file: str, row: Mapping[str, Any]) -> str:
    """Return what is wrong with a rejected row."""
    return f"{file}: row {row['row']}, column {row['column']!r}: {shown(row['value'])} {row['reason']}"


def whole_symbols(deliveries: Sequence[Delivery]) -> tuple[list[Delivery], dict[str, str]]:
    """Return the deliveries without every symbol that has a bad row in any of them, and what is wrong with those.

    Raises
    ------
    DataError : a bad row has no symbol, or nothing is left.
    """
    refused: dict[str, str] = {}
    for delivery in deliveries:
        bad = delivery.rejected
        if bad["symbol"].has_nulls():
            raise malformed(delivery)
        for (symbol,), rows in bad.partition_by("symbol", as_dict=True, maintain_order=True).items():
            more = f"; {len(rows) - 1:,} more bad rows" if len(rows) > 1 else ""
            refused.setdefault(str(symbol), _reason(delivery.name, rows.row(0, named=True)) + more)
    kept = []
    for delivery in deliveries:
        rows = delivery.rows.filter(~pl.col("symbol").is_in(list(refused)))
        gone = len(delivery.rows) - len(rows) + len(delivery.rejected)
        kept.append(replace(delivery, rows=rows, rejected=delivery.rejected.clear(), left_out=gone))
    if refused and not any(len(one.rows) for one in kept):
        raise malformed(next(one for one in deliveries if len(one.rejected)))
    return kept, dict(sorted(refused.items()))


def put_aside(root: Root, import_id: str, deliveries: Sequence[Delivery]) -> Path | None:
    """Write the bad rows aside: file, row, column, value, reason, and the row as JSON."""
    bad = pl.concat(delivery.rejected.select(pl.lit(delivery.name).alias("file"), pl.all()) for delivery in deliveries)
    if bad.is_empty():
        return None
    path = folder(root) / "quarantine" / f"{import_id}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    with durable.replacing(path) as aside:
        bad.write_parquet(aside)
    return path


def journal_of(rows: pl.DataFrame) -> pl.DataFrame:
    """Return per file and symbol how many rows were stored or repeated, and those that repeat within the files."""
    repeats = pl.col("session").filter(pl.col("repeated"))
    counted = (
        rows.lazy()
        .group_by("file", pl.col("symbol").cast(pl.String))
        .agg(
            rows=pl.len(),
            stored=(~pl.col("duplicate")).sum(),
            duplicates=pl.col("duplicate").sum(),
            repeated_first=repeats.min(),
            repeated_last=repeats.max(),
            repeated=pl.col("repeated").sum(),
        )
    )
    return counted.sort("file", "symbol").collect()


def funding_journal(paid: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    """Return per file and symbol how many payments were stored or repeated."""
    mine = ["file", "symbol"]
    rows = paid.group_by(mine).agg(rows=pl.len())
    rows = rows.join(stored.group_by(mine).agg(stored=pl.len()), on=mine, how="left")
    rows = rows.with_columns(pl.col("stored").fill_null(0))
    never = pl.lit(None, TIME)
    return rows.with_columns(
        duplicates=pl.col("rows") - pl.col("stored"),
        repeated_first=never,
        repeated_last=never,
        repeated=pl.lit(0, pl.UInt32),
    )


def file_report(number: int, delivery: Delivery, journal: pl.DataFrame) -> FileReport:
    """Return what became of the file of that number."""
    mine = journal.filter(pl.col("file") == number)
    bad = len(delivery.rejected)
    return FileReport(
        name=delivery.name,
        rows=int(mine["rows"].sum()) + bad + delivery.left_out,
        stored=int(mine["stored"].sum()),
        duplicates=int(mine["duplicates"].sum()),
        quarantined=bad,
        left_out=delivery.left_out,
        ignored=delivery.ignored,
        said=delivery.said,
    )
