"""Progress beside an answer, where nobody watches, and the note that kernels are compiled."""

import re
import time
from collections.abc import Iterator

import pytest
from numba import njit

from tvquant.app.cli import watching


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
    monkeypatch.setattr(watching, "EVERY", 0.01)
    with watching.progress_shown("data import") as progress:
        time.sleep(0.05)
        progress.stage(12, "walk-forward")
        progress.steps(1, 40)
        time.sleep(0.05)
        progress.steps(3, 40)
        time.sleep(0.05)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "data import: 0 s"
    assert "stage 12 walk-forward: 1 of 40, 0 s" in lines
    assert re.fullmatch(r"stage 12 walk-forward: 3 of 40, \d s, about \d s to go", lines[-1])
    time.sleep(0.03)
    assert capsys.readouterr().err == ""


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
