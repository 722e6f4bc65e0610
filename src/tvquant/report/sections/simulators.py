"""Simulators beside each other: the same weights kept by several accounts, and this far apart."""

from collections.abc import Mapping, Sequence

import numpy as np

from tvquant.ledger.recorded_parts import RecordedCell
from tvquant.report.blocks import Block, Figure, Table, Text
from tvquant.report.figures import axis, colours, figure, plotted
from tvquant.report.formatting import count, number, percent
from tvquant.report.performance_figures import days_of
from tvquant.report.run import RunData
from tvquant.report.sections.contract import Section
from tvquant.tournament.implementation_risk import BPS, Kept

ALONE = (
    "One simulator kept every book. Name several in execution.simulators, and this says how far apart they are; "
    "`tvquant parity` compares those that are installed on this run's weights."
)


def draw(run: RunData) -> tuple[Block, ...]:
    """Return what every path comes to by each simulator, in basis points, and the headline's books over time."""
    kept = _by_path(run)
    if not any(len(books) > 1 for books in kept.values()):
        return (Text(text=ALONE, tone="note"),)
    found = [_kept(run, path, books) for path, books in kept.items() if len(books) > 1]
    note = (
        "The weights are the same, so what differs is how an account is kept: implementation risk. Basis points of "
        "annual return, and of the first simulator's last equity; a book that failed is left out. `tvquant parity` "
        "compares simulators where all are asked for the same, holds them to limits, and names the first trade that "
        "differs."
    )
    return _table(found), Text(text=note, tone="note"), *_over_time(run, kept)


def _by_path(run: RunData) -> Mapping[str, Mapping[str, RecordedCell]]:
    """Return path -> simulator -> its book, of those that did not fail, in the order of the profile."""
    outcomes = {cell.key: cell for cell in run.outcomes if cell.why is None}
    found: dict[str, dict[str, RecordedCell]] = {}
    for cell in run.planned.values():
        if cell.key in outcomes and not cell.book.scenario:
            found.setdefault(cell.path.key, {})[cell.book.simulator] = outcomes[cell.key]
    return found


def _kept(run: RunData, path: str, books: Mapping[str, RecordedCell]) -> Kept:
    return Kept(
        path=path,
        annual={name: _known(cell.measures.cagr) for name, cell in books.items()},
        final={name: float(run.table("returns", cell.key)["equity"][-1]) for name, cell in books.items()},
    )


def _known(value: float | None) -> float:
    return float("nan") if value is None else value


def _table(found: Sequence[Kept]) -> Table:
    names = list(dict.fromkeys(name for one in found for name in one.annual))
    rows = tuple(
        (
            one.path,
            count(len(one.annual)),
            *(percent(one.annual.get(name), 3) for name in names),
            number(one.annual_bps, 2),
            number(one.final_bps, 2),
        )
        for one in found
    )
    head = ("annual return by", "simulators", *names, "apart, bps", "last equity apart, bps")
    return Table(head=head, rows=rows)


def _over_time(run: RunData, kept: Mapping[str, Mapping[str, RecordedCell]]) -> tuple[Figure, ...]:
    """Return by how much the headline's equity is above its own in each other simulator, on the bars that both have."""
    books = next((one for one in kept.values() if run.headline in one.values()), {})
    others = {name: cell for name, cell in books.items() if cell != run.headline}
    if not others:
        return ()
    own = run.table("returns", run.headline.key)
    colour, traces = colours(list(others)), []
    for name, cell in others.items():
        both = own.join(run.table("returns", cell.key), on="time", suffix="_other")
        level = both["equity"].to_numpy()
        there = level > 0.0
        apart = BPS * np.where(there, both["equity_other"].to_numpy() / np.where(there, level, 1.0) - 1.0, np.nan)
        traces.append(
            {"type": "scatter", "mode": "lines", "name": name, "x": days_of(both["time"].to_numpy()),
             "y": plotted(apart), "line": {"color": colour[name], "width": 1.6}}
        )  # fmt: skip
    return (
        figure("simulators", f"Equity above that of {run.headline.key}", traces, height=340, showlegend=True,
               xaxis=axis("bar date", type="date"), yaxis=axis("basis points of equity", zeroline=True)),
    )  # fmt: skip


SIMULATORS = Section(key="simulators", title="The same books in other simulators", draw=draw, of_run=True)
