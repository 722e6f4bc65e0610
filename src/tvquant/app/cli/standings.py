"""The standings of a run and what qualifies them, as a document and as lines."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tvquant.app.cli.console import number, percent
from tvquant.app.cli.tables import table

if TYPE_CHECKING:
    from tvquant.ledger.recorded_parts import RecordedCell
    from tvquant.report.played_run import PlayedRun


def figures(run: "PlayedRun") -> tuple[dict[str, Any], list[str]]:
    """Return standings of a run and the lines that qualify them, as a document and as text."""
    from tvquant.profiles.sections.execution import ZERO_RATE
    from tvquant.report import caveats, standings_of
    from tvquant.report.tracks import beside_in_words

    qualified, found = caveats(run), standings_of(run)
    apart = ["", found.said, "", _standings(found.apart)] if found.apart else []
    lines = (f"{'! ' if one.serious else '  '}{one.text}" for one in qualified)
    grid, left_out = _grid(run)
    failed = _without_book((*found.first, *found.apart, *run.beside))
    beside = (f"  {one}" for one in beside_in_words(run))
    text = [_standings(found.first), *apart, "", *failed, *beside, *left_out, *lines]
    if run.rate != ZERO_RATE:
        text.append(f"  Sharpe ratios are against {run.rate}.")
    return {"cells": run.rows(), "grid": grid, "caveats": [one.document() for one in qualified]}, text


def _without_book(cells: Iterable["RecordedCell"]) -> Iterator[str]:
    """Yield one line for each cause that cells have no book for, what it says of the first of them."""
    causes: dict[str, list[RecordedCell]] = {}
    for one in cells:
        if one.why:
            causes.setdefault(f"{one.book} {one.why.partition(':')[0]}", []).append(one)
    for first, *others in causes.values():
        more = f" and {len(others)} more like it (--json has all)" if others else ""
        yield f"! No book of {first.key}{more}: {first.why}."


def _grid(run: "PlayedRun") -> tuple[dict[str, Any] | None, list[str]]:
    """Return the size of the grid with what it leaves out, and lines on that; none where another version ran."""
    from tvquant.ledger.recorded_parts import Absent

    try:
        found = run.grid
    except Absent:
        return None, []
    return found.payload(), found.lines()


def _standings(cells: Sequence["RecordedCell"]) -> str:
    head = ("cell", "Sharpe", "+- SE", "CAGR", "vol", "max DD", "cash", "turnover", "days")
    rows = [
        (
            one.key,
            number(of.sharpe),
            number(of.sharpe_se),
            percent(of.cagr),
            percent(of.volatility),
            percent(of.max_drawdown),
            percent(of.mean_cash),
            percent(of.mean_turnover),
            "-" if of.n is None else of.n,
        )
        for one in cells
        for of in (one.measures,)
    ]
    return table(head, rows, right=range(1, len(head)))
