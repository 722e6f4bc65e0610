import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from threadpoolctl import threadpool_info, threadpool_limits

from tvquant.core.errors import DataError, ModelError
from tvquant.tournament import workers
from tvquant.tournament.workers import AHEAD, AT_HAND, Pool, start

PARENT = """
import os, time
from tvquant.tournament.workers import Pool

def work(parent, number):
    if os.getpid() == parent:
        time.sleep(0.01)
    else:
        print(os.getpid(), flush=True)
        time.sleep(60)

with Pool(2, os.getpid()) as pool:
    list(pool.run(work, ((number,) for number in range(6000))))
"""


def scaled(subject: NDArray[np.float64], number: int) -> tuple[float, int, bool]:
    return float(subject[number % len(subject)]), os.getpid(), subject.flags.writeable


def slowly(subject: NDArray[np.float64], number: int) -> tuple[float, int, bool]:
    time.sleep(0.005)
    return scaled(subject, number)


def refused(subject: NDArray[np.float64], number: int) -> float:
    if number == 3:
        raise ModelError(f"task {number}")
    return float(subject[number])


PIPE = 65_536
"""Bytes that a pipe takes at once: who is killed while it waits to send more leaves half a message."""


def vast(parent: int, number: int) -> tuple[int, bytes]:
    if os.getpid() != parent:
        send = Connection._send  # type: ignore[attr-defined]

        def at_once(self: Connection, data: bytes, *more: object) -> None:
            if len(data) > PIPE:
                os.kill(os.getpid(), signal.SIGKILL)
            send(self, data, *more)

        Connection._send = at_once  # type: ignore[attr-defined]
    time.sleep(0.005)
    return os.getpid(), bytes(2 * PIPE)


def killed(parent: int, number: int) -> None:
    time.sleep(0.005)
    if os.getpid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def test_results_come_in_the_order_of_the_tasks() -> None:
    with Pool(1, np.arange(5.0) ** 2) as pool:
        found = list(pool.run(scaled, ((number,) for number in range(5))))
    assert [value for value, _, _ in found] == [0.0, 1.0, 4.0, 9.0, 16.0]
    assert {pid for _, pid, _ in found} == {os.getpid()}


@pytest.mark.xdist_group("loky")
def test_this_process_works_beside_the_workers_of_its_pool_which_cannot_write_its_subject() -> None:
    """Workers outlive a pool and serve the next one."""
    for scale in (1.0, 2.0):
        pids, workers_wrote = set(), False
        with Pool(2, scale * np.arange(5.0)) as pool:
            for number, (value, pid, writeable) in enumerate(pool.run(slowly, ((k,) for k in range(6000)))):
                assert value == scale * (number % 5)
                pids.add(pid)
                workers_wrote |= writeable and pid != os.getpid()
                if len(pids) == 2 and number > 10:
                    break  # who stops early leaves tasks behind
        assert os.getpid() in pids
        assert len(pids) == 2
        assert not workers_wrote


def takes_memory_for_a_leak() -> bool:
    from joblib.externals.loky import process_executor

    return bool(vars(process_executor)["_USE_PSUTIL"])


@pytest.mark.xdist_group("loky")
def test_a_worker_may_use_memory() -> None:
    takes_memory_for_a_leak()  # a library without this switch has another: KeyError
    assert not start(2).submit(takes_memory_for_a_leak).result()


@pytest.mark.xdist_group("loky")
def test_the_error_of_a_task_is_raised_whoever_works_on_it() -> None:
    with Pool(2, np.arange(9.0)) as pool, pytest.raises(ModelError, match="task 3"):
        list(pool.run(refused, ((number,) for number in range(9))))


@pytest.mark.xdist_group("loky")
def test_a_worker_that_is_killed_is_said_in_one_line_for_it_sends_nothing_that_could_be_cut_in_two() -> None:
    with Pool(2, os.getpid()) as pool:
        seen = set()
        for pid, result in pool.run(vast, ((k,) for k in range(6000))):
            assert len(result) == 2 * PIPE
            seen.add(pid)
            if len(seen) == 2:
                break
        assert len(seen) == 2
        with pytest.raises(DataError, match=r"a worker process was killed.*--resume"):
            list(pool.run(killed, ((k,) for k in range(6000))))


class Late(Future[Any]):
    """A result that is worked out when it is asked for, where two BLAS threads are the rule."""

    def __init__(self, *task: Any) -> None:
        super().__init__()
        self._task = task

    def result(self, timeout: float | None = None) -> Any:
        work, *given = self._task
        if not self.done():
            with threadpool_limits(2):
                self.set_result(work(*given))
        return super().result(timeout)


class LateWorker(Executor):
    """A worker that is ready at once, and slower than this process."""

    def __init__(self) -> None:
        self.given: list[Late] = []

    def submit(self, work: Any, /, *given: Any, **_: Any) -> Any:
        self.given.append(Late(work, *given))
        if len(self.given) == 1:
            self.given[0].result()  # it has loaded the subject
        return self.given[-1]


def test_one_who_waits_for_a_slow_worker_goes_so_far_ahead_and_takes_back_what_nobody_began(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker, begun = LateWorker(), dict[int, int]()

    def noted(_: NDArray[np.float64], number: int) -> int:
        begun[number] = max(one["num_threads"] for one in threadpool_info())
        return number

    monkeypatch.setattr(workers, "start", lambda _: worker)
    with Pool(2, np.arange(3.0)) as pool:
        results = pool.run(noted, ((number,) for number in range(100)))
        assert next(results) == 0
        at_hand = worker.given[1:]
        assert len(at_hand) == AT_HAND
        assert sorted(begun) == [0, *range(AT_HAND, 2 * AHEAD)]
        assert set(begun.values()) == {1}  # BLAS threads, of the worker's task as well
        assert next(results) == 1
        left = [one for one in worker.given if not one.done()]
        assert left
    assert all(one.cancelled() for one in left)


def test_workers_end_with_a_parent_that_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    parent.stdout.readline()  # a worker is at work
    parent.send_signal(signal.SIGKILL)
    parent.communicate(timeout=20)  # ends when no one has the other end of the pipe any more


def test_who_interrupts_a_command_hears_from_its_parent_alone_and_at_once() -> None:
    """As a terminal does it: every process of the group is told, the one at work for a minute too."""
    parent = subprocess.Popen(
        [sys.executable, "-c", f"import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n{PARENT}"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert parent.stdout is not None
    parent.stdout.readline()  # a worker is at work
    os.killpg(parent.pid, signal.SIGINT)
    said = parent.communicate(timeout=20)[1]
    assert said.rstrip().endswith("KeyboardInterrupt")
    assert said.count("Traceback") == 1
    assert "Loky" not in said
