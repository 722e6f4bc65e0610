"""Measures: what a finished book amounted to, in the numbers of its outcome record."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from math import isfinite
from typing import Any, Self

COST = "cost_"
"""How names of recorded costs begin; the rest is the kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Numbers of one cell; None what has no value, was not measured, or is not known to the version that recorded it.

    Parameters
    ----------
    n ... positive : see `statistics.Performance`.
    windows, fills : decisions, and those that were traded.
    windows_without_candidate, windows_fell_back, windows_failed : decisions by how they ended.
    windows_earlier_bar, windows_without_quorum : decisions made on another bar than the last, or on one too few had.
    mean_cash, mean_forced_cash : over the decisions, as fractions of equity.
    mean_turnover : one-way, per decision that was traded: summed over its fills under daily rebalancing.
    traded : two-way value as a multiple of equity.
    costs : kind -> sum, as a fraction of starting capital; funding below zero was received, a yield of cash always is.
    assumed_funding, unassumed_* : funding of hours without data, and measures of the book without it.
    collateral_lost, margin_call, partly_filled, closed_out, unfilled : events.
    """

    n: int | None = None
    periods_per_year: int | None = None
    total_return: float | None = None
    cagr: float | None = None
    volatility: float | None = None
    sharpe: float | None = None
    sharpe_se: float | None = None
    psr: float | None = None
    sortino: float | None = None
    calmar: float | None = None
    omega: float | None = None
    max_drawdown: float | None = None
    drawdown_start: int | None = None
    drawdown_trough: int | None = None
    drawdown_recovery: int | None = None
    var95: float | None = None
    cvar95: float | None = None
    cvar95_n: int | None = None
    skew: float | None = None
    excess_kurtosis: float | None = None
    best: float | None = None
    worst: float | None = None
    positive: float | None = None
    windows: int | None = None
    fills: int | None = None
    windows_without_candidate: int | None = None
    windows_fell_back: int | None = None
    windows_failed: int | None = None
    windows_earlier_bar: int | None = None
    windows_without_quorum: int | None = None
    mean_cash: float | None = None
    mean_forced_cash: float | None = None
    mean_turnover: float | None = None
    traded: float | None = None
    costs: Mapping[str, float] = field(default_factory=dict)
    assumed_funding: float | None = None
    unassumed_total_return: float | None = None
    unassumed_cagr: float | None = None
    unassumed_sharpe: float | None = None
    collateral_lost: int | None = None
    margin_call: int | None = None
    partly_filled: int | None = None
    closed_out: int | None = None
    unfilled: int | None = None

    @classmethod
    def of(cls, metrics: Mapping[str, Any]) -> Self:
        """Return the measures that an outcome record holds."""
        plain = {one.name: known(metrics.get(one.name)) for one in fields(cls) if one.name != "costs"}
        paid = ((name.removeprefix(COST), known(value)) for name, value in metrics.items() if name.startswith(COST))
        return cls(**plain, costs={kind: value or 0.0 for kind, value in paid})


def known(value: Any) -> Any:
    """Return a recorded value, or None where it is a number that is none."""
    return None if isinstance(value, float) and not isfinite(value) else value
