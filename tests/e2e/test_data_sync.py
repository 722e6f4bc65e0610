"""`tvquant data sync`, `repair` and `revert`, by the command line."""

import itertools
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from builders.worlds import drawn_once  # noqa: F401 (a fixture)
from tvquant.lake import Lake
from tvquant.lake.reading.funding import known_funding

pytestmark = pytest.mark.usefixtures("drawn_once")

BTC, ETH, SIM = "BINANCE:BTCUSDT", "BINANCE:ETHUSDT", "BINANCE:S004USDT"
type Call = Callable[..., Any]


def delivered(folder: Path, *, moved: float = 1.0, days: int = 200) -> Path:
    """A folder with daily bars of two coins; the last close of the first is moved."""
    folder.mkdir(exist_ok=True)
    stamps = pl.datetime_range(
        datetime(2024, 1, 1, tzinfo=UTC), interval="1d", end=datetime(2024, 7, 18, tzinfo=UTC), eager=True
    )[:days]
    close = 100.0 + (pl.int_range(pl.len()) * 7) % 11
    frame = pl.DataFrame({"timestamp": stamps}).with_columns(close=close).with_columns(volume=pl.lit(5.0))
    last = pl.col("timestamp") == stamps[-1]
    frame = frame.with_columns(close=pl.when(last).then(pl.col("close") * moved).otherwise("close"))
    frame = frame.with_columns(open="close", high="close", low="close")
    for name in (BTC, ETH):
        frame.with_columns(symbol=pl.lit(name)).write_parquet(folder / f"{name[8:11]}.parquet")
    return folder


@pytest.fixture
def home(tmp_path: Path, tvquant: Call) -> Path:
    assert tvquant("init", tmp_path / "ws").code == 0
    return tmp_path / "ws"


def test_files_are_synced_repaired_and_reverted(home: Path, tmp_path: Path, tvquant: Call) -> None:
    folder = delivered(tmp_path / "in")
    words = ("--provider", "files", "--path", folder, "-w", home)
    first = tvquant("data", "sync", *words, "--json")
    assert first.code == 0, first.err
    assert [(one["symbol"], one["state"], one["inserted"]) for one in first.document["assets"]] == [
        (BTC, "stable", 200),
        (ETH, "stable", 200),
    ]
    assert first.document["repair"]["requests"] == 0

    delivered(folder, moved=1.01)
    said = tvquant("data", "repair", BTC, *words)
    assert said.code == 0, said.err
    assert said.out.startswith("1 of 1 assets are stable; 0 bars new, 1 changed")
    assert tvquant("data", "repair", *words, "--json").document["requests"] == 0

    undone = tvquant("data", "revert", BTC, "-w", home, "--json")
    assert (undone.code, undone.document["bars"], undone.document["symbols"]) == (0, 1, [BTC])
    assert tvquant("data", "revert", BTC, "-w", home).code == 3
    status = tvquant("data", "status", "-w", home, "--json").document
    assert status["tables"]["bars"]["rows"] == 400


def test_newer_files_are_seen_by_the_next_sync(home: Path, tmp_path: Path, tvquant: Call) -> None:
    words = ("data", "sync", "--provider", "files", "--path", tmp_path / "in", "-w", home, "--json")
    delivered(tmp_path / "in", days=150)
    tvquant(*words)
    delivered(tmp_path / "in", days=160)
    assert [one["inserted"] for one in tvquant(*words).document["assets"]] == [10, 10]
    added = pl.read_parquet(tmp_path / "in" / "BTC.parquet").with_columns(symbol=pl.lit("BINANCE:SOLUSDT"))
    added.write_parquet(tmp_path / "in" / "SOL.parquet")
    assert tvquant(*words).document["counts"] == {"asked": 3, "stable": 3, "missing": 0, "failed": 0, "degraded": 0}


def test_a_sync_says_what_it_did_not_take_and_its_exit_code_what_did_not_come(
    home: Path, tmp_path: Path, tvquant: Call
) -> None:
    folder = delivered(tmp_path / "in")
    days = (datetime.now(UTC).date() - date(2024, 7, 18)).days  # a depth counts back from today
    words = ("data", "sync", "--provider", "files", "--path", folder, "-w", home)
    said = tvquant(*words, "--depth", days + 149)
    assert said.code == 0
    assert f"not taken: 100 of 400 bars, of 2 assets, are older than the {days + 149:,} that" in said.out
    assert f"--depth {days + 199} takes all" in said.out
    assert "not taken" not in tvquant(*words, "--depth", days + 199).out
    (folder / "bad.csv").write_text(
        "symbol,timestamp,close\nBINANCE:XUSDT,2024-07-01,zero\nBINANCE:XUSDT,2024-07-02,1\n"
    )
    bad = tvquant(*words, "--json")
    assert (bad.code, bad.document["left"]["unread"]) == (3, 1)
    assert "1 rows could not be read, e.g. bad.csv: row 2, column 'close': 'zero'" in bad.err
    lost = tvquant(*words, "--symbol", BTC, "--symbol", "BINANCE:NONEUSDT")
    assert lost.code == 3
    assert "1 of 2 assets that were asked for are missing, e.g. BINANCE:NONEUSDT" in lost.err


def test_a_sync_reaches_back_to_a_date_and_passes_options_on(home: Path, tvquant: Call) -> None:
    words = ("data", "sync", "--symbol", SIM, "--provider", "simulated", "-w", home)
    first = datetime.now(UTC).date() - timedelta(days=120)
    said = tvquant(*words, "--option", "seed=7", "--from", first, "--json")
    assert said.code == 0, said.err
    stored = Lake(home / "data" / "lakehouse").ls(SIM).bars
    assert (len(stored), stored["timestamp"][0].date(), said.document["left"]["since"]) == (120, first, str(first))
    same = tvquant(*words, "--seed", 7, "--depth", 120, "--force", "--json").document["assets"]
    assert [one["changed"] for one in same] == [0]
    for wrong, why in (
        (("--depth", 5, "--from", first), "--depth and --from both say how far back"),
        (("--from", first + timedelta(days=400)), "lies ahead"),
        (("--from", "lately"), "a date YYYY-MM-DD, or a year, found 'lately'"),
        (("--option", "sed=7"), "did you mean seed"),
    ):
        refused = tvquant(*words, *wrong)
        assert (refused.code, why in refused.err) == (2, True), refused.err


def test_two_versions_of_a_bar_are_said_once(home: Path, tmp_path: Path, tvquant: Call) -> None:
    folder = delivered(tmp_path / "in")
    head = "symbol,timestamp,open,high,low,close,volume"
    (folder / "again.csv").write_text(f"{head}\n{BTC},2024-03-01,99.5,99.5,99.5,99.5,5\n")
    said = tvquant("data", "sync", "--provider", "files", "--path", folder, "-w", home)
    assert said.code == 3
    why = f"{BTC}: the answer has two versions of the bar 2024-03-01 00:00"
    assert [line for line in said.out.splitlines() if why in line] == [f"{BTC}  missing     0  no bars: {why}"]


@pytest.mark.requirement("R-DAT-17")
def test_the_simulated_exchange_is_asked_for_what_is_named(home: Path, tvquant: Call) -> None:
    words = ("--provider", "simulated", "--seed", 7, "-w", home)
    for expected in (120, 0):
        said = tvquant("data", "sync", "--symbol", SIM, "--depth", 120, *words, "--json")
        assert said.code == 0, said.err
        (asset,) = said.document["assets"]
        assert (asset["symbol"], asset["state"], asset["inserted"]) == (SIM, "stable", expected)
    assert (home / "data" / "lakehouse" / ".registry.json").is_file()
    short = tvquant("data", "sync", "--symbol", SIM, "--interval", "4h", "--depth", 100, *words, "--json")
    assert short.document["assets"][0]["inserted"] == 100


def test_a_clock_that_is_set_back_in_mid_sync_loses_nothing(
    home: Path, tvquant: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = datetime.now(UTC)
    told = itertools.chain([began], itertools.repeat(began - timedelta(days=400)))

    class SetBack(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return next(told)

    monkeypatch.setattr("tvquant.app.clock.datetime", SetBack)
    said = tvquant("data", "sync", "--symbol", SIM, "--depth", 120, "--provider", "simulated", "-w", home, "--json")
    assert said.document["counts"]["stable"] == 1
    stored = Lake(home / "data" / "lakehouse").ls(SIM).bars
    assert (len(stored), stored["timestamp"][-1].date()) == (120, began.date() - timedelta(days=1))


@pytest.mark.requirement("R-DAT-17")
def test_a_swap_of_the_simulated_exchange_comes_with_its_funding(home: Path, tvquant: Call) -> None:
    words = ("--provider", "simulated", "--seed", 7, "-w", home, "--json")
    said = tvquant("data", "sync", "--symbol", f"{SIM}.P", "--depth", 120, *words)
    assert said.code == 0, said.err
    lake = Lake(home / "data" / "lakehouse")
    panel = lake.panel(lake.pin([f"{SIM}.P"]))
    assert not np.isnan(panel.fields["funding"]).any()
    count = len(known_funding(lake.root))
    assert tvquant("data", "sync", "--symbol", f"{SIM}.P", "--depth", 120, "--force", *words).code == 0
    assert len(known_funding(lake.root)) - count in (0, 1)  # one may settle while the test runs


def test_a_profile_names_the_assets(home: Path, tmp_path: Path, tvquant: Call) -> None:
    (home / "profiles" / "mine.yaml").write_text(
        f"version: 1\nextends: crypto_spot\nuniverse:\n  symbols: ['{ETH}']\nbenchmark:\n  market: []\n"
    )
    words = ("--provider", "files", "--path", delivered(tmp_path / "in"), "-w", home, "--json")
    said = tvquant("data", "sync", "mine", *words)
    assert said.code == 0, said.err
    assert [one["symbol"] for one in said.document["assets"]] == [ETH]


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("sync", "--provider", "binanse"), 2, "binanse"),
        (("sync", "--provider", "files"), 2, "needs --path"),
        (
            ("sync",),
            2,
            "(`tvquant data providers` lists them), or one for each exchange by data.providers of a profile",
        ),
        (("sync", "--depth", "999999999999"), 2, "'--depth': Input should be less than"),
        (("repair",), 2, "by --provider (`tvquant data providers` lists them)\n"),
        (("sync", "--provider", "simulated", "--symbol", "BINANCE:NONEUSDT"), 3, "none of 1 assets"),
        (("sync", "--basis", "adjusted"), 2, "raw, split or total"),
        (("sync", "--provider", "simulated", "--interval", "1h"), 2, "--interval takes 1d or 4h, found '1h'"),
        (("repair", "--provider", "simulated", "--interval", "4H"), 2, "--interval takes 1d or 4h, found '4H'"),
        (
            ("sync", "--provider", "binance", "--symbol", BTC, "--symbol", "BTCUSDT"),
            2,
            "'BTCUSDT' is not EXCHANGE:TICK",
        ),
        (("repair", "BINANCE:BTC:USDT", "--provider", "binance"), 2, "'BINANCE:BTC:USDT' is not EXCHANGE:TICKER"),
        (("revert",), 2, "--upsert"),
        (("revert", BTC), 3, "no repair"),
    ],
)
def test_what_cannot_be_done_is_said(home: Path, tvquant: Call, words: tuple[str, ...], code: int, why: str) -> None:
    said = tvquant("data", *words, "-w", home)
    assert said.code == code, said.err
    assert why in said.err
    assert said.err.count("\n") == 1


def test_outside_a_workspace_nothing_happens(tmp_path: Path, tvquant: Call) -> None:
    assert tvquant("data", "sync", "--provider", "simulated", "-w", tmp_path).code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.requirement("R-DAT-24")
def test_a_sync_stores_and_reports_ticks_and_lots(home: Path, tmp_path: Path, tvquant: Call) -> None:
    words = ("data", "sync", "--provider", "simulated", "--depth", "100", "-w", home)
    found = tvquant(*words, "--symbol", SIM, "--symbol", "NASDAQ:T001", "--json").document["metadata"]
    assert (found["served"], found["total"], found["share"], found["enough"]) == (True, 2, 1.0, True)
    assert found["stored"] >= 4
    again = tvquant(*words, "--symbol", SIM, "--json").document["metadata"]
    assert (again["stored"], again["missing"]) == (0, [])
    assert "ticks and lots known of 1 of 1 assets (100%), 0 facts new" in tvquant(*words, "--symbol", SIM).out
    files = ("data", "sync", "--provider", "files", "--path", delivered(tmp_path / "in"), "-w", home)
    mixed = tvquant(*files)
    assert (mixed.code, "mix them by --into-simulated" in mixed.err) == (2, True)
    assert "the provider tells none, so steps are assumed" in tvquant(*files, "--into-simulated").out
    assert tvquant(*words, "--symbol", "BINANCE:S002USDT", "--into-real").code == 0


def test_a_profile_asks_each_exchange_of_its_own_provider(home: Path, tmp_path: Path, tvquant: Call) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    rows = pl.read_parquet(delivered(tmp_path / "coins") / "BTC.parquet").filter(pl.col("timestamp").dt.weekday() < 6)
    rows.with_columns(symbol=pl.lit("NASDAQ:AAPL")).write_parquet(folder / "shares.parquet")
    (home / "profiles" / "mine.yaml").write_text(
        f"version: 1\nextends: crypto_spot\nuniverse:\n  symbols: ['{SIM}', 'NASDAQ:AAPL']\nbenchmark:\n  market: []\n"
        f"data:\n  providers:\n    BINANCE: {{name: simulated, seed: 7}}\n"
        f"    NASDAQ: {{name: files, path: {folder}, basis: split}}\n"
    )
    said = tvquant("data", "sync", "mine", "--from", "2024", "-w", home, "--json")
    assert said.document["providers"] == {"simulated": 1, "files": 1}, said.err
    lake = Lake(home / "data" / "lakehouse")
    assert lake.symbols() == (SIM, "NASDAQ:AAPL")
    assert str(lake.ls("NASDAQ:AAPL").bars["timestamp"][0]).startswith("2024-01-02")
    refused = tvquant("data", "sync", "mine", "--set", "x=1", "-w", home)
    assert refused.code == 2
    only = tvquant("data", "sync", "mine", "--provider", "simulated", "--symbol", SIM, "-w", home, "--json")
    assert only.document["providers"] == {"simulated": 1}
    nobody = tvquant("data", "sync", "crypto_spot", "-w", home)
    assert (nobody.code, "data.providers" in nobody.err, "data providers" in nobody.err) == (2, True, True)
