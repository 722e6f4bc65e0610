"""One symbol of the lake on a page: its closes, and where something is odd or was repaired."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl

from tvquant.lake import Finding, Listing
from tvquant.report.blocks import Figure
from tvquant.report.figures import FORCED, HEADLINE, axis, colours, days, figure, plotted
from tvquant.report.page import page_of, write_page

SOON = timedelta(days=5)
"""Longer than any week-end with its holidays."""


def write_bars(path: Path, found: Listing, findings: Sequence[Finding], *, within: Path) -> None:
    """Write the page of a symbol below `within`, and the script that draws it beside it.

    Raises
    ------
    DataError : no plotly, the disk refuses, or a link leads out of `within`.
    """
    write_page(path, page_of_bars(found, findings), within=within)


def page_of_bars(found: Listing, findings: Sequence[Finding]) -> str:
    """Return the page as HTML."""
    dates, repaired = days(found.bars["timestamp"]), int(found.bars["repaired"].sum())
    return page_of(
        title=found.symbol.name,
        summary=f"{len(found.bars):,} rows, {dates[0]} to {dates[-1]}; {len(findings)} findings, "
        f"{repaired} repaired rows",
        figures=[drawn(found, findings)],
        head=("finding", "first", "last", "bars", "detail"),
        rows=[
            (one.kind.value, str(one.first)[:10], str(one.last)[:10], f"{one.count:,}", one.detail) for one in findings
        ],
        nothing="Nothing odd was found.",
    )


def drawn(found: Listing, findings: Sequence[Finding]) -> Figure:
    """Return closes of all stored rows; a mark at the first bar of each finding, a band over those of several bars."""
    bars = found.bars
    line = _with_holes(bars.select("timestamp", "close"))
    kinds = list(dict.fromkeys(one.kind.value for one in findings))
    shades = colours(kinds)
    traces: list[Mapping[str, Any]] = [
        {"name": "close", "mode": "lines", "x": days(line["timestamp"]), "y": plotted(line["close"]),
         "line": {"color": HEADLINE, "width": 1.2}},
    ]  # fmt: skip
    for kind in kinds:
        mine = [one for one in findings if one.kind.value == kind]
        traces.append(
            {"name": kind, "mode": "markers", "x": [str(one.first)[:10] for one in mine],
             "y": plotted(_close_near(bars, one) for one in mine), "text": [one.detail for one in mine],
             "marker": {"color": shades[kind], "size": 10, "symbol": "diamond"}}
        )  # fmt: skip
    repaired = bars.filter("repaired")
    if len(repaired):
        traces.append(
            {"name": "repaired", "mode": "markers", "x": days(repaired["timestamp"]), "y": plotted(repaired["close"]),
             "marker": {"color": FORCED, "size": 7, "symbol": "circle-open"}}
        )  # fmt: skip
    bands = [
        {"type": "rect", "xref": "x", "yref": "paper", "x0": str(one.first)[:10], "x1": str(one.last)[:10], "y0": 0,
         "y1": 1, "fillcolor": shades[one.kind.value], "opacity": 0.15, "line": {"width": 0}}
        for one in findings
        if one.last > one.first
    ]  # fmt: skip
    return figure(
        "bars", f"Closes of {found.symbol.name}", traces, height=520, shapes=bands, hovermode="closest",
        xaxis=axis(""), yaxis=axis("close", type="log"),
    )  # fmt: skip


def _with_holes(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with an empty one behind each that no other follows soon: no line crosses a hole."""
    alone = rows.filter((pl.col("timestamp").shift(-1) - pl.col("timestamp")) > SOON)
    holes = alone.select(pl.col("timestamp") + timedelta(days=1), pl.lit(None, pl.Float64).alias("close"))
    return pl.concat([rows, holes]).sort("timestamp", maintain_order=True)


def _close_near(bars: pl.DataFrame, finding: Finding) -> float | None:
    """Return the close at the finding's first bar, or the last one before it (the first of all where there is none)."""
    first = pl.lit(finding.first).dt.replace_time_zone("UTC")
    before = bars.filter(pl.col("timestamp").dt.truncate("1d") <= first)["close"].drop_nulls()
    closes = before if len(before) else bars["close"].drop_nulls().head(1)
    return float(closes[-1]) if len(closes) else None
