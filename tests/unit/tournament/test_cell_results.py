"""Numbers and tables of a finished cell, against the book they come from."""

import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from tvquant.core.decisions import Footing
from tvquant.core.instruments import Kind
from tvquant.core.panel import Floats, Panel
from tvquant.core.selection import SelectionFunnel
from tvquant.core.stamps import Stamp
from tvquant.profiles import Profile
from tvquant.tournament.cell_results import measures, tables
from tvquant.tournament.cells import Cell, cells
from tvquant.tournament.path_tables import FUNNEL
from tvquant.tournament.rebalances import Rebalance
from tvquant.tournament.walk_forward import BacktestEngine, Settled

type Profiles = Callable[..., Profile]
type Walks = Callable[..., dict[str, Floats]]
type Markets = Callable[..., Panel]
type Engines = Callable[[Panel, Profile], BacktestEngine]
type Book = tuple[BacktestEngine, Settled]


def settle(engine: BacktestEngine, cell: Cell) -> Book:
    return engine, engine.settle(cell, [one.rebalance for one in engine.play([cell.path])])


@pytest.fixture
def book(profile: Profiles, market: Markets, walks: Walks, engine_of: Engines) -> Book:
    """Windows at 60 ... 160, those before 100 in cash; a name ends while it is held; the last window is partial."""
    close = walks("ABCDE", 171)
    close["C"][125:] = np.nan
    made = profile()
    return settle(engine_of(market(close), made), cells(made)[0])


def test_measures_are_those_of_the_book(book: Book) -> None:
    _, settled = book
    found, result = measures(settled), settled.result
    assert (found["status"], found["baseline"], found["windows"], found["fills"]) == ("played", False, 6, 6)
    assert (found["windows_without_candidate"], found["windows_fell_back"], found["windows_failed"]) == (2, 0, 0)
    assert found["total_return"] == pytest.approx(result.equity[-1] - 1.0, rel=1e-12)
    assert found["closed_out"] == 1
    assert found["traded"] == pytest.approx(result.traded.sum())
    assert found["cost_slippage"] == pytest.approx(5 * found["cost_commission"])  # 5 bp and 1 bp of the same notional
    assert found["mean_cash"] == pytest.approx(np.mean([1 - sum(step.weights.values()) for step in settled.rebalances]))
    assert all(value is None or isinstance(value, float | int | str | bool) for value in found.values())


def test_tables_have_rows_of_one_length(book: Book) -> None:
    engine, settled = book
    found = tables(engine, settled)
    assert set(found) == {
        "returns", "windows", "weights", "events", "atoms", "vetoes", "trades", "names", "attribution", "friction",
    }  # fmt: skip
    lengths = {name: {len(column) for column in columns.values()} for name, columns in found.items()}
    held, won = (
        sum(len(step.weights) for step in settled.rebalances),
        sum(len(step.holdings["atom"]) for step in settled.rebalances),
    )
    reasons = sum(len(step.funnel.vetoed) for step in settled.rebalances)
    assert {name: length for name, (length,) in lengths.items()} == {
        "returns": 171 - 60, "windows": 6, "weights": held, "events": 1, "atoms": won, "vetoes": reasons,
        "trades": 19, "names": 18, "attribution": len(found["attribution"]["net"]),
        "friction": 25,
    }  # fmt: skip
    assert held > 0
    assert reasons > 0


def test_atoms_and_costs_add_up_to_the_return_of_each_window(book: Book) -> None:
    """One name is closed out while it is held; interest of some rows is of cash."""
    found = tables(*book)
    windows = dict(zip(found["windows"]["window"].tolist(), found["windows"]["return"].tolist(), strict=True))
    parts = pl.DataFrame(found["attribution"]).group_by("window").agg(pl.col("net").sum())
    assert {one: pytest.approx(net, abs=1e-10) for one, net in parts.rows()} == {
        window: brought for window, brought in windows.items() if window >= 100
    }
    assert set(found["attribution"]["part"]) == {"atom", "cash"}


def test_window_returns_compound_to_the_book(book: Book) -> None:
    """A window owns what happens from its fill to the next one (R-SIM-03), so together they own everything."""
    engine, settled = book
    windows = tables(engine, settled)["windows"]
    grown = settled.result.fill_equity[0] * np.prod(1.0 + windows["return"])
    assert grown == pytest.approx(settled.result.equity[-1], rel=1e-12)
    assert windows["partial"].tolist() == [False] * 5 + [True]
    assert windows["filled_at"].tolist() == engine.panel.times[[60, 80, 100, 120, 140, 160]].tolist()
    assert windows["decided_at"].tolist() == engine.panel.times[[59, 79, 99, 119, 139, 159]].tolist()
    assert list(windows["status"]) == ["no_candidate"] * 2 + ["solved"] * 4
    assert windows["universe"].tolist() == [5] * 6
    assert windows["discovery"].tolist() == [5, 5, 5, 5, 4, 4]
    assert windows["refined"].tolist() == [0, 0, 5, 5, 4, 4]


@pytest.mark.requirement("R-SIM-11")
def test_under_daily_rebalancing_a_window_owns_all_its_fills(
    profile: Profiles, market: Markets, walks: Walks, engine_of: Engines
) -> None:
    """Every row from 100 on is a fill; the tables are by window all the same, each from its first fill."""
    made = profile(execution__rebalancing="daily")
    engine, settled = settle(engine_of(market(walks("ABCDE", 171)), made), cells(made)[0])
    result, found, numbers = settled.result, tables(engine, settled), measures(settled)
    windows, trades, names = found["windows"], found["trades"], found["names"]
    starts = [60, 80, 100, 120, 140, 160]
    assert result.filled.tolist() == list(range(60, 171))
    assert windows["filled_at"].tolist() == engine.panel.times[starts].tolist()
    grown = result.fill_equity[0] * np.prod(1.0 + windows["return"])
    assert grown == pytest.approx(result.equity[-1], rel=1e-12)
    assert windows["return"][2] == pytest.approx(result.fill_equity[60] / result.fill_equity[40] - 1.0, rel=1e-12)
    for figure in ("traded", "turnover"):
        per_fill = getattr(result, figure)
        sums = [per_fill[a:b].sum() for a, b in zip((0, 20, 40, 60, 80, 100), (20, 40, 60, 80, 100, 111), strict=True)]
        assert windows[figure] == pytest.approx(sums, rel=1e-12)
        assert (per_fill[41:60] > 0.0).all()
    assert (numbers["fills"], numbers["windows"]) == (6, 6)
    assert numbers["mean_turnover"] == pytest.approx(windows["turnover"].mean(), rel=1e-12)
    rows = np.searchsorted(engine.panel.times, trades["time"])
    assert trades["window"].to_list() == [60 + 20 * int((row - 60) // 20) for row in rows]
    assert {(w, s) for w, s in zip(names["window"].tolist(), names["symbol"], strict=True)} == {
        (w, s) for w, s in zip(trades["window"].to_list(), trades["symbol"], strict=True)
    }
    before = np.concatenate([[1.0], result.equity[:-1]])
    paid = (result.costs["slippage"] + result.costs["commission"]) / before
    assert names["costs"].sum() == pytest.approx(paid.sum(), rel=1e-12)
    assert (trades["slippage"] + trades["commission"]).sum() == pytest.approx((paid * before).sum(), rel=1e-9)
    assert np.abs(found["returns"]["from_other"]).max() < 1e-14


def test_returns_reconcile_with_the_account(book: Book) -> None:
    engine, settled = book
    returns = tables(engine, settled)["returns"]
    assert returns["equity"] == pytest.approx(np.cumprod(1.0 + returns["return"]), rel=1e-12)
    assert returns["net"] == pytest.approx(1.0 - returns["cash"] / returns["equity"], abs=1e-12)
    assert returns["gross"] == pytest.approx(returns["net"], abs=1e-12)  # long only
    assert {"slippage", "commission", "borrow", "overdraft"} <= set(returns)


@pytest.mark.requirement("R-META-12")
@pytest.mark.requirement("R-MET-04")
def test_a_book_is_measured_at_the_rows_that_are_named(
    profile: Profiles, market: Markets, walks: Walks, engine_of: Engines
) -> None:
    """Every day but each third: figures are those of these returns by hand; what lies between is in the next period."""
    made, panel = profile(), market(walks("ABCDE", 171))
    engine = engine_of(panel, made)
    measured = np.array([row for row in range(171) if row % 3 != 1 or row == 170])
    fewer = BacktestEngine(panel, engine.grids, measured=measured)
    _, whole = settle(engine, cells(made)[0])
    _, settled = settle(pickle.loads(pickle.dumps(fewer)), cells(made)[0])
    rows = measured[measured >= 60]
    level = whole.result.equity[rows - 60]
    by_hand = level / np.concatenate([[1.0], level[:-1]]) - 1.0
    mean, spread = by_hand.mean(), by_hand.std(ddof=1)
    found = settled.performance
    assert (found.n, whole.performance.n) == (len(rows), 111)
    assert found.sharpe == pytest.approx(mean / spread * np.sqrt(365), rel=1e-12)
    assert found.volatility == pytest.approx(spread * np.sqrt(365), rel=1e-12)
    assert found.cagr == pytest.approx(level[-1] ** (365 / len(rows)) - 1.0, rel=1e-12)
    path = np.concatenate([[1.0], level])
    assert found.max_drawdown == pytest.approx((path / np.maximum.accumulate(path) - 1.0).min(), rel=1e-12)
    assert measures(settled)["mean_turnover"] == measures(whole)["mean_turnover"]
    assert settled.digest == whole.digest
    returns, every = tables(fewer, settled)["returns"], tables(engine, whole)["returns"]
    assert returns["time"].tolist() == panel.times[rows].tolist()
    np.testing.assert_allclose(returns["return"], by_hand, rtol=1e-12)
    assert returns["slippage"].sum() == pytest.approx(every["slippage"].sum(), rel=1e-12)
    assert returns["slippage"][1] == pytest.approx(every["slippage"][1:3].sum(), rel=1e-12)
    explained = returns["from_long"] + returns["from_short"] - returns["from_costs"] - returns["from_funding"]
    np.testing.assert_allclose(explained + returns["from_other"], by_hand, atol=1e-14)


def test_weights_and_events_tell_names_and_times(book: Book) -> None:
    engine, settled = book
    found = tables(engine, settled)
    weights, events = found["weights"], found["events"]
    for k, step in enumerate(settled.rebalances):
        of_window = weights["window"] == step.window
        assert weights["weight"][of_window].sum() == pytest.approx(1.0 - found["windows"]["cash"][k])
        assert set(np.array(weights["symbol"])[of_window]) == set(step.weights)
    assert (events["symbol"], events["kind"]) == (["X:C"], ["closed_out"])
    # 5 rows without a bar (125 to 129) are a halt; the sixth closes the holding.
    assert events["time"].tolist() == engine.panel.times[[130]].tolist()


def test_trades_and_names_add_up_to_costs_and_contributions(book: Book) -> None:
    engine, settled = book
    found = tables(engine, settled)
    trades, names, returns = found["trades"], found["names"], found["returns"]
    assert sum(trades["slippage"]) == pytest.approx(sum(returns["slippage"]), rel=1e-12)
    assert sum(trades["commission"]) == pytest.approx(sum(returns["commission"]), rel=1e-12)
    assert [(t["kind"], t["window"]) for t in pl.DataFrame(trades).filter(pl.col("kind") != "fill").to_dicts()] == [
        ("closed_out", None)
    ]
    filled = pl.DataFrame(trades).drop_nulls("window").group_by("window").agg(pl.col("share").abs().sum())
    windows = dict(zip(found["windows"]["window"].tolist(), found["windows"]["traded"].tolist(), strict=True))
    assert dict(filled.rows()) == pytest.approx({k: traded for k, traded in windows.items() if traded > 0})
    assert sum(names["long"]) == pytest.approx(returns["from_long"].sum(), abs=1e-12)
    before = np.append(1.0, returns["equity"][:-1])
    paid = (returns["slippage"] + returns["commission"]) / before
    assert sum(names["costs"]) == pytest.approx(paid.sum(), rel=1e-12)
    assert set(names["symbol"]) == set(trades["symbol"])


def test_a_fill_after_the_last_row_is_empty(
    profile: Profiles, market: Markets, walks: Walks, engine_of: Engines
) -> None:
    """The window at row 120, the last one, is due a row later than the panel has."""
    made = profile(execution__lag=1)
    engine, settled = settle(engine_of(market(walks("ABCDE", 121)), made), cells(made)[0])
    windows: Any = tables(engine, settled)["windows"]
    assert np.isnat(windows["filled_at"]).tolist() == [False] * 3 + [True]
    for name in ("return", "traded", "turnover"):
        assert np.isnan(windows[name]).tolist() == [False] * 3 + [True]
    assert measures(settled)["fills"] == 3
    assert measures(settled)["windows"] == 4


@pytest.mark.requirement("R-SIM-17")
def test_what_was_assumed_of_funding_is_told_with_the_result_without(
    profile: Profiles, market: Markets, walks: Walks, engine_of: Engines
) -> None:
    """Swaps of which nothing is known pay three basis points a day; with all payments known nothing is assumed."""
    made, close = profile(universe__kinds=["swap"]), walks("ABCDE", 171)
    panel = market(close, kind=Kind.SWAP)
    _, settled = settle(engine_of(panel, made), cells(made)[0])
    found, result = measures(settled), settled.result
    held = np.abs(result.quantities * result.marks).sum(axis=1)
    assert found["assumed_funding"] == found["cost_funding"] == pytest.approx(3e-4 * held.sum(), rel=1e-12)
    assert found["unassumed_total_return"] > found["total_return"]
    assert found["unassumed_sharpe"] > found["sharpe"]
    assert Stamp.ASSUMED_FUNDING in settled.stamps
    spot = measures(settle(engine_of(market(close), profile()), cells(profile())[0])[1])
    assert found["unassumed_total_return"] == pytest.approx(spot["total_return"], abs=1e-4)
    assert not {name for name in spot if "funding" in name or "unassumed" in name}
    told = {"funding": np.full(panel.tradable.shape, 1e-4), "funding_hours": np.full(panel.tradable.shape, 24.0)}
    whole = replace(panel, fields={**panel.fields, **told}, _first_known=None)
    known = measures(settle(engine_of(whole, made), cells(made)[0])[1])
    assert known["cost_funding"] > 0.0
    assert "assumed_funding" not in known


def test_after_ruin_there_are_no_ratios(profile: Profiles, market: Markets, engine_of: Engines) -> None:
    close = np.full(100, 100.0)
    close[70:] = 300.0
    made = profile()
    engine, cell = engine_of(market({"A": close}, kind=Kind.STOCK), made), cells(made)[0]
    now = np.datetime64("2020-03-01", "us")
    footing = Footing(asked=now, bar=now, quorum=True, alive=1, present=1, missing=())
    steps = [
        Rebalance(window=row + 1, row=row, weights={"X:A": -1.0}, digest="d", inputs="i", status="solved",
                  footing=footing, funnel=SelectionFunnel(**dict.fromkeys(FUNNEL, 1), vetoed={}), stamps=frozenset())
        for row in (59, 79)
    ]  # fmt: skip
    settled = engine.settle(cell, steps)
    found, scalars = tables(engine, settled), measures(settled)
    assert (scalars["status"], scalars["total_return"], scalars["cagr"]) == ("liquidated", -1.0, -1.0)
    assert np.isnan(found["returns"]["gross"][10:]).all()
    assert found["returns"]["gross"][:10] == pytest.approx(1.0, abs=2e-3)
    assert found["windows"]["return"][0] == pytest.approx(-1.0)
    assert np.isnan(found["windows"]["return"][1])
    assert found["events"]["kind"] == ["collateral_lost", "liquidated"]
