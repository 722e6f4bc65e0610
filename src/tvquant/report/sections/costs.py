"""What trading and holding cost the headline."""

import polars as pl

from tvquant.core.measures import Measures
from tvquant.report.blocks import Block, Facts, Text
from tvquant.report.figures import axis, colours, days, figure, plotted
from tvquant.report.formatting import number, percent
from tvquant.report.played_run import PlayedRun
from tvquant.report.sections.contract import Section


def draw(run: PlayedRun) -> tuple[Block, ...]:
    """Return costs by kind: in total, per year as a share of that year's mean equity; turnover of each fill."""
    cell, paid = run.headline, run.headline.measures
    assumed = assumed_funding(paid)
    kinds = dict.fromkeys(kind for one in run.outcomes for kind in one.measures.costs)
    totals = {kind: paid.costs.get(kind, 0.0) for kind in kinds}
    pairs = [(name, percent(total, 2)) for name, total in totals.items()]
    facts = Facts(
        pairs=(
            *pairs,
            ("all costs", percent(sum(totals.values()), 2)),
            ("traded value", f"{number(paid.traded, 1)} x equity at the fills, two-way"),
        )
    )
    note = (
        "Totals are sums in % of the starting capital: after growth the same rate costs more of it. "
        "Funding below zero was received, cash_yield below zero was earned."
    )
    yearly = (
        run.table("returns", cell.key)
        .group_by(pl.col("time").dt.year().alias("year"), maintain_order=True)
        .agg(pl.col("equity").mean(), *(pl.col(name).sum() for name in totals))
    )
    colour = colours(list(totals))
    bars = [
        {
            "type": "bar", "name": name, "x": yearly["year"].to_list(), "marker": {"color": colour[name]},
            "y": plotted(100 * paid / level if level > 0 else None for paid, level in yearly[name, "equity"].rows()),
        }
        for name in totals
    ]  # fmt: skip
    fills = run.table("windows", cell.key).drop_nulls("filled_at")
    turnover = {
        "type": "bar", "name": "turnover", "x": days(fills["filled_at"]), "y": plotted(100 * fills["turnover"]),
        "marker": {"color": colours([], "turnover")["turnover"]},
    }  # fmt: skip
    return (
        facts,
        *([Text(text=assumed, tone="warning")] if assumed else []),
        Text(text=note, tone="note"),
        figure("costs", "Costs per calendar year, by kind", bars, height=360, barmode="relative",
               xaxis=axis("year", dtick=None, tickformat="d"), yaxis=axis("cost, % of the year's mean equity")),
        figure("turnover", "Turnover of each rebalance", [turnover], height=320, showlegend=False,
               xaxis=axis("fill date", type="date"), yaxis=axis("one-way turnover, % of equity", rangemode="tozero")),
    )  # fmt: skip


def assumed_funding(of: Measures) -> str:
    """Return what of a cell's funding was assumed, and its result without, in words; empty where none was."""
    if of.assumed_funding is None:
        return ""
    return (
        f"Funding of {percent(of.assumed_funding, 2)} of the starting capital was assumed, for hours that the "
        f"data tell nothing of. Without it total return is {percent(of.unassumed_total_return)} "
        f"(with it {percent(of.total_return)}), CAGR {percent(of.unassumed_cagr)} "
        f"({percent(of.cagr)}), Sharpe ratio {number(of.unassumed_sharpe)} ({number(of.sharpe)})."
    )


COSTS = Section(key="costs", title="Costs and turnover", draw=draw)
