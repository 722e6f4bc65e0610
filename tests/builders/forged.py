"""Runs whose ledger was written anew from changed entries, so that it verifies all the same."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from builders.clocks import ManualClock
from tvquant.core.records import Entry
from tvquant.ledger import Ledger, LedgerRecord, outputs_of, records

CLOCK = ManualClock(datetime(2024, 12, 1, tzinfo=UTC))


@dataclass(frozen=True)
class Forged:
    """Copies of the run in `source` beside it; each verifies."""

    home: Path
    source: Path

    def write(
        self,
        name: str,
        change: Callable[[Entry], Entry | None],
        *,
        sealed: bool = True,
        tables: Mapping[str, pl.DataFrame] | None = None,
    ) -> str:
        """Write a copy with changed entries and tables, without those that are changed into None; return its id."""
        run_id = f"20241201T000000-{name}-0000ff"
        folder = self.source.parent / run_id
        shutil.copytree(self.source, folder, ignore=shutil.ignore_patterns("audit.*"))
        files = {}
        for table, frame in (tables or {}).items():
            frame.write_parquet(folder / "results" / f"{table}.parquet", compression="zstd")
            files |= outputs_of(folder, [f"results/{table}.parquet"])
        leaves: Mapping[str, str] = {}
        with Ledger.create(folder, run_id=run_id, clock=CLOCK) as ledger:
            for record in records(self.source):
                if record.kind == "seal":
                    continue
                entry = change(_entry(record, run_id))
                if entry is None:
                    continue
                ledger.record(replace(entry, outputs={**entry.outputs, **_known(files, entry)}))
                leaves = entry.data.get("leaves", leaves)
            if sealed:
                ledger.seal(leaves)
        return run_id


def run_of(home: Path) -> Path:
    """Return the folder of the one run of `crypto_spot` in a workspace."""
    (found,) = (p for p in (home / "artifacts" / "summaries" / "runs").iterdir() if "-crypto_spot-" in p.name)
    return found


def _known(files: Mapping[str, str], entry: Entry) -> dict[str, str]:
    return {name: digest for name, digest in files.items() if name in entry.outputs}


def _entry(record: LedgerRecord, run_id: str) -> Entry:
    data = record.data | {"run_id": run_id} if record.kind == "genesis" else record.data
    return Entry(
        chain=record.chain, stage=record.stage, kind=record.kind, pillar=record.pillar,
        inputs=record.inputs, outputs=record.outputs, metrics=record.metrics, data=data,
    )  # fmt: skip
