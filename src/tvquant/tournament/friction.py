"""Friction audit: one path of weights again and again, under other costs, delays and sizes.

1. Nothing is decided anew: every book holds the weights of the audited one, by the house simulator, so that what
   differs is friction alone. Quantities differ a little: they are fixed on an equity that costs have changed (drift).
2. `slippage` is a ladder, commission and all else as they are (R-SIM-06); `stress` is 10 + 4 bps flat (R-SIM-05);
   `lag` and `convention` fill the same orders later or at other prices (R-SIM-04); `nav` gives the book a size and lets
   its own trades move prices, by the square-root law.
3. What cannot be played stands there with its reason and without figures.
4. Each book is compared with the one as it is, on the rows that both have. What another timing makes of the mean return
   has an interval (`statistics.paired_differences`); what a cost makes of it is known and needs none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from tvquant.core.books import Convention, CostModel, Execution, SimResult, Spread, WeightPath
from tvquant.core.calendars import calendar
from tvquant.core.errors import DataError, ModelError, ProfileError
from tvquant.core.panel import Floats, Panel
from tvquant.core.rates import ZERO, RiskFree
from tvquant.simulation import SIMULATORS
from tvquant.statistics import performance
from tvquant.statistics.metrics import annual_growth
from tvquant.statistics.paired_differences import paired_difference

HOUSE = "custom"
AS_IS, SLIPPAGE, STRESS, LAG, CONVENTION, NAV = "as_is", "slippage", "stress", "lag", "convention", "nav"
"""Groups of cases."""
LADDER = (0.0, 5.0, 10.0, 20.0, 50.0, 100.0)
"""Slippage in basis points; the last two are there to find where nothing is left."""
STRESSED = (10.0, 4.0)
"""Slippage and commission of the stress, in basis points."""
LAGS = (0, 1, 2)
SIZES = (1e5, 3e5, 1e6, 3e6, 1e7, 3e7, 1e8, 3e8, 1e9, 3e9, 1e10)
"""Equity at the start, in base currency."""
CONFIDENCE, BLOCK, SEED = 0.95, 20, 0
"""Of the intervals: level, rows of a block, seed of the draws."""
TIMING = (LAG, CONVENTION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One book of the audit: the group it is shown in, its place there, and its rules."""

    group: str
    value: str
    costs: CostModel
    execution: Execution


def cases(costs: CostModel, execution: Execution, *, whole: bool = True) -> tuple[Case, ...]:
    """Return the book as it is, and what it is compared with: all of it, or the ladder of slippage only."""
    found = [(AS_IS, "", costs, execution)]
    found += [(SLIPPAGE, f"{bps:g}", _flat(costs, bps), execution) for bps in LADDER]
    if whole:
        slippage, commission = STRESSED
        stressed = replace(_flat(costs, slippage), commission_bps=commission, tiers=(), maker_share=0.0)
        found += [(STRESS, f"{slippage:g} + {commission:g}", stressed, execution)]
        lags = sorted({*LAGS, execution.lag, execution.lag + 1})
        found += [(LAG, str(lag), costs, replace(execution, lag=lag)) for lag in lags]
        found += [(CONVENTION, one.value, costs, replace(execution, convention=one)) for one in Convention]
        moved = replace(costs, impact=costs.impact or 1.0)
        found += [(NAV, f"{nav:g}", moved, replace(execution, nav=nav)) for nav in SIZES]
    return tuple(Case(group=g, value=v, costs=c, execution=e) for g, v, c, e in found)


def audit(panel: Panel, path: WeightPath, every: Sequence[Case], *, risk_free: RiskFree = ZERO) -> Mapping[str, Any]:
    """Return one row per case: its rules, what became of it, and how far that is from the first case.

    `risk_free` is by row of the panel.

    Raises
    ------
    ModelError : the book as it is cannot be kept.
    """
    known: dict[tuple[CostModel, Execution], SimResult | str] = {}
    for case in every:
        key = case.costs, case.execution
        if key not in known:
            known[key] = _played(panel, path, case)
    base = known[every[0].costs, every[0].execution]
    if isinstance(base, str):
        raise ModelError(f"friction cannot be audited: {base}")
    periods = calendar(panel.calendar).periods_per_year
    rows = []
    for case in every:
        book = known[case.costs, case.execution]
        figures: dict[str, Any] = {"why": book} if isinstance(book, str) else {}
        if not isinstance(book, str):
            rate = risk_free.at(np.searchsorted(panel.times, book.times))
            figures = _figures(book, rate, periods) | _beside(book, base, case, periods)
        rows.append(_rules(case) | figures)
    return {name: pl.Series([row.get(name) for row in rows], dtype=kind) for name, kind in SCHEMA.items()}


NUMBERS = (
    "total_return", "cagr", "log_growth", "sharpe", "sharpe_se", "max_drawdown", "turnover", "traded", "cost",
    "difference", "mean_difference", "mean_difference_se", "low", "high",
)  # fmt: skip
SCHEMA: Mapping[str, Any] = {
    "group": pl.String, "value": pl.String, "slippage_bps": pl.Float64, "commission_bps": pl.Float64,
    "lag": pl.Int64, "convention": pl.String, "nav": pl.Float64, "impact": pl.Float64, "rows": pl.Int64,
    **dict.fromkeys(NUMBERS, pl.Float64), "status": pl.String, "why": pl.String,
}  # fmt: skip
"""Columns of an audit."""


def break_even(slippage: Floats, left: Floats) -> float | None:
    """Return the slippage at which what is left reaches zero, by straight lines between the rungs of a ladder.

    Below 0 (minus infinity) where nothing is left without slippage, infinity where something is at the last rung; None
    where it is not known. `left` is of log growth, in which a cost is nearly a straight line: log(1 - c x traded).
    """
    if len(left) == 0 or not np.isfinite(left).all():
        return None
    if left[0] <= 0.0:
        return -np.inf
    below = np.flatnonzero(left <= 0.0)
    if not len(below):
        return np.inf
    k = int(below[0])
    share = left[k - 1] / (left[k - 1] - left[k])
    return float(slippage[k - 1] + share * (slippage[k] - slippage[k - 1]))


def capacity(sizes: Floats, left: Floats, share: float) -> float | None:
    """Return the size at which a share of the log growth of the smallest is left, on a straight line over log size.

    None where the smallest has none, or is not known; infinity where more is left at the largest.
    """
    if len(left) < 2 or not np.isfinite(left).all() or left[0] <= 0.0:
        return None
    goal = share * left[0]
    below = np.flatnonzero(left <= goal)
    if not len(below):
        return np.inf
    k = int(below[0])
    part = (left[k - 1] - goal) / (left[k - 1] - left[k])
    return float(np.exp(np.log(sizes[k - 1]) + part * (np.log(sizes[k]) - np.log(sizes[k - 1]))))


def _flat(costs: CostModel, bps: float) -> CostModel:
    return replace(costs, slippage_bps=bps, spread=Spread.FLAT)


def _played(panel: Panel, path: WeightPath, case: Case) -> SimResult | str:
    """Return the book, or why there is none; without holdings, of which all cases together would fill the memory."""
    nothing = np.empty((0, len(path.keys)))
    try:
        book = SIMULATORS[HOUSE].simulate(panel, path, (), costs=case.costs, execution=case.execution)
        return replace(book, quantities=nothing, marks=nothing, rates=None)
    except (ProfileError, DataError, ModelError) as error:
        return str(error)


def _rules(case: Case) -> dict[str, Any]:
    """Return the rules of a case; slippage that is measured, and commission by tier, are no figure."""
    return {
        "group": case.group,
        "value": case.value,
        "slippage_bps": case.costs.slippage_bps if case.costs.spread is Spread.FLAT else None,
        "commission_bps": None if case.costs.tiers else case.costs.commission_bps,
        "lag": int(case.execution.lag),
        "convention": case.execution.convention.value,
        "nav": case.execution.nav,
        "impact": case.costs.impact,
    }


def _figures(book: SimResult, rate: RiskFree, periods: int) -> dict[str, Any]:
    """Return what became of a book; turnover, traded value and cost are fractions of equity per year."""
    found = performance(book.returns, periods_per_year=periods, risk_free=rate)
    level, before = float(book.equity[-1]), np.append(1.0, book.equity[:-1])
    paid = np.sum(list(book.costs.values()), axis=0)[before > 0.0] / before[before > 0.0]
    return {
        "rows": len(book.returns),
        "total_return": found.total_return,
        "cagr": found.cagr,
        "log_growth": float(np.log(level)) * periods / len(book.returns) if level > 0.0 else None,
        "sharpe": found.sharpe,
        "sharpe_se": found.sharpe_se,
        "max_drawdown": found.max_drawdown,
        "turnover": float(book.turnover.sum()) * periods / len(book.returns),
        "traded": float(book.traded.sum()) * periods / len(book.returns),
        "cost": float(paid.sum()) * periods / len(book.returns),
        "status": book.failure or "played",
    }


def _beside(book: SimResult, base: SimResult, case: Case, periods: int) -> dict[str, Any]:
    """Return how much more the book grows per year than the base, and for another timing an interval of means."""
    both = min(len(book.times), len(base.times))  # each to the end of the panel
    mine, its = book.returns[-both:], base.returns[-both:]
    ours, theirs = (annual_growth(float(np.prod(1.0 + one)), n=both, periods_per_year=periods) for one in (mine, its))
    found: dict[str, Any] = {"difference": None if ours is None or theirs is None else ours - theirs}
    if case.group not in TIMING or np.array_equal(mine, its):
        return found
    try:
        paired = paired_difference(
            np.column_stack([mine, its]), statistic="mean_difference", periods_per_year=periods, confidence=CONFIDENCE,
            block=BLOCK, seed=SEED,
        )  # fmt: skip
    except ModelError:  # too few rows for an interval: none is shown
        return found
    return found | {
        "mean_difference": paired.difference,
        "mean_difference_se": paired.standard_error,
        "low": paired.low,
        "high": paired.high,
    }
