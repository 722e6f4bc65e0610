"""What is held and through whom: sleeve, atom, instrument, and where sleeves cancel each other."""

from typing import Any

import polars as pl

from tvquant.core.instruments import symbol_of
from tvquant.report.blocks import Block, Data, Figure, Table, Text
from tvquant.report.figures import GREY, GROSS, LONG, NET, SHORT, axis, days, figure, plotted
from tvquant.report.formatting import count, day, percent
from tvquant.report.meta.run import MetaRun
from tvquant.report.sections.contract import Section

SHOWN = 40
"""Atoms in the figure; the table beside it has them all."""
DUST = 1e-12
ROW = 28
"""Pixels of an atom."""
FAINT = {LONG: "rgba(58,161,126,0.45)", SHORT: "rgba(209,73,91,0.45)"}


def draw(run: MetaRun) -> tuple[Block, ...]:
    """Return the tree of the last decision, its instruments with what cancels, and gross before and after netting."""
    cell = run.path_of(run.headline)
    tree = run.table("tree", cell)
    last = tree.filter(pl.col("decided_at") == tree["decided_at"].max())
    own = pl.col("atom").str.strip_prefix(pl.col("sleeve") + "/")
    held = last.filter(pl.col("weight").abs() > DUST).with_columns(atom=own)
    table = tree.drop("cell")
    data = Data(name="tree", about="what every atom of every sleeve adds to its instrument, by decision", frame=table)
    if held.is_empty():
        return (Text(text=f"Nothing was held after the last decision, {day(tree['decided_at'].max())}."), data)
    order = held.sort(pl.col("weight").abs(), "atom", descending=[True, False])
    left = len(order) - SHOWN
    more = f"The {SHOWN} largest of {count(len(order))} atoms are drawn. " if left > 0 else ""
    return (
        _flow(cell, order.head(SHOWN), str(day(tree["decided_at"].max()))),
        Text(
            text=f"{more}Green is long, red is short; the width is the weight without its sign, after limits on the "
            "union of instruments. What sleeves hold against each other on one instrument is not traded. "
            "What of a share is in no atom is cash of the sleeve, or was taken by limits.",
            tone="note",
        ),
        _sleeves(run, last),
        _instruments(held),
        _netting(cell, tree),
        data,
    )


def _flow(cell: str, held: pl.DataFrame, date: str) -> Figure:
    """Return the flow sleeve -> atom -> instrument."""
    sleeves, symbols = sorted(set(held["sleeve"])), sorted(set(held["symbol"]))
    atoms = [f"{one['sleeve']}/{one['atom']}" for one in held.iter_rows(named=True)]
    place = {name: k for k, name in enumerate((*sleeves, *atoms, *symbols))}
    start = len(sleeves) + len(atoms)
    side = [LONG if weight > 0.0 else SHORT for weight in held["weight"]]
    net = {name: float(held.filter(pl.col("symbol") == name)["weight"].sum()) for name in symbols}
    labels = [*sleeves, *held["atom"].to_list(), *(f"{symbol_of(name)} {percent(net[name])}" for name in symbols)]
    size = plotted([100 * abs(weight) for weight in held["weight"]])
    trace: dict[str, Any] = {
        "type": "sankey", "arrangement": "snap", "valueformat": ".2f", "valuesuffix": " %",
        "node": {
            "label": labels, "customdata": labels, "pad": 14, "thickness": 12,
            "color": [*[GREY] * len(sleeves), *side, *(LONG if net[n] > 0 else SHORT for n in symbols)],
            "hovertemplate": "%{label}: %{value}<extra></extra>",
        },
        "link": {
            "source": [*(place[name] for name in held["sleeve"]), *range(len(sleeves), start)],
            "target": [*range(len(sleeves), start), *(start + symbols.index(name) for name in held["symbol"])],
            "value": [*size, *size],
            "color": [FAINT[one] for one in (*side, *side)],
            "hovertemplate": "%{source.label} → %{target.label}: %{value}<extra></extra>",
        },
    }  # fmt: skip
    return figure("tree", f"Sleeves, atoms and instruments of {cell}, decided {date}", [trace],
                  height=max(320, 80 + ROW * len(atoms)), hovermode="closest",
                  margin={"l": 8, "r": 8, "t": 16, "b": 16})  # fmt: skip


def _sleeves(run: MetaRun, last: pl.DataFrame) -> Table:
    rows = []
    for name in run.weighed:
        mine = last.filter(pl.col("sleeve") == name)
        share = float(mine["share"][0]) if len(mine) else 0.0
        gross, net = float(mine["weight"].abs().sum()), float(mine["weight"].sum())
        atoms = int((mine["weight"].abs() > DUST).sum())
        rows.append((name, percent(share), count(atoms), percent(gross), percent(net), percent(share - gross)))
    head = ("sleeve, last decision", "share", "atoms", "gross", "net", "in no atom")
    return Table(head=head, rows=tuple(rows))


def _instruments(held: pl.DataFrame) -> Table:
    """Return what the sleeves add to each instrument; gross less net without sign is what cancels."""
    weight = pl.col("weight")
    sums = held.group_by("symbol").agg(
        weight.filter(weight > 0).sum().alias("long"),
        weight.filter(weight < 0).sum().alias("short"),
        weight.sum().alias("net"),
        pl.col("sleeve").unique().sort().alias("sleeves"),
    )
    order = sums.sort(pl.col("long") - pl.col("short"), "symbol", descending=[True, False])
    rows = tuple(
        (
            symbol_of(one["symbol"]), ", ".join(one["sleeves"]), percent(one["long"], 2), percent(one["short"], 2),
            percent(one["net"], 2), percent(one["long"] - one["short"] - abs(one["net"]), 2),
        )
        for one in order.iter_rows(named=True)
    )  # fmt: skip
    head = ("instrument", "through", "long", "short", "net", "cancelled")
    return Table(head=head, rows=rows, texts=2)


def _netting(cell: str, tree: pl.DataFrame) -> Figure:
    """Return gross of all atoms, of the instruments net, and net, at each decision."""
    by_name = tree.group_by("decided_at", "symbol").agg(pl.col("weight").sum())
    sums = (
        tree.group_by("decided_at").agg(pl.col("weight").abs().sum().alias("atoms"))
        .join(by_name.group_by("decided_at").agg(pl.col("weight").abs().sum().alias("instruments"),
                                                 pl.col("weight").sum().alias("net")), on="decided_at")
        .sort("decided_at")
    )  # fmt: skip
    x = days(sums["decided_at"])
    traces = [
        {"type": "scatter", "mode": "lines", "name": name, "x": x, "y": plotted(100 * sums[column].to_numpy()),
         "line": {"width": 1.8, "shape": "hv", "color": colour, "dash": dash}}
        for name, column, colour, dash in (
            ("gross of all atoms", "atoms", GROSS, "dot"), ("gross of instruments", "instruments", GROSS, "solid"),
            ("net", "net", NET, "solid"),
        )
    ]  # fmt: skip
    mean = float((sums["atoms"] - sums["instruments"]).to_numpy().mean())
    title = f"Gross before and after netting, {cell}: {percent(abs(mean), 2)} of equity cancels on average"
    return figure("netting", title, traces, height=320, xaxis=axis("decision date", type="date"),
                  yaxis=axis("% of equity"))  # fmt: skip


TREE = Section(key="tree", title="What is held, and through whom", draw=draw)
