"""What longs, shorts, costs and funding brought."""

from typing import Any

import numpy as np
import polars as pl

from tvquant.core.panel import Floats
from tvquant.ledger.recorded_parts import Absent
from tvquant.report.attribution import by_logic, spread
from tvquant.report.blocks import Block, Data, Figure, Table, Text
from tvquant.report.figures import COSTS, FUNDING, HEADLINE, LONG, OTHER, SHORT, axis, days, figure, plotted
from tvquant.report.formatting import count, percent
from tvquant.report.played_run import PlayedRun
from tvquant.report.sections.contract import Section

DUST = 1e-9
"""A contribution whose sum of absolute rows is not larger is rounding."""
COLOUR = {"longs": LONG, "shorts": SHORT, "costs": COSTS, "funding": FUNDING, "other": OTHER}


def draw(run: PlayedRun) -> tuple[Block, ...]:
    """Return cumulative contributions of the headline, and the totals of every strategy with their standard errors."""
    chosen = run.headline.key
    table = run.table("returns")
    names = [cell.key for cell in run.cells if not cell.baseline]
    books = {name: _parts(book) for name in names if len(book := table.filter(pl.col("cell") == name))}
    shown = [part for part in COLOUR if part == "costs" or _any(books, part)]
    mine = run.table("returns", chosen)
    head = ("cell", *(word for part in shown for word in _head(part)), "sum", "rows")
    rows = tuple((name, *_totals(parts, shown)) for name, parts in books.items())
    none = tuple(
        Text(text=f"No strategy of this run ever held a {side}.")
        for side in ("long", "short")
        if f"{side}s" not in shown
    )
    left = (
        " Other is what holdings do not explain: positions closed out below their last price, and a dividend's share "
        "of the way to a fill at the open."
        if "other" in shown
        else ""
    )
    return (
        *none,
        _cumulative(chosen, mine, {part: _parts(mine)[part] for part in shown}),
        Table(head=head, rows=rows, strong=frozenset(k for k, name in enumerate(books) if name == chosen)),
        Text(
            text="Sums over rows of each part as a fraction of the equity before the row. They are arithmetic and do "
            "not compound, so their sum is not the total return. ± is one standard error of a sum, with rows taken as "
            f"independent: a part within two of them cannot be told from nothing.{left}",
            tone="note",
        ),
        *_by_logic(run, chosen),
        *_by_name(run, chosen),
    )


def _by_logic(run: PlayedRun, cell: str) -> tuple[Block, ...]:
    """Return what logics and directions brought; a run from before that was kept says so."""
    try:
        return by_logic(run, cell)
    except Absent as error:
        return (Text(text=f"Contribution by logic is not shown: {error}.", tone="missing"),)


def _by_name(run: PlayedRun, cell: str) -> tuple[Block, ...]:
    """Return one row per name that the headline held, what brought most first."""
    try:
        table = run.table("names").filter(pl.col("cell") == cell)
        windows = run.table("windows", cell)["filled_at"].drop_nulls().len()
    except Absent as error:
        return (Text(text=f"Contribution by name is not shown: {error}.", tone="missing"),)
    net = pl.col("long") + pl.col("short") - pl.col("costs")
    sums = (
        table.with_columns(net.alias("net"))
        .group_by("symbol")
        .agg(
            pl.col("long", "short", "costs", "net").sum(),
            pl.len().alias("held"),
            (pl.col("net") ** 2).sum().alias("squares"),
        )
        .sort("net", "symbol", descending=[True, False])
    )
    rows = tuple(
        (
            one["symbol"],
            percent(one["net"]),
            percent(spread(one["net"], one["squares"], windows)),
            percent(one["long"]),
            percent(one["short"]),
            percent(-one["costs"]),
            count(one["held"]),
        )
        for one in sums.iter_rows(named=True)
    )
    head = ("name", "net", "± SE", "while long", "while short", "trading costs", "windows with it")
    return (
        Table(head=head, rows=rows),
        Text(
            text=f"Contribution by name over the {count(windows)} windows of {cell}: sums over rows as above, without "
            "borrow fees, interest and funding (the table of logics has them). ± is one standard error with windows "
            "as independent, those without the name counting 0. Names were chosen by the strategy: the best of them "
            "are the best by hindsight.",
            tone="note",
        ),
        Data(name="names", about="what each name brought from one fill to the next", frame=table.drop("cell")),
    )


def _parts(book: pl.DataFrame) -> dict[str, Floats]:
    """Return contributions by row, what was paid negative, so that they sum to the return.

    NaN once the equity is gone.
    """
    return {
        "longs": book["from_long"].to_numpy(),
        "shorts": book["from_short"].to_numpy(),
        "costs": -book["from_costs"].to_numpy(),
        # A run from before there was funding has no such column.
        "funding": -book["from_funding"].to_numpy() if "from_funding" in book.columns else np.zeros(len(book)),
        "other": book["from_other"].to_numpy(),
    }


def _any(books: dict[str, dict[str, Floats]], part: str) -> bool:
    """Return whether some strategy has this part."""
    return any(np.nansum(np.abs(parts[part])) > DUST for parts in books.values())


def _head(part: str) -> tuple[str, ...]:
    return (part, "± SE") if part in ("longs", "shorts") else (part,)


def _totals(parts: dict[str, Floats], shown: list[str]) -> list[str]:
    """Return cells of the table: each part with its standard error where it is a bet, their sum, rows with equity."""
    whole = np.sum(list(parts.values()), axis=0)
    there = np.isfinite(whole)
    n = int(there.sum())
    words = []
    for part in shown:
        values = parts[part][there]
        words.append(percent(float(values.sum())))
        if part in ("longs", "shorts"):
            words.append(percent(float(np.sqrt(n) * values.std(ddof=1)) if n > 1 else None))
    return [*words, percent(float(whole[there].sum())), count(n)]


def _cumulative(cell: str, book: pl.DataFrame, parts: dict[str, Floats]) -> Figure:
    x = days(book["time"])

    def line(name: str, values: Floats, colour: str, width: float) -> dict[str, Any]:
        return {"type": "scatter", "mode": "lines", "name": name, "x": x, "y": plotted(100 * np.cumsum(values)),
                "line": {"width": width, "color": colour}}  # fmt: skip

    traces = [line(name, values, COLOUR[name], 1.6) for name, values in parts.items()]
    traces.append(line("sum", np.sum(list(_parts(book).values()), axis=0), HEADLINE, 2.6))
    return figure("contribution", f"Cumulative contributions to the return of {cell}, arithmetic", traces, height=420,
                  xaxis=axis("bar date", type="date"), yaxis=axis("sum of rows, % of equity before"))  # fmt: skip


CONTRIBUTION = Section(key="contribution", title="Contribution: long, short, by logic and by name", draw=draw)
