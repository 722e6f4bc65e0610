"""Rates of the lake: a risk-free one, to the ratios, and the yield of idle cash, to the books."""

import math
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from builders.clocks import ManualClock
from builders.panels import days
from builders.profiles import resolved_of
from builders.workspaces import coin_closes, workspace_of
from tvquant.app.leak_check import leakcheck
from tvquant.app.plan import make_plan
from tvquant.app.progress import Watcher
from tvquant.app.rates import risk_free
from tvquant.app.run import run
from tvquant.app.tournament import PlannedMatrix
from tvquant.app.workspace import Workspace
from tvquant.core.errors import DataError
from tvquant.core.panel import Basis
from tvquant.lake import import_files
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.ledger.result_store import ResultStore
from tvquant.profiles import ResolvedProfile

CLOCK = ManualClock(datetime(2026, 1, 2, tzinfo=UTC))
BILL, YEAR = "TVC:US03MY", 365
SERIES = {"symbol": BILL, "unit": "percent"}
RATES = days(200, start="2024-01-02", calendar="XNYS")
YIELDS = np.where(np.arange(200) % 50 == 0, 0.0, 5.0 + np.arange(200) % 7 / 10)
"""Percent per year; 0 on some days."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Coins from January 2024 on, every day, and a bill on sessions of New York only."""
    coins = {"BTC": 3, "ETH": 5, "SOL": 7, "XRP": 11, "ADA": 2}
    folder = tmp_path_factory.mktemp("home")
    made = workspace_of(folder / "ws", coin_closes(coins, datetime(2024, 1, 1, tzinfo=UTC), 243))
    _import(made, folder / "bill.parquet", RATES, YIELDS)
    return made


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Two coins, and the bill without the sessions of 1 to 13 May: four rows, to 14 May, have no rate."""
    folder = tmp_path_factory.mktemp("broken")
    coins = dict.fromkeys(("BTC", "ETH"), 3)
    made = workspace_of(folder / "ws", coin_closes(coins, datetime(2024, 1, 1, tzinfo=UTC), 243))
    kept = (np.datetime64("2024-05-01") > RATES) | (np.datetime64("2024-05-13") < RATES)
    _import(made, folder / "bill.parquet", RATES[kept], YIELDS[kept])
    return made


def _import(home: Workspace, file: Path, times: Any, closes: Any) -> None:
    frame = pl.DataFrame({"symbol": BILL, "timestamp": times, "close": closes})
    frame.with_columns(pl.col("timestamp").dt.replace_time_zone("UTC")).write_parquet(file)
    import_files(home.lake(), [file], basis=Basis.RAW, recorded_at=CLOCK.now())


def profile(rate: Any, **keys: Any) -> ResolvedProfile:
    plain = {"execution__convention": "next_close", "benchmark__market": [], "allocation__profiles": ["hrp"]}
    return resolved_of("crypto_spot", **plain | {"benchmark__risk_free": rate} | keys)


def by_hand(times: Any) -> Any:
    """Return the rate of each day: a session's close is known at 21:00 UTC (20:00 in summer), before the day is over.

    The day before a row ended with the last session up to it, so that is the one which holds for the row.
    """
    last = [np.flatnonzero(at > RATES)[-1] for at in times]
    return (1.0 + YIELDS[last] / 100.0) ** (1.0 / YEAR) - 1.0


def test_a_series_is_in_the_ratios_and_in_no_decision(home: Workspace) -> None:
    plain = run(home, profile(0.0), clock=CLOCK, jobs=1, again=False, watcher=Watcher())
    over = run(home, profile(SERIES), clock=CLOCK, jobs=1, again=False, watcher=Watcher())
    assert over.result == plain.result
    measured = {cell.key: cell.measures for cell in RecordedRun(over.folder).outcomes}
    tables = ResultStore(over.folder.results).read("returns")
    assert set(ResultStore(plain.folder.results).read("returns")["risk_free"]) == {0.0}
    for key, of in measured.items():
        table = tables.filter(pl.col("cell") == key)
        np.testing.assert_allclose(table["risk_free"], by_hand(table["time"].to_numpy()), rtol=1e-12)
        excess = (table["return"] - table["risk_free"]).to_numpy()
        assert of.sharpe == pytest.approx(excess.mean() / excess.std(ddof=1) * math.sqrt(YEAR), rel=1e-12)
        downside = math.sqrt((np.minimum(excess, 0.0) ** 2).mean())
        assert of.sortino == pytest.approx(excess.mean() / downside * math.sqrt(YEAR), rel=1e-12)
    said = (over.folder.path / "report" / "index.html").read_text("utf-8")
    assert said.count(f"against the risk-free rate {BILL}, in percent per year") == 2
    assert f"Sharpe ratios against the risk-free rate {BILL}" in (over.folder.path / "INDEX.md").read_text("utf-8")
    checked = leakcheck(home, over.folder, windows=1, watcher=Watcher())
    assert checked.leaks == ()


def test_a_series_is_what_idle_cash_earns_and_is_in_no_decision(home: Workspace) -> None:
    """Of long coins what is idle is the cash of the day before; a day earns a 365th of the rate known when it began."""
    keys = {"allocation__limits__gross": 0.5, "costs__borrow_rate": 0.0}
    plain = run(home, profile(0.0, **keys), clock=CLOCK, jobs=1, again=False, watcher=Watcher())
    paid = run(
        home, profile(SERIES, costs__cash_yield=SERIES, **keys), clock=CLOCK, jobs=2, again=False, watcher=Watcher()
    )
    bare, table = (ResultStore(one.folder.results).read("returns") for one in (plain, paid))
    weights = [ResultStore(one.folder.results).read("weights") for one in (plain, paid)]
    assert weights[0].equals(weights[1])
    assert set(bare["cash_yield"]) == {0.0}
    measured = {cell.key: cell.measures for cell in RecordedRun(paid.folder).outcomes}
    for key, of in measured.items():
        rows = table.filter(pl.col("cell") == key)
        last = [np.flatnonzero(at > RATES)[-1] for at in rows["time"].to_numpy()]
        earned = np.maximum(rows["cash"].to_numpy(), 0.0)[:-1] * YIELDS[last][1:] / 100.0 / 365.0
        np.testing.assert_allclose(-rows["cash_yield"].to_numpy(), [0.0, *earned], rtol=1e-9, atol=1e-15)
        assert of.costs.get("cash_yield", 0.0) == pytest.approx(-earned.sum(), rel=1e-9)
        without = bare.filter(pl.col("cell") == key)
        assert rows["equity"][-1] >= without["equity"][-1] + 0.5 * earned.sum()
        assert earned.sum() > 1e-3 or not key.startswith("v4")
    number = profile(0.0, costs__cash_yield=0.04)
    assert make_plan(home.lake(), number).snapshot.beside == ()
    assert make_plan(home.lake(), profile(0.0, costs__cash_yield=SERIES)).snapshot.beside == (BILL,)


def test_a_number_is_of_a_year(home: Workspace) -> None:
    plan = make_plan(home.lake(), profile(0.05))
    assert float(risk_free(plan, plan.panel, 0).per_row) == 1.05 ** (1 / 365) - 1


def test_a_series_that_does_not_reach_is_refused(home: Workspace, broken: Workspace) -> None:
    plan = make_plan(home.lake(), profile(SERIES))
    panel = plan.panel
    assert np.isfinite(risk_free(plan, panel, 2).per_row[2:]).all()
    with pytest.raises(DataError, match=r"TVC:US03MY has no value for 2024-01-02 \(it has none before; .* for 1 rows"):
        risk_free(plan, panel, 1)
    plan = make_plan(broken.lake(), profile(SERIES))
    with pytest.raises(DataError) as caught:
        risk_free(plan, plan.panel, 100)
    assert str(caught.value) == (
        "benchmark.risk_free: TVC:US03MY has no value for 2024-05-11 (its last before was known at 2024-04-30T20:00; "
        "one holds for 10 days), and so for 4 rows of the run; import what is missing, begin later (data.start), or "
        "set a number"
    )


def test_a_rate_is_asked_for_from_the_first_fill_on_and_not_before(broken: Workspace) -> None:
    """What a tournament takes is measured by the engine that its run has: neither asks for more."""
    begun = profile(SERIES, data__start=date(2024, 5, 15))
    made = PlannedMatrix.of(make_plan(broken.lake(), begun))
    (first,) = {str(made.engine.panel.times[windows[0].start])[:10] for windows in made.grids.values()}
    assert first == "2024-05-15"
    at_once = profile(SERIES, data__start=date(2024, 5, 15), execution__convention="same_close")
    with pytest.raises(DataError, match="no value for 2024-05-14"):
        PlannedMatrix.of(make_plan(broken.lake(), at_once))


@pytest.mark.parametrize(
    ("rate", "keys", "said"),
    [
        ({"symbol": "TVC:US10Y", "unit": "percent"}, {}, "risk_free names TVC:US10Y, which the lake does not hold"),
        (
            {"symbol": "BINANCE:BTCUSDT", "unit": "percent"},
            {"data__end": date(2024, 8, 1)},
            "risk_free names BINANCE:BTCUSDT, which the universe or benchmark.market names too; a rate is no price",
        ),
    ],
)
def test_what_is_no_rate_of_the_lake_is_refused(home: Workspace, rate: Any, keys: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=said):
        make_plan(home.lake(), profile(rate, **keys))


def test_a_rate_in_the_other_unit_is_refused(home: Workspace) -> None:
    plan = make_plan(home.lake(), profile({"symbol": BILL, "unit": "fraction"}))
    with pytest.raises(DataError, match="TVC:US03MY is 510% per year on 2024-01-04 when its unit is fraction; set the"):
        risk_free(plan, plan.panel, 3)
