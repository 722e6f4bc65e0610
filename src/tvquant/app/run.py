"""A run: the stages of the production flow over one profile, on one pinned snapshot.

1. The profile is resolved, the universe's symbols are pinned, and the plan digest follows. A finished run of the same
   plan is returned instead of computed again.
2. Stages record intent and outcome. Everything after the pin reads the snapshot only.
3. The seal holds the result digest. An interrupted run goes on from its ledger; a finished one is never touched.
"""

import shutil

from tvquant.app.finished_runs import Finished, fault, finished_run, result_digest
from tvquant.app.identity import environment, new_run_id, source_digest
from tvquant.app.pinned_snapshot import plan_record, restore_snapshots
from tvquant.app.plan import MANIFEST, Plan, make_plan
from tvquant.app.progress import Logbook, Watcher
from tvquant.app.run_context import RunContext
from tvquant.app.stages.catalogue import DATA_STAGES, SNAPSHOT_STAGES
from tvquant.app.stages.contract import play
from tvquant.app.stages.pin import pin
from tvquant.app.workspace import Workspace
from tvquant.core.clock import Clock
from tvquant.core.digests import digest_json, merkle_root
from tvquant.core.errors import DataError, LedgerError, ProfileError
from tvquant.core.records import RUN, Entry
from tvquant.core.stages import Stage
from tvquant.lake import Lake, Snapshot
from tvquant.ledger import Ledger, RunFolder, genesis_entry, records, verify
from tvquant.profiles import ResolvedProfile, from_manifest, to_manifest
from tvquant.tournament.matrix import Resumed
from tvquant.tournament.rebalances import SELECTION, Rebalance, restored


def run(
    workspace: Workspace, resolved: ResolvedProfile, *, clock: Clock, jobs: int, again: bool, watcher: Watcher
) -> Finished:
    """Compute the profile's run, or return the finished run of the same plan."""
    lake = workspace.lake()
    plan = make_plan(lake, resolved)
    restore_snapshots(workspace, watcher.note)
    if not again and (found := finished_run(workspace, plan.digest, watcher.note)):
        return found
    folder, ledger = _begun(workspace, plan.resolved, clock)
    with ledger:
        progress = Logbook(folder.path, clock, watcher)
        context = RunContext(lake=lake, folder=folder, plan=plan, recorder=ledger, progress=progress, jobs=jobs)
        return _played(context, ledger)


def resume(workspace: Workspace, folder: RunFolder, *, clock: Clock, jobs: int, watcher: Watcher) -> Finished:
    """Go on with an interrupted run from its ledger.

    Raises
    ------
    ProfileError : code or environment are not those the run began with.
    LedgerError : the ledger does not verify.
    DataError : the lake no longer holds what the run pinned.
    """
    restore_snapshots(workspace, watcher.note)
    checked = verify(folder.path, run_id=folder.id)
    if checked.finished:
        return Finished(folder=folder, result=result_digest(folder), reused=True)
    if checked.altered:
        raise LedgerError(fault(folder, checked))
    lake = workspace.lake()
    plan = _plan_of(folder, lake)
    finished, resumed = _recorded(folder)
    with Ledger.resume(folder.path, run_id=folder.id, clock=clock) as ledger:
        context = RunContext(
            lake=lake, folder=folder, plan=plan, recorder=ledger, progress=Logbook(folder.path, clock, watcher),
            jobs=jobs, finished=finished, resumed=resumed,
        )  # fmt: skip
        return _played(context, ledger)


def _played(context: RunContext, ledger: Ledger) -> Finished:
    """Play the stages that the run lacks, and seal it."""
    for stage in DATA_STAGES:
        play(stage, context)
    pin(context)
    for stage in SNAPSHOT_STAGES:
        play(stage, context)
    leaves = _leaves(context.folder)
    ledger.seal(leaves)
    return Finished(folder=context.folder, result=merkle_root(leaves), reused=False)


def _begun(workspace: Workspace, resolved: ResolvedProfile, clock: Clock) -> tuple[RunFolder, Ledger]:
    """The folder of a new run and its ledger with the first record, or neither.

    Raises
    ------
    DataError : the disk refuses; nothing of the run is left behind.
    """
    folder = RunFolder(workspace.runs / new_run_id(clock.now(), resolved.profile.name))
    try:
        workspace.new_run(folder.id)
        folder.write_json(MANIFEST, to_manifest(resolved))
        ledger = Ledger.create(folder.path, run_id=folder.id, clock=clock)
        ledger.record(_genesis(folder, resolved))
    except BaseException as error:
        shutil.rmtree(folder.path, ignore_errors=True)
        if isinstance(error, DataError):
            why = str(error).partition(";")[0]
            raise DataError(
                f"the run could not begin ({why}); nothing of it is left: make room and run it again"
            ) from error
        raise
    return folder, ledger


def _genesis(folder: RunFolder, resolved: ResolvedProfile) -> Entry:
    profile = resolved.profile
    return genesis_entry(
        run_id=folder.id,
        profile=profile.name,
        code=source_digest(),
        manifest=resolved.digest,
        environment=digest_json(environment()),
        train=profile.windows.train,
        test=profile.windows.test,
        step=profile.windows.step,
        lookback=profile.data.lookback,
        selection=profile.selection.model,
        rebalance="window",
    )


def _plan_of(folder: RunFolder, lake: Lake) -> Plan:
    """The plan of an interrupted run: as it was pinned, or as the lake stands where it was stopped before."""
    resolved = from_manifest(folder.read_json(MANIFEST))
    pinned = plan_record(folder)
    if pinned is None:
        return make_plan(lake, resolved)
    plan = Plan.of(resolved, lake.pinned(Snapshot.from_json(pinned.data["snapshot"])))
    if plan.digest != pinned.outputs["plan"]:
        raise ProfileError(
            f"run {folder.id} was begun with other code or packages, so it cannot go on with these; "
            f"start it anew with `tvquant run {resolved.profile.name}`"
        )
    return plan


def _recorded(folder: RunFolder) -> tuple[set[int], Resumed]:
    """Return what the ledger of an interrupted run holds: finished stages and cells, rebalances of every cell."""
    stages: set[int] = set()
    finished: set[str] = set()
    selections: set[tuple[str, int]] = set()
    rebalances: dict[str, list[Rebalance]] = {}
    for record in records(folder.path):
        if record.kind == "snapshot":
            one = restored(record.inputs, record.outputs, record.metrics, record.data)
            rebalances.setdefault(record.chain, []).append(one)
        elif record.kind == SELECTION:
            selections.add((record.chain, record.metrics["window"]))
        elif record.kind == "outcome" and record.chain != RUN:
            finished.add(record.chain)
        elif record.kind == "outcome" and record.metrics["status"] == "played":
            stages.add(record.stage)
    return stages, Resumed(rebalances=rebalances, finished=frozenset(finished), selections=frozenset(selections))


def _leaves(folder: RunFolder) -> dict[str, str]:
    """The digest of every cell, as stage 15 recorded it when it was played; it may have failed before that."""
    outcomes = (r for r in records(folder.path, chain=RUN, kind="outcome") if r.stage == Stage.VALIDATION)
    found: dict[str, str] = next(r for r in outcomes if r.metrics["status"] == "played").data["leaves"]
    return found
