"""What the headline held over time."""

from typing import Any

import numpy as np
import polars as pl

from tvquant.core.panel import Floats
from tvquant.report.blocks import Block, Data, Text
from tvquant.report.figures import GREY, axis, colours, days, figure, plotted
from tvquant.report.played_run import PlayedRun
from tvquant.report.sections.contract import Section

SHOWN = 12
OTHERS = "others"
CASH = "cash"


def draw(run: PlayedRun) -> tuple[Block, ...]:
    """Return decided weights by name, stacked.

    The names with the largest mean absolute weight, the rest as one, and cash.
    """
    cell = run.headline.key
    windows = run.table("windows", cell)
    held = run.table("weights").filter(pl.col("cell") == cell)
    place = {window: k for k, window in enumerate(windows["window"].to_list())}
    series: dict[str, Floats] = {}
    for window, symbol, weight in held.select("window", "symbol", "weight").iter_rows():
        series.setdefault(symbol, np.zeros(len(place)))[place[window]] = weight
    order = sorted(series, key=lambda name: (-float(np.abs(series[name]).mean()), name))
    shown = {name: series[name] for name in order[:SHOWN]}
    rest = order[SHOWN:]
    if rest:
        shown[OTHERS] = np.sum([series[name] for name in rest], axis=0)
    shown[CASH] = windows["cash"].to_numpy()
    colour = colours(order[:SHOWN]) | {OTHERS: "#5c6b7a", CASH: GREY}
    x = days(windows["decided_at"])
    traces = [trace for name, values in shown.items() for trace in _stacked(name, values, x, colour[name])]
    note = f"The {len(order[:SHOWN])} names with the largest mean absolute weight of {len(order)} that were ever held"
    more = f"; {OTHERS} is the net sum of the other {len(rest)}." if rest else "."
    return (
        figure("weights", f"Decided weights of {cell}", traces, height=500, xaxis=axis("decision date", type="date"),
               yaxis=axis("weight, % of equity")),
        Text(text=f"{note}{more} Targets at each decision; between decisions holdings drift.", tone="note"),
        Data(name="weights", about="decided weights by name", frame=held.drop("cell")),
    )  # fmt: skip


def _stacked(name: str, values: Floats, x: list[str], colour: str) -> list[dict[str, Any]]:
    """Return areas of one name: what is long stacks upwards, what is short downwards."""
    common = {
        "type": "scatter", "mode": "lines", "x": x, "name": name, "legendgroup": name, "fillcolor": colour,
        "line": {"width": 0, "shape": "hv", "color": colour},
    }  # fmt: skip
    long = {**common, "stackgroup": "long", "y": plotted(100 * np.maximum(values, 0.0))}
    if (values >= 0).all():
        return [long]
    return [long, {**common, "stackgroup": "short", "showlegend": False, "y": plotted(100 * np.minimum(values, 0.0))}]


WEIGHTS = Section(key="weights", title="Weights over time", draw=draw)
