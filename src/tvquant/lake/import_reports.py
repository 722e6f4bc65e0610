"""What became of every row of an import: the journal, the quarantine, and the report that a person reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tvquant.core.errors import DataError
from tvquant.lake.files import Delivery
from tvquant.lake.place import Root, folder
from tvquant.lake.tables import TIME


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What became of one file: rows = stored + duplicates + quarantined; `ignored` columns are not of the schema."""

    name: str
    rows: int
    stored: int
    duplicates: int
    quarantined: int
    ignored: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did; `symbols` counts those delivered, `actions` and `funding` those newly stored."""

    import_id: str
    files: tuple[FileReport, ...]
    symbols: int
    actions: int
    funding: int
    quarantine: Path | None

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
    """The refusal of a file: its first bad row, how many more there are, and what to do."""
    first, more = delivery.rejected.row(0, named=True), len(delivery.rejected) - 1
    where = f"{delivery.name}: row {first['row']}, column {first['column']!r}: {first['value']!r} {first['reason']}"
    others = f"; {more} more bad rows" if more else ""
    good = "mend the file, or take its good rows with --quarantine" if len(delivery.rows) else "no row of it is good"
    return DataError(f"{where}{others}; nothing was imported; {good}")


def put_aside(root: Root, import_id: str, deliveries: Sequence[Delivery]) -> Path | None:
    """Write the bad rows aside: file, row, column, value, reason, and the row as JSON."""
    bad = pl.concat(delivery.rejected.select(pl.lit(delivery.name).alias("file"), pl.all()) for delivery in deliveries)
    if bad.is_empty():
        return None
    path = folder(root) / "quarantine" / f"{import_id}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    bad.write_parquet(path)
    return path


def journal_of(rows: pl.DataFrame) -> pl.DataFrame:
    """Per file and symbol: how many rows were stored or said again, and those that repeat within the files."""
    repeats = pl.col("session").filter(pl.col("repeated"))
    counted = rows.group_by("file", pl.col("symbol").cast(pl.String)).agg(
        rows=pl.len(),
        stored=(~pl.col("duplicate")).sum(),
        duplicates=pl.col("duplicate").sum(),
        repeated_first=repeats.min(),
        repeated_last=repeats.max(),
        repeated=pl.col("repeated").sum(),
    )
    return counted.sort("file", "symbol")


def funding_journal(paid: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    """Per file and symbol: how many payments were stored or said again."""
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
    """What became of the file of that number."""
    mine = journal.filter(pl.col("file") == number)
    bad = len(delivery.rejected)
    return FileReport(
        name=delivery.name,
        rows=int(mine["rows"].sum()) + bad,
        stored=int(mine["stored"].sum()),
        duplicates=int(mine["duplicates"].sum()),
        quarantined=bad,
        ignored=delivery.ignored,
    )
