"""What longs, shorts, costs and funding brought."""

from typing import Any

import numpy as np
import polars as pl

from tvquant.core.panel import Floats
from tvquant.report.blocks import Block, Figure, Table, Text
from tvquant.report.figures import COSTS, FUNDING, HEADLINE, LONG, OTHER, SHORT, axis, days, figure, plotted
from tvquant.report.formatting import count, percent
from tvquant.report.run import RunData
from tvquant.report.sections.contract import Section

DUST = 1e-9
"""A contribution whose sum of absolute rows is not larger is rounding."""
COLOUR = {"longs": LONG, "shorts": SHORT, "costs": COSTS, "funding": FUNDING, "other": OTHER}


def draw(run: RunData) -> tuple[Block, ...]:
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


CONTRIBUTION = Section(key="contribution", title="Long and short contribution", draw=draw)
