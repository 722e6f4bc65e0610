"""Growth of 1 and the falls from its peaks."""

from typing import Any

import polars as pl

from tvquant.ledger.recorded_run import Absent
from tvquant.report.blocks import Block
from tvquant.report.figures import axis, colours, days, figure, plotted
from tvquant.report.run import RunData
from tvquant.report.sections.contract import Section
from tvquant.statistics import drawdown_series


def draw(run: RunData) -> tuple[Block, ...]:
    """Return equity of every cell on a log axis, its drawdown below; the headline is thick."""
    table, chosen = run.table("returns"), _chosen(run)
    played = set(table["cell"].unique())
    names = [cell.key for cell in run.cells if cell.key in played]
    colour = colours(names, chosen)
    traces: list[dict[str, Any]] = []
    for name in sorted(names, key=lambda n: n == chosen):  # the thick line is drawn last, on top
        mine = table.filter(pl.col("cell") == name)
        equity, x = mine["equity"].to_numpy(), days(mine["time"])
        line = {"color": colour[name], "width": 2.6 if name == chosen else 1.2}
        common = {"type": "scatter", "mode": "lines", "name": name, "legendgroup": name, "x": x, "line": line}
        traces.append({**common, "y": plotted(v if v > 0 else None for v in equity)})
        falls = 100 * drawdown_series(mine["return"].to_numpy())
        traces.append({**common, "y": plotted(falls), "yaxis": "y2", "showlegend": False})
    title = "Equity (top, log scale) and drawdown (bottom), all cells, net of costs"
    layout = {
        "xaxis": axis("bar date", anchor="y2", type="date"),
        "yaxis": axis("equity, start = 1", type="log", domain=[0.36, 1], tickformat="~g", dtick="D2"),
        "yaxis2": axis("drawdown, %", domain=[0, 0.3]),
    }
    return (figure("equity", title, traces, height=620, **layout),)


def _chosen(run: RunData) -> str | None:
    try:
        return run.headline.key
    except Absent:
        return None


EQUITY = Section(key="equity", title="Equity and drawdown", draw=draw)
