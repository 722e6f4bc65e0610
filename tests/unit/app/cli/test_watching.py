"""Progress beside an answer, where nobody watches, and the note that kernels are compiled."""

import json
import re
import time
from collections.abc import Iterator
from datetime import datetime

import pytest
from numba import njit

from builders.workspaces import coin_closes, workspace_of
from tvquant.app.cli import main, watching
from tvquant.app.workspace import Workspace


def compiled_now() -> None:
    """Compile two functions, of which one compiles the other."""

    @njit
    def inner(x: float) -> float:
        return x + 1.0

    @njit
    def outer(x: float) -> float:
        return 2.0 * inner(x)

    assert outer(1.0) == 4.0


@pytest.fixture(autouse=True)
def _as_if_new() -> Iterator[None]:
    """Nothing was noted in this process yet."""
    watching._note_compiling.cache_clear()
    yield
    watching._note_compiling.cache_clear()


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace whose lake holds a coin with a gap, which the audit names."""
    bars = coin_closes({"AAA": 3}, datetime(2024, 1, 1), 100)
    return workspace_of(tmp_path_factory.mktemp("lake") / "ws", bars[[*range(50), *range(60, 100)]])


def test_long_compiling_is_said_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(watching, "COMPILING", 0.0)
    for _ in range(2):
        with watching.compiling_noted():
            compiled_now()
            compiled_now()
    assert capsys.readouterr().err.count("compiling kernels") == 1
    compiled_now()
    assert capsys.readouterr().err == ""


def test_short_compiling_is_not_worth_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(watching, "COMPILING", 60.0)
    with watching.compiling_noted():
        compiled_now()
    assert capsys.readouterr().err == ""


def test_where_nobody_watches_a_line_every_few_seconds_says_where_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines: list[str] = []

    def until(pattern: str) -> None:
        """Wait for such a line, however busy the machine is."""
        late = time.monotonic() + 30.0
        while not any(re.fullmatch(pattern, line) for line in lines):
            assert time.monotonic() < late, (pattern, lines)
            time.sleep(0.01)
            lines.extend(capsys.readouterr().err.splitlines())

    monkeypatch.setattr(watching, "EVERY", 0.01)
    with watching.progress_shown("data import") as progress:
        until(r"data import: \d+ s")
        progress.stage(12, "walk-forward")
        progress.steps(1, 40)
        until(r"stage 12 walk-forward: 1 of 40, \d+ s")
        progress.steps(3, 40)
        until(r"stage 12 walk-forward: 3 of 40, \d+ s, about \d+ s to go")
    assert lines[0].startswith("data import: ")
    capsys.readouterr()
    time.sleep(0.03)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("words", ["data status", "data audit", "data export", "data compact", "doctor"])
def test_commands_that_read_the_whole_lake_say_that_they_are_at_it(
    words: str, lake: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(watching, "EVERY", 0.0)
    assert main([*words.split(), "--json", "-w", str(lake.root)]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)
    assert f"{words}: 0 s" in said.err.splitlines()


def test_books_are_counted_when_all_is_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(watching.time, "perf_counter", lambda: now[0])
    with watching.progress_shown("run") as progress:
        progress.stage(15, "validation")
        progress.steps(40, 40)
        for part in (6, 1):  # the grid, then challengers
            progress.books(0, part)
            assert progress.line() == f"stage 15 validation, books: 0 of {part}, {now[0] - 1000.0:.0f} s"
            now[0] += 10.0
            progress.books(1, part)
        progress.books(0, 6)
        now[0] += 10.0
        progress.books(1, 6)
        now[0] += 10.0
        progress.books(3, 6)
        assert progress.line() == "stage 15 validation, books: 3 of 6, 40 s, about 15 s to go"


def test_time_left_is_what_the_rest_takes_at_the_pace_since_the_first_step(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(watching.time, "perf_counter", lambda: now[0])
    with watching.progress_shown("run") as progress:
        progress.stage(12, "walk-forward")
        now[0] += 100.0  # compiling, which no other step does
        progress.steps(1, 21)
        now[0] += 30.0
        progress.steps(11, 21)
        assert progress.first_step == 100.0
        assert progress.line() == "stage 12 walk-forward: 11 of 21, 2 min 10 s, about 30 s to go"
        progress.steps(21, 21)
        assert progress.line() == "stage 12 walk-forward: 21 of 21, 2 min 10 s"
    assert watching.duration(2 * 3600 + 59 * 60 + 59) == "2 h 59 min"
