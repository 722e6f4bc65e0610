"""Account, mixes and sleeves in figures, side by side, each by the calendar that it is measured on."""

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from tvquant.core.measures import Measures
from tvquant.core.panel import Floats
from tvquant.ledger.recorded_parts import Absent, RecordedCell
from tvquant.report import performance_figures as drawn
from tvquant.report.blocks import Block, Table, Text
from tvquant.report.formatting import NOTHING, count, number, percent
from tvquant.report.meta.run import MetaRun
from tvquant.report.performance_figures import Track
from tvquant.report.sections.contract import Section
from tvquant.report.tracks import track_of
from tvquant.statistics import market_model, performance

HEAD = (
    "book", "what", "Sharpe", "± SE", "CAGR", "volatility", "deepest drawdown", "turnover", "costs", "net", "gross",
    "beta", "± SE ", "rows", "A",
)  # fmt: skip
ACCOUNT, PAPER, ALONE = "account", "on paper", "by itself"


def draw(run: MetaRun) -> tuple[Block, ...]:
    """Return one row per account, for the mix of streams, and per sleeve: on common dates, and by itself."""
    beside = run.market
    rows = [*_accounts(run, beside), *_papers(run, beside), *_by_themselves(run)]
    mine = frozenset(k for k, row in enumerate(rows) if row[0] == run.headline.key)
    return (
        Table(head=HEAD, rows=tuple(rows), texts=2, strong=mine, faint=frozenset(
            k for k, row in enumerate(rows) if row[1] == ALONE)),
        Text(
            text=f"Sharpe ratios are against {run.rate}; ± is one standard error. A is the rows of a year that a "
            "figure is by: 252 where any sleeve has sessions, 365 where all trade round the clock. What is on paper "
            "are streams on the dates that all sleeves have; a stream by itself is on all of its own rows, by its own "
            "calendar, so that its figures are others. Turnover is one-way, per decision that was traded, costs are "
            "sums as a fraction of the starting capital: a stream has paid its own already. Net and gross of an "
            f"account are means as held, of a sleeve means at the decisions after limits, per unit of it. "
            f"{_of_beta(run, beside)}",
            tone="note",
        ),
    )  # fmt: skip


def _of_beta(run: MetaRun, beside: Track | None) -> str:
    if beside is None:
        return f"No beta is told: {run.no_market}."
    named = ", ".join(run.benchmark.symbols)
    return f"Beta is to {named} without costs, by least squares; its error is Newey and West's (1987)."


def _accounts(run: MetaRun, beside: Track | None) -> Iterator[tuple[str, ...]]:
    for cell in run.cells:
        if cell.why is None:
            yield _account(run, cell, beside)


def _account(run: MetaRun, cell: RecordedCell, beside: Track | None) -> tuple[str, ...]:
    of, rows = cell.measures, run.table("returns", cell.key)
    held = [_mean(rows[name].to_numpy()) for name in ("net", "gross")]
    return (
        cell.key, ACCOUNT, *_measured(of), percent(of.mean_turnover), percent(sum(of.costs.values()), 2), *held,
        *_beta(track_of(run, cell), beside), count(of.n), count(of.periods_per_year),
    )  # fmt: skip


def _papers(run: MetaRun, beside: Track | None) -> Iterator[tuple[str, ...]]:
    """Yield the mix of streams and every stream, at the account's rows per year."""
    try:
        mix = [run.mix_of(run.headline)]
    except Absent:
        mix = []
    units = _units(run)
    for one in (*mix, *run.streams(), *([] if beside is None else [beside])):
        yield _paper(one, PAPER, run.periods_per_year, units.get(one.name, (None, None)), beside)


def _by_themselves(run: MetaRun) -> Iterator[tuple[str, ...]]:
    """Yield each sleeve's whole stream, by the calendar that it is of."""
    for one in run.sleeves:
        try:
            track = run.whole_stream(one.name)
        except Absent:
            continue
        yield _paper(track, ALONE, one.periods_per_year, (None, None), None)


def _paper(
    one: Track, what: str, periods: int, held: tuple[float | None, float | None], beside: Track | None
) -> tuple[str, ...]:
    found = performance(one.returns, periods_per_year=periods)
    figures = Measures(
        sharpe=found.sharpe, sharpe_se=found.sharpe_se, cagr=found.cagr, volatility=found.volatility,
        max_drawdown=found.max_drawdown,
    )  # fmt: skip
    return (one.name, what, *_measured(figures), NOTHING, NOTHING, *map(percent, held), *_beta(one, beside),
            count(found.n), count(periods))  # fmt: skip


def _measured(of: Measures) -> tuple[str, ...]:
    return (number(of.sharpe), number(of.sharpe_se), percent(of.cagr), percent(of.volatility), percent(of.max_drawdown))


def _units(run: MetaRun) -> dict[str, tuple[float | None, float | None]]:
    """Return sleeve -> mean net and gross of one unit of it, over the decisions at which it had a share."""
    try:
        tree = run.table("tree", run.path_of(run.headline))
    except Absent:
        return {}
    weight, share = pl.col("weight"), pl.col("share").first()
    by_date = tree.filter(pl.col("share") > 0.0).group_by("sleeve", "decided_at").agg(
        (weight.sum() / share).alias("net"), (weight.abs().sum() / share).alias("gross")
    )  # fmt: skip
    means = by_date.group_by("sleeve").agg(pl.col("net").mean(), pl.col("gross").mean())
    return {name: (net, gross) for name, net, gross in means.iter_rows()}


def _beta(mine: Track, beside: Track | None) -> Sequence[str]:
    if beside is None or mine.name == beside.name:
        return (NOTHING, NOTHING)
    _, returns, its = drawn.shared_excess(mine, beside)
    found = market_model(returns, its)
    return (NOTHING, NOTHING) if found is None else (number(found.beta), number(found.beta_se))


def _mean(values: Floats) -> str:
    there = values[np.isfinite(values)]
    return percent(float(there.mean())) if len(there) else NOTHING


FIGURES = Section(key="figures", title="In figures", draw=draw, of_run=True)
