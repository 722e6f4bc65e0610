"""Worker processes: one BLAS thread each, and none outlives the process that it works for."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import Self

LOOK = 1.0
"""Seconds between two looks at whether the parent lives."""


class Pool:
    """Runs a function over argument tuples, in order: here, or on worker processes; one BLAS thread either way."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        if self.jobs == 1:
            from threadpoolctl import threadpool_limits

            self._stack.enter_context(threadpool_limits(1))
        else:
            import joblib

            parallel = joblib.Parallel(n_jobs=self.jobs, return_as="generator", backend="loky")
            self._parallel = self._stack.enter_context(parallel)
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def run[*A, R](self, work: Callable[[*A], R], tasks: Iterable[tuple[*A]]) -> Iterator[R]:
        """Results in the order of the tasks, each as soon as it and those before it are there."""
        if self.jobs == 1:
            return (work(*task) for task in tasks)
        import joblib

        results: Iterator[R] = self._parallel(joblib.delayed(_worked)(os.getpid(), work, *task) for task in tasks)
        return results


def _worked[*A, R](parent: int, work: Callable[[*A], R], *task: *A) -> R:
    """Do a task in a worker of the parent.

    Equal bytes for any number of processes need equal BLAS threading, and one thread each is fastest.
    """
    from threadpoolctl import threadpool_limits

    _end_with(parent)
    with threadpool_limits(1):
        return work(*task)


@cache  # once per process
def _end_with(parent: int) -> None:
    """End this process soon after its parent, which may be killed without a word to anyone."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()
