"""Tables of what a path decided: every cell of the path has them, so they are made once for all of its books."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from tvquant.core.panel import Times
from tvquant.core.regimes import MarketRegime
from tvquant.tournament.book_figures import books
from tvquant.tournament.cells import Path
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
    times = engine.panel.times
    return {
        "weights": _weights(rebalances, times),
        "atoms": _atoms(rebalances, times),
        "vetoes": _vetoes(rebalances, times),
        "windows": _windows(engine, path, rebalances),
    }


def _weights(rebalances: Sequence[Rebalance], times: Times) -> Columns:
    """Return one row per name that a rebalance weighs."""
    pairs = [(one, key, weight) for one in rebalances for key, weight in one.weights.items()]
    return {
        "window": np.array([one.window for one, _, _ in pairs], dtype=np.int64),
        "decided_at": times[np.array([one.row for one, _, _ in pairs], dtype=np.int64)],
        "symbol": [key for _, key, _ in pairs],
        "weight": np.array([weight for _, _, weight in pairs], dtype=np.float64),
    }


def _atoms(rebalances: Sequence[Rebalance], times: Times) -> Columns:
    """Return one row per winner and rebalance."""
    sizes = [len(one.holdings["atom"]) for one in rebalances]
    return {
        "window": np.repeat(np.array([one.window for one in rebalances], dtype=np.int64), sizes),
        "decided_at": np.repeat(times[np.array([one.row for one in rebalances], dtype=np.int64)], sizes),
        **{name: _column(rebalances, name, kind) for name, kind in HOLDINGS.items()},
    }


def _column(rebalances: Sequence[Rebalance], name: str, kind: type) -> Any:
    values = [value for one in rebalances for value in one.holdings[name]]
    return values if kind is str else np.array(values, dtype=kind)


def _vetoes(rebalances: Sequence[Rebalance], times: Times) -> Columns:
    """Return how many atoms each reason took, by rebalance."""
    counts = [(one, reason, count) for one in rebalances for reason, count in one.funnel.vetoed.items()]
    return {
        "window": np.array([one.window for one, _, _ in counts], dtype=np.int64),
        "decided_at": times[np.array([one.row for one, _, _ in counts], dtype=np.int64)],
        "reason": [reason for _, reason, _ in counts],
        "atoms": np.array([count for _, _, count in counts], dtype=np.int64),
    }


def _windows(engine: BacktestEngine, path: Path, rebalances: Sequence[Rebalance]) -> Columns:
    """Return one row per rebalance of what was decided; `filled_at` is for books to fill in."""
    times = engine.panel.times
    by_id = {window.id: window for window in engine.grids[path.schedule]}
    return {
        "window": np.array([one.window for one in rebalances], dtype=np.int64),
        "decided_at": times[np.array([one.row for one in rebalances], dtype=np.int64)],
        "bar": np.array([one.footing.bar for one in rebalances], dtype="datetime64[us]"),
        "quorum": np.array([one.footing.quorum for one in rebalances]),
        "filled_at": np.full(len(rebalances), "NaT", dtype="datetime64[us]"),
        "partial": np.array([by_id[one.window].partial for one in rebalances]),
        "status": [one.status for one in rebalances],
        "risk_profile": [one.risk_profile for one in rebalances],
        "recourse": [" ".join(one.recourse) for one in rebalances],
        "single": np.array([one.single for one in rebalances]),
        **{name: np.array([getattr(one.funnel, name) for one in rebalances], dtype=np.int64) for name in FUNNEL},
        "names": np.array([len(one.weights) for one in rebalances], dtype=np.int64),
        "stage": np.array([one.stage for one in rebalances], dtype=np.int64),
        "clusters": np.array([_distinct(one, "cluster") for one in rebalances], dtype=np.int64),
        "allocation_clusters": np.array([_distinct(one, "allocation_cluster") for one in rebalances], dtype=np.int64),
        "cash": np.array([one.cash for one in rebalances]),
        "forced_cash": np.array([one.forced_cash for one in rebalances]),
        "reference_cash": np.array([one.reference_cash for one in rebalances]),
        "gate_cash": np.array([one.gate_cash for one in rebalances]),
        "moved": np.array([one.moved for one in rebalances]),
        "gross": np.array([sum(abs(w) for w in one.weights.values()) for one in rebalances]),
        "net": np.array([sum(one.weights.values()) for one in rebalances]),
        "flags": [" ".join(one.flags) for one in rebalances],
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
        columns[name] = pl.Series([one.label.value if one else None for one in found], dtype=pl.String)
        columns[f"{name}_quadrant"] = pl.Series([one.quadrant.value if one else None for one in found], dtype=pl.String)
        columns[f"{name}_score"] = np.array([one.score if one else np.nan for one in found])
    return columns


def _distinct(one: Rebalance, name: str) -> int:
    return len(set(one.holdings[name]))
