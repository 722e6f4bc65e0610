import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from tvquant.tournament.workers import Pool

PARENT = """
import os, time
from tvquant.tournament.workers import Pool

def work(subject, number):
    print(os.getpid(), flush=True)
    time.sleep(60)

with Pool(2, None) as pool:
    list(pool.run(work, ((number,) for number in range(2))))
"""


def scaled(subject: NDArray[np.float64], number: int) -> tuple[float, int, bool]:
    return float(subject[number]), os.getpid(), subject.flags.writeable


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_the_order_of_the_tasks(jobs: int) -> None:
    with Pool(jobs, np.arange(5.0) ** 2) as pool:
        found = list(pool.run(scaled, ((number,) for number in range(5))))
    assert [value for value, _, _ in found] == [0.0, 1.0, 4.0, 9.0, 16.0]
    assert (os.getpid() in {pid for _, pid, _ in found}) is (jobs == 1)


@pytest.mark.xdist_group("loky")
def test_workers_read_the_subject_of_their_own_pool_and_cannot_write_it() -> None:
    """Workers outlive a pool and serve the next one."""
    for scale in (1.0, 2.0):
        with Pool(2, scale * np.arange(5.0)) as pool:
            found = list(pool.run(scaled, ((number,) for number in range(5))))
        assert [value for value, _, _ in found] == [scale * number for number in range(5)]
        assert not any(writeable for _, _, writeable in found)


def test_workers_end_with_a_parent_that_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    for _ in range(2):  # both are at work
        parent.stdout.readline()
    parent.send_signal(signal.SIGKILL)
    parent.communicate(timeout=20)  # ends when no one has the other end of the pipe any more
