"""What the commands on runs say of one that is whole, one that was altered, and one that is a link."""

import fcntl
import json
import os
import pty
import shutil
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from builders.clocks import ManualClock
from builders.profiles import resolved_of
from builders.workspaces import coin_closes, workspace_of
from tvquant.app.cli import main, standings
from tvquant.app.cli.data_lake import PLOTS
from tvquant.app.progress import Watcher
from tvquant.app.run import run
from tvquant.app.workspace import Workspace
from tvquant.core.measures import Measures
from tvquant.ledger.recorded_parts import RecordedCell

PROGRAM = "import sys; from tvquant.app.cli import main; sys.exit(main())"
CLOCK = ManualClock(datetime(2026, 1, 2, tzinfo=UTC))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with one finished run; never written to by a test."""
    coins = {"BTC": 3, "ETH": 5, "SOL": 7, "XRP": 11}
    closes = coin_closes(coins, datetime(2024, 1, 1, tzinfo=UTC), 182)
    home = workspace_of(tmp_path_factory.mktemp("made") / "ws", closes, recorded_at=CLOCK.now())
    run(home, resolved_of(execution__convention="next_close"), clock=CLOCK, jobs=1, again=False, watcher=Watcher())
    return home.root


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Workspace:
    """A copy of that workspace."""
    return Workspace(shutil.copytree(made, tmp_path / "ws"))


def floats(folder: Path) -> str:
    table = folder / "results" / "returns.parquet"
    frame = pl.read_parquet(table)
    frame.with_columns(pl.col("return") + 0.001, pl.col("equity") * 2).write_parquet(table)
    return "results/returns.parquet is not the file that was written"


def emptied(folder: Path) -> str:
    (folder / "results" / "weights.parquet").write_bytes(b"")
    return "results/weights.parquet is empty"


def health(folder: Path) -> str:
    file = folder / "data" / "health.json"
    file.write_text(file.read_text().replace('"ok"', '"OK"'))
    return "data/health.json is not the file that was written"


@pytest.mark.requirement("R-LED-01")
@pytest.mark.parametrize("damage", [floats, emptied, health])
def test_no_command_believes_a_run_whose_files_were_changed(
    home: Workspace, damage: Callable[[Path], str], capsys: pytest.CaptureFixture[str]
) -> None:
    [folder] = home.all_runs()
    page = folder.report.read_bytes()
    why = damage(folder.path)
    for words in (["ledger", "verify"], ["report"], ["runs", "show"], ["leakcheck"]):
        assert main([*words, "latest", "-w", str(home.root)]) == 1
        err = capsys.readouterr().err
        assert why in err
        assert err.count("\n") == 1
    assert folder.report.read_bytes() == page
    assert main(["ledger", "verify", "latest", "--json", "-w", str(home.root)]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["status"], [one["file"] for one in found["altered"]]) == ("altered", [why.split()[0]])


def test_a_run_that_was_copied_under_another_id_is_none(home: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    [folder] = home.all_runs()
    copy = "20990101T000000-crypto_spot-ffffff"
    shutil.copytree(folder.path, home.runs / copy)
    for words in (["ledger", "verify"], ["report"], ["runs", "show"], ["leakcheck"]):
        assert main([*words, copy, "-w", str(home.root)]) == 1
        assert folder.id in capsys.readouterr().err


@pytest.mark.parametrize("name", ["report/index.html", "INDEX.md"])
def test_a_page_that_was_changed_is_found_and_drawn_again_as_it_was(
    home: Workspace, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    [folder] = home.all_runs()
    whole = (folder.path / name).read_bytes()
    (folder.path / name).write_bytes(whole + b" ")
    assert main(["ledger", "verify", "latest", "-w", str(home.root)]) == 1
    assert f"{name} is not the file that was written" in capsys.readouterr().err
    assert main(["report", "latest", "-w", str(home.root)]) == 0
    assert (folder.path / name).read_bytes() == whole
    assert main(["ledger", "verify", "latest", "-w", str(home.root)]) == 0


def test_a_page_of_another_version_stays_and_is_told_of(
    home: Workspace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    [folder] = home.all_runs()
    page = folder.report.read_bytes()
    monkeypatch.setattr("tvquant.report.render.page_of", lambda *_: "new")
    assert main(["report", "latest", "--json", "-w", str(home.root)]) == 0
    out, err = capsys.readouterr()
    assert "the ledger answers for that one: it stays" in err
    found = json.loads(out)
    assert (found["as_recorded"], Path(found["report"]).read_text()) == (False, "new")
    assert folder.report.read_bytes() == page
    assert main(["ledger", "verify", "latest", "-w", str(home.root)]) == 0


def test_the_console_has_cash_and_the_lines_of_the_report(home: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    [folder] = home.all_runs()
    assert main(["runs", "show", "latest", "-w", str(home.root)]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0].split()[-3:] == ["cash", "turnover", "days"]
    assert "nan" not in out
    assert main(["runs", "show", "latest", "--json", "-w", str(home.root)]) == 0
    found = json.loads(capsys.readouterr().out)
    page = folder.report.read_text("utf-8").replace("&#39;", "'")
    topics = {one["topic"] for one in found["caveats"]}
    assert {"cash_forced_by_caps", "largest_weight", "sparse_selection", "current_only_universe"} <= topics
    assert "unbound_files" not in topics
    for one in found["caveats"]:
        assert one["text"] in out
        assert one["text"] in page


def test_a_run_that_is_a_link_is_taken_away_and_never_followed(
    home: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine").write_text("mine")
    link = home.runs / "20990101T000000-crypto_spot-ffffff"
    link.symlink_to(outside)
    assert main(["report", "ffffff", "-w", str(home.root)]) == 3
    assert main(["runs", "rm", "ffffff", "--yes", "-w", str(home.root)]) == 0
    assert "which was a link" in capsys.readouterr().out
    assert not link.is_symlink()
    assert [path.read_text() for path in outside.iterdir()] == ["mine"]
    shutil.move(home.all_runs()[0].path, outside / "run")
    link.with_name("20260101T000000-crypto_spot-eeeeee").symlink_to(outside / "run")
    assert main(["report", "eeeeee", "-w", str(home.root)]) == 1


@pytest.mark.parametrize("words", [["data", "ls", "BINANCE:BTCUSDT", "--plot"]])
def test_a_plot_never_follows_a_link_out_of_the_workspace(
    home: Workspace, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (home.root / PLOTS).parent.mkdir(exist_ok=True, parents=True)
    (home.root / PLOTS).symlink_to(outside)
    assert main([*words, "-w", str(home.root)]) == 3
    assert "a link leads out of" in capsys.readouterr().err
    assert list(outside.iterdir()) == []


def test_a_no_at_a_terminal_of_80_columns_removes_nothing(home: Workspace) -> None:
    """A real terminal: the question is asked there, no is no interrupt, and the answers fit."""
    [folder] = home.all_runs()

    def at_a_terminal(*words: str, answer: bytes = b"") -> tuple[int, list[str]]:
        terminal, side = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        command = [sys.executable, "-c", PROGRAM, *words, "-w", str(home.root)]
        with subprocess.Popen(command, stdin=side, stdout=side, stderr=side) as child:
            os.close(side)
            os.write(terminal, answer)
            out = b""
            with suppress(OSError):  # what Linux answers when the other side is closed
                while chunk := os.read(terminal, 4096):
                    out += chunk
        os.close(terminal)
        return child.returncode, out.decode().splitlines()

    code, lines = at_a_terminal("runs", "rm", "latest", answer=b"n\n")
    assert (code, lines[-1].endswith(f"tvquant: nothing was changed: {folder.id} stays")) == (1, True)
    assert folder.path.is_dir()
    code, lines = at_a_terminal("runs")
    assert code == 0
    assert lines[1].split()[0] == folder.id
    assert max(map(len, lines)) <= 80


@pytest.mark.requirement("R-LED-01")
def test_a_listed_run_is_called_ok_only_while_no_file_of_it_was_written_to(
    home: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is hashed for the list: what was not verified since it was written is called that, with what verifies."""
    [folder] = home.all_runs()

    def listed() -> tuple[str, str]:
        assert main(["runs", "--json", "-w", str(home.root)]) == 0
        [row] = json.loads(capsys.readouterr().out)
        assert main(["runs", "-w", str(home.root)]) == 0
        assert (row["run"], row["profile"], len(row["result"])) == (folder.id, "crypto_spot", 16)
        return row["state"], capsys.readouterr().out

    state, text = listed()
    assert state == "unverified"
    assert "1 not verified since" in text
    assert main(["report", "latest", "-w", str(home.root)]) == 0
    capsys.readouterr()
    state, text = listed()
    assert state == "ok"
    assert "not verified" not in text
    emptied(folder.path)
    assert listed()[0] == "unverified"
    assert main(["runs", "rm", folder.id, "--yes", "-w", str(home.root)]) == 0


def test_cells_without_a_book_for_one_cause_are_one_line() -> None:
    def failed(key: str, why: str | None) -> RecordedCell:
        return RecordedCell(
            key=key, baseline=False, status="failed", stamps=(), digest=None, why=why, measures=Measures.of({}),
            metrics={}, forensic={},
        )  # fmt: skip

    found = (
        failed("v4/custom/hrp/vectorbt", "leverage: 1.2 of 1"),
        failed("v4/custom/barbell/vectorbt", "leverage: 1.3 of 1"),
        failed("v4/custom/hrp/custom", "leverage: 1.4 of 1"),
        failed("v4/custom/barbell/custom", None),
    )
    assert list(standings._without_book(found)) == [
        "! No book of v4/custom/hrp/vectorbt and 1 more like it (--json has all): leverage: 1.2 of 1.",
        "! No book of v4/custom/hrp/custom: leverage: 1.4 of 1.",
    ]
