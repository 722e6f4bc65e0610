"""What is said of a meta-portfolio's run: its sleeves, its gates, its accounts, and what it holds now."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tvquant.app.cli.console import note, percent
from tvquant.app.cli.standings import figures
from tvquant.app.cli.tables import table
from tvquant.app.cli.watching import Progress
from tvquant.app.memory import largest_resident
from tvquant.core.stages import Stage
from tvquant.ledger.recorded_parts import Absent

if TYPE_CHECKING:
    from tvquant.app.finished_runs import Finished
    from tvquant.app.workspace import Workspace
    from tvquant.profiles import ResolvedMeta
    from tvquant.report.meta.run import MetaRun

MOST = 20
"""Instruments that are listed, the largest first; the document has all."""


def finished_meta(
    outcome: "Finished", began: float, progress: Progress, *, tree: bool = False
) -> tuple[dict[str, Any], list[str]]:
    """Return the end of a meta-portfolio's run, as a document and as text; the report's path is last."""
    from tvquant.report.meta.run import read_meta

    run = read_meta(outcome.folder.path)
    document, text = of_meta(run, tree=tree)
    seconds, memory = time.perf_counter() - began, largest_resident(with_worker=True)
    document |= {
        "run": outcome.folder.id,
        "result": outcome.result,
        "reused": outcome.reused,
        "seconds": round(seconds, 2),
        "seconds_to_first_window": None if progress.first_step is None else round(progress.first_step, 2),
        "peak_memory_bytes": memory,
        "report": str(outcome.folder.report),
    }
    reused = "A run of the same sleeves exists and is returned; --again would weigh and settle them anew."
    return document, [
        *text,
        "",
        *([reused] if outcome.reused else []),
        f"run      {outcome.folder.id}",
        f"result   {outcome.result}",
        f"took     {seconds:.1f} s, peak memory {memory / 2**20:.0f} MiB",
        f"report   {outcome.folder.report}",
    ]


def of_meta(run: "MetaRun", *, tree: bool = False) -> tuple[dict[str, Any], list[str]]:
    """Return sleeves, gates, standings and holdings of a run, as a document and as text."""
    current, qualified, lines = current_of(run), *figures(run)
    gates = [_gate(one) for one in run.gates]
    document = {
        "headline": run.headline.key,
        "sleeves": _sleeves(run, current),
        "gates": gates,
        **qualified,
        "notices": list(_notices(run)),
        "gap": dict(gap_of(run)),
        "current": current,
    }
    text = [_sleeve_table(document["sleeves"]), *_gates_in_words(gates), "", *lines, *_gap(run), "", *_held(current)]
    if tree:
        text += ["", *_tree(current)]
    return document, [*text, *(f"notice   {one}" for one in document["notices"])]


def current_of(run: "MetaRun") -> dict[str, Any]:
    """Return what the headline's account holds at its last row, and the shares of its sleeves then.

    Raises
    ------
    Absent : the run has not come so far.
    """
    if Stage.VALIDATION not in run.stages:
        raise Absent(
            f"run {run.run_id} was stopped before it had an account; `tvquant ledger show {run.run_id} --kind gate` "
            f"has what its gates found, and `tvquant meta {run.profile_name}` plays it anew"
        )
    found: dict[str, Any] = run.stages[Stage.VALIDATION].data["current"]
    return found


def _sleeves(run: "MetaRun", current: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one mapping per sleeve, those that were left out among them."""
    lost = run.stages[Stage.NATURAL_SELECTION].data["lost"]
    solved = {gate.sleeves[0]: gate.why for gate in run.gates if gate.gate == "solver"}
    return [
        {
            "sleeve": one.name,
            "profile": one.profile,
            "run": one.run,
            "result": one.result,
            "calendar": one.calendar,
            "periods_per_year": one.periods_per_year,
            "solved": solved.get(one.name),
            "rows": lost.get(one.name, {}).get("rows"),
            "rows_dropped": lost.get(one.name, {}).get("dropped"),
            "health": dict(one.health),
            "share": current["shares"].get(one.name),
        }
        for one in run.sleeves
    ]


def _sleeve_table(sleeves: list[dict[str, Any]]) -> str:
    from tvquant.lake import HealthState

    head = ("sleeve", "run", "calendar", "solver", "rows lost", "healthy", "share now")
    rows = []
    for one in sleeves:
        lost = "left out" if one["rows"] is None else f"{one['rows_dropped']} of {one['rows']}"
        states = one["health"]
        healthy = sum(n for state, n in states.items() if HealthState.fine_word(state))
        solver = (one["solved"] or "-").partition(" optimisations")[0]
        rows.append(
            (one["sleeve"], one["run"], one["calendar"], solver, lost, f"{healthy} of {sum(states.values())}",
             percent(one["share"]))
        )  # fmt: skip
    return table(head, rows, right=range(3, len(head)))


def _gate(one: Any) -> dict[str, Any]:
    return {
        "gate": one.gate,
        "sleeves": list(one.sleeves),
        "passed": one.passed,
        "found": one.found,
        "limit": one.limit,
        "why": one.why,
        "finding": one.finding,
    }


def _gates_in_words(gates: list[dict[str, Any]]) -> Iterator[str]:
    """Yield how many gates were passed, and each that was not."""
    passed = sum(one["passed"] for one in gates)
    yield f"gates    {passed} of {len(gates)} passed"
    for one in gates:
        if not one["passed"]:
            what = "finding, no promotion" if one["finding"] else "failed"
            yield f"! {one['gate']} of {', '.join(one['sleeves'])} {what}: {one['why']}"


def gap_of(run: "MetaRun") -> list[tuple[str, float]]:
    """Return the parts between the mix of the streams and the headline's account; none where they were not told."""
    try:
        return list(run.table("gap", run.headline.key).select("part", "value").iter_rows())
    except Absent:
        return []


def _gap(run: "MetaRun") -> Iterator[str]:
    """Yield the way from the mix to the account in one line."""
    parts = dict(gap_of(run))
    if parts:
        between = ", ".join(f"{name} {percent(parts[name], 2)}" for name in parts if name not in ("mix", "account"))
        yield (
            f"  The mix of the streams earned {percent(parts['mix'], 2)}, the account {percent(parts['account'], 2)}: "
            f"{between}."
        )


def _held(current: dict[str, Any]) -> Iterator[str]:
    """Yield what the account holds at its last row, the largest first."""
    weights = sorted(current["weights"].items(), key=lambda one: -abs(one[1]))
    gross, net = sum(abs(one) for _, one in weights), sum(one for _, one in weights)
    yield (
        f"held at the close of {current['at'][:10]}, as decided on {current['decided_at'][:10]}: {len(weights)} "
        f"instruments, gross {percent(gross)}, net {percent(net)}"
    )
    if weights:
        rows = [(key, percent(weight, 2)) for key, weight in weights[:MOST]]
        yield table(("instrument", "weight"), rows, right=(1,))
    if len(weights) > MOST:
        yield f"and {len(weights) - MOST} more, with --json"


def _tree(current: dict[str, Any]) -> Iterator[str]:
    """Yield what stands behind each weight: the part of every atom of every sleeve."""
    rows = [
        (one["symbol"], one["sleeve"], one["atom"].removeprefix(f"{one['sleeve']}/"), percent(one["weight"], 2))
        for one in sorted(current["tree"], key=lambda one: (one["symbol"], one["sleeve"], one["atom"]))
    ]
    yield table(("instrument", "sleeve", "atom", "part"), rows, right=(3,))


def _notices(run: "MetaRun") -> Iterator[str]:
    """Yield notices of the profile, of the join, and of decisions that waited for a row of the account."""
    yield from run.meta.notices
    if warning := run.stages[Stage.NATURAL_SELECTION].data.get("warning"):
        yield warning
    path = run.path_of(run.headline)
    waited = {name: n for name, n in run.stages[Stage.OPTIMISATION].data["waited"][path].items() if n}
    for name, count in waited.items():
        yield f"{count} decision{'s' if count > 1 else ''} of {name} waited for the next row of the account"


def planned_meta(home: "Workspace", resolved: "ResolvedMeta") -> tuple[dict[str, Any], list[str]]:
    """Return which runs the sleeves of a meta-portfolio have, and which would be played."""
    from tvquant.app.meta.foreseen import foreseen
    from tvquant.app.meta.stages.catalogue import STAGES

    found = foreseen(home, resolved, note)
    document = {
        "profile": resolved.profile.name,
        "sleeves": [{"sleeve": one.path, "profile": one.profile, "run": one.run, "what": one.what} for one in found],
        "stages": [{"number": s.number, "name": s.number.label, "what": s.what} for s in STAGES],
        "notices": list(resolved.notices),
    }
    sleeves = [(one.path, one.profile, one.run or "-", one.what) for one in found]
    stages = [(int(s.number), s.number.label, s.what) for s in STAGES]
    return document, [
        table(("sleeve", "profile", "run", "what"), sleeves),
        "",
        table(("stage", "name", "what"), stages, right=(0,)),
        *(f"notice   {one}" for one in resolved.notices),
    ]
