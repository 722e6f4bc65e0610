"""Why discovered atoms were not eligible, and how many of them."""

from typing import Any

import polars as pl

from tvquant.report.blocks import Block, Data, Facts, Figure, Table, Text
from tvquant.report.figures import GREY, axis, colours, days, figure
from tvquant.report.formatting import NOTHING, count, number, percent, plain
from tvquant.report.run import RunData
from tvquant.report.sections.contract import Section
from tvquant.selection.eligibility import MEANINGS
from tvquant.selection.relaxation import CLUSTER_FLOOR
from tvquant.selection.vetoes.catalogue import VETOES
from tvquant.universe.health import REASONS

SHOWN = 8
OTHERS = "other reasons"
HEALTH = {
    "history": "Fewer bars are known than the profile's floor.",
    "extreme_return": "A return on the training rows is larger than is believed.",
    "zero_variance": "The price does not move on the training rows.",
    "missing_rows": "Too large a share of the training rows is missing.",
    "gap": "More bars in a row are missing than its market tolerates.",
}
"""What the reasons of `universe.health` mean."""


def draw(run: RunData) -> tuple[Block, ...]:
    """Return atoms that fell out between discovery and refinement, by reason: totals, and over time."""
    cell = run.headline.key
    windows = run.table("windows", cell)
    vetoes = run.table("vetoes").filter(pl.col("cell") == cell)
    discovered = int(windows["atoms_discovery"].sum())
    intro = f"{count(discovered)} atoms were discovered at {count(len(windows))} decisions of {cell}"
    if vetoes.is_empty():
        return (Text(text=f"{intro}, and none of them fell out before selection."),)
    lost = vetoes.group_by("reason").agg(pl.col("atoms").sum(), pl.col("window").n_unique().alias("windows"))
    lost = lost.sort(["atoms", "reason"], descending=[True, False])
    total = int(lost["atoms"].sum())
    return (
        Text(text=f"{intro}; {count(total)} ({percent(total / discovered)}) fell out before selection."),
        _over_time(cell, windows, vetoes, lost["reason"].to_list()),
        _totals(lost, discovered, len(windows)),
        Facts(pairs=tuple((plain(reason), _about(reason)[1]) for reason in lost["reason"].to_list())),
        Text(
            text="Each atom counts once at a decision, under the first reason that it failed: health before vetoes, "
            "hard vetoes before soft ones. A soft veto takes its share of pure noise by design, and relaxation "
            "takes atoms back in spite of one; those are not counted, their records say `overridden`.",
            tone="note",
        ),
        Data(name="fallen", about="atoms that fell out, by decision and reason", frame=vetoes.drop("cell")),
    )


def _totals(lost: pl.DataFrame, discovered: int, decisions: int) -> Table:
    """Return one row per reason, the largest first."""
    rows = tuple(
        (
            plain(reason),
            _about(reason)[0],
            count(atoms),
            percent(atoms / discovered),
            number(atoms / decisions),
            f"{count(at)} ({percent(at / decisions, 0)})",
        )
        for reason, atoms, at in lost.select("reason", "atoms", "windows").iter_rows()
    )
    head = ("reason", "kind", "atoms", "of discovered", "per decision", "decisions with it")
    return Table(head=head, rows=rows, texts=2)


def _about(reason: str) -> tuple[str, str]:
    """Return kind and meaning of a reason."""
    if reason in REASONS:
        return ("health", HEALTH[reason])
    if reason in VETOES:
        return ("hard" if VETOES[reason].hard else "soft", VETOES[reason].meaning)
    if reason in MEANINGS:
        return ("hard", MEANINGS[reason])
    if reason == CLUSTER_FLOOR:
        return ("soft", "Its cluster was left empty, and it is too near to noise to stand for it.")
    return (NOTHING, "This version of tvquant does not know it.")


def _over_time(cell: str, windows: pl.DataFrame, vetoes: pl.DataFrame, order: list[str]) -> Figure:
    """Return stacked counts, the largest reason lowest; the smallest ones together."""
    place = {window: k for k, window in enumerate(windows["window"].to_list())}
    named, colour = order[:SHOWN], colours(order[:SHOWN]) | {OTHERS: GREY}
    counts: dict[str, list[int]] = {name: [0] * len(place) for name in (*named, OTHERS)}
    for window, reason, atoms in vetoes.select("window", "reason", "atoms").iter_rows():
        counts[reason if reason in named else OTHERS][place[window]] += atoms
    x = days(windows["decided_at"])
    traces: list[dict[str, Any]] = [
        {"type": "scatter", "mode": "lines", "stackgroup": "reasons", "name": plain(name), "x": x, "y": values,
         "fillcolor": colour[name], "line": {"width": 0, "shape": "hv", "color": colour[name]}}
        for name, values in counts.items() if any(values)
    ]  # fmt: skip
    return figure("vetoes", f"Atoms that fell out at each decision of {cell}, by reason", traces, height=380,
                  xaxis=axis("decision date", type="date"), yaxis=axis("atoms, count", rangemode="tozero"),
                  showlegend=True)  # fmt: skip


VETOES_BY_REASON = Section(key="vetoes", title="Vetoes by reason", draw=draw)
