"""`tvquant regime calibrate`, a run by its bands, and what `select --explain` says of the regime."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from builders.clocks import NOON
from builders.workspaces import workspace_of
from tvquant.ledger import RunFolder, records
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.profiles.regime_bands import load_bands

pytestmark = pytest.mark.xdist_group("regime")
ROWS, COINS = 420, ("BTC", "ETH", "SOL", "XRP", "ADA")
SHOCK = 40
"""Rows at the end that are four times as rough as the rest."""
FIRST = datetime(2023, 1, 1, tzinfo=UTC)
START = (FIRST + timedelta(days=300)).date()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of coins that fall together at the end, and a profile that begins at row 300."""
    draw = np.random.default_rng(4)
    moves = draw.standard_normal((ROWS, 1)) * 0.02 + draw.standard_normal((ROWS, len(COINS))) * 0.01
    moves[-SHOCK:] *= 4.0
    moves[-SHOCK:] -= 0.01
    times = [FIRST + timedelta(days=k) for k in range(ROWS)]
    bars = pl.concat(
        pl.DataFrame({"symbol": f"BINANCE:{coin}USDT", "timestamp": times, "close": 100 * np.exp(moves[:, k].cumsum())})
        .with_columns(pl.col("timestamp").cast(pl.Datetime("us", "UTC")))
        for k, coin in enumerate(COINS)
    )  # fmt: skip
    made = workspace_of(tmp_path_factory.mktemp("regime") / "ws", bars, recorded_at=NOON)
    (made.profiles / "mine.yaml").write_text(
        f"version: 1\nextends: crypto_spot\ndata: {{start: {START}}}\nbenchmark: {{market: []}}\n"
        "selection: {model: all}\nexecution: {convention: next_close}\n"
        "allocation: {profiles: [hrp]}\nrisk: {primary: hrp, anchors: []}\n",
        "utf-8",
    )
    return made.root


@pytest.fixture(scope="module")
def calibrated(home: Path, answered: Callable[..., Any]) -> Any:
    return answered("regime", "calibrate", "mine", "--name", "own", "--draws", "1000", "-w", home)


@pytest.mark.requirement("R-REG-10")
def test_bands_are_of_the_returns_before_the_first_decision_and_dated(home: Path, calibrated: Any) -> None:
    bands = calibrated["bands"]
    assert (bands["sample"]["profile"], bands["sample"]["rows"], bands["draws"]) == ("mine", 299, 1000)
    assert bands["sample"]["last"] == str(START - timedelta(days=1))
    assert datetime.fromisoformat(bands["made"]) <= datetime.now()
    assert load_bands("own", [home / "profiles"]) == bands
    assert sum(calibrated["history"].values()) == pytest.approx(1.0)


def test_a_file_is_not_written_over_and_too_little_history_is_refused(
    home: Path, calibrated: Any, tvquant: Callable[..., Any]
) -> None:
    again = tvquant("regime", "calibrate", "mine", "--name", "own", "-w", home)
    assert (again.code, again.out) == (2, "")
    assert "bands/own.json is there already" in again.err
    early = tvquant("regime", "calibrate", "mine", "--name", "e", "--set", "data.start=2023-06-01", "-w", home)
    assert early.code == 3
    assert "bands need 252 returns before the first decision, and 150 lie before" in early.err
    said = tvquant("regime", "calibrate", "mine", "--name", "two", "--draws", "1000", "-w", home)
    assert said.code == 0, said.err
    assert said.out.endswith("regime:\n  bands: two\n")
    assert max(map(len, said.out.split("noise of")[1].split("\n\n")[0].splitlines())) <= 80


@pytest.mark.requirement("R-REG-08")
@pytest.mark.requirement("R-REG-09")
@pytest.mark.requirement("R-REG-10")
def test_a_run_records_bands_labels_and_what_came_of_them(
    home: Path, calibrated: Any, tvquant: Callable[..., Any]
) -> None:
    """The last window decides before the shock is over and sees half of it; realised is what its end shows."""
    profile = (home / "profiles" / "mine.yaml").read_text("utf-8")
    (home / "profiles" / "banded.yaml").write_text(f"{profile}regime: {{bands: own}}\n", "utf-8")
    said = tvquant("run", "banded", "-w", home, "--json")
    assert said.code == 0, said.err
    (folder,) = (home / "artifacts" / "summaries" / "runs").glob("*-banded-*")
    stage = next(one for one in records(folder, kind="outcome") if one.chain == "run" and one.stage == 13)
    assert stage.outputs["bands"] == calibrated["digest"]
    assert stage.data["regime"]["label"] == "crisis"
    windows = pl.read_parquet(folder / "results" / "windows.parquet").sort("window")
    mine = windows.filter(pl.col("cell") == "all/custom/hrp/custom")
    assert mine["realised_regime"].to_list()[:-1] == mine["regime"].to_list()[1:]
    assert mine["realised_regime_score"].to_list()[:-1] == mine["regime_score"].to_list()[1:]
    assert mine["realised_regime"][-1] == "crisis"
    assert mine["regime"].null_count() == 0
    assert windows.filter(pl.col("cell") == "base_universe_ew/custom")["regime"].null_count() == len(mine)
    made = list(RecordedRun(RunFolder(folder)).decisions["all/custom/hrp/custom"].values())
    assert [one.record.metrics["regime"] for one in made] == mine["regime"].to_list()
    assert all(one.decision.regime.quadrant == one.record.metrics["quadrant"] for one in made)
    cap = {"turbulent": 0.20, "crisis": 0.15}
    for one in made:
        assert max(one.decision.weights.values()) <= cap.get(one.record.metrics["regime"], 0.25) + 1e-9
    late = tvquant("run", "banded", "--set", "data.start=2023-06-01", "-w", home)
    assert late.code == 2
    assert f"regime.bands were made on returns until {START - timedelta(days=1)}" in late.err


def test_select_says_the_regime_and_explain_its_components(home: Path, tvquant: Callable[..., Any]) -> None:
    plain = tvquant("select", "mine", "-w", home)
    assert plain.code == 0, plain.err
    line = next(one for one in plain.out.splitlines() if one.startswith("regime "))
    assert line.startswith("regime   crisis, score ")
    assert "volatility ratio" not in plain.out
    explained = tvquant("select", "mine", "--explain", "-w", home).out
    document = json.loads(tvquant("select", "mine", "-w", home, "--json").out)["decision"]["regime"]
    for name, value in document["components"].items():
        assert f"{name.replace('_', ' ')}" in explained
        assert f"{value:.3f}" in explained
    early = tvquant("select", "mine", "--as-of", "2023-02-01", "-w", home)
    assert "regime   normal: it is not known" in early.out
