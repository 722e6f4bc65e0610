"""`tvquant runs timing`: where the time of runs went, by how much there was to do."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tvquant.app.cli.console import JsonOption, WorkspaceOption, answer, note, workspace_at
from tvquant.app.cli.tables import table
from tvquant.core.errors import TvquantError

if TYPE_CHECKING:
    from tvquant.ledger.recorded_run import RecordedRun
    from tvquant.ledger.timing import Timing

SIZES = ("names", "windows", "cells", "cell_windows")
"""What there was to do: assets of the snapshot, windows of the longest cell, cells, and windows of all cells."""


def timing(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[RUN]...", help="Runs; all of the workspace where none is named.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show seconds by stage beside names, windows and cells, one line per run, the least work first."""
    home = workspace_at(workspace)
    home.require()
    folders = [home.run(name) for name in names] if names else home.all_runs()
    rows = []
    for folder in folders:
        try:
            rows.append(_measured(folder.id, _opened(folder)))
        except TvquantError as error:
            if names:
                raise
            note(f"{folder.id} is left out: {error}")
    rows.sort(key=lambda row: (row["cell_windows"], row["names"], row["run"]))
    answer(rows, _text(rows) if rows else "no run here has a time", as_json=as_json)


def lines(found: "Timing") -> list[str]:
    """Return where the time of one run went, in one line, and how much of it has a name."""
    parts = ", ".join(f"{name} {seconds:.1f}" for name, seconds in found.parts.items())
    again = f"; continued {found.resumed} times, pauses left out" if found.resumed else ""
    return [f"seconds  {found.wall:.1f} in all: {parts} ({100 * found.covered:.1f} % has a name{again})"]


def _opened(folder: Any) -> "RecordedRun":
    from tvquant.ledger.recorded_run import RecordedRun

    return RecordedRun(folder)


def _measured(name: str, run: "RecordedRun") -> dict[str, Any]:
    """Return sizes and seconds of a run."""
    from tvquant.core.stages import Stage

    health = run.stages.get(Stage.HEALTH)
    counts = [int(cell.measures.windows or 0) for cell in run.outcomes]
    return {
        "run": name,
        "names": 0 if health is None else int(health.metrics["assets"]),
        "windows": max(counts, default=0),
        "cells": len(counts),
        "cell_windows": sum(counts),
        **run.timing.document(),
    }


def _text(rows: list[dict[str, Any]]) -> list[str]:
    """Return the table: per run its sizes, all seconds, milliseconds of validation per cell and window, the parts."""
    from tvquant.ledger.timing import DECIDING, SETTLING

    parts = list(dict.fromkeys(part for row in rows for part in row["parts"]))
    head = ("run", *(size.replace("_", "-") for size in SIZES), "seconds", "ms/cell-window", "named %", *parts)
    body = []
    for row in rows:
        matrix = sum(row["parts"].get(part, 0.0) for part in (DECIDING, SETTLING))
        each = f"{1000 * matrix / row['cell_windows']:.2f}" if matrix and row["cell_windows"] else "-"
        shown = (f"{row['parts'][part]:.2f}" if part in row["parts"] else "-" for part in parts)
        sizes = (row[size] for size in SIZES)
        body.append((row["run"], *sizes, f"{row['wall']:.1f}", each, f"{100 * row['covered']:.1f}", *shown))
    return [table(head, body, right=range(1, len(head)))]
