"""Wrong input: the right exit code, one clear line, no traceback, and nothing changed."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tvquant.app.cli import main

HEAD = "symbol,timestamp,open,high,low,close,volume\n"
GOOD = "BINANCE:BTCUSDT,2024-01-01,1,2,1,1.5,10\n"

FILES: dict[str, tuple[str, int, str]] = {
    "missing_column.csv": ("symbol,timestamp,open\nBINANCE:BTCUSDT,2024-01-01,1\n", 3, "close"),
    "text_for_a_price.csv": (HEAD + GOOD + "BINANCE:BTCUSDT,2024-01-02,1,2,1,abc,10\n", 3, "abc"),
    "nan_price.csv": (HEAD + GOOD + "BINANCE:BTCUSDT,2024-01-02,1,2,1,NaN,10\n", 3, "close"),
    "naive_time.csv": (HEAD + "BINANCE:BTCUSDT,2024-01-01T00:00:00,1,2,1,1.5,10\n", 3, "zone"),
    "no_such_date.csv": (HEAD + "BINANCE:BTCUSDT,2024-02-31,1,2,1,1.5,10\n", 3, "2024-02-31"),
    "bad_symbol.csv": (HEAD + "BTCUSDT,2024-01-01,1,2,1,1.5,10\n", 3, "BTCUSDT"),
    "unknown_exchange.csv": (HEAD + "NOWHERE:X,2024-01-01,1,2,1,1.5,10\n", 3, "NOWHERE"),
    "negative_volume.csv": (HEAD + "BINANCE:BTCUSDT,2024-01-01,1,2,1,1.5,-10\n", 3, "volume"),
    "empty.csv": ("", 3, "empty"),
    "not_parquet.parquet": ("hello", 3, "parquet"),
    "unknown_kind.xlsx": ("hello", 3, "csv"),
    "no_basis.csv": (HEAD + "NASDAQ:AAPL,2024-01-02,1,2,1,1.5,10\n", 2, "--basis"),
}


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a little crypto in it, and the file that it is from beside it."""
    folder = tmp_path_factory.mktemp("wrong")
    root = folder / "ws"
    assert main(["init", str(root)]) == 0
    days = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 4, 30), "1d", time_zone="UTC", eager=True)
    frames = [
        pl.DataFrame({"symbol": f"BINANCE:{coin}USDT", "timestamp": days}).with_columns(
            close=100.0 + ((pl.int_range(pl.len()) * step) % 17)
        )
        for coin, step in (("BTC", 3), ("ETH", 5))
    ]
    file = folder / "coins.parquet"
    pl.concat(frames).write_parquet(file)
    assert main(["data", "import", str(file), "-w", str(root)]) == 0
    return root


@pytest.fixture
def home(stored: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(stored, tmp_path / "ws"))


def one_clear_line(said: Any, code: int, word: str) -> None:
    assert said.code == code, said.err
    *told, line = said.err.strip().splitlines()
    assert len(told) <= 1, said.err
    assert all(one.startswith("health of ") for one in told), said.err
    assert "Traceback" not in said.err
    assert word.lower() in line.lower(), line


@pytest.mark.parametrize("name", FILES)
def test_a_malformed_file_changes_nothing(
    name: str, home: Path, tmp_path: Path, tvquant: Callable[..., Any], files: Callable[[Path], dict[str, bytes]]
) -> None:
    text, code, word = FILES[name]
    bad = tmp_path / name
    bad.write_text(text)
    before = files(home)
    one_clear_line(tvquant("data", "import", bad, "-w", home), code, word)
    assert files(home) == before


@pytest.mark.parametrize(
    ("words", "code", "word"),
    [
        (("data", "import", "nowhere.csv"), 3, "nowhere.csv"),
        (("run", "no_such"), 2, "no_such"),
        (("run", "crypto_spot", "--set", "data.spam=1"), 2, "data.span"),
        (("run", "crypto_spot", "--set", "windows.test=1"), 2, "windows.step"),
        (("run", "crypto_spot", "--set", "allocation.engines=[skfolo]"), 2, "did you mean skfolio"),
        (("run", "crypto_spot", "--set", "data.min_history=10"), 2, "90"),
        (("run", "crypto_spot"), 2, "next_close"),
        (("run", "us_equities"), 3, "import"),
        (("run", "crypto_spot", "--set", "data.min_history=500", "--set", "execution.convention=next_close"), 3, "500"),
        (("run", "--resume", "none"), 2, "none"),
        (("ledger", "verify", "latest"), 2, "no runs"),
        (("data", "ls", "BINANCE:NOPE"), 3, "NOPE"),
        (("frobnicate",), 2, "frobnicate"),
    ],
)  # fmt: skip
def test_wrong_words_are_answered_in_one_line(
    words: tuple[str, ...], code: int, word: str, home: Path, tvquant: Callable[..., Any]
) -> None:
    where = () if words[0] == "frobnicate" else ("-w", home)
    one_clear_line(tvquant(*words, *where), code, word)


def test_quarantine_takes_the_rest(home: Path, tmp_path: Path, tvquant: Callable[..., Any]) -> None:
    bad = tmp_path / "mixed.csv"
    bad.write_text(HEAD + "BINANCE:SOLUSDT,2024-01-01,1,2,1,1.5,10\nBINANCE:SOLUSDT,2024-01-02,1,2,1,NaN,10\n")
    said = tvquant("data", "import", bad, "--quarantine", "--json", "-w", home)
    assert (said.code, said.document["stored"], said.document["quarantined"]) == (0, 1, 1)
    assert len(pl.read_parquet(said.document["quarantine"])) == 1


def test_a_bad_symbol_is_left_out_and_ends_with_3(home: Path, tmp_path: Path, tvquant: Callable[..., Any]) -> None:
    bad = tmp_path / "mixed.csv"
    rows = ("BINANCE:SOLUSDT;2024-01-01;1;2;1;1.5;10", "BINANCE:\u202eTDSUCTB;2024-01-02;1;2;1;1.5;10")
    bad.write_text("\n".join((HEAD.strip().replace(",", ";"), *rows)), "utf-8")
    said = tvquant("data", "import", bad, "--json", "-w", home)
    one_clear_line(said, 3, "left out whole: 'BINANCE:\\u202eTDSUCTB' (mixed.csv: row 3")
    assert (said.document["stored"], list(said.document["refused"])) == (1, ["BINANCE:\u202eTDSUCTB"])
    assert said.document["files"][0]["read_as"] == ["separated by semicolons"]
    said = tvquant("data", "import", bad, "-w", home)
    assert (said.code, "separated by semicolons" in said.out) == (3, True)
    assert said.out.replace("\n", "").isprintable()
    other = rows[1].split(";")[0]
    assert tvquant("data", "import", bad, "--symbols", "BINANCE:SOLUSDT", "--exclude", other, "-w", home).code == 0
    one_clear_line(tvquant("data", "import", bad, "--symbols", "BINANCE:SOLUSD,X", "-w", home), 2, "BINANCE:SOLUSDT?")


def test_a_second_writer_is_told_to_wait(stored: Path, home: Path, tvquant: Callable[..., Any]) -> None:
    from tvquant.app.workspace import Workspace

    with Workspace(home).writing():
        one_clear_line(tvquant("data", "import", stored.parent / "coins.parquet", "-w", home), 3, "another")


def test_outside_a_workspace_nothing_is_made(tmp_path: Path, tvquant: Callable[..., Any]) -> None:
    one_clear_line(tvquant("data", "import", "x.csv", "-w", tmp_path / "nowhere"), 2, "tvquant init")
    assert list(tmp_path.iterdir()) == []


def test_a_bug_says_where_its_story_is(
    home: Path, tvquant: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr("tvquant.app.workspace.Workspace.lake", broken)
    said = tvquant("data", "status", "-w", home)
    one_clear_line(said, 70, "ZeroDivisionError")
    logs = list((home / "data" / "logs").glob("crash-*.log"))
    assert len(logs) == 1
    assert "planted" in logs[0].read_text()
