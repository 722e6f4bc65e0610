"""A pool of workers over one subject: results in the order of the tasks, whatever becomes of a worker.

1. Workers have what comes next. Where they are processes of this machine, this one takes a task itself while it waits.
2. Every process has one BLAS thread: equal bytes for any number of processes need it, and it is fastest.
   This one looks for garbage in cycles seldom: what a matrix keeps is much, and next to none of it is any.
3. What a lost worker had at hand is given again. What was lost twice is given again with nothing beside it; a worker
   that is lost at it then is lost by it, and it is refused by name.
"""

from bisect import insort
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from contextlib import ExitStack, suppress
from functools import cached_property
from typing import Any, Self

from tvquant.core.errors import DataError
from tvquant.core.garbage import collected_seldom
from tvquant.tournament.backends.catalogue import BACKENDS
from tvquant.tournament.backends.contract import HERE, Cluster, Workers

AT_HAND = 2
"""Tasks that each worker has been given: one that it works on, and the next."""
AHEAD = 8
"""Results per process that may wait for those before them."""
LOSSES = 3
"""Times that a task may lose its worker: then it is refused."""
PROMPT = 0.03
"""Seconds within which workers that had been started are ready: they begin with the first tasks, which take longest."""
KILLED = (
    "{what}: its worker process was killed {times} times, as systems do that run out of memory; do it again with fewer "
    "--jobs (a run that was begun goes on by --resume)"
)


class Pool[S]:
    """Runs functions of one subject over argument tuples, in order.

    With one job and no address that is here; else on the workers of a cluster: of this machine there are `jobs` - 1.
    They have the subject as it is when the first tasks are given.
    """

    def __init__(self, jobs: int, subject: S, cluster: Cluster = HERE) -> None:
        self.alone = jobs == 1 and cluster.address is None
        self._jobs = jobs
        self._subject = subject
        self._cluster = cluster
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        from threadpoolctl import threadpool_limits

        self._stack.enter_context(threadpool_limits(1))
        self._stack.enter_context(collected_seldom())
        return self

    @cached_property
    def workers(self) -> Workers:
        """Workers with the subject as it is when they are first asked for."""
        return BACKENDS[self._cluster.backend].open(self._jobs, self._subject, self._cluster)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stack.close()
        if "workers" in vars(self):  # who interrupts waits for nothing that they are at
            self.workers.close(at_once=kind is KeyboardInterrupt)

    def run[*A, R](self, work: Callable[[S, *A], R], tasks: Iterable[tuple[*A]]) -> Iterator[R]:
        """Return results in the order of the tasks, each as soon as it and those before it are there.

        Raises
        ------
        DataError : workers were killed again and again at a task, or cannot be had any more.
        """
        if self.alone:
            return (work(self._subject, *task) for task in tasks)
        here = self._cluster.address is None
        results = _Batch(self.workers, self._subject, work, tuple(tasks), helps=here, note=self._cluster.note).results()
        self._stack.callback(results.close)
        return results


class _Batch[S, R]:
    """Tasks on their way through the workers; `helps` says that this process takes some itself while it waits."""

    def __init__(
        self,
        workers: Workers,
        subject: S,
        work: Callable[..., R],
        tasks: tuple[tuple[Any, ...], ...],
        *,
        helps: bool,
        note: Callable[[str], object],
    ) -> None:
        self._workers, self._subject, self._work, self._tasks = workers, subject, work, tasks
        self._helps, self._note = helps, note
        self._begun = 0
        self._given: dict[int, Future[Any]] = {}
        self._again: list[int] = []
        self._losses: Counter[int] = Counter()
        self._unready = 0

    def results(self) -> Generator[R]:
        """Yield the results in the order of the tasks."""
        made: dict[int, R] = {}
        wait([self._workers.ready], timeout=PROMPT)
        try:
            for wanted in range(len(self._tasks)):
                while wanted not in made:
                    last = min(len(self._tasks), wanted + AHEAD * (self._workers.count + 1))
                    self._give(last)
                    if wanted in self._given and self._given[wanted].done():
                        with suppress(*self._workers.lost):  # which is seen when the next is given
                            made[wanted] = self._workers.take(self._given[wanted])
                            del self._given[wanted]
                    elif self._helps and self._begun < last:
                        made[self._begun] = self._work(self._subject, *self._tasks[self._begun])
                        self._begun += 1
                    else:
                        wait(self._awaited(), return_when=FIRST_COMPLETED)
                yield made.pop(wanted)
        finally:
            for future in self._given.values():
                future.cancel()

    def _give(self, last: int) -> None:
        """Give tasks before the last to workers that have room; what lost its worker comes first."""
        try:
            if self._lost():
                self._regain()
            while self._has_room() and (task := self._next(last)) is not None:
                self._given[task] = self._workers.submit(self._work, self._tasks[task])
                if task == self._begun:
                    self._begun += 1
                else:
                    self._again.remove(task)
        except self._workers.lost:
            self._regain()

    def _next(self, last: int) -> int | None:
        if self._again:
            task = self._again[0]
            return None if self._is_suspect(task) and self._in_flight() else task
        return self._begun if self._begun < last else None

    def _has_room(self) -> bool:
        """Return whether workers are there, and have fewer tasks at hand than they should."""
        if not self._workers.ready.done():
            return False
        self._workers.ready.result()
        flying = self._in_flight()
        return len(flying) < AT_HAND * self._workers.count and not any(map(self._is_suspect, flying))

    def _is_suspect(self, task: int) -> bool:
        """Return whether a task must have the workers for itself."""
        return self._losses[task] == LOSSES - 1

    def _in_flight(self) -> list[int]:
        return [task for task, future in self._given.items() if not future.done()]

    def _awaited(self) -> list[Future[Any]]:
        """Return what may allow the next step."""
        flying = [self._given[task] for task in self._in_flight()]
        return flying if self._workers.ready.done() else [self._workers.ready, *flying]

    def _lost(self) -> list[int]:
        """Return the tasks whose worker was lost."""
        return [task for task, future in self._given.items() if future.done() and self._is_lost(future)]

    def _is_lost(self, future: Future[Any]) -> bool:
        try:
            return isinstance(future.exception(), self._workers.lost)
        except CancelledError:
            return True

    def _regain(self) -> None:
        """Have workers again, and tasks that lost theirs ready to be given again.

        Raises
        ------
        DataError : a task lost its worker too often, or workers end before they have begun.
        """
        lost = self._lost()
        for task in lost:
            del self._given[task]
            insort(self._again, task)
            self._losses[task] += 1
            if self._losses[task] == LOSSES:
                raise DataError(KILLED.format(what=_named(self._work, self._tasks[task]), times=LOSSES))
        ready = self._workers.ready
        self._unready = self._unready + 1 if ready.done() and self._is_lost(ready) else 0
        if self._unready == LOSSES:
            raise DataError(KILLED.format(what="what all tasks are about is loaded", times=LOSSES))
        self._note(f"a worker process was killed: {len(lost)} of its tasks are given again")
        self._workers.renew()


def _named(work: Callable[..., Any], task: tuple[Any, ...]) -> str:
    """Return what a task is, in a few words: its function, and the key of its first argument."""
    first = task[0] if task else ""
    return f"{work.__qualname__.strip('_')} {getattr(first, 'key', first)}"
