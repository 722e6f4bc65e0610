import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tvquant.tournament.backends.contract import LOKY

PARENT = """
import os, sys, time
from tvquant.tournament.backends.contract import Cluster
from tvquant.tournament.workers import Pool

def work(parent, number):
    if os.getpid() == parent:
        time.sleep(0.01)
    else:
        print(os.getpid(), flush=True)
        time.sleep(60)

with Pool(2, os.getpid(), Cluster(backend=sys.argv[1])) as pool:
    list(pool.run(work, ((number,) for number in range(6000))))
"""


AT_ONCE = 20
"""Seconds in which all is over: a task has 60."""


@pytest.fixture(params=[LOKY, "dask"])
def backend(request: pytest.FixtureRequest) -> str:
    """A backend whose processes are ours (Ray ends its own); in the gate only the one that most people use."""
    name: str = request.param
    if name != LOKY and not os.environ.get("TVQUANT_PROOF"):
        pytest.skip("a cluster is begun for it: make proof")
    return name


def test_workers_end_with_a_parent_that_is_killed_and_leave_nothing_of_it(backend: str, tmp_path: Path) -> None:
    """A folder of another process on the same disk stays; Dask's workers share none, and see to their own."""
    (tmp_path / "tvquant-elsewhere-1-").mkdir()
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, backend], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert parent.stdout is not None
    parent.stdout.readline()  # a worker is at work
    assert len(list(tmp_path.glob("tvquant-*"))) == 2
    parent.send_signal(signal.SIGKILL)
    parent.communicate(timeout=AT_ONCE)  # ends when no one has the other end of the pipe any more
    if backend == LOKY:
        assert [one.name for one in tmp_path.glob("tvquant-*")] == ["tvquant-elsewhere-1-"]


def test_who_interrupts_a_command_hears_from_its_parent_alone_and_at_once(backend: str) -> None:
    """As a terminal does it: every process of the group is told, the one at work for a minute too."""
    interrupted = f"import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n{PARENT}"
    parent = subprocess.Popen(
        [sys.executable, "-c", interrupted, backend],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert parent.stdout is not None
    parent.stdout.readline()  # a worker is at work
    os.killpg(parent.pid, signal.SIGINT)
    said = parent.communicate(timeout=AT_ONCE)[1]
    assert said.rstrip().endswith("KeyboardInterrupt")
    assert said.count("Traceback") == 1
    assert "loky" not in said.lower()
