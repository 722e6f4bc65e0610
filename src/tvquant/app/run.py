"""A run: the stages of the production flow over one profile, on one pinned snapshot.

1. What the profile needs is read from the lake and digested. A finished run of the same plan is returned instead of
   computed again.
2. Stages record intent and outcome. The pin is recorded behind the data cycle; what follows reads the snapshot only.
3. The seal holds the result digest. A finished run is never touched; an interrupted one goes on by `resume`.
"""

import shutil
from collections.abc import Callable
from functools import partial

from tvquant.app.estimate import foretell
from tvquant.app.finished_runs import Finished, finished_run
from tvquant.app.identity import environment, new_run_id, source_digest
from tvquant.app.pinned_snapshot import restore_snapshots
from tvquant.app.plan import make_plan
from tvquant.app.progress import Logbook, Watcher
from tvquant.app.ready_workers import get_ready
from tvquant.app.run_context import RunContext
from tvquant.app.stages.catalogue import DATA_STAGES, SNAPSHOT_STAGES
from tvquant.app.stages.contract import play
from tvquant.app.stages.pin import pin
from tvquant.app.workspace import Workspace
from tvquant.core.clock import Clock
from tvquant.core.digests import digest_json, merkle_root
from tvquant.core.errors import DataError
from tvquant.core.records import Entry
from tvquant.ledger import Ledger, RunFolder, genesis_entry
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.ledger.run_folder import MANIFEST
from tvquant.profiles import ResolvedMeta, ResolvedProfile, to_manifest
from tvquant.tournament.backends.contract import HERE, Cluster


def run(
    workspace: Workspace,
    resolved: ResolvedProfile,
    *,
    clock: Clock,
    jobs: int,
    again: bool,
    watcher: Watcher,
    cluster: Cluster = HERE,
) -> Finished:
    """Compute the profile's run, or return the finished run of the same plan."""
    began, lake = clock.now(), workspace.lake()
    plan = make_plan(lake, resolved)
    restore_snapshots(workspace, watcher.note)
    if not again and (found := finished_run(workspace, plan.digest, watcher.note)):
        return found
    folder, ledger = begun(workspace, plan.resolved, clock, partial(_genesis, resolved=plan.resolved))
    with ledger:
        progress = Logbook(folder.path, clock, watcher)
        context = RunContext(
            lake=lake, folder=folder, plan=plan, recorder=ledger, progress=progress, jobs=jobs, cluster=cluster,
            planning=(clock.now() - began).total_seconds(),
        )  # fmt: skip
        return play_stages(context, ledger)


def play_stages(context: RunContext, ledger: Ledger) -> Finished:
    """Play the stages that the run lacks, and seal it."""
    get_ready(context.jobs, context.cluster)
    for stage in DATA_STAGES:
        play(stage, context)
    pin(context)
    foretell(context)
    for stage in SNAPSHOT_STAGES:
        play(stage, context)
    leaves = RecordedRun(context.folder).leaves
    ledger.seal(leaves)
    return Finished(folder=context.folder, result=merkle_root(leaves), reused=False)


def begun(
    workspace: Workspace, resolved: ResolvedProfile | ResolvedMeta, clock: Clock, genesis: Callable[[str], Entry]
) -> tuple[RunFolder, Ledger]:
    """Return the folder of a new run and its ledger with the first record (of its id), or neither.

    Raises
    ------
    DataError : the disk refuses; nothing of the run is left behind.
    """
    folder = RunFolder(workspace.runs / new_run_id(clock.now(), resolved.profile.name))
    try:
        workspace.new_run(folder.id)
        folder.write_json(MANIFEST, to_manifest(resolved))
        ledger = Ledger.create(folder.path, run_id=folder.id, clock=clock)
        ledger.record(genesis(folder.id))
    except BaseException as error:
        shutil.rmtree(folder.path, ignore_errors=True)
        if isinstance(error, DataError):
            why = str(error).partition(";")[0]
            raise DataError(
                f"the run could not begin ({why}); nothing of it is left: make room and run it again"
            ) from error
        raise
    return folder, ledger


def _genesis(run_id: str, resolved: ResolvedProfile) -> Entry:
    profile = resolved.profile
    return genesis_entry(
        run_id=run_id,
        profile=profile.name,
        code=source_digest(),
        manifest=resolved.digest,
        environment=digest_json(environment()),
        train=profile.windows.train,
        test=profile.windows.test or profile.windows.rule,
        step=profile.windows.rule,
        lookback=profile.data.lookback,
        selection=profile.selection.model,
        rebalance="window",
    )
