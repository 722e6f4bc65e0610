"""`tvquant tournament`: the whole matrix of a profile whose grid the options widen."""

import time
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tvquant.app.cli.cluster_options import AddressOption, BackendOption, JobsOption, cluster_of
from tvquant.app.cli.console import JsonOption, WorkspaceOption, answer, note, workspace_at
from tvquant.app.cli.notifying import notified
from tvquant.app.cli.profile import SetOption, argued
from tvquant.app.cli.runs import play, refuse_both, tell
from tvquant.app.cli.tables import table
from tvquant.app.cli.waiting import WaitOption
from tvquant.app.cli.watching import duration, watching
from tvquant.core.errors import ProfileError

if TYPE_CHECKING:
    from tvquant.app.estimate import Estimate, Workload
    from tvquant.app.tournament import PlannedMatrix, Widening
    from tvquant.app.workspace import Workspace
    from tvquant.profiles import ResolvedProfile


def _names(what: str) -> Any:
    return typer.Option(metavar="NAMES", help=f"{what} with commas between.", show_default="the profile's")


def _rows(what: str) -> Any:
    return typer.Option(metavar="ROWS", help=f"{what} with commas between, crossed.", show_default="the profile's")


def _of_headline(metavar: str, what: str) -> Any:
    return typer.Option(metavar=metavar, help=f"Of the headline alone: {what}", show_default="the profile's")


SelectionOption = Annotated[str | None, _names("Selection models, or names of grid.selections,")]
EnginesOption = Annotated[str | None, _names("Engines")]
RiskOption = Annotated[str | None, _names("Risk profiles")]
SimulatorsOption = Annotated[str | None, _names("Simulators")]
CostsOption = Annotated[str | None, _names("Names of grid.costs that are settled at, beside the profile's own,")]
TrainOption = Annotated[str | None, _rows("Training windows")]
TestOption = Annotated[str | None, _rows("Lengths of the test")]
StepOption = Annotated[str | None, _rows("Steps, or month_end, quarter_end, year_end,")]
PhasesOption = Annotated[str | None, _of_headline("N", "Phases of the step at which it is played, or all.")]
StartsOption = Annotated[
    str | None, _of_headline("DATES", "Dates from which on it is played as well, with commas between.")
]
AgainOption = Annotated[bool, typer.Option("--again", help="Compute anew even if a run of the same plan exists.")]
DryRunOption = Annotated[
    bool,
    typer.Option("--dry-run", help="Print cells, exclusions, windows, and time, memory and disk; play a few rows."),
]


def tournament(
    name: Annotated[str | None, typer.Argument(metavar="PROFILE", help="Profile to widen.", show_default=False)] = None,
    selection: SelectionOption = None,
    engines: EnginesOption = None,
    risk: RiskOption = None,
    simulators: SimulatorsOption = None,
    costs: CostsOption = None,
    train: TrainOption = None,
    test: TestOption = None,
    step: StepOption = None,
    phases: PhasesOption = None,
    starts: StartsOption = None,
    resume: Annotated[str | None, typer.Option(metavar="RUN", help="Go on with an interrupted one.")] = None,
    again: AgainOption = False,
    jobs: JobsOption = 1,
    backend: BackendOption = None,
    address: AddressOption = None,
    dry_run: DryRunOption = False,
    overrides: SetOption = None,
    wait: WaitOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Play selections by engines, risk profiles, windows, simulators and costs on the lake as it stands.

    It is a run of the profile that the options make: one manifest, one ledger, one report. `docs/tournament.md`.
    """
    cluster = cluster_of(backend, address, jobs)
    home = workspace_at(workspace, wait)
    home.require()
    texts = {
        "selections": selection, "engines": engines, "risk": risk, "simulators": simulators, "costs": costs,
        "train": train, "test": test, "step": step, "starts": starts, "phases": phases,
    }  # fmt: skip
    widens = any(one is not None for one in texts.values())
    refuse_both("tournament", name, resume, WHAT if again or dry_run or overrides or widens else None)
    begun = None if name is None else partial(_profile, home, name, texts, overrides)
    if dry_run:
        assert begun is not None
        answer(*planned(home, begun(), jobs), as_json=as_json)
        return
    began = time.perf_counter()
    with notified("tournament", name) as notice:
        with home.writing(), watching("tournament") as progress:
            outcome = play(home, begun, resume, again=again, jobs=jobs, cluster=cluster, progress=progress)
        tell(outcome, began, progress, notice, as_json=as_json)


WHAT = "option that says what is played"


def _profile(
    home: "Workspace", name: str, texts: dict[str, str | None], overrides: list[str] | None
) -> "ResolvedProfile":
    from tvquant.app.tournament import widened

    return widened(home, name, widening(texts), argued(overrides or []))


def widening(texts: dict[str, str | None]) -> "Widening":
    """Return what the texts of options ask for; None asks for nothing.

    Raises
    ------
    ProfileError : a text that is no list of names, rows or dates.
    """
    from tvquant.app.tournament import OPTIONS, Widening
    from tvquant.profiles.files import parse_value

    lists = {field: _parts(text, OPTIONS[field]) for field, text in texts.items() if text is not None}
    values: dict[str, Any] = dict(lists)
    for field in ("train", "test", "step"):
        if field in lists:
            values[field] = [_rows_of(one, OPTIONS[field], calendar=field == "step") for one in lists[field]]
    if "starts" in lists:
        values["starts"] = [_date(one) for one in lists["starts"]]
    if "phases" in lists:
        values["phases"] = parse_value(",".join(lists["phases"]), OPTIONS["phases"])
    return Widening(**values)


def _parts(text: str, option: str) -> list[str]:
    if not text.strip():
        raise ProfileError(f"{option} is empty; leave it out to have what the profile has")
    found = [one.strip() for one in text.split(",")]
    if not all(found):
        raise ProfileError(f"{option}: {text!r} has an empty place; write names or numbers with commas between")
    return found


def _rows_of(text: str, option: str, *, calendar: bool) -> Any:
    if text.isascii() and text.isdigit():
        return int(text)
    if calendar:  # what is none is refused with the key that it sets
        weekday = text.removeprefix("week_")
        return {"week": weekday} if weekday != text else text
    raise ProfileError(f"{option}: expected numbers of rows with commas between, found {text!r}")


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ProfileError(f"--starts: expected dates YYYY-MM-DD with commas between, found {text!r}") from error


def planned(home: "Workspace", profile: "ResolvedProfile", jobs: int) -> tuple[dict[str, Any], list[str]]:
    """Return what a tournament would play, what it leaves out, and what that takes."""
    from tvquant.app.finished_runs import finished_run
    from tvquant.app.plan import make_plan
    from tvquant.app.tournament import PlannedMatrix
    from tvquant.tournament.cells import grid_size, headline

    with watching("tournament"):
        matrix = PlannedMatrix.of(make_plan(home.lake(), profile))
        estimate = matrix.estimate(jobs)
    plan = matrix.plan
    there = finished_run(home, plan.digest, note)
    size, played = grid_size(plan.resolved.profile), headline(plan.resolved.profile)
    document = {
        "plan": plan.digest,
        "snapshot": plan.snapshot.digest,
        "symbols": len(plan.snapshot.symbols),
        "headline": played,
        "grid": size.payload(),
        "cells": [cell.key for cell in matrix.cells],
        **_counts(matrix.workload),
        "estimate": estimate.document(),
        "finished_run": there.folder.id if there else None,
        "notices": list(plan.resolved.notices),
    }
    text = [
        *_said(matrix),
        *(["", *(one.strip() for one in size.lines())] if size.lines() else []),
        "",
        *told(estimate),
        f"headline  {played}",
        f"plan      {plan.digest}",
        f"run       {there.folder.id if there else 'would be computed'}",
        *(f"notice    {notice}" for notice in plan.resolved.notices),
    ]
    return document, text


def _counts(found: "Workload") -> dict[str, Any]:
    names = ("strategies", "baselines", "variants", "challengers", "paths", "books", "decisions", "snapshots")
    return {name: getattr(found, name) for name in names} | {"windows": dict(found.windows)}


def _said(matrix: "PlannedMatrix") -> list[str]:
    """Return the counts and windows, as lines and a table."""
    found, times = matrix.workload, matrix.engine.panel.times
    rows = [
        (
            one.name,
            len(windows),
            str(times[windows[0].start - 1])[:10],
            str(times[windows[-1].start - 1])[:10],
            sum(cell.path.schedule == one for cell in matrix.cells),
        )
        for one, windows in matrix.grids.items()
    ]
    sorts = {"strategies": "strategy", "baselines": "baseline", "variants": "variant", "challengers": "challenger"}
    counts = {sort: getattr(found, sort) for sort in sorts}
    counted = ", ".join(f"{many:,} {sort if many > 1 else sorts[sort]}" for sort, many in counts.items() if many)
    return [
        f"cells     {found.books:,}: {counted}",
        f"paths     {found.paths:,}, {found.decisions:,} decisions, {found.snapshots:,} snapshots",
        "",
        table(("windows", "number", "first decision", "last decision", "cells"), rows, right=(1, 4)),
    ]


def told(estimate: "Estimate") -> list[str]:
    """Return an estimate in words, with how sure it is."""
    from tvquant.app.estimate import WIDTH

    parts = (
        f"begin {duration(estimate.begin)}, prepare {duration(estimate.prepare)}, decide {duration(estimate.decide)}, "
        f"settle {duration(estimate.settle)} of one process"
    )
    return [
        f"time      about {duration(estimate.seconds)} with --jobs {estimate.jobs} ({parts})",
        f"memory    about {estimate.memory / 2**20:,.0f} MiB",
        f"disk      about {estimate.disk / 2**20:,.0f} MiB of ledger and results, and the pages",
        f"basis     measured here on a few rows and a book of each sort; expect the truth within a factor of {WIDTH:g}",
        *(f"! not in it: {one}" for one in estimate.unknown),
    ]
