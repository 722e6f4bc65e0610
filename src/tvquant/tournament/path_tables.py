"""Tables of what a path decided: every cell of the path has them, so they are made once for all of its books."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tvquant.core.panel import Floats, Times
from tvquant.core.regimes import MarketRegime
from tvquant.tournament.book_figures import books
from tvquant.tournament.cells import Path
from tvquant.tournament.path_holdings import PathHoldings
from tvquant.tournament.rebalances import HOLDINGS, Rebalance
from tvquant.tournament.specs import StrategySpec
from tvquant.tournament.walk_forward import BacktestEngine

FUNNEL = (
    "universe", "discovery", "refined", "selected", "atoms_discovery", "atoms_refined", "atoms_selected",
)  # fmt: skip

type Columns = Mapping[str, Any]
type PathTables = Mapping[str, Columns]
"""`weights`, `atoms`, `vetoes`, and of `windows` the columns that no book has a part in."""


def path_tables(engine: BacktestEngine, path: Path, rebalances: Sequence[Rebalance]) -> PathTables:
    """Return `weights` by name, `atoms` by winner, `vetoes` by reason and `windows` by rebalance."""
    held, times = PathHoldings.of(engine.panel, rebalances), engine.panel.times
    return {
        "weights": _weights(held, times),
        "atoms": _atoms(held, times),
        "vetoes": _vetoes(held, times),
        "windows": _windows(engine, path, held),
    }


def _weights(held: PathHoldings, times: Times) -> Columns:
    """Return one row per name that a rebalance weighs."""
    each = [one.weights for one in held]
    weights: Floats = np.array(list(chain.from_iterable(one.values() for one in each)), dtype=np.float64)
    return {
        **_placed(held, times, [len(one) for one in each]),
        "symbol": _text(list(chain.from_iterable(each))),
        "weight": weights,
    }


def _atoms(held: PathHoldings, times: Times) -> Columns:
    """Return one row per winner and rebalance."""
    columns = {name: (held.column(name), kind) for name, kind in HOLDINGS.items()}
    return {
        **_placed(held, times, held.winners),
        **{n: _text(one) if kind is str else np.array(one, dtype=kind) for n, (one, kind) in columns.items()},
    }


def _placed(held: PathHoldings, times: Times, counts: Sequence[int] | NDArray[np.int64]) -> Columns:
    """Return window and time of decision of so many lines of each rebalance."""
    return {"window": np.repeat(held.windows, counts), "decided_at": np.repeat(times[held.rows], counts)}


def _text(values: Sequence[str | None]) -> pl.Series:
    """Return words as a column, which the books of a path share."""
    return pl.Series(values, dtype=pl.String)


def _vetoes(held: PathHoldings, times: Times) -> Columns:
    """Return how many atoms each reason took, by rebalance."""
    each = [one.funnel.vetoed for one in held]
    return {
        **_placed(held, times, [len(one) for one in each]),
        "reason": _text(list(chain.from_iterable(each))),
        "atoms": np.array(list(chain.from_iterable(one.values() for one in each)), dtype=np.int64),
    }


def _windows(engine: BacktestEngine, path: Path, rebalances: PathHoldings) -> Columns:
    """Return one row per rebalance of what was decided; `filled_at` is for books to fill in."""
    times = engine.panel.times
    by_id = {window.id: window for window in engine.grids[path.schedule]}
    return {
        "window": rebalances.windows,
        "decided_at": times[rebalances.rows],
        "bar": np.array([one.footing.bar for one in rebalances], dtype="datetime64[us]"),
        "quorum": np.array([one.footing.quorum for one in rebalances]),
        "filled_at": np.full(len(rebalances), "NaT", dtype="datetime64[us]"),
        "partial": np.array([by_id[one.window].partial for one in rebalances]),
        "status": _text([one.status for one in rebalances]),
        "risk_profile": _text([one.risk_profile for one in rebalances]),
        "recourse": _text([" ".join(one.recourse) for one in rebalances]),
        "single": np.array([one.single for one in rebalances]),
        **{name: np.array([getattr(one.funnel, name) for one in rebalances], dtype=np.int64) for name in FUNNEL},
        "names": np.array([len(one.weights) for one in rebalances], dtype=np.int64),
        "stage": np.array([one.stage for one in rebalances], dtype=np.int64),
        "clusters": np.array([_distinct(one, "cluster") for one in rebalances], dtype=np.int64),
        "allocation_clusters": np.array([_distinct(one, "allocation_cluster") for one in rebalances], dtype=np.int64),
        "cash": rebalances.cash,
        "forced_cash": np.array([one.forced_cash for one in rebalances]),
        "reference_cash": np.array([one.reference_cash for one in rebalances]),
        "gate_cash": np.array([one.gate_cash for one in rebalances]),
        "moved": np.array([one.moved for one in rebalances]),
        "gross": np.array([sum(abs(w) for w in one.weights.values()) for one in rebalances]),
        "net": np.array([sum(one.weights.values()) for one in rebalances]),
        "flags": _text([" ".join(one.flags) for one in rebalances]),
        **books(rebalances),
        **_regimes(engine, path, rebalances),
    }


def _regimes(engine: BacktestEngine, path: Path, rebalances: Sequence[Rebalance]) -> Columns:
    """Return the regime that each decision knew, and the one at the last row of its test span; null for baselines.

    The second is found after the fact, by all that was known then: no decision has it (R-REG-08).
    """
    known = [one.regime for one in rebalances]
    realised: list[MarketRegime | None] = [None] * len(rebalances)
    if isinstance(path.spec, StrategySpec):
        at = {one.row: one.regime for one in rebalances}  # where a later decision looked, nobody has to look again
        last = {window.id: window.stop - 1 for window in engine.grids[path.schedule]}
        rows = [last[one.window] for one in rebalances]
        realised = [at.get(row) or engine.realised(row, path.spec.rules) for row in rows]
    columns: dict[str, Any] = {}
    for name, found in (("regime", known), ("realised_regime", realised)):
        columns[name] = _text([one.label.value if one else None for one in found])
        columns[f"{name}_quadrant"] = _text([one.quadrant.value if one else None for one in found])
        columns[f"{name}_score"] = np.array([one.score if one else np.nan for one in found])
    return columns


def _distinct(one: Rebalance, name: str) -> int:
    return len(set(one.holdings[name]))
