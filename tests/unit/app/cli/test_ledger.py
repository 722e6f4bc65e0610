"""A command that answers and then exits with an error says one JSON document on stdout and one line on stderr."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from builders.clocks import ManualClock
from tvquant.app.cli import main
from tvquant.app.workspace import Workspace
from tvquant.ledger import Ledger, genesis_entry

RUN = "20260101T000000-demo_sp500-aaaaaa"


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    """A workspace with a run whose ledger has a genesis and a seal."""
    made = Workspace(tmp_path / "ws")
    made.create()
    folder = made.runs / RUN
    folder.mkdir()
    clock = ManualClock()
    with Ledger.create(folder, run_id=RUN, clock=clock) as ledger:
        genesis = genesis_entry(
            run_id=RUN, profile="demo", code="c", manifest="m", environment="e",
            train=60, test=20, step=20, lookback=500, selection="v4", rebalance="window",
        )  # fmt: skip
        ledger.record(genesis)
        ledger.seal({})
    return made


def _cut(lines: list[bytes]) -> list[bytes]:
    return lines[:-1]


def _tampered(lines: list[bytes]) -> list[bytes]:
    return [lines[0].replace(b'"demo"', b'"dema"', 1), *lines[1:]]


def test_a_whole_ledger_is_verified_without_a_word_on_stderr(
    home: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ledger", "verify", RUN, "--json", "-w", str(home.root)]) == 0
    out, err = capsys.readouterr()
    assert (json.loads(out)["status"], err) == ("ok", "")


@pytest.mark.parametrize(("damage", "status"), [(_cut, "truncated"), (_tampered, "tampered")])
@pytest.mark.parametrize("form", [["--json"], []])
def test_what_is_wrong_with_a_ledger_is_said_once(
    damage: Callable[[list[bytes]], list[bytes]],
    status: str,
    form: list[str],
    home: Workspace,
    capsys: pytest.CaptureFixture[str],
) -> None:
    audit = home.runs / RUN / "audit.jsonl"
    audit.write_bytes(b"".join(damage(audit.read_bytes().splitlines(keepends=True))))
    assert main(["ledger", "verify", RUN, *form, "-w", str(home.root)]) == 1
    out, err = capsys.readouterr()
    assert err == f"tvquant: the ledger of {RUN} is {status}\n"
    if form:
        found = json.loads(out)  # a second document would not parse
        assert (found["run"], found["status"]) == (RUN, status)
        assert found["why"]
    else:
        assert out.startswith(f"{RUN}: {status}")


def test_a_run_that_is_not_there_is_one_document_too(home: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ledger", "verify", "nothing", "--json", "-w", str(home.root)]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["exit_code"] == 2


def test_what_lint_finds_is_one_document(home: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    (home.profiles / "mine.yaml").write_text("version: 1\nspan: 3\n")
    assert main(["profile", "lint", "mine", "--json", "-w", str(home.root)]) == 2
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["profile mine"]
    assert found["profile mine"]
