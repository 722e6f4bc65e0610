"""Runs that are finished: which one has computed a plan already, and what its result is."""

from collections.abc import Callable
from dataclasses import dataclass

from tvquant.app.pinned_snapshot import plans
from tvquant.app.workspace import Workspace
from tvquant.core.errors import LedgerError
from tvquant.core.records import RUN
from tvquant.ledger import Integrity, RunFolder, Verification, records, verify


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A finished run: its folder, its result digest, and whether it was there already."""

    folder: RunFolder
    result: str
    reused: bool


def finished_run(workspace: Workspace, plan: str, note: Callable[[str], None]) -> Finished | None:
    """Return the newest sealed and verified run of a plan digest; of those that do not verify a note is made."""
    for folder, record in plans(workspace, note):
        if record.outputs["plan"] != plan:
            continue
        checked = verify(folder.path, run_id=folder.id)
        if checked.finished:
            return Finished(folder=folder, result=result_digest(folder), reused=True)
        if checked.status is not Integrity.INCOMPLETE:
            note(fault(folder, checked))
    return None


def fault(folder: RunFolder, checked: Verification) -> str:
    """What is wrong with a run that does not verify, in one line."""
    bad = checked.altered[0] if checked.altered else None
    why = f": {bad.file} {bad.why}" if bad else ""
    return f"run {folder.id} is {checked.status.value}{why}; see `tvquant ledger verify {folder.id}`"


def result_digest(folder: RunFolder) -> str:
    """Return the result digest that a sealed run recorded.

    Raises
    ------
    LedgerError : it is not finished.
    """
    seal = next(iter(records(folder.path, chain=RUN, kind="seal")), None)
    if seal is None:
        raise LedgerError(f"run {folder.id} is not finished; continue it with `tvquant run --resume {folder.id}`")
    return seal.outputs["result"]
