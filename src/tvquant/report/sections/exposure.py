"""How much of its equity the headline had in the market, and what it left in cash."""

from typing import Any

import numpy as np
import polars as pl

from tvquant.core.panel import Floats
from tvquant.report.blocks import Block, Data, Figure, Table, Text
from tvquant.report.figures import (
    BOUND,
    CASH,
    FORCED,
    GATED,
    GROSS,
    LONG,
    NET,
    OTHER,
    SHORT,
    axis,
    days,
    figure,
    plotted,
)
from tvquant.report.formatting import count, percent
from tvquant.report.played_run import PlayedRun
from tvquant.report.sections.contract import Section

DUST = 1e-9
"""An exposure that is not larger is rounding."""
COLOUR = {"gross": GROSS, "long": LONG, "short": SHORT, "net": NET}


def draw(run: PlayedRun) -> tuple[Block, ...]:
    """Return gross, net, long and short as held on every row; cash of every decision by its reason.

    Both in one table.
    """
    cell = run.headline.key
    rows, windows = run.table("returns", cell), run.table("windows", cell)
    held = _held(rows)
    cash = _cash(windows)
    table = Table(
        head=("share of equity", "over", "mean", "lowest", "highest", "last"),
        rows=(
            *(_row(name, f"{count(len(rows))} rows", values) for name, values in held.items()),
            *(_row(name, f"{count(len(windows))} decisions", values) for name, (values, _) in cash.items()),
        ),
        texts=2,
    )
    only_long = "short" not in held
    only = "It never held a short, so net and long exposure are equal to gross. " if only_long else ""
    caps = cash["cash forced by caps"][0]
    gross, limit = held["gross"], run.gross_limit
    above = int(np.count_nonzero(gross > limit + DUST))
    return (
        _exposures(cell, rows, held),
        _kept(cell, windows, cash),
        table,
        Text(
            text=f"{only}Exposures are of the book as it drifted after each fill; limits bind at decisions: gross was "
            f"above its limit of {percent(limit)} on {count(above)} of {count(len(rows))} rows. Caps forced cash at "
            f"{np.count_nonzero(caps > DUST)} of {len(windows)} decisions: even full positions could not place it, or "
            "they cut weights that go to nobody else (equal and declared ones). "
            "Other cash was left by the optimiser, by a limit on gross or net, or for want of a candidate.",
            tone="note",
        ),
        Data(
            name="book",
            about="the account at every bar: equity, cash, exposure, costs by kind, contributions; columns without any "
            "value but 0 are left out",
            frame=_moving(rows.drop("cell")),
        ),
        Data(name="decisions", about="every decision: when, how it ended, cash, turnover", frame=windows.drop("cell")),
    )


def _moving(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the columns that are not all 0."""
    return rows.select(name for name in rows.columns if name == "time" or (rows[name] != 0.0).any())


def _held(rows: pl.DataFrame) -> dict[str, Floats]:
    """Return exposures by row as fractions of equity, shorts negative; without any short, there is gross only."""
    gross, net = rows["gross"].to_numpy(), rows["net"].to_numpy()
    short = (net - gross) / 2.0
    if not (short < -DUST).any():
        return {"gross": gross}
    return {"gross": gross, "long": (gross + net) / 2.0, "short": short, "net": net}


def _cash(windows: pl.DataFrame) -> dict[str, tuple[Floats, str]]:
    """Return cash of each decision by its reason, with a colour; what netting took away only where it took any."""
    forced, moved = windows["forced_cash"].to_numpy(), windows["moved"].to_numpy()
    bound = windows["reference_cash"].to_numpy()
    gates = windows["gate_cash"].to_numpy() if "gate_cash" in windows.columns else np.zeros(len(windows))
    rest = windows["cash"].to_numpy() - forced - bound - moved - gates
    rest = np.where(np.abs(rest) > DUST, rest, 0.0)
    netted = {"taken away by caps after netting": (moved, OTHER)} if (moved > DUST).any() else {}
    own = {"cash kept by reference bounds": (bound, BOUND)} if (bound > DUST).any() else {}
    own |= {"cash left out by gates": (gates, GATED)} if (gates > DUST).any() else {}
    return {"cash forced by caps": (forced, FORCED), **own, **netted, "other cash": (rest, CASH)}


def _exposures(cell: str, rows: pl.DataFrame, held: dict[str, Floats]) -> Figure:
    x = days(rows["time"])
    traces = [
        {"type": "scatter", "mode": "lines", "name": name, "x": x, "y": plotted(100 * values),
         "line": {"width": 1.6, "color": COLOUR[name], "dash": "dot" if name == "net" else "solid"}}
        for name, values in held.items()
    ]  # fmt: skip
    across, up = axis("bar date", type="date"), axis("exposure, % of equity", rangemode="tozero")
    title = f"Exposure of {cell} on every row, as held"
    return figure("exposure", title, traces, height=360, showlegend=True, xaxis=across, yaxis=up)


def _kept(cell: str, windows: pl.DataFrame, cash: dict[str, tuple[Floats, str]]) -> Figure:
    x = days(windows["decided_at"])
    bars: list[dict[str, Any]] = [
        {"type": "bar", "name": name, "x": x, "y": plotted(100 * values), "marker": {"color": colour}}
        for name, (values, colour) in cash.items()
    ]
    across, up = axis("decision date", type="date"), axis("cash, % of equity", rangemode="tozero")
    title = f"Cash at each decision of {cell}, by its reason"
    return figure("cash", title, bars, height=300, barmode="stack", xaxis=across, yaxis=up)


def _row(name: str, over: str, values: Floats) -> tuple[str, ...]:
    """Return mean, lowest, highest and last of what is known; a book that is gone has no exposure."""
    there = values[np.isfinite(values)]
    if not len(there):
        return (name, over, *[percent(None)] * 4)
    return (name, over, *(percent(float(v)) for v in (there.mean(), there.min(), there.max(), there[-1])))


EXPOSURE = Section(key="exposure", title="Exposure and cash", draw=draw)
