"""Resume: an interrupted run goes on from its ledger, by the plan it pinned and the decisions it recorded.

Nothing that was recorded is decided again; the result digest is that of a run without interruption. A run that was
stopped before it pinned its data goes through the data cycle again, for the lake may have changed since.
"""

from tvquant.app.finished_runs import Finished, fault, result_digest
from tvquant.app.identity import environment, source_digest
from tvquant.app.pinned_snapshot import restore_snapshots
from tvquant.app.plan import Plan, make_plan
from tvquant.app.progress import Logbook, Watcher
from tvquant.app.run import play_stages
from tvquant.app.run_context import RunContext
from tvquant.app.workspace import Workspace
from tvquant.core.clock import Clock
from tvquant.core.digests import digest_json
from tvquant.core.errors import LedgerError, ProfileError
from tvquant.lake import Lake, Snapshot
from tvquant.ledger import Ledger, RunFolder
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.tournament.backends.contract import HERE, Cluster
from tvquant.tournament.matrix import Resumed
from tvquant.tournament.rebalances import Rebalance


def resume(
    workspace: Workspace, folder: RunFolder, *, clock: Clock, jobs: int, watcher: Watcher, cluster: Cluster = HERE
) -> Finished:
    """Go on with an interrupted run from its ledger; return it finished.

    Raises
    ------
    ProfileError : code or environment are not those the run began with; it is a meta-portfolio's.
    LedgerError : the ledger does not verify.
    DataError : the lake no longer holds what the run pinned.
    """
    restore_snapshots(workspace, watcher.note)
    recorded = RecordedRun(folder)
    if recorded.is_meta:
        raise ProfileError(
            f"run {folder.id} is of a meta-portfolio, which has nothing to go on with; `tvquant meta "
            f"{recorded.profile_name}` plays it anew, and takes the runs of its sleeves as they are"
        )
    if recorded.verification.finished:
        return Finished(folder=folder, result=result_digest(recorded), reused=True)
    if recorded.verification.altered:
        raise LedgerError(fault(recorded))
    lake = workspace.lake()
    plan, resumed = _plan_of(recorded, lake), _resumed(recorded)
    with Ledger.resume(folder.path, run_id=folder.id, clock=clock) as ledger:
        context = RunContext(
            lake=lake, folder=folder, plan=plan, recorder=ledger, progress=Logbook(folder.path, clock, watcher),
            jobs=jobs, cluster=cluster, finished=set(recorded.stages) if recorded.plan else set(), resumed=resumed,
        )  # fmt: skip
        return play_stages(context, ledger)


def _plan_of(run: RecordedRun, lake: Lake) -> Plan:
    """Return the plan of an interrupted run: as pinned, or of the lake as it is where nothing was pinned yet."""
    resolved, pinned, began = run.resolved, run.plan, run.genesis.inputs
    if pinned is None:
        same = (source_digest(), digest_json(environment())) == (began.get("code"), began.get("environment"))
        plan = make_plan(lake, resolved)
        if same and plan.resolved.digest != resolved.digest:
            raise ProfileError(
                f"run {run.folder.id} was begun on a lake that served its profile otherwise "
                f"({'; '.join(plan.resolved.notices) or 'symbols have come'}); "
                f"start it anew with `tvquant run {resolved.profile.name}`, or as manifest.json says it was begun"
            )
    else:
        plan = Plan.of(resolved, lake.pinned(Snapshot.from_json(pinned.snapshot)))
        same = plan.digest == pinned.digest
    if not same:
        raise ProfileError(
            f"run {run.folder.id} was begun with other code or packages, so it cannot go on with these; "
            f"start it anew with `tvquant run {resolved.profile.name}`, or as manifest.json says it was begun"
        )
    return plan


def _resumed(run: RecordedRun) -> Resumed:
    """Return what an interrupted run has recorded of its matrix."""
    rebalances = {
        cell: [Rebalance.of(one.window, one.row, one.decision, one.selection) for one in made.values()]
        for cell, made in {**run.decisions, **run.shadow.decisions}.items()
    }
    return Resumed(
        rebalances=rebalances,
        leaves={cell.key: cell.leaf for cell in (*run.outcomes, *run.shadow.outcomes)},
        shared=run.shared | run.shadow.shared,
    )
