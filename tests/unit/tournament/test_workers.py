import os
import signal
import subprocess
import sys

import pytest

from tvquant.tournament.workers import Pool

PARENT = """
import os, time
from tvquant.tournament.workers import Pool

def work(number):
    print(os.getpid(), flush=True)
    time.sleep(60)

with Pool(2) as pool:
    list(pool.run(work, ((number,) for number in range(2))))
"""


def squared(number: int) -> tuple[int, int]:
    return number * number, os.getpid()


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_the_order_of_the_tasks(jobs: int) -> None:
    with Pool(jobs) as pool:
        found = list(pool.run(squared, ((number,) for number in range(5))))
    assert [value for value, _ in found] == [0, 1, 4, 9, 16]
    assert (os.getpid() in {pid for _, pid in found}) is (jobs == 1)


def test_workers_end_with_a_parent_that_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    for _ in range(2):  # both are at work
        parent.stdout.readline()
    parent.send_signal(signal.SIGKILL)
    parent.communicate(timeout=20)  # ends when no one has the other end of the pipe any more
