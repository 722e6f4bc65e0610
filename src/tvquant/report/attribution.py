"""What logics and directions brought, gross and net of each kind of cost, and how sure that is."""

from typing import Any

import numpy as np
import polars as pl

from tvquant.core.books import COST_KINDS
from tvquant.report.blocks import Block, Data, Figure, Table, Text
from tvquant.report.figures import COSTS, LONG, OTHER, SHORT, axis, figure, plotted
from tvquant.report.formatting import count, percent, plain
from tvquant.report.played_run import PlayedRun

NOTE = (
    "What each atom brought is weight x sign x gate of its asset, before opposite atoms cancel, from one fill to the "
    "next. Costs of a fill are shared by what each atom traded of the name, borrow fees and funding among the atoms on "
    "the side that is held; below zero they were received. Execution is what was held else than ordered (orders not "
    "filled, lots, bands); cash has "
    "interest and yield. Each number but the last is a sum over {windows} windows of fractions of the equity at the "
    "window's fill, ± one standard error with windows as independent; of starting capital, in which later windows of a "
    "grown book weigh more, they add up to the total return."
)


def by_logic(run: PlayedRun, cell: str) -> tuple[Block, ...]:
    """Return what atoms of each logic and direction brought in table and plot; nothing where a cell has no atoms.

    Atoms of a meta-portfolio are of its sleeves: what each of these brought.

    Raises
    ------
    Absent : the run has no such table.
    """
    table = run.table("attribution").filter(pl.col("cell") == cell)
    if not len(table):
        return ()
    windows = int(run.table("windows", cell)["filled_at"].drop_nulls().len())
    kinds = [kind for kind in COST_KINDS if kind in table.columns and table[kind].abs().sum() > 0.0]
    parts = _parts(table, kinds)
    head = ("part", "gross", *(plain(kind) for kind in kinds), "net", "± SE", "of starting capital", "windows with it")
    rows = [
        (
            str(one["name"]),
            *(percent(one[name], 2) for name in ("gross", *kinds, "net")),
            percent(spread(one["net"], one["squares"], windows), 2),
            percent(one["capital"], 2),
            count(one["held"]),
        )
        for one in parts
    ]
    whole = {name: sum(one[name] for one in parts) for name in ("gross", *kinds, "net", "capital")}
    by_window = table.group_by("window", maintain_order=True).agg(pl.col("net").sum())["net"].to_numpy()
    rows.append(
        (
            "all",
            *(percent(whole[name], 2) for name in ("gross", *kinds, "net")),
            percent(spread(whole["net"], float((by_window**2).sum()), windows), 2),
            percent(whole["capital"], 2),
            count(windows),
        )
    )
    return (
        Table(head=head, rows=tuple(rows), strong=frozenset({len(parts)})),
        _bars(cell, parts, kinds, "sleeve" if of_sleeves(table) else "logic"),
        Text(text=NOTE.format(windows=count(windows)), tone="note"),
        Data(
            name="attribution",
            about="what each atom brought and paid, by window: fractions of the equity `level`",
            frame=table.drop("cell"),
        ),
    )


def _parts(table: pl.DataFrame, kinds: list[str]) -> list[dict[str, Any]]:
    """Return one entry per logic (sleeve) and direction, then execution and cash, with sums over windows."""
    of = pl.col("atom").str.split("/").list.first() if of_sleeves(table) else pl.col("logic")
    name = pl.when(pl.col("part") == "atom").then(of + " " + pl.col("direction").str.to_lowercase())
    named = table.with_columns(name=name.otherwise(pl.col("part")))
    by_window = named.group_by("part", "name", "direction", "window", maintain_order=True).agg(
        pl.col("gross", *kinds, "net").sum(), capital=(pl.col("net") * pl.col("level")).sum()
    )
    found = by_window.group_by("part", "name", "direction", maintain_order=True).agg(
        pl.col("gross", *kinds, "net", "capital").sum(), squares=(pl.col("net") ** 2).sum(), held=pl.len()
    )
    order = {"atom": 0, "execution": 1, "cash": 2}
    return sorted(found.iter_rows(named=True), key=lambda one: (order[one["part"]], one["name"]))


def spread(total: float, squares: float, n: int) -> float | None:
    """Return the standard error of a sum of n independent values, from their sum and the sum of their squares."""
    return float(np.sqrt(n * max(squares - total**2 / n, 0.0) / (n - 1))) if n > 1 else None


def of_sleeves(table: pl.DataFrame) -> bool:
    """Return whether the atoms of a table are of sleeves: `SLEEVE/ATOM`."""
    return bool(table["atom"].str.contains("/", literal=True).any())


def _bars(cell: str, parts: list[dict[str, Any]], kinds: list[str], what: str) -> Figure:
    """Return gross, costs and net of each part beside each other."""
    names = [one["name"] for one in parts]
    side = {"LONG": LONG, "SHORT": SHORT}
    gross = {
        "type": "bar", "name": "gross (green long, red short)", "x": names,
        "y": plotted(100 * one["gross"] for one in parts),
        "marker": {"color": [side.get(one["direction"], OTHER) for one in parts]},
    }  # fmt: skip
    paid = {
        "type": "bar", "name": "costs", "x": names, "marker": {"color": COSTS},
        "y": plotted(-100 * sum(one[kind] for kind in kinds) for one in parts),
    }  # fmt: skip
    net = {
        "type": "scatter", "mode": "markers", "name": "net", "x": names,
        "y": plotted(100 * one["net"] for one in parts),
        "marker": {"color": "#444", "size": 11, "symbol": "diamond"},
    }  # fmt: skip
    across, up = axis(f"{what} and direction", type="category"), axis("sum over windows, % of equity", zeroline=True)
    title = f"What {what}s and directions brought to {cell}"
    return figure("attribution", title, [gross, paid, net], height=380, barmode="group", xaxis=across, yaxis=up)
