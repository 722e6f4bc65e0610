"""Finished runs of sleeves, as tests look at them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from tvquant.core.decisions import Decision
from tvquant.ledger import RunFolder, records
from tvquant.ledger.recorded_run import RecordedRun

HEADLINE = "v4/custom/barbell/custom"


@dataclass(frozen=True)
class Sleeve:
    """A finished run: its folder, its tables; the headline's decisions and the names that selection saw, by date."""

    folder: Path
    tables: Mapping[str, pl.DataFrame]
    decisions: Mapping[date, Decision]
    selections: Mapping[date, list[str]]

    def of(self, table: str, cell: str = HEADLINE) -> pl.DataFrame:
        return self.tables[table].filter(pl.col("cell") == cell)

    def protected(self, cell: str) -> set[int]:
        """Windows that invest half at most, since one before them lost more than half."""
        found = RecordedRun(RunFolder(self.folder)).decisions[cell]
        return {window for window, one in found.items() if one.decision.survival}

    @property
    def strategies(self) -> list[str]:
        return sorted(cell for cell in self.tables["windows"]["cell"].unique() if cell.startswith("v4/"))


def bar(known_at: str) -> date:
    """Date of the daily bar that became known then."""
    return date.fromisoformat(known_at[:10]) - timedelta(days=1)


def finished(home: Path) -> dict[str, Sleeve]:
    """Every run of the workspace, by its profile."""
    found = {}
    for folder in sorted((home / "artifacts" / "summaries" / "runs").glob("*-*-*")):
        tables = {p.stem: pl.read_parquet(p) for p in (folder / "results").glob("*.parquet")}
        made = RecordedRun(RunFolder(folder)).decisions[HEADLINE].values()
        decisions = {bar(str(one.decision.as_of)): one.decision for one in made}
        selections = {
            bar(r.data["decided_at"]): [symbol.split("_rating_ma_")[0] for symbol in r.data["scores"]]
            for r in records(folder, kind="selection")
        }
        found[folder.name.split("-")[1]] = Sleeve(folder, tables, decisions, selections)
    return found
