"""Runs that are finished: which one has computed a plan already, and what its result is."""

from collections.abc import Callable
from dataclasses import dataclass

from tvquant.app.pinned_snapshot import plans
from tvquant.app.workspace import Workspace
from tvquant.core.errors import LedgerError
from tvquant.ledger import Integrity, RunFolder
from tvquant.ledger.listing import kept, unchanged
from tvquant.ledger.recorded_run import RecordedRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A finished run: its folder, its result digest, and whether it was there already."""

    folder: RunFolder
    result: str
    reused: bool


def finished_run(workspace: Workspace, plan: str, note: Callable[[str], None]) -> Finished | None:
    """Return the newest sealed and verified run of a plan digest; of those that do not verify a note is made.

    A run that the index knows to be of another plan is not read, where no file of it was written to since.
    """
    known = kept(workspace.runs)

    def other(folder: RunFolder) -> bool:
        found = unchanged(folder.path, known.get(folder.id))
        return found is not None and found.state == Integrity.OK and found.plan != plan

    for folder, pinned in plans(workspace, note, but=other):
        if pinned.digest != plan:
            continue
        run = RecordedRun(folder)
        if run.verification.finished:
            return Finished(folder=folder, result=result_digest(run), reused=True)
        if run.verification.status is not Integrity.INCOMPLETE:
            note(fault(run))
    return None


def fault(run: RecordedRun) -> str:
    """Return what is wrong with a run that does not verify, in one line."""
    checked, name = run.verification, run.folder.id
    bad = checked.altered[0] if checked.altered else None
    why = f": {bad.file} {bad.why}" if bad else ""
    return f"run {name} is {checked.status.value}{why}; see `tvquant ledger verify {name}`"


def result_digest(run: RecordedRun) -> str:
    """Return the result digest that a sealed run recorded.

    Raises
    ------
    LedgerError : it is not finished.
    """
    if run.sealed is None:
        name = run.folder.id
        again = f"`tvquant meta {run.profile_name}` plays it anew" if run.is_meta else ""
        raise LedgerError(f"run {name} is not finished; {again or f'continue it with `tvquant run --resume {name}`'}")
    return run.sealed
