"""A profile of five gated logics, long and short, from files to the report: what is held is weight x side x gate."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tvquant.ledger import RunFolder
from tvquant.ledger.recorded_run import RecordedRun

pytestmark = pytest.mark.xdist_group("gated")

ROWS = 250
FIRST, LAST = (pl.datetime(year, 1, 1, time_zone="UTC") for year in (2023, 2025))
COINS = ("BTC", "ADA", "BNB", "DOT", "EOS", "ETH", "LTC", "XRP")
HEADLINE = "v4/custom/risk_parity/custom"


def market() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Eight perpetual swaps that turn at their own times, and funding every eight hours on the side of their trend."""
    draw = np.random.default_rng(11)
    days = pl.select(pl.datetime_range(FIRST, LAST, "1d")).to_series()[:ROWS]
    bars, paid = [], []
    for k, coin in enumerate(COINS):
        drift = 0.012 * np.sin(2.0 * np.pi * (np.arange(ROWS) / (50.0 + 9.0 * k) + k / 8.0))
        close = 100.0 * np.exp((drift + draw.normal(0.0, 0.03, ROWS)).cumsum())
        opens = np.r_[100.0, close[:-1]]
        symbol = f"BINANCE:{coin}USDT.P"
        bars.append(pl.DataFrame({
            "symbol": symbol, "timestamp": days, "open": opens, "high": np.maximum(opens, close) * 1.01,
            "low": np.minimum(opens, close) * 0.99, "close": close, "volume": 1e9 / close * (1.0 + 0.1 * k),
        }))  # fmt: skip
        for hour in (0, 8, 16):
            stamps = days + pl.duration(hours=hour)
            paid.append(pl.DataFrame({"symbol": symbol, "timestamp": pl.select(stamps).to_series(),
                                      "funding_rate": 0.02 * drift}))  # fmt: skip
    return pl.concat(bars), pl.concat(paid)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, answered: Callable[..., Any]) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("gated")
    home = folder / "ws"
    answered("init", home)
    for name, frame in zip(("bars", "funding"), market(), strict=True):
        frame.write_csv(folder / f"{name}.csv")
        answered("data", "import", folder / f"{name}.csv", "-w", home)
    document = answered("run", "crypto_momentum_ensemble", "-w", home)
    return home / "artifacts" / "summaries" / "runs" / document["run"], document


def table(run: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(run / "results" / f"{name}.parquet").filter(pl.col("cell") == HEADLINE)


@pytest.mark.requirement("R-SYN-06")
@pytest.mark.requirement("R-SYN-08")
@pytest.mark.requirement("R-SYN-10")
def test_what_is_held_is_weight_times_side_times_gate(run: tuple[Path, Any]) -> None:
    folder, _ = run
    atoms = table(folder, "atoms").filter(pl.col("weight") > 0.0)
    logic = pl.col("atom").str.extract(r"_(momentum|trend_gated|breakout|reversion|carry)_")
    used = atoms.with_columns(logic.alias("logic")).group_by("logic", "direction").agg(pl.len(), pl.col("gate").mean())
    assert len(used) == 10, "five logics on both sides"
    assert ((atoms["gate"] > 0.0) & (atoms["gate"] <= 1.0)).all()
    for name, whole in (("momentum", True), ("breakout", True), ("carry", True), ("reversion", False)):
        assert (used.filter(pl.col("logic") == name)["gate"] == 1.0).all() is whole

    side = pl.when(pl.col("direction") == "SHORT").then(-1.0).otherwise(1.0)
    net = atoms.group_by("window", "symbol").agg((side * pl.col("weight") * pl.col("gate")).sum().alias("asked"))
    held = net.join(table(folder, "weights"), on=["window", "symbol"], how="left").fill_null(0.0)
    np.testing.assert_allclose(held["weight"], held["asked"], atol=1e-10)
    assert net.height < atoms.height, "logics share names"
    for (_, symbols), rows in atoms.group_by("window", "symbol"):
        assert (rows["weight"] * rows["gate"]).sum() <= 0.25 + 1e-9, symbols

    windows = table(folder, "windows")
    assert windows["contributions"].sum() == len(atoms)
    assert windows["shorts"].sum() == atoms.filter(pl.col("direction") == "SHORT").height > 0
    assert windows["inverted"].sum() == windows["contradicted"].sum() == 0
    assert windows["confirmed"].sum() >= 0.95 * len(atoms)
    cash = atoms.group_by("window").agg((1.0 - (pl.col("weight") * pl.col("gate")).sum()).alias("left"))
    both = cash.join(windows, on="window")
    np.testing.assert_allclose(both["cash"], both["left"], atol=1e-10)
    assert (both["gate_cash"] > 0.0).any()


@pytest.mark.requirement("R-SYN-05")
@pytest.mark.requirement("R-LED-05")
def test_the_ledger_has_the_gates_and_says_who_was_left_out(run: tuple[Path, Any]) -> None:
    folder, _ = run
    found = [one.decision for one in RecordedRun(RunFolder(folder)).decisions[HEADLINE].values()]
    reasons: dict[str, int] = {}
    for one in found:
        assert set(one.gates) == {atom.symbol for atom in (one.response.winners if one.response else ())}
        for reason, count in one.funnel.vetoed.items():
            reasons[reason] = reasons.get(reason, 0) + count
    assert reasons["gate_closed"] > 0
    assert reasons["gate_unknown"] > 0, "averages of 100 bars are not there on every training row of the first windows"


@pytest.mark.requirement("R-SYN-06")
def test_the_report_tells_purity_and_drift(run: tuple[Path, Any]) -> None:
    text = (run[0] / "report" / "index.html").read_text("utf-8")
    section = text[text.index('<section id="atoms">') :].split("</section>")[0]
    assert "Directional purity is 100" in section
    assert "more than its streams" in section


def test_a_selection_shows_gates_and_the_cash_that_they_leave(
    run: tuple[Path, Any], tvquant: Callable[..., Any]
) -> None:
    home = run[0].parents[3]
    document = tvquant("select", "crypto_momentum_ensemble", "--json", "-w", home).document
    decision = document.get("decision", document)
    gates, atoms = decision["gates"], decision["atoms"]
    left = 1.0 - math.fsum(weight * gates[atom] for atom, weight in atoms.items())
    assert any(gate < 1.0 for gate in gates.values()), json.dumps(gates)
    said = tvquant("select", "crypto_momentum_ensemble", "-w", home).out
    assert f"cash     {100 * left:.1f} %" in said
    assert "left out of weights by gates" in said
    atom = next(atom for atom in atoms if gates[atom] < 1.0)
    told = tvquant("select", "crypto_momentum_ensemble", "--explain", atom, "-w", home).out
    assert f"its gate is {gates[atom]:.4g}: weight x gate is held" in " ".join(told.split())
