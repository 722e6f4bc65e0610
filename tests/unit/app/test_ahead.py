import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tvquant.app.ahead import compiling_ahead, marker

PARENT = """
import time
from tvquant.app.ahead import compiling_ahead

with compiling_ahead() as process:
    print(process.pid, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def cold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(os, "cpu_count", lambda: 2)


def test_a_process_compiles_as_long_as_the_command_runs() -> None:
    with compiling_ahead() as process:
        assert process is not None
        assert process.poll() is None
    assert process.poll() is not None


def test_an_interrupt_ends_it_too() -> None:
    with pytest.raises(KeyboardInterrupt), compiling_ahead() as process:
        raise KeyboardInterrupt
    assert process is not None
    assert process.poll() is not None


def test_nothing_starts_where_all_is_compiled() -> None:
    marker().touch()
    with compiling_ahead() as process:
        assert process is None


def test_nothing_starts_beside_a_command_on_one_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    with compiling_ahead() as process:
        assert process is None


@pytest.mark.skipif(not Path("/proc/self/stat").exists() or os.cpu_count() == 1, reason="reads /proc, needs 2 cores")
def test_it_ends_with_a_command_that_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    state = Path("/proc") / parent.stdout.readline().strip() / "stat"
    assert state.exists()
    parent.send_signal(signal.SIGKILL)
    parent.communicate(timeout=20)
    until = time.monotonic() + 60.0
    while state.exists() and state.read_text().rsplit(") ", 1)[1][0] != "Z":
        assert time.monotonic() < until, "it outlives the command that it worked for"
        time.sleep(0.1)
