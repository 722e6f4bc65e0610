"""Equal plans give equal result digests: begun by two processes, killed or stopped, and ended by one.

The profile is the demo's over its last years: long enough to be stopped at any stage, and run often.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

PROOF = bool(os.environ.get("TVQUANT_PROOF"))
SPAN, EARLY, LATE = (2060, 100, 300) if PROOF else (500, 30, 90)
"""Rows, and records after which a run is stopped."""
STOP, KILL = signal.SIGINT, signal.SIGKILL
ENDS = [[(2, KILL, LATE)]]
"""Worker processes of a run, and what ends it at which record: it begins, and after each but the last it goes on.

The gate kills one; that it is stopped by its user is played in one process by `test_first_hour.py` too.
"""
if PROOF:
    ENDS += [[(2, STOP, EARLY), (jobs, KILL, LATE)] for jobs in (1, 2)]
    ENDS += [*([(jobs, STOP, EARLY)] for jobs in (1, 2))]
    ENDS += [[(jobs, KILL, records)] for jobs in (1, 2) for records in (EARLY, LATE, *range(5, 800, 80))]

MEANWHILE = ("stage ", "run: ", "compiling kernels ", "health of ")
"""How lines begin that a slow machine tells."""

PROFILE = f"""version: 1
extends: demo_sp500
description: The demo's last years.
data: {{span: {SPAN}}}
allocation: {{profiles: [barbell, max_sharpe]}}
"""

pytestmark = pytest.mark.xdist_group("demo")


@pytest.fixture(scope="module")
def recent(demo: tuple[Path, dict[str, Any]], answered: Callable[..., Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The demo's workspace with a finished run of the profile, and what the command said."""
    home, _ = demo
    profile = home / "profiles" / "recent.yaml"
    profile.write_text(PROFILE)
    said = answered("run", "recent", "-w", home)
    yield home, said
    answered("runs", "rm", said["run"], "--yes", "-w", home)
    profile.unlink()


@pytest.fixture
def interrupted(
    recent: tuple[Path, dict[str, Any]], command: Callable[..., list[str]], tmp_path: Path
) -> Callable[..., Any]:
    """Begin a run of the profile, or go on with one, and send a signal once its ledger has so many records."""

    def call(by: signal.Signals, records: int, run: str | None, *words: object) -> tuple[str, int, str]:
        home, _ = recent
        runs = home / "artifacts" / "summaries" / "runs"
        before = {path for path in runs.iterdir() if path.name != run}
        said = (tmp_path / "said").open("w+")
        begun = ("recent", "--again") if run is None else ("--resume", run)
        child = subprocess.Popen(
            command("run", *begun, *words, "-w", home), stdout=subprocess.DEVNULL, stderr=said, start_new_session=True
        )
        while child.poll() is None:
            ledgers = [p / "audit.jsonl" for p in runs.iterdir() if p not in before]
            if ledgers and ledgers[0].is_file() and ledgers[0].read_bytes().count(b"\n") > records:
                break
            time.sleep(0.01)
        assert child.poll() is None, "the run ended before it could be interrupted"
        child.send_signal(by)
        code = child.wait(timeout=60)
        with suppress(ProcessLookupError):  # orphaned workers of a killed run end by themselves, but later
            os.killpg(child.pid, signal.SIGKILL)
        said.seek(0)
        return ledgers[0].parent.name, code, said.read()

    return call


@pytest.mark.requirement("R-TRN-18")
@pytest.mark.parametrize("ends", ENDS)
def test_a_killed_run_resumes_to_the_same_result(
    recent: tuple[Path, dict[str, Any]],
    answered: Callable[..., Any],
    interrupted: Callable[..., Any],
    tvquant: Callable[..., Any],
    ends: list[tuple[int, signal.Signals, int]],
) -> None:
    home, said = recent
    run = None
    for jobs, by, records in ends:
        run, code, err = interrupted(by, records, run, "--jobs", jobs)
        if by is STOP:
            assert code == 130
            [line] = [line for line in err.splitlines() if not line.startswith(MEANWHILE)]
            assert "--resume" in line
        else:
            checked = tvquant("ledger", "verify", run, "-w", home)
            assert checked.code == 1
            assert "incomplete" in checked.out
    resumed = answered("run", "--resume", run, "-w", home)
    assert (resumed["run"], resumed["result"]) == (run, said["result"])
    done = tvquant("ledger", "verify", run, "--json", "-w", home).document
    assert (done["status"], done["unpaired"]) == ("ok", [])
    assert tvquant("runs", "rm", run, "--yes", "-w", home).code == 0
