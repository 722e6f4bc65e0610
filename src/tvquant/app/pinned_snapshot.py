"""What runs pinned. The plan record of the ledger is the evidence; `data/snapshot.json` repeats it for people.

Damage to one run's file is that run's trouble: it is reported and mended from the record, and every other run goes on.
"""

import json
from collections.abc import Callable, Collection, Iterator
from typing import Any

from tvquant.app.workspace import Workspace
from tvquant.core.errors import DataError, TvquantError
from tvquant.core.sleeve_records import sleeves_of
from tvquant.lake import Snapshot
from tvquant.ledger import Integrity, RunFolder
from tvquant.ledger.listing import kept, unchanged
from tvquant.ledger.recorded_parts import RecordedPlan
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.ledger.run_folder import PINNED, document


def write_snapshot(folder: RunFolder, plan: str, snapshot: str) -> None:
    """Write the file that repeats the plan record."""
    folder.write_json(PINNED, _document(plan, snapshot))


def restore_snapshots(workspace: Workspace, say: Callable[[str], None]) -> None:
    """Write anew each `data/snapshot.json` that is not what its run's ledger says, and say so (by who may write).

    Runs that were verified, and of which no file was written to since, are not read again.
    """
    known = kept(workspace.runs)

    def whole(folder: RunFolder) -> bool:
        found = unchanged(folder.path, known.get(folder.id))
        return found is not None and found.state == Integrity.OK

    for folder, plan in plans(workspace, lambda _: None, but=whole):
        if _text(folder) == document(_document(plan.digest, plan.snapshot)):
            continue
        try:
            write_snapshot(folder, plan.digest, plan.snapshot)
        except DataError as error:
            say(f"run {folder.id}: {PINNED} is damaged and cannot be restored: {error}")
        else:
            say(f"run {folder.id}: {PINNED} was damaged; it is restored from the ledger's plan record")


def plans(
    workspace: Workspace, say: Callable[[str], None], *, but: Callable[[RunFolder], bool] = lambda _: False
) -> Iterator[tuple[RunFolder, RecordedPlan]]:
    """Return every run that pinned something with its plan, newest first; runs that cannot be read are reported.

    Runs that `but` says are not looked at.
    """
    for folder in reversed(workspace.all_runs()):
        if but(folder):
            continue
        try:
            plan = RecordedRun(folder).plan
        except TvquantError as error:
            say(f"run {folder.id} is passed over, for its ledger cannot be read: {error}")
        else:
            if plan is not None:
                yield folder, plan


def pinned_snapshots(workspace: Workspace, say: Callable[[str], None]) -> Iterator[Snapshot]:
    """Return what every run was computed from; of an unreadable ledger, what its `data/snapshot.json` holds.

    A meta-portfolio's run pins no data: those of its sleeves do.
    """
    for folder in workspace.all_runs():
        try:
            plan = RecordedRun(folder).plan
            if plan is not None and not _is_of_sleeves(plan.snapshot):
                yield Snapshot.from_json(plan.snapshot)
        except TvquantError as error:
            try:
                yield Snapshot.from_json(folder.read_json(PINNED)["snapshot"])
            except (DataError, LookupError, TypeError):
                say(f"run {folder.id} cannot say what it was computed from, so nothing is kept for it: {error}")


def made_of(workspace: Workspace, going: Collection[str]) -> tuple[str, ...]:
    """Return ids of runs of meta-portfolios that have one of these runs as a sleeve, without these themselves.

    It goes by `data/snapshot.json`, since it is a warning and no evidence.
    """
    return tuple(
        one.id for one in workspace.all_runs() if one.id not in going and not _sleeves_in(one).isdisjoint(going)
    )


def _sleeves_in(folder: RunFolder) -> set[str]:
    """Return ids of the runs that a run was made of; none where it is a profile's, or cannot be read."""
    try:
        return {one.run for one in sleeves_of(json.loads(_text(folder) or "")["snapshot"])}
    except (ValueError, TypeError, LookupError):
        return set()


def _is_of_sleeves(text: str) -> bool:
    """Return whether what a run pinned is the sleeves of a meta-portfolio, and no data."""
    try:
        return bool(sleeves_of(text))
    except (ValueError, TypeError):
        return False


def _document(plan: str, snapshot: str) -> dict[str, Any]:
    return {"plan": plan, "snapshot": snapshot}


def _text(folder: RunFolder) -> str | None:
    try:
        return (folder.path / PINNED).read_text("utf-8")
    except (OSError, ValueError):
        return None
