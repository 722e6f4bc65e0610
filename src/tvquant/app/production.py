"""A run: the stages of the production flow over one profile, on one pinned snapshot.

1. The profile is resolved, the universe's symbols are pinned, and the plan digest follows. A finished run of the same
   plan is returned instead of computed again.
2. Stages record intent and outcome. Everything after the pin reads the snapshot only.
3. The seal holds the result digest. An interrupted run goes on from its ledger; a finished one is never touched.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tvquant.app.identity import environment, new_run_id, plan_digest, source_digest
from tvquant.app.pinned_snapshot import SNAPSHOT, plan_record, plans, restore_snapshots, write_snapshot
from tvquant.app.profile_fit import fitted
from tvquant.app.progress import Logbook, Watcher
from tvquant.app.stages import Said, StageLog
from tvquant.app.workspace import Workspace
from tvquant.core.clock import Clock
from tvquant.core.digests import digest_json, merkle_root
from tvquant.core.errors import DataError, LedgerError, ProfileError
from tvquant.core.panel import Panel
from tvquant.core.records import RUN, Entry
from tvquant.lake import HealthState, Lake, Snapshot, health
from tvquant.lake.quality.health import from_report, naming, to_report
from tvquant.ledger import Integrity, Ledger, RunFolder, Verification, genesis_entry, outputs_of, records, verify
from tvquant.ledger.result_store import ResultStore
from tvquant.market.listings import delistings
from tvquant.profiles import Profile, ResolvedProfile, from_manifest, to_manifest
from tvquant.tournament.cells import Cell, cells, headline
from tvquant.tournament.decide import correlations, decide
from tvquant.tournament.matrix import NOTHING, Resumed, play_matrix
from tvquant.tournament.rebalances import SELECTION, Rebalance, restored
from tvquant.tournament.specs import Previous, StrategySpec
from tvquant.tournament.views import look
from tvquant.tournament.walk_forward import BacktestEngine, first_window
from tvquant.tournament.windows import Window, windows

HEALTH = "data/health.json"
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would be computed: profile, snapshot and the digest that names both with code and environment."""

    resolved: ResolvedProfile
    snapshot: Snapshot
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A finished run: its folder, its result digest, and whether it was there already."""

    folder: RunFolder
    result: str
    reused: bool


def make_plan(lake: Lake, resolved: ResolvedProfile) -> Plan:
    """Pin what the profile's universe and benchmark need; the plan's profile is the one that the lake can serve.

    Raises
    ------
    DataError : the lake holds nothing that the profile asks for.
    """
    fit = fitted(lake, resolved)
    snapshot = lake.pin(fit.symbols, interval=resolved.profile.data.interval)
    return Plan(
        resolved=fit.resolved,
        snapshot=snapshot,
        digest=plan_digest(profile=fit.resolved.digest, snapshot=snapshot.digest),
    )


def run(
    workspace: Workspace, resolved: ResolvedProfile, *, clock: Clock, jobs: int, again: bool, watcher: Watcher
) -> Finished:
    """Compute the profile's run, or return the finished run of the same plan."""
    plan = make_plan(workspace.lake(), resolved)
    resolved = plan.resolved
    restore_snapshots(workspace, watcher.note)
    if not again and (found := finished_run(workspace, plan, watcher.note)):
        return found
    folder, begun = _begin(workspace, resolved, clock)
    with begun as ledger:
        return _stages(
            workspace, folder, plan, ledger, StageLog(ledger), NOTHING, jobs, Logbook(folder.path, clock, watcher)
        )


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
        raise LedgerError(told(folder, checked))
    resolved = from_manifest(folder.read_json(MANIFEST))
    pinned = plan_record(folder)
    if pinned is None:
        plan = make_plan(workspace.lake(), resolved)
    else:
        snapshot = Snapshot.from_json(pinned.data["snapshot"])
        plan = Plan(
            resolved=resolved,
            snapshot=snapshot,
            digest=plan_digest(profile=resolved.digest, snapshot=snapshot.digest),
        )
        if plan.digest != pinned.outputs["plan"]:
            raise ProfileError(
                f"run {folder.id} was begun with other code or packages, so it cannot go on with these; "
                f"start it anew with `tvquant run {resolved.profile.name}`"
            )
    stages, resumed = _recorded(folder)
    with Ledger.resume(folder.path, run_id=folder.id, clock=clock) as ledger:
        log, logbook = StageLog(ledger, stages), Logbook(folder.path, clock, watcher)
        return _stages(workspace, folder, plan, ledger, log, resumed, jobs, logbook)


def finished_run(workspace: Workspace, plan: Plan, say: Callable[[str], None]) -> Finished | None:
    """The newest sealed and verified run of an equal plan; those that do not verify are passed over and told of."""
    for folder, record in plans(workspace, say):
        if record.outputs["plan"] != plan.digest:
            continue
        checked = verify(folder.path, run_id=folder.id)
        if checked.finished:
            return Finished(folder=folder, result=result_digest(folder), reused=True)
        if checked.status is not Integrity.INCOMPLETE:
            say(told(folder, checked))
    return None


def told(folder: RunFolder, checked: Verification) -> str:
    """What is wrong with a run that does not verify, in one line."""
    bad = checked.altered[0] if checked.altered else None
    why = f": {bad.file} {bad.why}" if bad else ""
    return f"run {folder.id} is {checked.status.value}{why}; see `tvquant ledger verify {folder.id}`"


def result_digest(folder: RunFolder) -> str:
    """The result digest that a sealed run recorded."""
    seal = next(iter(records(folder.path, chain=RUN, kind="seal")), None)
    if seal is None:
        raise LedgerError(f"run {folder.id} is not finished; continue it with `tvquant run --resume {folder.id}`")
    return seal.outputs["result"]


def _begin(workspace: Workspace, resolved: ResolvedProfile, clock: Clock) -> tuple[RunFolder, Ledger]:
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


def _stages(
    workspace: Workspace,
    folder: RunFolder,
    plan: Plan,
    ledger: Ledger,
    log: StageLog,
    resumed: Resumed,
    jobs: int,
    watcher: Watcher,
) -> Finished:
    profile, lake = plan.resolved.profile, workspace.lake()
    if 1 not in log.finished:
        watcher.stage(1, "environment")
        with log.stage(1) as said:
            said.outputs["manifest"] = digest_json(folder.read_json(MANIFEST))
            said.outputs |= outputs_of(folder.path, [MANIFEST])
            said.data["environment"] = environment()
            said.data["notices"] = list(plan.resolved.notices)
    if 9 not in log.finished:
        watcher.stage(9, "health")
        with log.stage(9) as said:
            _health(folder, lake, plan, said)
    else:
        _gate(folder)
    if not any(records(folder.path, chain=RUN, kind="plan")):
        _pin(folder, plan, ledger)
    panel = lake.panel(plan.snapshot)
    _refuse_future(panel, folder)
    grid, played = _grid(panel, profile)
    if 14 not in log.finished:
        watcher.stage(14, "optimisation")
        with log.stage(14, {"snapshot": plan.snapshot.digest}) as said:
            said.data |= as_of(panel, played, headline(profile), len(panel.times) - 1)
            said.outputs["decision"] = digest_json(said.data["decision"])
    if 15 not in log.finished:
        watcher.stage(15, "validation")
        with log.stage(15, {"snapshot": plan.snapshot.digest}) as said:
            leaves = _validate(folder, panel, profile, grid, played, resumed, ledger, jobs, watcher)
            said.outputs["result"] = merkle_root(leaves)
            said.outputs |= outputs_of(folder.path, _tables(folder))
            said.data["leaves"] = leaves
    leaves = _leaves(folder)
    watcher.stage(16, "reporting")
    if 16 not in log.finished:
        with log.stage(16) as said:
            said.outputs |= outputs_of(folder.path, _report(folder))
    ledger.seal(leaves)
    return Finished(folder=folder, result=merkle_root(leaves), reused=False)


def _health(folder: RunFolder, lake: Lake, plan: Plan, said: Said) -> None:
    """Stage 9: one state per asset, written as the run's health report; those that are not fine are named."""
    data = plan.resolved.profile.data
    found = health(
        lake, tuple(plan.snapshot.symbols), minimum=data.min_history, lookback=data.lookback, delisted=delistings(lake)
    )
    states = [asset.state.value for asset in found]
    fine = sum(asset.state.fine for asset in found)
    said.metrics |= {"assets": len(found), "healthy": fine}
    said.metrics |= {f"state_{state}": states.count(state) for state in sorted(set(states))}
    said.data["not_healthy"] = {asset.key: asset.state.value for asset in found if not asset.state.fine}
    folder.write_json(HEALTH, to_report(found))
    said.outputs |= outputs_of(folder.path, [HEALTH])
    _gate(folder)


def _gate(folder: RunFolder) -> None:
    """The gate of stage 9, on the report as it stands on disk, so that a resumed run passes it again (R-DAT-15).

    It passes when an asset is left. Whether its history is long enough is asked later, with the number that lacks.

    Raises
    ------
    LedgerError : nothing is left, or the report cannot be read.
    """
    try:
        found = from_report(folder.read_json(HEALTH))
    except DataError as error:
        raise LedgerError(f"health gate: {error}") from error
    if not any(asset.state.usable or asset.state is HealthState.DROPPED for asset in found):
        raise LedgerError(f"health gate: no asset of the universe is left{naming(found)}; repair or import their bars")


def _pin(folder: RunFolder, plan: Plan, ledger: Ledger) -> None:
    snapshot = plan.snapshot.to_json()
    write_snapshot(folder, plan.digest, snapshot)
    outputs = {"plan": plan.digest, "snapshot": plan.snapshot.digest} | outputs_of(folder.path, [SNAPSHOT])
    ledger.record(Entry(chain=RUN, stage=10, pillar=0, kind="plan", outputs=outputs, data={"snapshot": snapshot}))


def _refuse_future(panel: Panel, folder: RunFolder) -> None:
    """No decision on a bar that closes after the run began: the clock was wrong when it was stored, or is now."""
    began = np.datetime64(next(records(folder.path, chain=RUN, kind="genesis")).at.replace(tzinfo=None), "us")
    late = np.argwhere(panel.tradable & (panel.known_at > began))
    if len(late):
        row, column = late[-1]
        raise DataError(
            f"{panel.keys[column]}: its bar of {str(panel.times[row])[:10]} closes after this run began "
            f"({str(began)[:16]} UTC); set the clock right, or take the bar out of the lake"
        )


def _grid(panel: Panel, profile: Profile) -> tuple[tuple[Window, ...], tuple[Cell, ...]]:
    """Windows from the first at which any name has history, and the cells that play them."""
    w, span = profile.windows, profile.data.span
    found = windows(len(panel.times), span=None if span == "all" else span, train=w.train, test=w.test, step=w.step)
    if not found:
        raise DataError(
            f"{len(panel.times)} rows are too few for a training window of {w.train}; import more history "
            "or shorten windows.train"
        )
    played = cells(profile)
    return found[first_window(panel, found, played) :], played


def as_of(panel: Panel, played: tuple[Cell, ...], key: str, row: int) -> dict[str, Any]:
    """What a strategy's cell would hold from a row on (`decision`), `held` before it (nothing), and `correlation`.

    The latter are the correlations of the winners on the training rows: `atoms` and `matrix`, or None.
    """
    spec = next(cell.spec for cell in played if cell.key == key)
    assert isinstance(spec, StrategySpec)
    view = look(panel, row)
    found, previous = correlations(view, spec.rules), Previous()
    return {
        "decision": decide(view, spec, previous).payload(),
        "held": dict(previous.atoms),
        "correlation": found and {"atoms": list(found[0]), "matrix": found[1].round(6).tolist()},
    }


def _validate(
    folder: RunFolder,
    panel: Panel,
    profile: Profile,
    grid: tuple[Window, ...],
    played: tuple[Cell, ...],
    resumed: Resumed,
    ledger: Ledger,
    jobs: int,
    watcher: Watcher,
) -> dict[str, str]:
    """Stage 15: the matrix, its tables, and the digest of every cell."""
    engine = BacktestEngine(panel, grid, profile.costs.cost_model(), profile.execution.execution())
    store, total = ResultStore(folder.results), len(grid) * len(played)
    matrix = play_matrix(
        engine, played, resumed=resumed, recorder=ledger, sink=store, jobs=jobs, progress=_counter(watcher, total)
    )
    store.compact()
    return dict(matrix.leaves)


def _leaves(folder: RunFolder) -> dict[str, str]:
    """The digest of every cell, as stage 15 recorded it when it was played; it may have failed before that."""
    outcomes = (r for r in records(folder.path, chain=RUN, kind="outcome") if r.stage == 15)
    found: dict[str, str] = next(r for r in outcomes if r.metrics["status"] == "played").data["leaves"]
    return found


def _counter(watcher: Watcher, total: int) -> Callable[[int], None]:
    done = 0

    def count(steps: int) -> None:
        nonlocal done
        done += steps
        watcher.steps(done, total)

    return count


def _tables(folder: RunFolder) -> list[str]:
    """The result tables of a run, by their paths in its folder."""
    return sorted(path.relative_to(folder.path).as_posix() for path in folder.results.glob("*.parquet"))


def _report(folder: RunFolder) -> tuple[str, ...]:
    """Stage 16: the report; its files by their paths in the run folder."""
    from tvquant.report import write_report

    return write_report(folder.path).files


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


def _recorded(folder: RunFolder) -> tuple[set[int], Resumed]:
    """What the ledger of an interrupted run says: stages and cells that are finished, and every step of every cell."""
    stages: set[int] = set()
    finished: set[str] = set()
    selections: set[tuple[str, int]] = set()
    steps: dict[str, list[Rebalance]] = {}
    for record in records(folder.path):
        if record.kind == "snapshot":
            step = restored(record.inputs, record.outputs, record.metrics, record.data)
            steps.setdefault(record.chain, []).append(step)
        elif record.kind == SELECTION:
            selections.add((record.chain, record.metrics["window"]))
        elif record.kind == "outcome" and record.chain != RUN:
            finished.add(record.chain)
        elif record.kind == "outcome" and record.metrics["status"] == "played":
            stages.add(record.stage)
    return stages, Resumed(steps=steps, finished=frozenset(finished), selections=frozenset(selections))
