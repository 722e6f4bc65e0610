"""The shared market data, defects left in, from import to report."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tvquant.core.books import CostModel, Execution, WeightPath
from tvquant.lake import Lake
from tvquant.lake.reading.funding import known_funding
from tvquant.simulation import SIMULATORS

pytestmark = pytest.mark.xdist_group("real")

CRYPTO = "crypto_binance_spot_1d_2021_2022"
EQUITIES = "us_equities_1d.parquet"
HEADLINE = "v4/custom/barbell/custom"
SPAN = 750 if os.environ.get("TVQUANT_PROOF") else 300
"""Rows that a profile walks through: the last ones, with LUNA's crash in them."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, imported: Callable[..., Path], shared_data: Path) -> Path:
    from tvquant.app.cli import main

    root = Path(shutil.copytree(imported(CRYPTO), tmp_path_factory.mktemp("real") / "ws"))
    assert main(["data", "import", str(shared_data / EQUITIES), "--basis", "split", "-w", str(root)]) == 0
    return root


@pytest.mark.parametrize(("profile", "periods"), [("us_equities", 252), ("crypto_spot", 365)])
@pytest.mark.requirement("R-MET-04")
def test_the_profile_runs_end_to_end(profile: str, periods: int, home: Path, tvquant: Callable[..., Any]) -> None:
    said = tvquant("run", profile, "--set", f"data.span={SPAN}", "--json", "-w", home)
    assert said.code == 0, said.err
    cells = {cell["cell"]: cell for cell in said.document["cells"]}
    headline = cells[HEADLINE]
    assert headline["periods_per_year"] == periods
    assert headline["windows_failed"] == 0
    assert "price_return" not in headline["stamps"]
    assert ("no_volume" in headline["stamps"]) is False
    assert tvquant("ledger", "verify", "latest", "-w", home).code == 0
    weights = pl.read_parquet(Path(said.document["report"]).parents[1] / "results" / "weights.parquet")
    strategy = weights.filter(pl.col("cell") == HEADLINE)
    totals = strategy.group_by("window").agg(pl.col("weight").sum(), pl.col("weight").max().alias("largest"))
    assert totals["weight"].max() <= 1 + 1e-9
    assert totals["largest"].max() <= 0.25 + 1e-9


def test_the_audit_names_duplicates_gap_and_reused_ticker(home: Path, tvquant: Callable[..., Any]) -> None:
    found = {(row["symbol"], row["finding"]) for row in tvquant("data", "audit", "--json", "-w", home).document}
    assert ("BINANCE:JUVUSDT", "repeated") in found
    assert ("BINANCE:LUNAUSDT", "gap") in found
    assert ("BINANCE:LUNAUSDT", "discontinuity") in found
    assert not {kind for symbol, kind in found if symbol == "BINANCE:BTCUSDT"}


def test_luna_held_into_the_crash_loses_and_its_successor_is_another_instrument(home: Path) -> None:
    lake = Lake(home / "data" / "lakehouse")
    panel = lake.panel(lake.pin(["BINANCE:BTCUSDT", "BINANCE:LUNAUSDT"]))
    assert {"BINANCE:LUNAUSDT", "BINANCE:LUNAUSDT#2"} <= set(panel.keys)
    old, new = panel.columns(("BINANCE:LUNAUSDT", "BINANCE:LUNAUSDT#2"))
    row = int(np.searchsorted(panel.times, np.datetime64("2022-05-01")))
    before = panel.until(panel.known_at[row].min())
    assert before.tradable[-1, old]
    assert "BINANCE:LUNAUSDT#2" not in before.keys
    net = np.zeros((1, len(panel.keys)))
    net[0, old] = 0.5
    path = WeightPath(keys=panel.keys, decided=np.array([row]), net=net)
    book = SIMULATORS["custom"].simulate(panel, path, costs=CostModel(), execution=Execution())
    assert 0.49 < book.equity[-1] < 0.5
    assert (book.quantities[:, new] == 0).all()
    assert [event.kind for event in book.events] == ["closed_out"]


def test_real_funding_is_imported_whole_and_once(
    tmp_path: Path, shared_data: Path, tvquant: Callable[..., Any]
) -> None:
    root, file = tmp_path / "ws", shared_data / "crypto_binance_perp_funding.parquet"
    assert tvquant("init", root).code == 0
    said = tvquant("data", "import", file, "--json", "-w", root).document
    assert (said["symbols"], said["funding"], said["duplicates"], said["quarantined"]) == (348, 69_289, 0, 0)
    again = tvquant("data", "import", file, "--json", "-w", root).document
    assert (again["funding"], again["duplicates"]) == (0, 69_289)
    given = pl.read_parquet(file)
    found = known_funding(root / "data" / "lakehouse")
    assert len(found) == 69_289
    assert not found["rate"].is_nan().any()
    assert found["rate"].sum() == pytest.approx(given["funding_rate"].sum())
    assert (found["timestamp"] == found["timestamp"].dt.truncate("1s")).all()
