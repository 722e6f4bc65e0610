"""Parity: one path of weights as two simulators keep it, and where their books part (R-SIM-14).

1. Books are compared on the bars that both have, at the closes: equity, the value of every name held.
2. Sharpe ratio and annual return are of the equity on these bars; turnover and costs are the sums over the whole book.
3. A figure that one of the two lacks, or that would compare nothing with nothing, fails. What no one is asked to pay is
   left out.
4. Where figures lie apart, the first trade that differs is named: it is where to look for the cause.

The first book is the reference: differences are fractions of its figures.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from tvquant.core.books import SimResult
from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats, Panel, Times
from tvquant.core.rates import RiskFree
from tvquant.profiles.sections.parity import ParitySection
from tvquant.statistics import Performance, performance
from tvquant.tournament.parity_settings import Setting
from tvquant.tournament.trades import Trade, trades

MISSING = 1
"""Bars that one book may lack: an engine may end a bar earlier."""
BPS = 1e4


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of both books.

    Parameters
    ----------
    name : `bars`, `equity`, `holdings`, `sharpe`, `annual_return` (`period_return` of under 60 days), `turnover`,
        `costs`. Of equity and holdings `first` and `second` are final equities and final gross values, the difference
        is the largest at any shared bar.
    difference : as a fraction of the first, or `absolute`; of holdings a fraction of equity. None where it cannot be
        told.
    """

    name: str
    first: float | None
    second: float | None
    difference: float | None
    limit: float
    absolute: bool = False

    @property
    def passed(self) -> bool:
        """Whether the difference is known, and within the limit."""
        return self.difference is not None and self.difference <= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """Where two books part first.

    Parameters
    ----------
    what : `trade`; `holdings` where no single trade differs by the limit, `equity` where these do not either.
    symbol : empty where it is of no name.
    quantities, prices : of the first book and the second, in units of a book that starts with 1; None where one has no
        such trade.
    since : the close at which holdings or equity differ already, where that is before the trade: what the trade has
        is then a consequence of another price, cost or accrual; else None.
    """

    what: str
    time: np.datetime64
    symbol: str
    quantities: tuple[float | None, float | None]
    prices: tuple[float | None, float | None]
    since: np.datetime64 | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pair:
    """Two books of one path in one setting.

    Parameters
    ----------
    times, apart : the shared bars, and by how many basis points of the first's equity the second's is above it.
    annual_bps : annual return of the second less that of the first; None where spans are too short for one.
    """

    first: str
    second: str
    binds: bool
    figures: tuple[Figure, ...]
    divergence: Divergence | None
    times: Times
    apart: Floats
    annual_bps: float | None

    @property
    def passed(self) -> bool:
        """Whether every figure is within its limit."""
        return all(one.passed for one in self.figures)

    @property
    def failures(self) -> tuple[Figure, ...]:
        """Figures beyond their limits, or without a value."""
        return tuple(one for one in self.figures if not one.passed)

    @property
    def final_bps(self) -> float | None:
        """By how many basis points the second's last shared equity is above the first's."""
        return float(self.apart[-1]) if len(self.apart) else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measure:
    """How returns are measured: rows per year, and the risk-free rate on the rows of the panel (T)."""

    periods_per_year: int
    risk_free: RiskFree


def compared(first: SimResult, second: SimResult, *, setting: Setting, limits: ParitySection, by: Measure) -> Pair:
    """Return two books beside each other, each figure against its limit."""
    times, a, b = np.intersect1d(first.times, second.times, return_indices=True)
    mine, its = first.equity[a], second.equity[b]
    performances = _measured(setting.panel, times, mine, by), _measured(setting.panel, times, its, by)
    figures = (
        _bars(first, second, len(times)),
        _equity(mine, its, limits.equity),
        _holdings(first, second, (a, b), limits.holdings),
        *_ratios(*performances, limits),
        _sum("turnover", (_total(first.turnover), _total(second.turnover)), limits.turnover),
        *_costs(first, second, setting, limits.costs),
    )
    within = all(one.passed for one in figures)
    annual, its_annual = (one.cagr if one else None for one in performances)
    return Pair(
        first=first.simulator, second=second.simulator, binds=setting.binds, figures=figures, times=times,
        divergence=None if within else divergence(first, second, setting=setting, limits=limits),
        apart=BPS * _relative(mine, its),
        annual_bps=None if annual is None or its_annual is None else BPS * (its_annual - annual),
    )  # fmt: skip


def divergence(first: SimResult, second: SimResult, *, setting: Setting, limits: ParitySection) -> Divergence | None:
    """Return where two books part first: a trade, else holdings, else equity; None where they do not."""
    made = [_by_place(trades(setting.panel, one, setting.execution, setting.costs)) for one in (first, second)]
    for row, key, kind in sorted(made[0].keys() | made[1].keys()):
        pair = tuple(one.get((row, key, kind)) for one in made)
        if _differ(pair[0], pair[1], limits):
            time = setting.panel.times[row]
            return Divergence(
                what="trade", time=time, symbol=key, quantities=_each(pair, "quantity"), prices=_each(pair, "price"),
                since=_since(first, second, time, limits),
            )  # fmt: skip
    return _parted(first, second, setting.panel.keys, limits)


def _since(first: SimResult, second: SimResult, time: np.datetime64, limits: ParitySection) -> np.datetime64 | None:
    """Return the first shared bar before a time at which holdings or equity differ by more than they may."""
    times, a, b = np.intersect1d(first.times, second.times, return_indices=True)
    within = _apart(first, second, (a, b)).max(axis=1, initial=0.0) <= limits.holdings
    within &= np.abs(_relative(first.equity[a], second.equity[b])) <= limits.equity
    rows = np.flatnonzero(~within & (times < time))
    return times[rows[0]] if len(rows) else None


def _by_place(made: Iterable[Trade]) -> Mapping[tuple[int, str, str], Trade]:
    return {(one.row, one.key, one.kind): one for one in made}


def _each(pair: tuple[Trade | None, ...], name: str) -> tuple[float | None, float | None]:
    one, other = (None if trade is None else float(getattr(trade, name)) for trade in pair)
    return one, other


def _differ(one: Trade | None, other: Trade | None, limits: ParitySection) -> bool:
    """Return whether a trade differs by more of equity than holdings may, or in its price by more than equity may."""
    there = one or other
    assert there is not None
    if one is None or other is None:
        return abs(there.share) > limits.holdings
    level = abs(one.value / one.share) if one.share else 1.0
    moved = abs(one.quantity - other.quantity) * one.price
    return moved > limits.holdings * level or abs(one.price - other.price) > limits.equity * one.price


def _parted(first: SimResult, second: SimResult, keys: tuple[str, ...], limits: ParitySection) -> Divergence | None:
    """Return the first shared bar at which holdings, or else equities, differ by more than they may."""
    times, a, b = np.intersect1d(first.times, second.times, return_indices=True)
    away = _apart(first, second, (a, b))
    if len(rows := np.flatnonzero(~(away.max(axis=1, initial=0.0) <= limits.holdings))):
        k = int(rows[0])
        j = int(np.argmax(np.where(np.isnan(away[k]), np.inf, away[k])))
        held = float(first.quantities[a[k], j]), float(second.quantities[b[k], j])
        marks = float(first.marks[a[k], j]), float(second.marks[b[k], j])
        return Divergence(what="holdings", time=times[k], symbol=keys[j], quantities=held, prices=marks)
    if len(rows := np.flatnonzero(~(np.abs(_relative(first.equity[a], second.equity[b])) <= limits.equity))):
        k = int(rows[0])
        levels = float(first.equity[a[k]]), float(second.equity[b[k]])
        return Divergence(what="equity", time=times[k], symbol="", quantities=levels, prices=(None, None))
    return None


def _bars(first: SimResult, second: SimResult, shared: int) -> Figure:
    lacking = max(len(first.times), len(second.times)) - shared
    return Figure(
        name="bars", first=float(len(first.times)), second=float(len(second.times)),
        difference=float(lacking) if shared else None, limit=float(MISSING), absolute=True,
    )  # fmt: skip


def _equity(mine: Floats, its: Floats, limit: float) -> Figure:
    worst = _known(np.abs(_relative(mine, its)).max()) if len(mine) else None
    return Figure(name="equity", first=_last(mine), second=_last(its), difference=worst, limit=limit)


def _holdings(first: SimResult, second: SimResult, shared: tuple[np.ndarray, np.ndarray], limit: float) -> Figure:
    away = _apart(first, second, shared)
    gross = [float(np.abs(_value(one)[-1]).sum()) for one in (first, second)]
    worst = _known(away.max()) if away.size else None
    return Figure(name="holdings", first=_known(gross[0]), second=_known(gross[1]), difference=worst, limit=limit)


def _apart(first: SimResult, second: SimResult, shared: tuple[np.ndarray, np.ndarray]) -> Floats:
    """Return by how much the value of each name differs at shared bars (R x N), as a fraction of the first's equity."""
    a, b = shared
    level = np.where(first.equity[a] > 0.0, first.equity[a], 1.0)
    away: Floats = np.abs(_value(first)[a] - _value(second)[b]) / level[:, None]
    return away


def _value(result: SimResult) -> Floats:
    """Return the value of what is held (R x N); NaN where something is held that has no mark."""
    value: Floats = np.where(result.quantities == 0.0, 0.0, result.quantities * result.marks)
    return value


def _measured(panel: Panel, times: Times, equity: Floats, by: Measure) -> Performance | None:
    """Return the measures of equity on the shared bars; None where it has none."""
    before = np.concatenate([[1.0], equity[:-1]])
    if not len(equity) or not np.isfinite(equity).all():
        return None
    returns = np.where(before > 0.0, equity / np.where(before > 0.0, before, 1.0) - 1.0, 0.0)
    rate = by.risk_free.at(np.searchsorted(panel.times, times))
    try:
        return performance(returns, periods_per_year=by.periods_per_year, risk_free=rate)
    except ModelError:
        return None


def _ratios(one: Performance | None, other: Performance | None, limits: ParitySection) -> Iterator[Figure]:
    """Yield Sharpe ratio and annual return; where the span is too short to be annualised, the return of the period."""
    sharpe = one.sharpe if one else None, other.sharpe if other else None
    if sharpe[0] is not None and abs(sharpe[0]) < limits.near_zero:
        away = None if sharpe[1] is None else abs(sharpe[1] - sharpe[0])
        yield Figure(name="sharpe", first=sharpe[0], second=sharpe[1], difference=away, limit=limits.near_zero,
                     absolute=True)  # fmt: skip
    else:
        yield _sum("sharpe", sharpe, limits.sharpe)
    short = one is not None and one.cagr is None
    name, field = ("period_return", "total_return") if short else ("annual_return", "cagr")
    annual = [None if found is None else getattr(found, field) for found in (one, other)]
    yield _sum(name, (annual[0], annual[1]), limits.annual_return)


def _sum(name: str, both: tuple[float | None, float | None], limit: float) -> Figure:
    """Return a figure whose difference is a fraction of the first; nothing is compared with nothing."""
    first, second = both
    away = None if first is None or second is None or not first else abs(second - first) / abs(first)
    return Figure(name=name, first=first, second=second, difference=away, limit=limit)


def _costs(first: SimResult, second: SimResult, setting: Setting, limit: float) -> Iterator[Figure]:
    """Yield the sum of all costs; nothing where nothing is asked for, and nothing was paid."""
    paid = [_total(np.sum([*one.costs.values()], axis=0)) if one.costs else None for one in (first, second)]
    if setting.costs.per_notional > 0.0 or any(paid):
        yield _sum("costs", (paid[0], paid[1]), limit)


def _total(values: Floats) -> float | None:
    return _known(values.sum()) if np.size(values) else None


def _relative(mine: Floats, its: Floats) -> Floats:
    """Return second over first less 1; 0 where both are 0, NaN where only the first is."""
    there = mine != 0.0
    ratio = its / np.where(there, mine, 1.0) - 1.0
    apart: Floats = np.where(there, ratio, np.where(its == 0.0, 0.0, np.nan))
    return apart


def _last(values: Floats) -> float | None:
    return _known(values[-1]) if len(values) else None


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
