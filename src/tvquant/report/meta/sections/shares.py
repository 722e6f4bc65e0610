"""What part of equity each sleeve had, decision by decision."""

from typing import Any

import numpy as np
import polars as pl

from tvquant.core.panel import Floats
from tvquant.core.quoting import several
from tvquant.report.blocks import Block, Data, Table, Text
from tvquant.report.figures import CASH, COLOURS, LONG, SHORT, axis, days, figure, plotted
from tvquant.report.formatting import count, day, percent, plain
from tvquant.report.meta.run import STILL, MetaRun
from tvquant.report.sections.contract import Section

SOLVED = ("solved", "baseline", STILL)
"""How a decision ends that was answered as asked, or asked for nothing."""
NAMED = 2
"""Reasons that a line names."""


def draw(run: MetaRun) -> tuple[Block, ...]:
    """Return areas of the sleeves and cash, what each had on average, and decisions that went otherwise than asked."""
    cell = run.path_of(run.headline)
    table = run.table("shares", cell)
    wide = table.pivot("sleeve", index="decided_at", values="share", maintain_order=True).sort("decided_at")
    names = [name for name in run.weighed if name in wide.columns]
    held = {name: wide[name].fill_null(0.0).to_numpy() for name in names}
    held["cash"] = 1.0 - np.sum(list(held.values()), axis=0)
    clear = [one for one in COLOURS if one not in (LONG, SHORT)]
    colour = {name: clear[k % len(clear)] for k, name in enumerate(names)} | {"cash": CASH}
    x = days(wide["decided_at"])
    traces = [_area(name, values, x, colour[name]) for name, values in held.items()]
    low, high = run.profile.allocation.bounds
    rows = tuple((name, *_spread(values)) for name, values in held.items())
    return (
        figure("shares", f"Shares of the sleeves, {cell}", traces, height=380,
               xaxis=axis("decision date", type="date"), yaxis=axis("share, % of equity", range=[0, 100])),
        Table(head=("sleeve", "mean", "lowest", "highest", "last"), rows=rows),
        *_otherwise(run, table),
        Text(
            text=f"{count(len(wide))} decisions from {day(wide['decided_at'][0])} to {day(wide['decided_at'][-1])}, "
            f"each by the last {count(run.profile.windows.train)} common rows; a sleeve may have {percent(low)} to "
            f"{percent(high)}. Between decisions shares drift with the streams.",
            tone="note",
        ),
        Data(name="shares", about="share of each sleeve at each decision", frame=table.drop("cell")),
    )  # fmt: skip


def _area(name: str, values: Floats, x: list[str], colour: str) -> dict[str, Any]:
    return {
        "type": "scatter", "mode": "lines", "stackgroup": "one", "name": name, "x": x, "y": plotted(100 * values),
        "line": {"width": 0.5, "shape": "hv", "color": colour}, "fillcolor": colour,
    }  # fmt: skip


def _spread(values: Floats) -> tuple[str, ...]:
    return tuple(percent(float(one)) for one in (values.mean(), values.min(), values.max(), values[-1]))


def _otherwise(run: MetaRun, table: pl.DataFrame) -> tuple[Text, ...]:
    """Return decisions that asked for nothing, and those not solved as asked, by how they ended and why."""
    every = table.unique("decided_at")
    still, ended = every.filter(status=STILL), every.filter(~pl.col("status").is_in(SOLVED))
    text = (
        f"{count(len(still))} of {count(len(every))} decisions had nothing to weigh, and left all in cash: no sleeve "
        "moved on their training rows. They count as no failure."
    )
    idle = (Text(text=text, tone="note"),) if len(still) else ()
    if ended.is_empty():
        return idle
    kinds = ended["status"].value_counts().sort("status").iter_rows()
    words = ", ".join(f"{plain(status)} at {n}" for status, n in kinds)
    why = several(list(dict.fromkeys(run.unsolved)), NAMED)
    return (
        *idle,
        Text(text=f"Decisions that were not solved as asked: {words}{f' ({why})' if why else ''}.", tone="warning"),
    )


SHARES = Section(key="shares", title="Shares of the sleeves", draw=draw)
