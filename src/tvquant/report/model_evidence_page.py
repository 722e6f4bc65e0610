"""The page on selection models: selection alpha and rank correlations with their intervals; tables beside it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from tvquant.report.blocks import Figure
from tvquant.report.figures import GREY, HEADLINE, axis, figure, plotted
from tvquant.report.files import write
from tvquant.report.formatting import number, percent
from tvquant.report.page import page_of, write_page
from tvquant.report.tables import csv_of_frame
from tvquant.statistics.significance import LEVEL
from tvquant.tournament.selection_tables import WINDOW, ModelEvidence

ROW = 24
"""Height of a line of a figure in pixels."""


def write_evidence(folder: Path, found: ModelEvidence, said: Sequence[str], *, csv: bool, page: bool) -> list[Path]:
    """Write the page and the tables that are asked for into the folder; return what was written.

    Raises
    ------
    DataError : no plotly, the disk refuses, or a link leads out of the folder.
    """
    written = []
    if csv:
        for name, rows in found.tables.items():
            path = folder / found.profile / f"{name}.csv"
            write(path, csv_of_frame(pl.DataFrame(rows, infer_schema_length=None)).encode(), within=folder.parent)
            written.append(path)
    if page:
        path = folder / f"{found.profile}.html"
        write_page(path, page_of_evidence(found, said), within=folder.parent)
        written.append(path)
    return written


def page_of_evidence(found: ModelEvidence, said: Sequence[str]) -> str:
    """Return the page as HTML; `said` is what is concluded, in words."""
    rows = [
        (_name(row), number(row["n"], 0), percent(row["mean"], 2), percent(row["se"], 2), percent(row["annual"]),
         percent(row["annual_se"]), number(row["t"]), number(row["p"], 3), number(row["p_holm"], 3))
        for row in found.alpha
    ]  # fmt: skip
    return page_of(
        title=f"Selection models of {found.profile}",
        summary=" ".join(
            [
                f"{found.windows} windows, {found.first} to {found.last}. {'; '.join(said)}.",
                *(stamp.meaning for stamp in sorted(found.stamps)),
            ]
        ),
        figures=[alpha(found), features(found)],
        head=("model", "windows", "alpha by window", "se", "a year", "se a year", "t", "p", "p (Holm)"),
        rows=rows,
        nothing="No model.",
    )


def alpha(found: ModelEvidence) -> Figure:
    """Return selection alpha a year by model with its 95 % interval."""
    rows = [row for row in found.alpha if row["annual"] is not None]
    return _intervals(
        "alpha", "Selection alpha by model, 95 % interval", [_name(row) for row in rows],
        [{**row, "mean": row["annual"], "se": row["annual_se"]} for row in rows],
        axis("selection alpha a year, 95 % interval", tickformat=".0%"),
    )  # fmt: skip


def features(found: ModelEvidence) -> Figure:
    """Return the rank correlation of each feature with the window's return, and its 95 % interval."""
    rows: dict[tuple[Any, ...], tuple[Mapping[str, Any], list[str]]] = {}
    for row in found.features:
        if row["horizon"] == WINDOW and row["se"] is not None:
            rows.setdefault((row["feature"], row["mean"], row["se"]), (row, []))[1].append(str(row["model"]))
    every = {row["model"] for row in found.features}
    return _intervals(
        "features", "Rank correlation of each feature with the window's return, 95 % interval",
        [
            str(row["feature"]) if len(every) == 1 else f"{row['feature']} ({', '.join(models)})"
            for row, models in rows.values()
        ],
        [row for row, _ in rows.values()], axis("rank correlation, 95 % interval"),
    )  # fmt: skip


def _name(row: Mapping[str, Any]) -> str:
    return str(row["model"]) if row["floor"] else f"{row['model']}, without floor"


def _intervals(
    key: str, title: str, names: Sequence[str], rows: Sequence[Mapping[str, Any]], across: dict[str, Any]
) -> Figure:
    """Return estimates below each other with intervals by Student's t; those significant by Holm are in colour."""
    from scipy.special import stdtrit

    reach = [float(stdtrit(row["n"] - 1, 1.0 - LEVEL / 2.0)) * row["se"] for row in rows]
    found = [row["p_holm"] is not None and row["p_holm"] <= LEVEL for row in rows]
    traces = []
    for name, wanted, colour in (("significant", True, HEADLINE), ("not significant", False, GREY)):
        mine = [k for k, one in enumerate(found) if one is wanted]
        traces.append(
            {"name": f"{name} (5 %, Holm)", "mode": "markers", "x": plotted(rows[k]["mean"] for k in mine),
             "y": [names[k] for k in mine], "marker": {"color": colour, "size": 8},
             "error_x": {"type": "data", "array": plotted(reach[k] for k in mine), "color": colour, "thickness": 1.4}}
        )  # fmt: skip
    return figure(
        key, title, traces, height=140 + ROW * len(names), hovermode="closest", showlegend=True,
        shapes=[{"type": "line", "xref": "x", "yref": "paper", "x0": 0, "x1": 0, "y0": 0, "y1": 1,
                 "line": {"color": GREY, "width": 1}}],
        xaxis=across, yaxis=axis("", autorange="reversed", categoryorder="array", categoryarray=list(names)),
    )  # fmt: skip
