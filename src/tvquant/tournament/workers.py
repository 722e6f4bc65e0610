"""Worker processes: one BLAS thread each, and none outlives the process that it works for."""

import os
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Self

LOOK = 1.0
"""Seconds between two looks at whether the parent lives."""


class Pool[S]:
    """Runs functions of one subject over argument tuples, in order: here, or on worker processes.

    The subject is written once, and each worker maps its arrays from that file at its first task; they are read-only
    there. Every process has one BLAS thread: equal bytes for any number of processes need it, and it is fastest.
    """

    def __init__(self, jobs: int, subject: S) -> None:
        self.jobs = jobs
        self._subject = subject
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        from threadpoolctl import threadpool_limits

        self._stack.enter_context(threadpool_limits(1))
        if self.jobs > 1:
            import joblib

            folder = tempfile.TemporaryDirectory(prefix="tvquant-", ignore_cleanup_errors=True)
            self._file = Path(self._stack.enter_context(folder)) / "subject"
            joblib.dump(self._subject, self._file)
            parallel = joblib.Parallel(n_jobs=self.jobs, return_as="generator", backend="loky")
            self._parallel = self._stack.enter_context(parallel)
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def run[*A, R](self, work: Callable[[S, *A], R], tasks: Iterable[tuple[*A]]) -> Iterator[R]:
        """Return results in the order of the tasks, each as soon as it and those before it are there."""
        if self.jobs == 1:
            return (work(self._subject, *task) for task in tasks)
        results = self._results(work, tasks)
        self._stack.callback(results.close)
        return results

    def _results[*A, R](self, work: Callable[[S, *A], R], tasks: Iterable[tuple[*A]]) -> Generator[R]:
        """Yield the results of the workers; who stops early leaves results behind, of which joblib need not warn."""
        import joblib

        results: Generator[R] = self._parallel(
            joblib.delayed(_worked)(os.getpid(), self._file, work, task) for task in tasks
        )
        try:
            for one in results:  # noqa: UP028 (`yield from` would close the other generator first, with its warning)
                yield one
        finally:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                results.close()


def _worked(parent: int, file: Path, work: Callable[..., Any], task: tuple[Any, ...]) -> Any:
    """Compute a task in a worker of the parent; return its result."""
    from threadpoolctl import threadpool_limits

    end_with(parent)
    with threadpool_limits(1):
        return work(_subject(file), *task)


@lru_cache(maxsize=1)  # a worker may serve several pools, one after another
def _subject(file: Path) -> Any:
    """Return the subject of the pool that wrote this file."""
    import joblib

    return joblib.load(file, mmap_mode="r")


@cache  # once per process
def end_with(parent: int) -> None:
    """End this process soon after its parent, which may be killed without a word to anyone."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()
