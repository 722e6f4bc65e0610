"""The market's regime: labels over time, what the book did in each, and whether the score foretold anything."""

import numpy as np
import polars as pl

from tvquant.core.regimes import Regime
from tvquant.ledger.recorded_parts import Absent
from tvquant.report.blocks import Block, Data, Figure, Table, Text
from tvquant.report.figures import COSTS, GREY, HEADLINE, axis, days, figure, plotted
from tvquant.report.formatting import count, number, percent
from tvquant.report.regimes import AHEAD, by_label, confusion, foretelling
from tvquant.report.run import RunData
from tvquant.report.sections.contract import Section
from tvquant.report.tracks import rivals
from tvquant.statistics import wealth
from tvquant.statistics.rank_correlation import RankCorrelation

POOL = "base_universe_ew"
LABELS = [one.value for one in Regime]
COLUMNS = ("regime", "regime_quadrant", "regime_score", "realised_regime", "realised_regime_score")


def draw(run: RunData) -> tuple[Block, ...]:
    """Return labels under the equity curve, the book by label, decisions against outcomes, what the score foretold."""
    cell = run.headline
    if cell.baseline:
        return (Text(text="A baseline does not go by any regime."),)
    windows = run.table("windows", cell.key)
    if not set(COLUMNS) <= set(windows.columns):
        raise Absent("the run's table of windows has no regime: it was made by an earlier version")
    returns = run.table("returns", cell.key)
    found = by_label(windows, returns, label="realised_regime", periods_per_year=run.periods_per_year)
    head = ("realised regime", "windows", "share", "mean return", "volatility", "worst drawdown", "mean cash")
    rows = tuple(
        (name, count(n), percent(share), percent(mean, 2), percent(vol), percent(fall), percent(cash))
        for name, n, share, mean, vol, fall, cash in found.iter_rows()
    )
    return (
        _lines(windows, returns, cell.key),
        Table(head=head, rows=rows),
        Text(
            text="By the regime that each window turned out to have, seen from its last row; what a decision knew is "
            "the table below. These very rows are what the label is told by, so that rough windows look rough by "
            "construction: this is what came together, and no rule to trade by. Return is the mean over windows, "
            "volatility per year, the drawdown that of the worst single window.",
            tone="note",
        ),
        Table(head=("known at the decision", *(f"became {name}" for name in LABELS)), rows=_confused(windows)),
        *_foretold(run, windows),
        Data(
            name="regimes",
            about="regime, quadrant and score that each decision knew, and those that its window turned out to have",
            frame=windows.select("window", "decided_at", *COLUMNS),
        ),
    )


def _confused(windows: pl.DataFrame) -> tuple[tuple[str, ...], ...]:
    return tuple((name, *map(count, counts)) for name, counts in confusion(windows))


def _foretold(run: RunData, windows: pl.DataFrame) -> tuple[Block, ...]:
    key = next((one.key for one in rivals(run, run.headline) if one.key.startswith(f"{POOL}/")), None)
    if key is None:
        raise Absent(f"the ledger has no outcome of {POOL}, whose volatility the score is held against")
    return (Text(text=said(foretelling(windows, run.table("returns", key))[1])),)


def said(found: RankCorrelation | None) -> str:
    """Return in words whether the score foretold the volatility that followed."""
    asked = f"Did the score foretell the volatility of the market's next {AHEAD} rows?"
    if found is None:
        return f"{asked} Too few decisions lie {AHEAD} rows apart to say."
    figures = (
        f"the rank correlation is {number(found.rho)}, between {number(found.low)} and {number(found.high)} at 95 % "
        f"({count(found.n)} decisions, which count as {number(found.effective, 0)} independent ones)"
    )
    if found.low > 0.0:
        return f"{asked} Yes, to that extent: {figures}. A higher score was followed by a rougher market."
    if found.high < 0.0:
        return f"{asked} No, the other way round: {figures}. A higher score was followed by a calmer market."
    return f"{asked} That is not shown: {figures}. Caps that go by the regime cost or help by chance here."


def _lines(windows: pl.DataFrame, returns: pl.DataFrame, name: str) -> Figure:
    """Return growth of 1 above, labels below: what decisions knew, and what became of their windows."""
    level = wealth(returns["return"].to_numpy())
    traces = [
        {"type": "scatter", "mode": "lines", "name": name, "x": days(returns["time"]),
         "y": plotted(np.where(level > 0, level, np.nan)), "line": {"color": HEADLINE, "width": 1.6}},
    ]  # fmt: skip
    for column, label, colour, dash in (
        ("realised_regime", "turned out", GREY, "dot"),
        ("regime", "known at the decision", COSTS, "solid"),
    ):
        places = [None if one is None else LABELS.index(one) for one in windows[column].to_list()]
        traces.append(
            {"type": "scatter", "mode": "lines", "name": label, "x": days(windows["decided_at"]), "y": places,
             "yaxis": "y2", "line": {"shape": "hv", "color": colour, "dash": dash, "width": 1.6}}
        )  # fmt: skip
    return figure(
        "regime", "Equity (top, log scale) and the market's regime (bottom)", traces, height=480, showlegend=True,
        xaxis=axis("date", anchor="y2", type="date"),
        yaxis=axis("equity, start = 1", type="log", domain=[0.38, 1], tickformat="~g"),
        yaxis2=axis("regime", domain=[0, 0.3], tickvals=list(range(len(LABELS))), ticktext=LABELS, range=[-0.3, 3.3]),
    )  # fmt: skip


REGIME = Section(key="regime", title="The market's regime", draw=draw)
