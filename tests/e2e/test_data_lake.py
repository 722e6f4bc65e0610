"""`tvquant data ls|export|compact` from the command line."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from builders.forged import run_of
from tvquant.app.cli import main
from tvquant.core.panel import Basis
from tvquant.lake import Lake, perturbations
from tvquant.lake.storage.tables import TIME
from tvquant.lake.writing.upserts import upsert

PERP, MATIC = "BINANCE:1000PEPEUSDT.P", "BINANCE:MATICUSDT"
FIRST = datetime(2024, 1, 1, tzinfo=UTC)
FORKS = ["ledger", "as imported", *perturbations.EDITS, perturbations.FACTS]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with two symbols, one of them repaired once."""
    folder = tmp_path_factory.mktemp("lake")
    root = folder / "ws"
    assert main(["init", str(root)]) == 0
    days = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 4, 30), "1d", time_zone="UTC", eager=True)
    frames = [
        pl.DataFrame({"symbol": symbol, "timestamp": days}).with_columns(
            close=100.0 + ((pl.int_range(pl.len()) * step) % 17), volume=pl.lit(3.0)
        )
        for symbol, step in ((PERP, 3), (MATIC, 5))
    ]
    file = folder / "coins.parquet"
    pl.concat(frames).write_parquet(file)
    assert main(["data", "import", str(file), "-w", str(root)]) == 0
    row = pl.DataFrame({"symbol": [MATIC], "timestamp": pl.Series([FIRST], dtype=TIME), "close": [101.0]})
    lake = Lake(root / "data" / "lakehouse")
    upsert(lake, row, interval="1d", basis=Basis.RAW, source="other", recorded_at=FIRST, reason="wrong close")
    return root


@pytest.fixture
def home(stored: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(stored, tmp_path / "ws"))


def test_ls_says_what_a_symbol_is_and_what_was_repaired(home: Path, tvquant: Callable[..., Any]) -> None:
    said = tvquant("data", "ls", MATIC, "--last", 121, "--json", "-w", home)
    assert said.code == 0
    assert said.document["names"] == [MATIC, "BINANCE:POLUSDT since 2024-09-13"]
    assert (said.document["rows"], said.document["repaired"]) == (121, 1)
    assert [one["repaired"] for one in said.document["bars"]] == [True] + [False] * 120
    (repair,) = said.document["repairs"]
    assert (repair["field"], repair["original"], repair["repaired"]) == ("close", 100.0, 101.0)
    assert tvquant("data", "ls", PERP, "--json", "-w", home).document["price of"] == "1,000 PEPE"
    text = tvquant("data", "ls", MATIC, "--last", 121, "-w", home).out
    assert "wrong close" in text
    assert text.count("repaired") == 3  # of the facts, the bar, and the table of repairs


def test_funding_is_shown_counted_and_exported(home: Path, tvquant: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "paid.csv"
    rates = [f"{PERP},2024-01-0{day}T{hour}:00:00.00{day}Z,0.000{day}" for day in (1, 2) for hour in ("08", "16")]
    file.write_text("\n".join(["symbol,timestamp,funding_rate", *rates, ""]))
    assert tvquant("data", "import", file, "--json", "-w", home).document["funding"] == 4
    shown = tvquant("data", "ls", PERP, "--json", "-w", home).document["funding"]
    assert shown.pop("mean") == pytest.approx(0.00015, abs=1e-12)
    assert shown == {"settlements": 4, "first": "2024-01-01 08:00", "last": "2024-01-02 16:00"}
    assert "settlements 4, first 2024-01-01 08:00" in tvquant("data", "ls", PERP, "-w", home).out
    assert "funding" not in tvquant("data", "ls", MATIC, "--json", "-w", home).document
    assert tvquant("data", "status", "--json", "-w", home).document["tables"]["funding"]["rows"] == 4
    said = tvquant("data", "export", "--to", "out", "--json", "-w", home).document
    assert (said[-1]["file"], said[-1]["rows"], said[-1]["basis"]) == ("out/swap_funding.parquet", 4, "")
    back = tvquant("data", "import", home / "out" / "swap_funding.parquet", "--json", "-w", home)
    assert (back.document["funding"], back.document["duplicates"]) == (0, 4)


def test_small_prices_are_whole_and_numbers_in_json(home: Path, tvquant: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "shib.csv"
    closes = ("8.949999937613029e-06", "8.930000127293169e-06", "9.876543210987654e-06")
    rows = (f"BINANCE:SHIBUSDT,2024-01-0{day},{close},1000000000000" for day, close in enumerate(closes, 1))
    file.write_text("\n".join(["symbol,timestamp,close,volume", *rows, ""]))
    assert tvquant("data", "import", file, "-w", home).code == 0
    said = tvquant("data", "ls", "BINANCE:SHIBUSDT", "-w", home).out
    assert all(repr(float(close)) in said for close in closes)
    document = tvquant("data", "ls", "BINANCE:SHIBUSDT", "--json", "-w", home).document
    assert [one["close"] for one in document["bars"]] == [float(close) for close in closes]
    assert document["bars"][0]["timestamp"] == "2024-01-01 00:00:00"
    assert document["bars"][0]["open"] is None
    assert document["steps"]["assumed"] == ["tick", "lot"]
    assert isinstance(document["steps"]["tick"], float)


def test_bars_of_four_hours_alone_are_named_and_no_others_pose_as_such(
    tvquant: Callable[..., Any], tmp_path: Path
) -> None:
    root, file = tmp_path / "ws", tmp_path / "coin.csv"
    assert tvquant("init", root).code == 0
    for hours, code in (((0, 12), 3), (range(0, 24, 4), 0)):
        rows = [f"{MATIC},2024-01-0{day}T{hour:02}:00:00Z,1.5" for day in (1, 2, 3) for hour in hours]
        file.write_text("\n".join(["symbol,timestamp,close", *rows, ""]))
        said = tvquant("data", "import", file, "-w", root)
        assert (said.code, "its bars are of 12h; only bars of 1d and 4h are stored" in said.err) == (code, code == 3)
    said = tvquant("data", "ls", MATIC, "-w", root)
    assert (said.code, "holds no 1d bars, only 18 of 4h" in said.err) == (3, True)
    said = tvquant("data", "export", "-w", root)
    assert (said.code, "no 1d bars of anything" in said.err) == (3, True)
    assert tvquant("data", "export", "--interval", "4h", "--json", "-w", root).document[0]["rows"] == 18
    said = tvquant("data", "export", "--interval", "12h", "-w", root)
    assert (said.code, "interval '12h' is not stored" in said.err) == (3, True)


def test_a_symbol_is_removed_and_put_back(home: Path, tvquant: Callable[..., Any]) -> None:
    before = tvquant("data", "ls", MATIC, "--json", "-w", home).document
    said = tvquant("data", "rm", MATIC, "-w", home)
    assert said.code == 0
    assert f"`tvquant data revert {MATIC}` puts them back" in said.out
    gone = tvquant("data", "ls", MATIC, "-w", home)
    assert (gone.code, "were removed" in gone.err) == (3, True)
    assert tvquant("data", "status", "--json", "-w", home).document["symbols"] == 1
    assert tvquant("data", "rm", MATIC, "-w", home).code == 3
    back = tvquant("data", "revert", MATIC, "--json", "-w", home)
    assert (back.code, back.document["put_back"]["rows"]["bars"], back.document["values"]) == (0, 121, 0)
    assert tvquant("data", "ls", MATIC, "--json", "-w", home).document == before
    mended = tvquant("data", "revert", MATIC, "--json", "-w", home)
    assert (mended.code, mended.document["values"]) == (0, 1)
    assert tvquant("data", "revert", MATIC, "-w", home).code == 3


def test_ls_without_a_symbol_names_all(home: Path, tvquant: Callable[..., Any]) -> None:
    names = tvquant("data", "ls", "--json", "-w", home).document["symbols"]
    assert {MATIC, PERP} <= set(names)
    assert names == sorted(names)
    assert tvquant("data", "ls", "-w", home).out.split() == names
    refused = tvquant("data", "ls", "--plot", "-w", home)
    assert refused.code == 2
    assert "--plot draws one symbol" in refused.err


def test_ls_draws_a_page_in_the_workspace(home: Path, tvquant: Callable[..., Any]) -> None:
    said = tvquant("data", "ls", PERP, "--plot", "--json", "-w", home)
    page = Path(said.document["plot"])
    assert page == home / "artifacts" / "lake" / "BINANCE_1000PEPEUSDT.P.html"
    assert PERP in page.read_text("utf-8")
    assert (page.parent / "plotly.min.js").is_file()


@pytest.mark.requirement("R-DAT-25")
def test_what_is_exported_can_be_imported(home: Path, tvquant: Callable[..., Any], tmp_path: Path) -> None:
    said = tvquant("data", "export", "--to", "out", "--format", "csv", "--json", "-w", home)
    assert said.code == 0
    assert [one["file"] for one in said.document] == ["out/spot_1d_raw.csv", "out/swap_1d_raw.csv"]
    other = tmp_path / "other"
    assert tvquant("init", other).code == 0
    assert tvquant("data", "import", *(home / one["file"] for one in said.document), "-w", other).code == 0
    lakes = [Lake(one / "data" / "lakehouse") for one in (home, other)]
    assert lakes[0].pin([PERP, MATIC]).digest == lakes[1].pin([PERP, MATIC]).digest


@pytest.mark.parametrize("folder", ["../out", "/somewhere", "data/lakehouse", "artifacts/summaries/runs"])
def test_exports_stay_inside_the_workspace_and_off_its_own_files(
    home: Path, tvquant: Callable[..., Any], folder: str
) -> None:
    said = tvquant("data", "export", "--to", folder, "-w", home)
    assert said.code == 2
    assert len(said.err.strip().splitlines()) == 1
    assert f"--to {folder}" in said.err


@pytest.mark.xdist_group("small run")
def test_compaction_keeps_what_runs_name(small: Path, tmp_path: Path, tvquant: Callable[..., Any]) -> None:
    """And the run is as clean as it was: what is decided again is of the run's snapshot."""
    home = Path(shutil.copytree(small, tmp_path / "ws"))
    lake = Lake(home / "data" / "lakehouse")
    symbol = lake.symbols()[0]
    row = lake.ls(symbol).bars.tail(1).select("symbol", "timestamp", pl.col("close") * 1.01)
    basis = lake.ls(symbol).symbol.basis
    upsert(lake, row, interval="1d", basis=basis, source="s", recorded_at=FIRST, reason="r")
    before = len(list((lake.root / "bars").glob("*.parquet")))
    assert tvquant("data", "compact", "--grace", 0, "--json", "-w", home).code == 0
    assert len(list((lake.root / "bars").glob("*.parquet"))) == before
    said = tvquant("leakcheck", "latest", "--windows", 1, "-w", home)
    assert (said.code, said.err) == (0, "")
    assert [line.split("  ")[0] for line in said.out.splitlines()[1 : 1 + len(FORKS)]] == FORKS
    assert f"{run_of(small).name}: 1 of" in said.out
    assert ", 0 leaks" in said.out
    assert "survivorship" in said.out
    shutil.rmtree(home / "artifacts" / "summaries" / "runs")
    said = tvquant("data", "compact", "--grace", 0, "--json", "-w", home)
    assert next(one for one in said.document if one["table"] == "bars")["deleted"] > 0
    assert lake.symbols()[0] == symbol
