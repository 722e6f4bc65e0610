"""The decisions of two headlines compared: on which dates both decided, and where they first part."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from tvquant.core.errors import DataError
from tvquant.report.run import RunData

SAME = 1e-9
"""Weights, as fractions of equity, that differ by no more are the same: another machine rounds otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parting:
    """The first decision at which the weights differ.

    Parameters
    ----------
    decided_at, windows : when, and the window of each run.
    entered, left : what only the second holds, and only the first.
    moved : instrument -> weight in both, of those that both hold; the largest differences first.
    """

    decided_at: str
    windows: tuple[int, int]
    entered: Mapping[str, float]
    left: Mapping[str, float]
    moved: Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionsCompared:
    """Dates on which the headlines decided.

    Parameters
    ----------
    shared, differ : dates that both have, and how many of them differ.
    alone : how many dates only the first has, and only the second.
    parting : the first of those that differ.
    """

    shared: int
    differ: int
    alone: tuple[int, int]
    parting: Parting | None


@dataclass(frozen=True, slots=True)
class _Made:
    """The decision of one date: its window, and what it holds."""

    window: int
    weights: Mapping[str, float]


def compare_decisions(
    runs: tuple[RunData | None, RunData | None], cells: tuple[str | None, str | None], unread: list[str]
) -> DecisionsCompared | None:
    """Return how the decisions of two cells differ; None, and a line in `unread`, where a run does not say."""
    made: list[dict[str, _Made]] = []
    for run, cell in zip(runs, cells, strict=True):
        if run is None or cell is None:
            return None
        try:
            made.append(_decisions(run, cell))
        except (DataError, pl.exceptions.ColumnNotFoundError) as error:
            unread.append(f"decisions of {run.run_id}: {error}")
            return None
    first, second = made
    shared = sorted(first.keys() & second.keys())
    differ = [date for date in shared if not _same(first[date].weights, second[date].weights)]
    return DecisionsCompared(
        shared=len(shared),
        differ=len(differ),
        alone=(len(first) - len(shared), len(second) - len(shared)),
        parting=_parting(differ[0], first[differ[0]], second[differ[0]]) if differ else None,
    )


def _decisions(run: RunData, cell: str) -> dict[str, _Made]:
    """Return the date of each decision of a cell -> what it was; one that holds nothing is there as well."""
    held: dict[int, dict[str, float]] = {}
    weights = run.table("weights").filter(pl.col("cell") == cell)
    for window, symbol, weight in weights.select("window", "symbol", "weight").iter_rows():
        held.setdefault(window, {})[symbol] = weight
    dates = run.table("windows", cell).select("window", "decided_at").iter_rows()
    return {str(at)[:19]: _Made(window, held.get(window, {})) for window, at in dates}


def _same(first: Mapping[str, float], second: Mapping[str, float]) -> bool:
    return all(abs(first.get(name, 0.0) - second.get(name, 0.0)) <= SAME for name in {*first, *second})


def _parting(date: str, first: _Made, second: _Made) -> Parting:
    one, other = first.weights, second.weights
    both = {name: (one[name], other[name]) for name in one.keys() & other.keys()}
    moved = {name: pair for name, pair in both.items() if abs(pair[0] - pair[1]) > SAME}
    return Parting(
        decided_at=date[:10],
        windows=(first.window, second.window),
        entered={name: other[name] for name in sorted(other.keys() - one.keys())},
        left={name: one[name] for name in sorted(one.keys() - other.keys())},
        moved=dict(sorted(moved.items(), key=lambda item: (-abs(item[1][0] - item[1][1]), item[0]))),
    )
