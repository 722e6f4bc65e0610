"""Result tables of a meta-portfolio's run beside those that every cell has: streams, shares, tree, mixes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from tvquant.app.meta.context import Held
from tvquant.profiles.sections.execution import BenchmarkSection
from tvquant.tournament.sleeves.account import AccountPanel
from tvquant.tournament.sleeves.benchmark import benchmark_levels
from tvquant.tournament.sleeves.correlation import Correlations
from tvquant.tournament.sleeves.groups import Group
from tvquant.tournament.sleeves.shares import MetaPath, mix_levels

BENCHMARK = "benchmark"
type Tables = dict[str, dict[str, dict[str, Any]]]
"""Cell -> table -> columns."""


def of_group(group: Group, found: Correlations) -> Tables:
    """Return the streams of a risk profile on the common dates, keyed `SLEEVE/RISK`, and how they are correlated."""
    joined = group.joined
    streams: Tables = {
        f"{name}/{group.risk_profile}": {
            "streams": {"time": joined.times, "level": np.ascontiguousarray(joined.levels[:, column])}
        }
        for column, name in enumerate(group.names)
    }
    return {**streams, group.risk_profile: {"correlations": _correlations(found)}}


def of_benchmark(market: BenchmarkSection, account: AccountPanel) -> Tables:
    """Return the levels of what accounts are measured against; nothing where the profile names nothing.

    Raises
    ------
    ModelError : no sleeve has its bars.
    """
    if not market.symbols:
        return {}
    times, levels = benchmark_levels(account, market.symbols, market.weights)
    return {BENCHMARK: {BENCHMARK: {"time": times, "level": levels}}}


def of_path(held: Held) -> Tables:
    """Return what a path gives its sleeves, what it holds by atom, and the mix of the streams at its shares."""
    group, first = held.group, held.path.decisions[0].row
    mix = {"time": group.joined.times[first:], "level": mix_levels(group.joined, held.path)}
    tree = _typed(held.book.table(group.account.panel.times))
    return {held.path.key: {"shares": _shares(held.path), "tree": tree, "mixes": mix}}


def _correlations(found: Correlations) -> dict[str, Any]:
    """Return one row per two sleeves; null where one does not move, or rows are too few to tell the interval."""
    words, figures = ("first", "second"), {"correlation": "rho", "low": "low", "high": "high"}
    return {
        **{name: pl.Series([getattr(one, name) for one in found.pairs], dtype=pl.String) for name in words},
        "rows": np.array([one.rows for one in found.pairs], dtype=np.int64),
        **{
            name: pl.Series([getattr(one, of) for one in found.pairs], dtype=pl.Float64) for name, of in figures.items()
        },
    }


def _shares(path: MetaPath) -> dict[str, Any]:
    """Return one row per meta decision and sleeve."""
    count = len(path.names)
    return {
        "decided_at": np.repeat(path.times, count),
        "sleeve": list(path.names) * len(path.decisions),
        "share": path.weights.ravel(),
        "status": [one.status for one in path.decisions for _ in path.names],
    }


def _typed(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return columns whose words are words also where there is no row."""
    words = ("sleeve", "atom", "symbol")
    return {name: pl.Series(values, dtype=pl.String) if name in words else values for name, values in columns.items()}
