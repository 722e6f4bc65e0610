"""Luck of the day on which one rebalances or begins: phases, the book of all of them, other starts."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from tvquant.core.panel import Floats
from tvquant.report.blocks import Block, Data, Figure, Table, Text
from tvquant.report.figures import COSTS, GREY, HEADLINE, axis, figure, plotted
from tvquant.report.formatting import count, number, percent
from tvquant.report.grid import Aligned, aligned, variants
from tvquant.report.performance_figures import days_of
from tvquant.report.run import RunData
from tvquant.report.sections.contract import Section
from tvquant.statistics import Performance, wealth
from tvquant.tournament.timing_luck import TimingLuck, timing_luck

ALONE = (
    "The headline was played in one phase of its step and from one start. `grid.phases` puts its windows off row by "
    "row and `grid.starts` begins on other days: that shows how much of the result is the luck of the day."
)
TRANCHED = (
    "The tranched book has 1/{n} of its capital in each phase, as an account of its own: its equity is the mean of "
    "theirs from the first row on which all of them trade. Nothing is netted between accounts, so it pays what they "
    "pay, and trades {n} times as often, each time {n} times less. A phase is no strategy to choose: the best of them "
    "was the best by luck. Variants are no trials."
)
FEW = 5
"""Phases below which their standard deviation is hardly known itself."""
HEAD = ("windows begin", "Sharpe", "± SE", "CAGR", "volatility", "max drawdown")


def draw(run: RunData) -> tuple[Block, ...]:
    """Return phases and their tranched book on the rows of all as words, table and figure; starts on theirs."""
    every = variants(run)
    own = every[0][1]
    phases = [cell for cell, when in every if when.start == own.start]
    starts = [every[0][0], *(cell for cell, when in every if when.start != own.start)]
    found, begun = aligned(run, phases), aligned(run, starts)
    if found is None and begun is None:
        return (Text(text=ALONE, tone="note"),)
    names = {
        cell.key: str(when.start) if when.start != own.start else f"{when.phase} rows later" for cell, when in every
    } | {run.headline.key: "the profile's own"}
    by_phase = () if found is None else _phases(found, _names(found, names), run.headline.key, own.step)
    return (*by_phase, *(() if begun is None else _starts(begun, _names(begun, names))))


def _names(found: Aligned, names: Mapping[str, str]) -> list[str]:
    """Return the names of the books that are there: one without returns has no row."""
    return [names[cell.key] for cell in found.cells]


def _phases(found: Aligned, names: list[str], key: str, step: object) -> tuple[Block, ...]:
    luck = timing_luck(found.returns, periods_per_year=found.periods_per_year, risk_free=found.risk_free)
    by_name = zip(names, luck.phases, strict=True)
    rows = (*(_row(name, one) for name, one in by_name), _row("tranched: all phases", luck.tranched))
    return (
        Text(text=_said(luck, found, step)),
        Table(head=HEAD, rows=rows, strong=frozenset({0}), faint=frozenset(range(1, len(names)))),
        Text(text=TRANCHED.format(n=len(names)), tone="note"),
        _figure(luck, found, names, key),
        Data(name="phases", about="simple returns of the tranched book on the rows that all phases have",
             frame=_frame(luck, found)),
    )  # fmt: skip


def _said(luck: TimingLuck, found: Aligned, step: object) -> str:
    """Return in words how far the phases lie apart, beside the error of the headline, and where the tranches stand."""
    known, own = luck.sharpes[np.isfinite(luck.sharpes)], luck.phases[0]
    shared = f"{count(len(found.times))} rows that all have, {str(found.times[0])[:10]} to {str(found.times[-1])[:10]}"
    if len(known) < 2:
        return f"Of the phases fewer than two have a Sharpe ratio on the {shared}."
    error = own.sharpe_se
    beside = f"The headline's own is {number(own.sharpe)} with a standard error of {number(error)}"
    if error:
        beside += f", of which the spread over phases is {percent(luck.spread / error, 0)}"
    few = "" if len(known) >= FEW or len(known) == step else " So few phases say little of it: play more (grid.phases)."
    return (
        f"Timing luck: the Sharpe ratio of {count(len(known))} of the {step} phases of one strategy, which differ "
        f"by the row on which they rebalance alone, goes from {number(float(known.min()))} to "
        f"{number(float(known.max()))}, with a standard deviation of {number(luck.spread)}, over the {shared}. "
        f"{beside}.{few} The tranched book has {number(luck.tranched.sharpe)}, above {count(luck.above)} of "
        f"{count(len(known))} phases."
    )


def _starts(begun: Aligned, names: list[str]) -> tuple[Block, ...]:
    measured = begun.measured
    first, last = (str(one)[:10] for one in (begun.times[0], begun.times[-1]))
    known = [one.sharpe for one in measured if one.sharpe is not None]
    spread = f" They go from {number(min(known))} to {number(max(known))}." if len(known) > 1 else ""
    return (
        Text(
            text=f"Other starts, on the {count(len(begun.times))} rows that all have ({first} to {last}): what differs "
            f"is which rows decide, and what was held before.{spread} This is luck too, and no start is to be chosen."
        ),
        Table(
            head=("begun on", *HEAD[1:]),
            rows=tuple(_row(name, one) for name, one in zip(names, measured, strict=True)),
            strong=frozenset({0}),
        ),
    )


def _row(name: str, of: Performance) -> tuple[str, ...]:
    return (
        name, number(of.sharpe), number(of.sharpe_se), percent(of.cagr), percent(of.volatility),
        percent(of.max_drawdown),
    )  # fmt: skip


def _figure(luck: TimingLuck, found: Aligned, names: list[str], key: str) -> Figure:
    """Return growth of 1 of every phase, the headline's and the tranched book on top."""
    x = days_of(found.times)

    def line(name: str, returns: Floats, colour: str, width: float) -> dict[str, Any]:
        return {"type": "scatter", "mode": "lines", "name": name, "x": x, "y": plotted(wealth(returns)),
                "line": {"color": colour, "width": width}}  # fmt: skip

    others = [line(name, mine, GREY, 1.0) for name, mine in zip(names[1:], found.returns.T[1:], strict=True)]
    own = line(names[0], found.returns[:, 0], HEADLINE, 2.2)
    whole = line("tranched", luck.returns, COSTS, 2.6)
    return figure("phases", f"Phases of {key} and the book of all of them, net of costs", [*others, own, whole],
                  height=380, showlegend=True, xaxis=axis("bar date", type="date"),
                  yaxis=axis("equity, 1 before the first shared row"))  # fmt: skip


def _frame(luck: TimingLuck, found: Aligned) -> pl.DataFrame:
    return pl.DataFrame({"time": found.times, "tranched": luck.returns})


TIMING = Section(key="timing", title="Timing luck: phases and starts", draw=draw, of_run=True)
