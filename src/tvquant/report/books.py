"""Books of a run beside each other: how each risk profile came to its weights, and what became of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from tvquant.core.panel import Floats
from tvquant.report.run import RunData
from tvquant.tournament.cells import Cell
from tvquant.tournament.convergence import Held, Pair, pairs
from tvquant.tournament.specs import StrategySpec

BANDS: Mapping[str, float] = {
    "min_variance": 0.35, "market_neutral": 0.35, "hrp": 0.45, "risk_parity": 0.50, "barbell": 0.50,
    "equal_weight": 0.60, "max_sharpe": 0.90,
}  # fmt: skip
"""Annual volatility that books of coins are expected to have, by risk profile (R-RSK-21): a diagnostic, no target."""
BAND = 0.50
"""Part of the reference by which volatility may be off it and still be called within."""
TERCILES = ("low", "middle", "high")
LEAST_WINDOWS = 9
"""Three in each third; with fewer windows there are no thirds."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Books:
    """One strategy of a run, its decisions by window.

    Parameters
    ----------
    engine, profile : of its spec; `selection` : name of the selections it shares.
    windows : its rows of the table `windows`.
    """

    key: str
    engine: str
    profile: str
    selection: str
    windows: pl.DataFrame

    def figure(self, name: str) -> Floats:
        """Return one figure by window."""
        return self.windows[name].to_numpy()

    def mean(self, name: str) -> float:
        """Return the mean of a figure over the windows that have it; NaN where none has."""
        values = self.figure(name)
        known = values[np.isfinite(values)]
        return float(known.mean()) if len(known) else float("nan")


def books_of(run: RunData) -> tuple[Books, ...]:
    """Return the strategies of a run that ended, in the order of the grid, each path once."""
    ended = {cell.key for cell in run.cells if cell.status != "failed"}
    first = {cell.path.key: cell for cell in reversed([*run.planned.values()]) if cell.key in ended}
    return tuple(_books(run, cell, spec) for cell in reversed(first.values()) if (spec := _strategy(cell)))


def _strategy(cell: Cell) -> StrategySpec | None:
    return cell.spec if isinstance(cell.spec, StrategySpec) else None


def _books(run: RunData, cell: Cell, spec: StrategySpec) -> Books:
    return Books(
        key=cell.key, engine=spec.engine, profile=spec.risk_profile, selection=cell.path.selection,
        windows=run.table("windows", cell.key),
    )  # fmt: skip


def same_books(run: RunData, books: Sequence[Books]) -> tuple[tuple[str, Pair], ...]:
    """Return every pair of profiles of one engine and selection that were the same book at some decision."""
    found: list[tuple[str, Pair]] = []
    for engine, selection in dict.fromkeys((one.engine, one.selection) for one in books):
        held = {one.profile: held_of(run, one) for one in books if (one.engine, one.selection) == (engine, selection)}
        found += ((engine, pair) for pair in pairs(held) if pair.same)
    return tuple(found)


def held_of(run: RunData, one: Books) -> Mapping[int, Held]:
    """Return window -> the book of one strategy where it has weights; winners are in the order of the selection."""
    atoms = run.table("atoms", one.key).select("window", "weight").group_by("window", maintain_order=True).all()
    weights = dict(atoms.iter_rows())
    return {
        window: Held(weights=np.array(weights[window]), risk_profile=profile, single=single)
        for window, profile, single, status in one.windows.select(
            "window", "risk_profile", "single", "status"
        ).iter_rows()
        if status in ("solved", "fell_back") and window in weights
    }


def thirds(values: Floats) -> Mapping[str, Floats] | None:
    """Return which of the windows are in each third by a figure, ties to the lower; None where too few have it."""
    known = np.isfinite(values)
    if known.sum() < LEAST_WINDOWS:
        return None
    low, high = np.quantile(values[known], (1 / 3, 2 / 3))
    return dict(zip(TERCILES, (known & (values <= low), (values > low) & (values <= high), values > high), strict=True))


def depths(run: RunData, one: Books) -> Floats:
    """Return the largest loss from a peak within each window, fill to fill; NaN where nothing was filled."""
    rows = run.table("returns", one.key)
    times, returns = rows["time"].to_numpy(), rows["return"].to_numpy()
    filled = one.windows["filled_at"].to_numpy()
    known = np.flatnonzero(~np.isnat(filled))
    starts = np.searchsorted(times, filled[known])
    found = np.full(len(filled), np.nan)
    for place, start, end in zip(known, starts, [*starts[1:], len(times) - 1], strict=True):
        wealth = np.cumprod(np.append(1.0, 1.0 + returns[start + 1 : end + 1]))
        found[place] = float((1.0 - wealth / np.maximum.accumulate(wealth)).max())
    return found
