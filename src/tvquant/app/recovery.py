"""A workspace whose files were torn or changed by something else than tvquant, and what can be made good again.

1. Tables of the lake: `lake.recovery`. The registry: the file before its last change.
2. A run's ledger: its last whole record. A snapshot: its record in the ledger. Another file that the ledger answers
   for: the ledger is cut before the record that names it, so that `tvquant run --resume` makes file and record again.
   That needs the code that the run began with; without it the run is named and left alone.
3. Originals are kept in `data/recovered/TIME`, below the paths that they had.
"""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tvquant.app.identity import plan_digest
from tvquant.app.pinned_snapshot import write_snapshot
from tvquant.app.workspace import Workspace
from tvquant.core import durable
from tvquant.core.clock import Clock
from tvquant.core.errors import DataError, TvquantError
from tvquant.lake import Snapshot
from tvquant.lake.writing import recovery as lake_recovery
from tvquant.lake.writing.recovery import Damage, move
from tvquant.ledger import RunFolder, altered, held_by, records
from tvquant.ledger import recovery as ledger_recovery
from tvquant.ledger.lines import AUDIT, HEAD
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.ledger.run_folder import MANIFEST, PINNED
from tvquant.market.registry import RegistryManager

RECOVERED = Path("data") / "recovered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What was done, step by step, where the originals are, and what is damaged still."""

    steps: tuple[str, ...]
    aside: Path
    left: tuple[Damage, ...]


def damages(home: Workspace) -> tuple[Damage, ...]:
    """Return every file of the workspace that is torn, lost or not what was written."""
    lake = home.lake()
    found = [*lake_recovery.damages(lake)]
    registry = RegistryManager(lake.folder)
    if lake.folder.is_dir() and (why := _refused(registry)):
        found.append(Damage(path=registry.path, why=why))
    for run in home.all_runs():
        found += run_damages(run)
    return tuple(found)


def recover(home: Workspace, *, clock: Clock) -> Recovery:
    """Bring what is damaged back to its last whole version, and keep the originals.

    Raises
    ------
    DataError : another command is writing, or the workspace cannot be written.
    """
    aside = home.root / RECOVERED / f"{clock.now():%Y%m%dT%H%M%S}"
    with home.writing():
        lake = home.lake()
        steps = [*lake_recovery.mend(lake, aside / "lakehouse", now=clock.now())]
        registry = RegistryManager(lake.folder)
        if lake.folder.is_dir() and _refused(registry):
            _kept(registry.path, aside / "lakehouse")
            steps.append(registry.mend())
        for run in home.all_runs():
            steps += _run_mended(run, aside / run.id)
        return Recovery(steps=tuple(steps), aside=aside, left=damages(home))


def _refused(registry: RegistryManager) -> str | None:
    try:
        registry.read()
    except DataError as error:
        return str(error)
    return None


def run_damages(run: RunFolder) -> Iterator[Damage]:
    """Yield files of a run that are torn, lost or not what its ledger says."""
    try:
        torn = ledger_recovery.torn(run.path)
        if torn:
            yield Damage(path=torn[0], why=torn[1])
            return
        for name, why in _altered(run).items():
            yield Damage(path=run.path / name, why=why)
    except TvquantError as error:
        yield Damage(path=run.path / AUDIT, why=str(error))


def _run_mended(run: RunFolder, aside: Path) -> Iterator[str]:
    """Mend a run as far as that can be done; each step."""
    try:
        if ledger_recovery.torn(run.path):
            for name in (AUDIT, HEAD):
                _kept(run.path / name, aside)
            count = ledger_recovery.mend(run.path)
            if not count:
                move(run.path, aside)
                yield f"run {run.id}: not one record of its ledger is whole; the run is put aside"
                return
            yield f"run {run.id}: its ledger goes back to {count} whole records"
        bad = _altered(run)
        if AUDIT in bad:  # a copy under another name is no run: nothing is made again in it
            return
        if PINNED in bad:
            move(run.path / PINNED, aside)
            plan = RecordedRun(run).plan
            assert plan is not None  # its record is what names the file
            write_snapshot(run, plan.digest, plan.snapshot)
            yield f"run {run.id}: {PINNED} is written again from its ledger"
        others = [name for name in bad if name != PINNED]
        if others and MANIFEST not in others and _can_go_on(run):
            for name in (AUDIT, HEAD):
                _kept(run.path / name, aside)
            for name in others:
                move(run.path / name, (aside / name).parent)
            ledger_recovery.cut_before(run.path, lambda fields: bool(_named(fields) & set(others)))
            yield f"run {run.id}: {', '.join(others)} put aside; `tvquant run --resume {run.id}` makes them again"
    except TvquantError:  # it stays damaged, and is reported so
        return


def _altered(run: RunFolder) -> dict[str, str]:
    """Return files of the run that are not what the records of its ledger say, and why.

    The ledger itself if another run's.
    """
    first, strange = next(records(run.path), None), {}
    if first is not None and first.run_id != run.id:
        strange = {AUDIT: f"is the ledger of run {first.run_id}, not of {run.id}"}
    return strange | {one.file: one.why for one in altered(run.path, RecordedRun(run).files)}


def _named(fields: Mapping[str, Any]) -> set[str]:
    """Return files that a record answers for."""
    return set(held_by(fields["chain"], fields["outputs"]))


def _can_go_on(run: RunFolder) -> bool:
    """Return whether the run was begun with this code and these packages, so that it can be resumed."""
    recorded = RecordedRun(run)
    plan = recorded.plan
    if plan is None:
        return True
    pinned = Snapshot.from_json(plan.snapshot)
    return plan_digest(profile=recorded.resolved.digest, snapshot=pinned.digest) == plan.digest


def _kept(path: Path, aside: Path) -> None:
    """Copy a file that is about to be replaced, if it is there."""
    if path.exists():
        aside.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, aside / path.name)
        durable.sync(aside / path.name)
        durable.sync(aside)
