"""`tvquant certify`: the release matrix of a profile, kept, and what it changed against the certification before."""

import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tvquant.app.cli.cluster_options import AddressOption, BackendOption, JobsOption, cluster_of
from tvquant.app.cli.console import JsonOption, WorkspaceOption, answer, number, percent, workspace_at
from tvquant.app.cli.notifying import notified, run_facts
from tvquant.app.cli.profile import SetOption, argued
from tvquant.app.cli.runs import SET_BESIDE, finished, play, refuse_both
from tvquant.app.cli.tables import table
from tvquant.app.cli.tournament import AgainOption, DryRunOption, planned
from tvquant.app.cli.waiting import WaitOption
from tvquant.app.cli.watching import watching

if TYPE_CHECKING:
    from tvquant.app.certification import Stored
    from tvquant.app.workspace import Workspace
    from tvquant.profiles import ResolvedProfile
    from tvquant.report.certification import Best, Changes, Delta, VersionRow
    from tvquant.statistics.paired_differences import PairedDifference

MOST = 40
"""Changed cells, and changed bounds, that are listed; the document has all."""


def certify(
    name: Annotated[
        str | None, typer.Argument(metavar="PROFILE", help="Profile to certify.", show_default=False)
    ] = None,
    resume: Annotated[str | None, typer.Option(metavar="RUN", help="Go on with an interrupted certification.")] = None,
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
    """Play the release matrix of a profile, keep its figures and bounds, and say what changed since the last one.

    Selections v3.2, v3.4 and v4 by seven risk profiles, three engines and two simulators: 126 cells less what is left
    out. `docs/tournament.md` says how to read it.
    """
    cluster = cluster_of(backend, address, jobs)
    home = workspace_at(workspace, wait)
    home.require()
    refuse_both("certify", name, resume, SET_BESIDE if again or dry_run or overrides else None)
    begun = None if name is None else partial(_profile, home, name, overrides)
    if dry_run:
        assert begun is not None
        answer(*planned(home, begun(), jobs), as_json=as_json)
        return
    from tvquant.app.certification import certify as certified

    began = time.perf_counter()
    with notified("certify", name) as notice:
        with home.writing(), watching("certify") as progress:
            outcome = play(home, begun, resume, again=again, jobs=jobs, cluster=cluster, progress=progress)
            mine, before = certified(home, outcome.folder)
        played, lines = finished(outcome, began, progress)
        document, text = told(mine, before)
        notice.tell(**run_facts(played))
        answer(played | {"certification": document}, [*lines, "", *text], as_json=as_json)


def _profile(home: "Workspace", name: str, overrides: list[str] | None) -> "ResolvedProfile":
    from tvquant.app.certification import release_profile

    return release_profile(home, name, argued(overrides or []))


def told(mine: "Stored", before: "Stored | None") -> tuple[dict[str, Any], list[str]]:
    """Return a certification beside the one before it, as a document and as text."""
    from dataclasses import asdict

    from tvquant.report.certification import best, changes, versions

    made = mine.certificate
    rows, found = versions(made), None if before is None else changes(made, before.certificate)
    top = best(made)
    document = {
        "number": mine.number,
        "file": str(mine.path),
        "grid": dict(made.grid),
        "stability": dict(made.stability),
        "versions": [asdict(one) for one in rows],
        "best": None if top is None else asdict(top),
        "before": None if before is None else before.number,
        "changes": None if found is None else _document(found),
    }
    text = [
        f"certification {mine.number} of {made.profile}: {made.grid['cells']} of {made.grid['asked']} cells",
        "",
        *_versions(rows),
        *_best(top),
        "",
        *([_FIRST] if before is None or found is None else _changes(found, before.number)),
        f"file     {mine.path}",
    ]
    return document, text


_FIRST = "This is the first certification of the profile here; the next one is compared with it."


def _document(found: "Changes") -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "nothing": found.nothing,
        "data": found.data,
        "code": found.code,
        "bounds": {key: list(pair) for key, pair in found.bounds.items()},
        "changed": [asdict(one) for one in found.changed],
        "came": list(found.came),
        "went": list(found.went),
    }


def _versions(rows: "tuple[VersionRow, ...]") -> Iterator[str]:
    """Yield the selections under every risk profile of the first engine."""
    if not rows:
        return
    engine = next((one.engine for one in rows if one.engine == "custom"), rows[0].engine)
    head = (
        "risk profile", "selection", "Sharpe", "+- SE", "max DD", "turnover", "stability", "fell back", "against v4",
        "interval",
    )  # fmt: skip
    cells = [
        (
            one.risk_profile,
            one.selection,
            number(one.cell.figures["sharpe"]),
            number(one.cell.figures["sharpe_se"]),
            percent(one.cell.figures["max_drawdown"]),
            percent(one.cell.figures["mean_turnover"]),
            number(one.stability),
            _fell_back(one.cell.figures),
            *_interval(one.found, one.lacking),
        )
        for one in rows
        if one.engine == engine
    ]
    yield f"Selections by risk profile, engine {engine}; Sharpe ratios, all intervals together"
    yield table(head, cells, right=range(2, 9))
    if others := sorted({one.engine for one in rows} - {engine}):
        yield f"(the same by {', '.join(others)} with --json)"


def _fell_back(figures: "Mapping[str, float | None]") -> str:
    """Return at how many decisions another method than the cell's own made the weights: then it is no method tried."""
    fell, windows = figures["windows_fell_back"], figures["windows"]
    return f"{fell:g} of {windows:g}" if fell is not None and windows is not None else "-"


def _interval(found: "PairedDifference | None", lacking: str) -> tuple[str, str]:
    if found is None:
        return "-", lacking or "-"
    return f"{found.difference:+.2f}", f"[{found.low:.2f}, {found.high:.2f}]"


def _best(top: "Best | None") -> list[str]:
    if top is None:
        return []
    text = f"best of {top.trials} trials: {top.key}, Sharpe {number(top.sharpe)}"
    if top.expected is not None:
        text += f"; the best of so many has {number(top.expected)} by luck alone"
    if top.deflated is not None:
        text += f", and that its own true one is above that has a probability of {percent(top.deflated)}"
    return ["", text]


def _changes(found: "Changes", before: int) -> Iterator[str]:
    """Yield what changed since the certification before."""
    causes = [name for name, other in (("data", found.data), ("code", found.code)) if other]
    causes += [f"{len(found.bounds)} of the bounds"] if found.bounds else []
    differs = f" ({', '.join(causes)} differ)" if causes else ""
    if found.nothing:
        yield f"No cell changed since certification {before}{differs}."
        return
    yield f"Since certification {before}{differs}:"
    for key, (old, new) in list(found.bounds.items())[:MOST]:
        yield f"  {key}: {old} -> {new}"
    for said, keys in (("came", found.came), ("went", found.went)):
        if keys:
            yield f"  {len(keys)} cells {said}: {', '.join(keys[:MOST])}"
    if found.changed:
        head = ("changed cell", "before", "now", "difference", "interval")
        yield table(head, [_delta(one) for one in found.changed[:MOST]], right=(1, 2, 3))
        if len(found.changed) > MOST:
            yield f"and {len(found.changed) - MOST} more, with --json"


def _delta(one: "Delta") -> tuple[str, ...]:
    sharpes = (number(cell.figures["sharpe"]) for cell in (one.before, one.now))
    return one.key, *sharpes, *_interval(one.found, one.lacking)
