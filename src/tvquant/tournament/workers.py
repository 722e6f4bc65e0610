"""Worker processes beside this one: one BLAS thread each, and none outlives the process that it works for.

A worker writes what it found to a file, and says only that it is there: who is killed while it sends more than a pipe
holds leaves the rest of this process waiting for the end of it.
"""

import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import ExitStack
from functools import cache, lru_cache
from itertools import count
from pathlib import Path
from typing import Any, Self

from tvquant.core.errors import DataError

LOOK = 1.0
"""Seconds between two looks at whether the parent lives."""
IDLE = 600
"""Seconds that workers wait for a task before they end."""
AT_HAND = 2
"""Tasks that each worker has been given: one that it works on, and the next."""
AHEAD = 8
"""Results per process that may wait for those before them."""
KILLED = (
    "a worker process was killed, as systems do that run out of memory; do it again with fewer --jobs "
    "(a run that was begun goes on by --resume)"
)


class Pool[S]:
    """Runs functions of one subject over argument tuples, in order: here, and on `jobs` - 1 processes more.

    The subject is written once, and each worker maps its arrays from that file at its first task; they are read-only
    there. Every process has one BLAS thread: equal bytes for any number of processes need it, and it is fastest.
    """

    def __init__(self, jobs: int, subject: S) -> None:
        self.jobs = jobs
        self._subject = subject
        self._stack = ExitStack()
        self._numbers = count()

    def __enter__(self) -> Self:
        from threadpoolctl import threadpool_limits

        self._stack.enter_context(threadpool_limits(1))
        if self.jobs > 1:
            import joblib

            folder = tempfile.TemporaryDirectory(prefix="tvquant-", ignore_cleanup_errors=True)
            self._file = Path(self._stack.enter_context(folder)) / "subject"
            joblib.dump(self._subject, self._file)
            self._executor = start(self.jobs)
            self._ready = self._executor.submit(_get_ready, self._file)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._stack.close()
        if self.jobs > 1 and kind is KeyboardInterrupt:  # nobody waits for what they are at
            self._executor.shutdown(wait=True, kill_workers=True)  # type: ignore[call-arg]  # loky's

    def run[*A, R](self, work: Callable[[S, *A], R], tasks: Iterable[tuple[*A]]) -> Iterator[R]:
        """Return results in the order of the tasks, each as soon as it and those before it are there.

        Workers have what comes next; while a result is not there yet, this process takes a task itself.

        Raises
        ------
        DataError : a worker was killed.
        """
        if self.jobs == 1:
            return (work(self._subject, *task) for task in tasks)
        results = self._results(work, tuple(tasks))
        self._stack.callback(results.close)
        return results

    def _results[*A, R](self, work: Callable[[S, *A], R], tasks: tuple[tuple[*A], ...]) -> Generator[R]:
        given: dict[int, Future[Path]] = {}
        made: dict[int, R] = {}
        begun = 0
        try:
            for wanted in range(len(tasks)):
                last = min(len(tasks), wanted + AHEAD * self.jobs)
                while wanted not in made:
                    while begun < last and self._has_room(given):
                        result = self._file.with_name(f"result_{next(self._numbers)}")
                        given[begun] = self._executor.submit(_worked, self._file, work, tasks[begun], result)
                        begun += 1
                    if begun < last and not (wanted in given and given[wanted].done()):
                        made[begun] = work(self._subject, *tasks[begun])
                        begun += 1
                    else:
                        made[wanted] = _taken(given.pop(wanted).result())
                yield made.pop(wanted)
        except BrokenExecutor as error:
            raise DataError(KILLED) from error
        finally:
            for future in given.values():
                future.cancel()

    def _has_room(self, given: dict[int, Future[Any]]) -> bool:
        """Return whether workers are there, and have fewer tasks at hand than they should."""
        if not self._ready.done():
            return False
        self._ready.result()
        return sum(not future.done() for future in given.values()) < AT_HAND * (self.jobs - 1)


def start(jobs: int) -> Executor:
    """Return the executor of the `jobs` - 1 worker processes beside this one; started once, they serve every pool."""
    from joblib.externals.loky import get_reusable_executor

    found: Executor = get_reusable_executor(
        max_workers=jobs - 1, timeout=IDLE, initializer=_begin, initargs=(os.getpid(),)
    )
    return found


def _begin(parent: int) -> None:
    """Make a process a worker of the parent: one that ends with it, and not before, and may use memory.

    A terminal interrupts all processes of a command; the parent alone answers.

    A worker that holds 300 MB more than after its first task is taken for a leak and is replaced, in the middle of its
    work; ours holds the features of a whole panel by then, and its successor would compute them again.
    """
    from joblib.externals.loky import process_executor

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with(parent)
    process_executor._USE_PSUTIL = False


def _get_ready(file: Path) -> None:
    """Load the subject of a pool in a worker."""
    _subject(file)


def _worked(file: Path, work: Callable[..., Any], task: tuple[Any, ...], result: Path) -> Path:
    """Compute a task in a worker; return where the result is."""
    from multiprocessing.reduction import ForkingPickler

    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        result.write_bytes(ForkingPickler.dumps(work(_subject(file), *task)))
    return result


def _taken(result: Path) -> Any:
    """Return a result of a worker, and remove its file."""
    from multiprocessing.reduction import ForkingPickler

    found = ForkingPickler.loads(result.read_bytes())
    result.unlink()
    return found


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
