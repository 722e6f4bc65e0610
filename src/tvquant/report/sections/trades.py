"""What the headline traded, as it was filled."""

import numpy as np
import polars as pl

from tvquant.report.blocks import Block, Data, Facts, Text
from tvquant.report.formatting import count, percent
from tvquant.report.played_run import PlayedRun
from tvquant.report.sections.contract import Section


def draw(run: PlayedRun) -> tuple[Block, ...]:
    """Return totals, and every trade, a page at a time."""
    cell = run.headline.key
    mine = run.table("trades").filter(pl.col("cell") == cell)
    if mine.is_empty():
        return (Text(text=f"{cell} never traded."),)
    bought = pl.col("quantity") > 0
    frame = mine.select(
        pl.col("time").alias("date"),
        "symbol",
        pl.when(bought).then(pl.lit("buy")).otherwise(pl.lit("sell")).alias("side"),
        pl.col("kind").str.replace_all("_", " "),
        "quantity",
        "price",
        pl.col("share").alias("share of equity"),
        (pl.col("slippage") + pl.col("commission") + pl.col("impact")).alias("cost"),
        "window",
    )
    ordered = mine.drop_nulls("window")
    facts = (
        ("Trades", f"{count(len(mine))} of {count(mine['symbol'].n_unique())} names at {count(_fills(ordered))} fills"),
        (
            "Nobody ordered",
            f"{count(len(mine) - len(ordered))} of them: closed out, lost their collateral, or by a margin call",
        ),
        ("Median size", percent(_median(ordered), 2) + " of equity"),
    )
    return (
        Facts(pairs=facts),
        Data(name="trades", about="every trade as filled", frame=frame, paged=True),
        Text(
            text="Recorded fills of the simulated book, not of a broker: quantities are for a starting capital of 1 "
            "(a capital of 10,000 trades 10,000 times as many), prices are those of the data at the fill, cost is "
            "slippage, commission and impact as a fraction of the starting capital.",
            tone="note",
        ),
    )


def _fills(ordered: pl.DataFrame) -> int:
    return ordered["time"].n_unique()


def _median(ordered: pl.DataFrame) -> float | None:
    sizes = ordered["share"].abs().to_numpy()
    return float(np.median(sizes)) if len(sizes) else None


TRADES = Section(key="trades", title="Trades", draw=draw)
