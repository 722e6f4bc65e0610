"""How the winners of the current decision move together, and what the clusters hold."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from tvquant.core.atoms import Atom
from tvquant.core.panel import Floats
from tvquant.report.blocks import Block, Data, Figure, Table, Text
from tvquant.report.dendrogram import Tree, lines_of, ordered, tree_of
from tvquant.report.figures import DIVERGING, axis, figure, plotted
from tvquant.report.formatting import count, day, number, percent, short
from tvquant.report.run import RunData
from tvquant.report.sections.contract import Section
from tvquant.statistics import Linkage

ROW = 22
"""Pixels of one row of the heat map."""
LABELS = 190
"""Pixels for slanted labels, title and margins."""
LINKAGES = {Linkage.WARD: "Ward's linkage", Linkage.AVERAGE: "average linkage"}
TREE = 130
"""Pixels of the tree."""


def draw(run: RunData) -> tuple[Block, ...]:
    """Return heat map of correlations in the order of their tree, the tree, and tables of both kinds of clusters."""
    profile, found = run.profile, run.current.correlation
    decision = run.current.decision
    if found is None or decision.allocation is None or decision.response is None:
        return (Text(text="No winner was weighted on the last row, so there are no clusters.", tone="warning"),)
    allocation, selection, weights = decision.clusters, decision.response.clusters, decision.atoms
    atoms = {atom.symbol: atom for atom in decision.response.winners}
    linkage = Linkage(profile.selection.linkage)
    tree = tree_of(found.matrix, linkage)
    order = ordered(found.atoms, tree)
    matrix = found.matrix[np.ix_(tree.leaves, tree.leaves)]
    train, cap = profile.windows.train, profile.allocation.limits.cluster
    tables = [
        (
            Text(text=f"{name} clusters: {meaning} Each may hold at most {percent(cap)} of equity."),
            _table([atoms[symbol] for symbol in order], [clusters[symbol] for symbol in order], weights, matrix, cap),
        )
        for name, clusters, meaning in (
            ("Allocation", allocation, "cut from these correlations; weights are spread over them."),
            ("Selection", selection, "cut from longer correlations of the assets themselves; winners came from each."),
        )
    ]
    return (
        _heat_map([atoms[symbol] for symbol in order], [allocation[symbol] for symbol in order], matrix, tree),
        Text(
            text=f"Correlations of the {count(len(order))} winners of {day(decision.as_of)} over the training "
            f"window: the last {train} rows, those that all of them have. Shorts count as what they earn. They stand "
            f"in the order of the tree above, by {LINKAGES[linkage]} of the distances sqrt((1 - correlation) / 2): two "
            "branches meet at the height at which it merges them. Boxes are the clusters that allocation cuts from it "
            f"at selection.cluster_distance, {number(profile.selection.cluster_distance)}. "
            f"On {train} rows a true correlation of 0 is found with a standard error of "
            f"{number((train - 1) ** -0.5)}. Weights of clusters are gross: a short adds to its cluster.",
            tone="note",
        ),
        *(block for pair in tables for block in pair),
        Data(
            name="correlations",
            about="correlations of the winners, and the weight of each",
            frame=pl.DataFrame(
                {
                    "atom": order,
                    "weight": [weights.get(atom, 0.0) for atom in order],
                    **{atom: matrix[:, k] for k, atom in enumerate(order)},
                }
            ),
        ),
    )


def _heat_map(atoms: Sequence[Atom], clusters: Sequence[int], matrix: Floats, tree: Tree) -> Figure:
    """Return the heat map below its tree; labels are on an axis of numbers, as two atoms may have one short name."""
    n = len(atoms)
    ids = [atom.symbol for atom in atoms]
    labels = [f"{short(atom)} · {cluster}" for atom, cluster in zip(atoms, clusters, strict=True)]
    trace = {
        "type": "heatmap", "z": [plotted(row) for row in matrix], "zmin": -1, "zmax": 1, "xgap": 1, "ygap": 1,
        "colorscale": [list(stop) for stop in DIVERGING], "customdata": [[[a, b] for b in ids] for a in ids],
        "hovertemplate": "%{customdata[0]}<br>%{customdata[1]}<br>%{z:.2f}<extra></extra>",
        "colorbar": {"title": {"text": "correlation"}, "tickvals": [-1, -0.5, 0, 0.5, 1]},
    }  # fmt: skip
    ticks: dict[str, Any] = {
        "tickvals": list(range(n)), "ticktext": labels, "showgrid": False, "range": [-0.5, n - 0.5],
    }  # fmt: skip
    title, high = "winner · allocation cluster", ROW * max(n, 8)
    share = high / (high + TREE)
    return figure("correlation", "Correlations of the winners, and the tree of their clusters",
                  [trace, lines_of(tree)], height=LABELS + TREE + high,
                  hovermode="closest", shapes=_boxes(clusters),
                  xaxis=axis(title, **ticks, tickangle=-60),
                  yaxis=axis(title, **{**ticks, "range": [n - 0.5, -0.5]}, domain=[0.0, share]),
                  yaxis2=axis("merged at", rangemode="tozero", domain=[share + 0.02, 1.0], nticks=4))  # fmt: skip


def _boxes(clusters: Sequence[int]) -> list[dict[str, Any]]:
    """Return a frame around each run of equal clusters on the diagonal; the page gives it its ink."""
    starts = [k for k in range(len(clusters)) if k == 0 or clusters[k] != clusters[k - 1]]
    ends = [*starts[1:], len(clusters)]
    return [
        {"type": "rect", "x0": a - 0.5, "x1": b - 0.5, "y0": a - 0.5, "y1": b - 0.5, "line": {"width": 2}}
        for a, b in zip(starts, ends, strict=True)
    ]


def _table(
    atoms: Sequence[Atom], clusters: Sequence[int], weights: Mapping[str, float], matrix: Floats, cap: float
) -> Table:
    """Return one row per cluster in the order of the tree: members, their mean correlation, gross weight, the cap."""
    rows = []
    for cluster in dict.fromkeys(clusters):
        inside = [k for k, other in enumerate(clusters) if other == cluster]
        pairs = matrix[np.ix_(inside, inside)][np.triu_indices(len(inside), 1)]
        held = sum(weights.get(atoms[k].symbol, 0.0) for k in inside)
        mean = float(pairs.mean()) if len(pairs) else None
        members = ", ".join(short(atoms[k]) for k in inside)
        rows.append((str(cluster), members, number(mean), percent(held), percent(cap)))
    head = ("cluster", "members", "mean correlation inside", "weight", "cap")
    return Table(head=head, rows=tuple(rows), texts=2)


CLUSTERS = Section(key="clusters", title="Clusters of the current winners", draw=draw, of_run=True)
