"""What runs pinned. The plan record of the ledger is the evidence; `data/snapshot.json` repeats it for people.

Damage to one run's file is that run's trouble: it is told and mended from the record, and every other run goes on.
"""

from collections.abc import Callable, Iterator
from typing import Any

from tvquant.app.workspace import Workspace
from tvquant.core.errors import DataError, TvquantError
from tvquant.core.records import RUN
from tvquant.lake import Snapshot
from tvquant.ledger import LedgerRecord, RunFolder, records
from tvquant.ledger.run_folder import document

SNAPSHOT = "data/snapshot.json"


def plan_record(folder: RunFolder) -> LedgerRecord | None:
    """The record of what a run pinned; None when it was stopped before.

    Raises
    ------
    DataError, LedgerError : the ledger cannot be read and believed so far.
    """
    return next(iter(records(folder.path, chain=RUN, kind="plan")), None)


def write_snapshot(folder: RunFolder, plan: str, snapshot: str) -> None:
    """Write the file that repeats the plan record."""
    folder.write_json(SNAPSHOT, _document(plan, snapshot))


def restore_snapshots(workspace: Workspace, say: Callable[[str], None]) -> None:
    """Write anew each `data/snapshot.json` that is not what its run's ledger says, and say so (by who may write)."""
    for folder, record in plans(workspace, lambda _: None):
        plan, snapshot = record.outputs["plan"], record.data["snapshot"]
        if _text(folder) == document(_document(plan, snapshot)):
            continue
        try:
            write_snapshot(folder, plan, snapshot)
        except DataError as error:
            say(f"run {folder.id}: {SNAPSHOT} is damaged and cannot be restored: {error}")
        else:
            say(f"run {folder.id}: {SNAPSHOT} was damaged; it is restored from the ledger's plan record")


def plans(workspace: Workspace, say: Callable[[str], None]) -> Iterator[tuple[RunFolder, LedgerRecord]]:
    """Every run that pinned something with its plan record, newest first; runs that cannot be read are told of."""
    for folder in reversed(workspace.all_runs()):
        try:
            record = plan_record(folder)
        except TvquantError as error:
            say(f"run {folder.id} is passed over, for its ledger cannot be read: {error}")
        else:
            if record is not None:
                yield folder, record


def pinned_snapshots(workspace: Workspace, say: Callable[[str], None]) -> Iterator[Snapshot]:
    """What every run was computed from; where a ledger cannot be read, as its `data/snapshot.json` says."""
    for folder in workspace.all_runs():
        try:
            record = plan_record(folder)
            if record is not None:
                yield Snapshot.from_json(record.data["snapshot"])
        except TvquantError as error:
            try:
                yield Snapshot.from_json(folder.read_json(SNAPSHOT)["snapshot"])
            except (DataError, LookupError, TypeError):
                say(f"run {folder.id} cannot say what it was computed from, so nothing is kept for it: {error}")


def _document(plan: str, snapshot: str) -> dict[str, Any]:
    return {"plan": plan, "snapshot": snapshot}


def _text(folder: RunFolder) -> str | None:
    try:
        return (folder.path / SNAPSHOT).read_text("utf-8")
    except (OSError, ValueError):
        return None
