"""`tvquant runs diff`: what two runs have in common or not, and why they differ."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tvquant.app.cli.console import JsonOption, WorkspaceOption, answer, workspace_at
from tvquant.app.cli.tables import table
from tvquant.app.cli.watching import progress_shown

if TYPE_CHECKING:
    from tvquant.report.comparison import Comparison

OneArgument = Annotated[str, typer.Argument(metavar="A", help="A run id, an unambiguous part of one, or `latest`.")]
OtherArgument = Annotated[str, typer.Argument(metavar="B", help="The run that it is compared with.")]


def diff(
    first: OneArgument,
    second: OtherArgument,
    page: Annotated[
        bool, typer.Option("--html", help="Write a page as well, with both equities in one figure.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two runs: data, code, parameters, results, decisions; say why they differ."""
    from tvquant.report import read_run
    from tvquant.report.comparison import compare
    from tvquant.report.comparison_page import write_comparison

    home = workspace_at(workspace)
    folders = home.run(first), home.run(second)
    with progress_shown("runs diff"):
        runs = read_run(folders[0].path), read_run(folders[1].path)
        found = compare(runs, home.lake().panel)
        written = write_comparison(found, home.runs) if page else None
    text = [*_text(found), *((f"page     {written}",) if written else ())]
    answer(document(found) | {"page": str(written) if written else None}, text, as_json=as_json)


def _text(found: "Comparison") -> list[str]:
    from tvquant.report.comparison_parts import parts

    lines = [found.why, ""]
    for part in parts(found):
        numbers = range(part.texts, len(part.head))
        tabled = [table(part.head, part.rows, right=numbers)] if part.rows else []
        lines += [part.title, *(f"  {line}" for line in part.lines), *tabled, ""]
    return lines


def document(found: "Comparison") -> dict[str, Any]:
    """Return the whole comparison, JSON-able; pairs are of the first run and the second."""
    equity, decisions = found.equity, found.decisions
    return {
        "runs": found.ids,
        "why": found.why,
        "equal": found.equal,
        "causes": [cause.value for cause in found.causes],
        "results": found.results,
        "headlines": found.headlines,
        "data": {
            "snapshots": found.snapshots,
            "symbols": [asdict(one) for one in found.symbols],
        },
        "code": found.codes,
        "packages": [{"name": one.name, "values": one.values} for one in found.packages],
        "parameters": [asdict(one) for one in found.parameters],
        "parameters_from_another_layer": found.moved,
        "cells": {key: [None if one is None else asdict(one) for one in pair] for key, pair in found.cells.items()},
        "equity": None
        if equity is None
        else {
            "bars": equity.rows,
            "first": equity.first,
            "last": equity.last,
            "ends": equity.ends,
            "parted": equity.parted,
        },
        "decisions": None if decisions is None else asdict(decisions),
        "pools": [None if one is None else asdict(one) for one in found.pools],
        "sharpe_difference": found.sharpe.document(),
        "not_compared": found.unread,
    }
