"""`tvquant run`, `report` and `runs`: make runs, look at them, remove them."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tvquant.app.ahead import compiling_ahead
from tvquant.app.cli import runs_diff, runs_periods, runs_prune, runs_timing
from tvquant.app.cli.cluster_options import AddressOption, BackendOption, JobsOption, cluster_of
from tvquant.app.cli.command_tree import Family
from tvquant.app.cli.console import (
    JsonOption,
    RunArgument,
    WorkspaceOption,
    answer,
    confirm,
    note,
    number,
    percent,
    workspace_at,
)
from tvquant.app.cli.notifying import Notice, notified, run_facts
from tvquant.app.cli.profile import SetOption, either
from tvquant.app.cli.standings import figures
from tvquant.app.cli.tables import table
from tvquant.app.cli.waiting import WaitOption
from tvquant.app.cli.watching import Progress, watching
from tvquant.app.memory import largest_resident
from tvquant.app.workspace import Workspace
from tvquant.core.errors import ProfileError
from tvquant.ledger import RunFolder
from tvquant.ledger.listing import UNVERIFIED, Glance, kept, look

if TYPE_CHECKING:
    from tvquant.app.finished_runs import Finished
    from tvquant.ledger.recorded_parts import RecordedCell
    from tvquant.profiles import ResolvedMeta, ResolvedProfile
    from tvquant.tournament.backends.contract import Cluster

commands = Family(help="Runs of this workspace.", invoke_without_command=True)


def run(
    name: Annotated[str | None, typer.Argument(metavar="PROFILE", help="Profile to run.", show_default=False)] = None,
    resume: Annotated[str | None, typer.Option(metavar="RUN", help="Go on with an interrupted run.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Compute anew even if a run of the same plan exists.")] = False,
    jobs: JobsOption = 1,
    backend: BackendOption = None,
    address: AddressOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the stages and the plan; compute nothing.")] = False,
    overrides: SetOption = None,
    wait: WaitOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a profile: health, walk-forward of every cell, ledger, report."""
    refuse_both("run", name, resume, SET_BESIDE if again or dry_run or overrides else None)
    cluster = cluster_of(backend, address, jobs)
    home = workspace_at(workspace, wait)
    home.require()
    if dry_run:
        assert name is not None
        answer(*_foreseen(home, either(home, name, overrides)), as_json=as_json)
        return
    begun = None if name is None else partial(either, home, name, overrides)
    began = time.perf_counter()
    with notified("run", name) as notice:
        with home.writing(), watching("run") as progress:
            outcome = play(home, begun, resume, again=again, jobs=jobs, cluster=cluster, progress=progress)
        tell(outcome, began, progress, notice, as_json=as_json)


SET_BESIDE = "--again, --dry-run or --set"


def refuse_both(command: str, name: str | None, resume: str | None, beside: str | None) -> None:
    """Refuse what names neither or both of a profile and a run to go on with, and options beside the latter."""
    if (name is None) == (resume is None):
        raise ProfileError(f"tvquant {command} takes a PROFILE, or --resume RUN; exactly one of them")
    if resume is not None and beside is not None:
        raise ProfileError(f"--resume goes on with what was begun; it takes no {beside}")


def play(
    home: Workspace,
    begun: "Callable[[], ResolvedProfile | ResolvedMeta] | None",
    resume: str | None,
    *,
    again: bool,
    jobs: int,
    cluster: "Cluster",
    progress: Progress,
) -> "Finished":
    """Play the profile that `begun` resolves, or go on with a run; the workspace is held by the caller.

    Raises
    ------
    ProfileError : a meta-portfolio's run is to go on.
    """
    from tvquant.app import resume as resumption
    from tvquant.app import run as flow
    from tvquant.app.clock import SystemClock
    from tvquant.app.meta.play import play_meta
    from tvquant.app.meta.sleeve_runs import Player
    from tvquant.profiles import ResolvedMeta

    clock = SystemClock()
    with compiling_ahead():
        if begun is None:
            assert resume is not None
            folder = home.run(resume)
            outcome = resumption.resume(home, folder, clock=clock, jobs=jobs, watcher=progress, cluster=cluster)
        else:
            resolved = begun()
            if isinstance(resolved, ResolvedMeta):
                player = Player(workspace=home, clock=clock, watcher=progress, jobs=jobs, cluster=cluster)
                outcome = play_meta(player, resolved, again=again)
            else:
                outcome = flow.run(
                    home, resolved, clock=clock, jobs=jobs, again=again, watcher=progress, cluster=cluster
                )
        index(home)
    return outcome


def tell(outcome: "Finished", began: float, progress: Progress, notice: Notice, *, as_json: bool) -> None:
    """Print what a run has come to, and tell it to who waits for a notice."""
    from tvquant.ledger.recorded_run import RecordedRun

    if RecordedRun(outcome.folder).is_meta:
        from tvquant.app.cli.meta_messages import finished_meta

        document, text = finished_meta(outcome, began, progress)
    else:
        document, text = finished(outcome, began, progress)
    notice.tell(**run_facts(document))
    answer(document, text, as_json=as_json)


def report(
    name: RunArgument, wait: WaitOption = None, workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """Write a run's report again from its ledger and results, which must be what was recorded; print where it is."""
    from tvquant.report import write_report

    home = workspace_at(workspace, wait)
    folder = home.run(name)
    with home.writing():
        drawn = write_report(folder.path)
        index(home)
    if drawn.beside:
        note(
            f"the page of {folder.id} was drawn by another version, and the ledger answers for that one: it stays as "
            f"it is, and what this version draws is {drawn.page}"
        )
    document = {"run": folder.id, "report": str(drawn.page), "files": drawn.files, "as_recorded": not drawn.beside}
    answer(document, str(drawn.page), as_json=as_json)


@commands.callback()
def list_runs(context: typer.Context, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List every run: when, which profile, in which state."""
    if context.invoked_subcommand is None:
        home = workspace_at(workspace)
        home.require()
        from tvquant.app.run_tags import run_tags

        found, tags = kept(home.runs), run_tags(home)
        rows = [
            _listed(folder, look(folder.path, found.get(folder.id))) | {"tags": " ".join(tags.get(folder.id, ()))}
            for folder in home.all_runs()
        ]
        head = ("run", "profile", "state", "result", *(["tags"] if tags else []))
        text = [table(head, [tuple(row.values())[: len(head)] for row in rows])]
        if unverified := [row for row in rows if row["state"] == UNVERIFIED]:
            text += [
                "",
                f"{len(unverified)} not verified since a file of theirs was written: `tvquant ledger verify RUN` "
                "verifies one, the next `tvquant run` or `report` all",
            ]
        answer(rows, text if rows else "no runs here yet; `tvquant run PROFILE` makes one", as_json=as_json)


@commands.command()
def show(name: RunArgument, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """The standings of a run."""
    from tvquant.ledger.recorded_run import RecordedRun
    from tvquant.report import read_run
    from tvquant.report.meta.run import MetaRun, read_meta

    folder = workspace_at(workspace).run(name)
    found = read_meta(folder.path) if RecordedRun(folder).is_meta else read_run(folder.path)
    if isinstance(found, MetaRun):
        from tvquant.app.cli.meta_messages import of_meta

        qualified, text = of_meta(found)
    else:
        qualified, text = figures(found)
    state = Glance(state=found.verification.status.value, result=found.sealed or "")
    timed = found.timing
    answer(
        {**_listed(folder, state), **qualified, "timing": timed.document()},
        [*text, "", *runs_timing.lines(timed)],
        as_json=as_json,
    )


@commands.command()
def rm(
    name: RunArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    wait: WaitOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove a run with its ledger and report; the lake is not touched."""
    from tvquant.app.pinned_snapshot import made_of

    home = workspace_at(workspace, wait)
    folder = home.run(name)
    orphans = made_of(home, [folder.id])
    if not yes:
        confirm(
            f"remove {folder.id} and everything it recorded?{runs_prune.in_words(orphans)}",
            otherwise=f"{folder.id} stays",
        )
    with home.writing():
        linked = folder.path.is_symlink()
        runs_prune.remove(home.runs, [folder])
    text = f"removed {folder.id}" + (", which was a link: what it leads to was not touched" if linked else "")
    text += f".{runs_prune.in_words(orphans)}" if orphans else ""
    answer({"removed": folder.id, "link": linked, "made_of_it": list(orphans)}, text, as_json=as_json)


for command in (runs_prune.tag, runs_prune.prune, runs_diff.diff, runs_periods.periods, runs_timing.timing):
    commands.command()(command)


def finished(outcome: "Finished", began: float, progress: Progress) -> tuple[dict[str, Any], list[str]]:
    """Print the end of a run: standings, identity, cost in time and memory; the report's path is last."""
    from tvquant.report import read_run
    from tvquant.tournament.cells import headline

    found = read_run(outcome.folder.path)
    qualified, told = figures(found)
    notices, current = found.resolved.notices, found.current
    footing = current.decision.footing
    assert footing is not None
    seconds, memory = time.perf_counter() - began, largest_resident(with_worker=True)
    document = {
        "run": outcome.folder.id,
        "result": outcome.result,
        "reused": outcome.reused,
        "headline": headline(found.profile),
        **qualified,
        "notices": list(notices),
        "current": {**footing.payload(), "held": dict(current.held)},
        "seconds": round(seconds, 2),
        "seconds_to_first_window": None if progress.first_step is None else round(progress.first_step, 2),
        "peak_memory_bytes": memory,
        "report": str(outcome.folder.report),
    }
    first = "" if progress.first_step is None else f", first window after {progress.first_step:.1f} s"
    text = [*told, *_unassumed(found.cells), ""]
    if outcome.reused:
        text.append("A run of the same plan exists and is returned; --again would compute it under a new id.")
    now = [f"current weights: {footing.departure}"] if footing.departure else []
    text += [f"notice   {notice}" for notice in (*notices, *now, *_stale(found.cells))]
    text += [
        f"run      {outcome.folder.id}",
        f"result   {outcome.result}",
        f"took     {seconds:.1f} s{first}, peak memory {memory / 2**20:.0f} MiB",
        f"report   {outcome.folder.report}",
    ]
    return document, text


def _stale(cells: Sequence["RecordedCell"]) -> list[str]:
    """Return notices where strategies decided on another bar than the window's, or on one that too few names had."""
    notices = []
    played = [one.measures for one in cells if not one.baseline]
    for counts, text in (
        ([(of.windows_earlier_bar or 0, of.windows or 0) for of in played],
         "the last bar before a window had no quorum: an earlier one was decided on at"),
        ([(of.windows_without_quorum or 0, of.windows or 0) for of in played],
         "no bar of five sessions had a quorum: the last was decided on as it was at"),
    ):  # fmt: skip
        most, windows = max(counts, default=(0, 0))
        if most:
            notices.append(f"{text} {most} of {windows} windows (data.quorum)")
    return notices


def _unassumed(cells: Sequence["RecordedCell"]) -> list[str]:
    """Return lines on books of swaps without the funding that was assumed for hours without data."""
    assumed = [(one.key, one.measures) for one in cells if one.measures.assumed_funding is not None]
    if not assumed:
        return []
    head = ("without assumed funding", "Sharpe", "CAGR", "total", "assumed")
    rows = [
        (key, number(of.unassumed_sharpe), percent(of.unassumed_cagr), percent(of.unassumed_total_return),
         percent(of.assumed_funding))
        for key, of in assumed
    ]  # fmt: skip
    return ["", table(head, rows, right=range(1, len(head)))]


def _listed(folder: RunFolder, found: Glance) -> dict[str, str]:
    """Run id, profile, state of the ledger, result digest."""
    return {"run": folder.id, "profile": folder.id.split("-")[1], "state": found.state, "result": found.result[:16]}


def _foreseen(home: Workspace, resolved: "ResolvedProfile | ResolvedMeta") -> tuple[dict[str, Any], str | list[str]]:
    """Return what a run would do."""
    from tvquant.profiles import ResolvedMeta

    if isinstance(resolved, ResolvedMeta):
        from tvquant.app.cli.meta_messages import planned_meta

        return planned_meta(home, resolved)
    return _planned(home, resolved)


def _planned(home: Workspace, resolved: "ResolvedProfile") -> tuple[dict[str, Any], str]:
    """Return what a profile's run would do: its stages, the plan's digest, and the run that has it already."""
    from tvquant.app.finished_runs import finished_run
    from tvquant.app.plan import make_plan
    from tvquant.app.stages.catalogue import STAGES

    plan = make_plan(home.lake(), resolved)
    there = finished_run(home, plan.digest, note)
    document = {
        "plan": plan.digest,
        "snapshot": plan.snapshot.digest,
        "symbols": len(plan.snapshot.symbols),
        "stages": [{"number": s.number, "name": s.number.label, "what": s.what} for s in STAGES],
        "finished_run": there.folder.id if there else None,
        "notices": list(plan.resolved.notices),
    }
    rows = [(int(s.number), s.number.label, s.what) for s in STAGES]
    text = (
        f"{table(('stage', 'name', 'what'), rows, right=(0,))}\n\nplan     {plan.digest}\n"
        f"symbols  {len(plan.snapshot.symbols)}\nrun      {there.folder.id if there else 'would be computed'}"
        + "".join(f"\nnotice   {notice}" for notice in plan.resolved.notices)
    )
    return document, text


def index(home: Workspace) -> None:
    """Write the workspace's INDEX.md from its runs."""
    from tvquant.report import write_index

    write_index(home.runs)
