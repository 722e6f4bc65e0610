"""How the sleeves move together, how sure that is, and how many bets they amount to."""

import numpy as np

from tvquant.core.panel import Floats
from tvquant.report.blocks import Block, Figure, Table, Text
from tvquant.report.figures import DIVERGING, axis, figure, plotted
from tvquant.report.formatting import count, number
from tvquant.report.meta.run import MetaRun
from tvquant.report.sections.contract import Section
from tvquant.statistics import effective_bets

ROW = 46
"""Pixels of one row of the heat map."""


def draw(run: MetaRun) -> tuple[Block, ...]:
    """Return the heat map, every pair with its interval, and the effective number of bets."""
    names = run.weighed
    if len(names) < 2:
        return (Text(text="One sleeve was weighed: there is nothing for it to go together with."),)
    pairs = run.table("correlations", run.risk).rows(named=True)
    matrix = np.eye(len(names))
    for one in pairs:
        if one["first"] in names and one["second"] in names:
            i, j = names.index(one["first"]), names.index(one["second"])
            matrix[i, j] = matrix[j, i] = np.nan if one["correlation"] is None else one["correlation"]
    limit = run.profile.gates.mirror
    near = frozenset(k for k, one in enumerate(pairs) if abs(one["correlation"] or 0.0) > limit)
    rows = tuple(
        (
            one["first"],
            one["second"],
            *(number(one[name]) for name in ("correlation", "low", "high")),
            count(one["rows"]),
        )
        for one in pairs
    )
    return (
        *_bets(run, matrix),
        _heat_map(names, matrix),
        Table(head=("sleeve", "and", "correlation", "low", "high", "rows"), rows=rows, texts=2, strong=near),
        Text(
            text="Of returns on the common dates, streams net of their costs. The interval is at 95 %, and allows for "
            "rows that depend on those before. A correlation is of its period: it does not say what the next one will "
            f"be. Beyond {number(limit)}, either way, two sleeves are taken for one or for its mirror image (bold).",
            tone="note",
        ),
    )


def _bets(run: MetaRun, matrix: Floats) -> tuple[Text, ...]:
    """Return how many bets the sleeves are, and what is left of these where chance is taken off, as it was recorded."""
    if not np.isfinite(matrix).all():
        return (Text(text="Effective bets are not known: a sleeve stood still, so that its correlations are not.",
                     tone="note"),)  # fmt: skip
    recorded = run.bets
    beyond = f"; {number(recorded)} without what chance adds on so few rows" if recorded is not None else ""
    return (
        Text(
            text=f"The {len(matrix)} sleeves amount to {number(effective_bets(matrix))} bets that do not go together "
            f"(participation ratio of the eigenvalues of their correlations{beyond})."
        ),
    )


def _heat_map(names: tuple[str, ...], matrix: Floats) -> Figure:
    trace = {
        "type": "heatmap", "z": [plotted(row) for row in matrix], "x": list(names), "y": list(names), "zmin": -1,
        "zmax": 1, "xgap": 1, "ygap": 1, "colorscale": [list(stop) for stop in DIVERGING],
        "text": [[number(float(value)) for value in row] for row in matrix], "texttemplate": "%{text}",
        "hovertemplate": "%{x}<br>%{y}<br>%{z:.2f}<extra></extra>",
        "colorbar": {"title": {"text": "correlation"}, "tickvals": [-1, -0.5, 0, 0.5, 1]},
    }  # fmt: skip
    return figure("correlation", "Correlations of the sleeves", [trace], height=180 + ROW * len(names),
                  hovermode="closest", xaxis=axis("sleeve", showgrid=False, type="category"),
                  yaxis=axis("sleeve", showgrid=False, type="category", autorange="reversed"))  # fmt: skip


CORRELATIONS = Section(key="correlations", title="How the sleeves go together", draw=draw)
