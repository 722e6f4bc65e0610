"""Results of a finished cell: scalars for the ledger, tables for the result store."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tvquant.core.books import COST_KINDS, EventKind, SimResult
from tvquant.core.flat import flat
from tvquant.core.panel import Floats
from tvquant.core.stamps import Stamps
from tvquant.simulation.accruals import Accruals
from tvquant.tournament.atom_attribution import attribution
from tvquant.tournament.attribution import Earned, by_name, contributions, earnings
from tvquant.tournament.friction import audit, cases
from tvquant.tournament.outliers import study
from tvquant.tournament.path_holdings import PathHoldings
from tvquant.tournament.path_tables import Columns, PathTables, path_tables
from tvquant.tournament.purity import Purity, purity
from tvquant.tournament.synthetic_gap import synthetic_gap
from tvquant.tournament.trades import FIGURES, Trades, trades
from tvquant.tournament.walk_forward import BacktestEngine, Settled

RARE = ("funding", "cash_yield", "impact")
"""Costs that most books have none of; those have no measure of them."""

type Scalar = float | int | str | bool | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellResult:
    """What is kept of a finished cell: small beside its book, which has a column per instrument."""

    measures: Mapping[str, Scalar]
    tables: Mapping[str, Columns]
    forensic: Mapping[str, Any]
    stamps: Stamps
    digest: str


def result_of(engine: BacktestEngine, settled: Settled, decided: PathTables | None = None) -> CellResult:
    """Return measures and tables of a finished cell, and what its ledger alone must be able to tell of it.

    `decided` are the tables of its path, which the cells of a path share; made here where they are not given.
    """
    made = tables(engine, settled, decided)
    return CellResult(
        measures=measures(settled), tables=made, forensic=_forensic(engine, settled, made["windows"]),
        stamps=settled.stamps, digest=settled.digest,
    )  # fmt: skip


def _forensic(engine: BacktestEngine, settled: Settled, windows: Columns) -> dict[str, Any]:
    """Return how each window went, the outliers with their cause, and counts of directional purity (R-TRN-04)."""
    found = study(
        engine.panel,
        settled.result,
        settled.cell.book.execution,
        first_fills=settled.first_fills,
        ids=windows["window"].tolist(),
        partial=windows["partial"].tolist(),
        risk_free=engine.rate_of(settled.result),
    )
    counts = (one.name for one in fields(Purity))
    return {**found.payload(), "purity": {name: int(windows[name].sum()) for name in counts}}


def measures(settled: Settled) -> dict[str, Scalar]:
    """Return scalars of the ledger's outcome record: performance, trading and costs (of starting capital)."""
    result, rebalances = settled.result, settled.rebalances
    turnover = _summed(result.turnover, settled.first_fills)
    statuses = [one.status for one in rebalances]
    scalars: dict[str, Scalar] = {
        key: value for key, value in flat(settled.performance).items() if isinstance(value, Scalar.__value__)
    }
    return scalars | {
        "status": result.failure or "played",
        **settled.cell.place,
        "windows": len(rebalances),
        "fills": len(turnover),
        "windows_without_candidate": statuses.count("no_candidate"),
        "windows_fell_back": statuses.count("fell_back"),
        "windows_failed": statuses.count("failed"),
        "windows_earlier_bar": sum(bool(one.footing.bar != one.footing.asked) for one in rebalances),
        "windows_without_quorum": sum(not one.footing.quorum for one in rebalances),
        "mean_forced_cash": float(np.mean([one.forced_cash for one in rebalances])),
        "mean_cash": float(rebalances.cash.mean()),
        "mean_turnover": float(turnover.mean()) if len(turnover) else 0.0,
        "traded": float(result.traded.sum()),
        **{f"cost_{name}": float(amounts.sum()) for name, amounts in result.costs.items() if name not in RARE},
        **_carried(settled),
        "closed_out": sum(event.kind is EventKind.CLOSED_OUT for event in result.events),
        "unfilled": sum(event.kind is EventKind.UNFILLED for event in result.events),
    }


def _summed(per_fill: Floats, first: NDArray[np.intp]) -> Floats:
    """Return the sum of a figure over the fills of each rebalance."""
    return np.add.reduceat(per_fill, first) if len(first) else np.empty(0)


def _carried(settled: Settled) -> dict[str, Scalar]:
    """Return what only some books have: funding, interest on cash, how often collateral was lost or margin called.

    Where some funding was assumed, how much, and what the book comes to without it.
    """
    result, plain = settled.result, settled.unassumed
    paid = {name: result.costs[name] for name in RARE if name in result.costs}
    carried: dict[str, Scalar] = {f"cost_{name}": float(part.sum()) for name, part in paid.items() if part.any()}
    for kind in (EventKind.COLLATERAL_LOST, EventKind.MARGIN_CALL, EventKind.PARTLY_FILLED):
        if count := sum(event.kind is kind for event in result.events):
            carried[kind.value] = count
    if plain is None:
        return carried
    return carried | {
        "assumed_funding": float(settled.result.assumed_funding.sum()),
        "unassumed_total_return": plain.total_return,
        "unassumed_cagr": plain.cagr,
        "unassumed_sharpe": plain.sharpe,
    }


def tables(engine: BacktestEngine, settled: Settled, decided: PathTables | None = None) -> dict[str, Columns]:
    """Return the result tables of one cell: `returns` by row, `windows` by rebalance, `weights` by name, `events`.

    And what was traded (`trades`) and brought (`names`) by each name, and brought by each atom (`attribution`);
    of an audited cell, what friction makes of it (`friction`). `decided` as for `result_of`.
    """
    told = decided or path_tables(engine, settled.cell.path, settled.rebalances)
    panel, result, rebalances = engine.panel, settled.result, settled.rebalances
    times, book = panel.times, settled.cell.book
    earned = earnings(panel, result, book.execution)
    made = trades(panel, result, book.execution, book.costs)
    paid = Accruals(panel=panel, result=result, costs=book.costs, execution=book.execution, trades=made)
    brought = attribution(paid, rebalances, made)
    found = purity(panel, result, book.execution, rebalances, earned)
    return {
        "returns": _returns(engine, settled, earned),
        "windows": {
            **_windows(engine, settled, told["windows"]),
            **flat(found),
            **synthetic_gap(panel, result, book.execution, rebalances, brought),
        },
        "weights": told["weights"],
        "events": _events(result, times),
        "atoms": told["atoms"],
        "vetoes": told["vetoes"],
        "trades": _trades(made, settled, times),
        "names": _names(by_name(panel, result, earned, made, result.filled[settled.first_fills]), rebalances),
        "attribution": _attribution(brought, rebalances),
        **({"friction": _friction(engine, settled)} if settled.cell.audited else {}),
    }


def _returns(engine: BacktestEngine, settled: Settled, earned: Earned) -> Columns:
    """Return one row per row of the book, or per period where these are fewer."""
    result = settled.result
    value = result.quantities * result.marks
    solvent = np.where(result.equity > 0, result.equity, np.nan)
    costs = {name: result.costs.get(name, np.zeros(len(result.times))) for name in COST_KINDS}
    parts = {f"from_{name}": part for name, part in contributions(result, earned).items()}
    states = {
        "time": result.times,
        "equity": result.equity,
        "cash": result.cash,
        "gross": np.nansum(np.abs(value), axis=1) / solvent,
        "net": np.nansum(value, axis=1) / solvent,
    }
    returns, rate = result.returns, engine.rate_of(result)
    if (periods := engine.periods_of(result)) is not None:
        returns, rate = periods.returns(result.equity), engine.risk_free.at(periods.rows)
        states = {name: values[periods.ends] for name, values in states.items()}
        costs = {name: periods.summed(values) for name, values in costs.items()}
        parts = {name: periods.parts(values, result.equity) for name, values in parts.items()}
    time = {"time": states.pop("time")}
    return {
        **time, "return": returns, "risk_free": np.broadcast_to(rate.per_row, returns.shape), **states, **costs, **parts
    }  # fmt: skip


def _events(result: SimResult, times: Any) -> Columns:
    """Return one row per event."""
    rows = np.array([event.row for event in result.events], dtype=np.int64)
    return {
        "time": times[rows],
        "symbol": [event.key for event in result.events],
        "kind": [event.kind.value for event in result.events],
        "value": np.array([event.value for event in result.events], dtype=np.float64),
    }


def _friction(engine: BacktestEngine, settled: Settled) -> Columns:
    """Return one row per book of the friction audit; of baselines the ladder is enough to be compared with."""
    cell = settled.cell
    every = cases(engine.costs_of(cell), cell.book.execution, whole=not cell.baseline)
    return audit(engine.panel, settled.rebalances.weights, every, risk_free=engine.risk_free)


def _attribution(brought: Columns, rebalances: PathHoldings) -> Columns:
    """Return one row per part of each window's return; every kind of cost has a column."""
    windows = rebalances.windows
    nothing, words = np.zeros(len(brought["net"])), ("part", "atom", "symbol", "logic", "direction")
    return {
        "window": windows[brought["decision"]],
        **{name: brought[name] for name in words},
        **{name: brought.get(name, nothing) for name in ("gross", *COST_KINDS, "net", "level")},
    }


def _trades(made: Trades, settled: Settled, times: Any) -> Columns:
    """Return one row per trade; the window is that of the fill, null for what nobody ordered."""
    windows = settled.rebalances.windows[settled.restores]
    window, unordered = pl.Series(windows[made.fill]), np.flatnonzero(made.fill < 0)
    return {
        "window": window.scatter(unordered, None) if len(unordered) else window,
        "time": times[made.row],
        "symbol": pl.Series([made.keys[j] for j in made.name.tolist()], dtype=pl.String),
        "kind": pl.Series(made.kind, dtype=pl.String),
        **{name: getattr(made, name) for name in FIGURES},
    }


def _names(brought: Columns, rebalances: PathHoldings) -> Columns:
    """Return one row per name and window that was filled."""
    windows = rebalances.windows
    return {"window": windows[brought["fill"]]} | {name: brought[name] for name in brought if name != "fill"}


def _windows(engine: BacktestEngine, settled: Settled, decided: Columns) -> Columns:
    """Return one row per rebalance; what was never filled, or not traded in, is NaN or NaT.

    A window is owned from its first fill; `traded` and `turnover` are sums over its fills, each of equity at the fill.
    `decided` are the columns of what was decided, which keep their order.
    """
    result, first = settled.result, settled.first_fills
    count, filled = len(settled.rebalances), result.filled[first]
    bounds = np.append(result.fill_equity[first], result.equity[-1:])

    def padded(values: Any, empty: Any) -> Any:
        return np.concatenate([values, np.full(count - len(first), empty, dtype=np.asarray(values).dtype)])

    return {
        **decided,
        "filled_at": padded(engine.panel.times[filled], np.datetime64("NaT", "us")),
        "dispersion": padded(engine.dispersion(filled), np.nan),
        "return": padded(_ratio(bounds), np.nan),
        "traded": padded(_summed(result.traded, first), np.nan),
        "turnover": padded(_summed(result.turnover, first), np.nan),
    }


def _ratio(levels: Any) -> Any:
    """Return simple returns between consecutive levels; NaN from a level of zero on (the book is gone)."""
    base = np.where(levels[:-1] > 0, levels[:-1], np.nan)
    return levels[1:] / base - 1.0
