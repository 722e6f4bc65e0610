import gc
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from threading import current_thread, main_thread
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from threadpoolctl import threadpool_info, threadpool_limits

from tvquant.core.errors import DataError, ModelError
from tvquant.core.garbage import SELDOM
from tvquant.tournament import workers
from tvquant.tournament.backends import loky
from tvquant.tournament.backends.contract import Backend, Cluster
from tvquant.tournament.workers import AHEAD, AT_HAND, LOSSES, Pool


def scaled(subject: NDArray[np.float64], number: int) -> tuple[float, int, bool]:
    return float(subject[number % len(subject)]), os.getpid(), subject.flags.writeable


def slowly(subject: NDArray[np.float64], number: int) -> tuple[float, int, bool]:
    time.sleep(0.005)
    return scaled(subject, number)


def refused(subject: NDArray[np.float64], number: int) -> float:
    if number == 3:
        raise ModelError(f"task {number}")
    return float(subject[number])


def test_results_come_in_the_order_of_the_tasks() -> None:
    with Pool(1, np.arange(5.0) ** 2) as pool:
        found = list(pool.run(scaled, ((number,) for number in range(5))))
    assert [value for value, _, _ in found] == [0.0, 1.0, 4.0, 9.0, 16.0]
    assert {pid for _, pid, _ in found} == {os.getpid()}


def test_garbage_is_looked_for_seldom_while_a_pool_is_open() -> None:
    usual = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    try:
        with Pool(1, np.arange(5.0)):
            assert gc.get_threshold() == (SELDOM, 10, 10)
        assert gc.get_threshold() == (700, 10, 10)
    finally:
        gc.set_threshold(*usual)


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


@pytest.mark.xdist_group("loky")
def test_the_error_of_a_task_is_raised_whoever_works_on_it() -> None:
    with Pool(2, np.arange(9.0)) as pool, pytest.raises(ModelError, match="task 3"):
        list(pool.run(refused, ((number,) for number in range(9))))


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

    monkeypatch.setattr(loky, "start", lambda _: worker)
    monkeypatch.setattr(workers, "wait", lambda futures, **_: futures[0].result())
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


def test_a_worker_that_answers_soon_has_the_first_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take longest: this process does what comes after them meanwhile."""
    with ThreadPoolExecutor(1) as worker:
        monkeypatch.setattr(loky, "start", lambda _: worker)
        monkeypatch.setattr(loky, "_get_ready", lambda _: time.sleep(0.05))
        monkeypatch.setattr(workers, "PROMPT", 60.0)
        with Pool(2, np.arange(3.0)) as pool:
            places = list(pool.run(lambda *_: current_thread() is main_thread(), ((k,) for k in range(AT_HAND + 1))))
    assert places[:AT_HAND] == [False] * AT_HAND


class Gone(Exception):
    """A worker was lost."""


class Machine:
    """Workers that take a step at a time; all are lost when one is killed, as with loky, or it alone (`apart`).

    Whoever takes a deadly task is killed, so many times; `seen` is what was in flight when a task was given.
    """

    lost = (Gone,)

    def __init__(self, count: int, deadly: Mapping[int, int], *, apart: bool = False) -> None:
        self.count, self._left, self._apart = count, dict(deadly), apart
        self.ready: Future[Any] = Future()
        self.ready.set_result(None)
        self.flying: dict[int, Future[Any]] = {}
        self.seen: list[tuple[int, tuple[int, ...]]] = []
        self.renewals = 0

    def submit(self, _: Any, task: tuple[int]) -> Future[Any]:
        self.seen.append((task[0], tuple(self.flying)))
        self.flying[task[0]] = Future()
        return self.flying[task[0]]

    def take(self, future: Future[Any]) -> Any:
        return future.result()

    def renew(self) -> None:
        self.renewals += 1

    def close(self, *, at_once: bool) -> None: ...

    def step(self, *_: Any, **__: Any) -> None:
        """The workers end what they are at, or are killed."""
        at_work = list(self.flying)[: self.count]
        deadly = [task for task in at_work if self._left.get(task, 0)]
        for task in deadly:
            self._left[task] -= 1
        for task in list(self.flying) if deadly and not self._apart else at_work:
            future = self.flying.pop(task)
            if task in deadly or (deadly and not self._apart):
                future.set_exception(Gone())
            else:
                future.set_result(task)


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Callable[[Machine], Pool[None]]:
    def pool(machine: Machine) -> Pool[None]:
        monkeypatch.setattr(workers, "BACKENDS", {"machine": Backend(open=lambda *_: machine, package="")})
        monkeypatch.setattr(workers, "wait", machine.step)
        return Pool(1, None, Cluster(backend="machine", address="there", note=notes.append))

    notes.clear()
    return pool


notes: list[str] = []


def same(_: None, number: int) -> int:
    raise AssertionError("this process only waits where workers are elsewhere")


def test_what_was_lost_is_given_again_before_what_is_new_and_comes_in_order(
    on: Callable[[Machine], Pool[None]],
) -> None:
    machine = Machine(2, deadly={1: 1, 5: 1})
    with on(machine) as pool:
        assert list(pool.run(same, ((number,) for number in range(12)))) == list(range(12))
    given = [task for task, _ in machine.seen]
    assert given[:8] == [0, 1, 2, 3, 0, 1, 2, 3]
    assert {task: given.count(task) for task in range(12)} == {
        **dict.fromkeys(range(12), 1), **dict.fromkeys(range(8), 2),
    }  # fmt: skip
    assert machine.renewals == 2
    assert notes == ["a worker process was killed: 4 of its tasks are given again"] * 2


def test_what_was_lost_twice_has_the_workers_for_itself_and_is_blamed_alone(
    on: Callable[[Machine], Pool[None]],
) -> None:
    """Of six tasks that are lost twice together the third one is deadly: those before it are done, and it is named."""
    machine = Machine(3, deadly={2: LOSSES})
    with on(machine) as pool:
        results = pool.run(same, ((number,) for number in range(20)))
        assert [next(results), next(results)] == [0, 1]
        with pytest.raises(DataError, match=rf"^same 2: its worker process was killed {LOSSES} times"):
            next(results)
    third = dict(machine.seen[2 * 6 :])
    assert third == {0: (), 1: (), 2: ()}


@pytest.mark.parametrize("apart", [False, True])
def test_a_task_that_is_deadly_while_others_are_beside_it_is_done_alone(
    on: Callable[[Machine], Pool[None]], *, apart: bool
) -> None:
    machine = Machine(3, deadly={2: LOSSES - 1}, apart=apart)
    with on(machine) as pool:
        assert list(pool.run(same, ((number,) for number in range(20)))) == list(range(20))
    assert machine.renewals == LOSSES - 1
    assert [beside for task, beside in machine.seen if task == 2][-1] == ()
    suspects = {2} if apart else set(range(6))
    last = {task: place for place, (task, _) in enumerate(machine.seen) if task in suspects}
    for place, (_, beside) in enumerate(machine.seen):
        assert not any(one in beside and place > last[one] for one in suspects)


def test_workers_that_never_get_ready_are_refused(on: Callable[[Machine], Pool[None]]) -> None:
    machine = Machine(2, deadly={})
    machine.ready = Future()
    machine.ready.set_exception(Gone())
    with on(machine) as pool, pytest.raises(DataError, match=rf"is loaded: .* killed {LOSSES} times"):
        list(pool.run(same, [(1,)]))
    assert machine.renewals == LOSSES - 1
