"""Worker processes of this machine, by joblib's loky.

A worker writes what it found to a file, and says only that it is there: who is killed while it sends more than a pipe
holds leaves the rest of this process waiting for the end of it.

The subject is written once, and each worker maps its arrays from that file at its first task; they are read-only there.
"""

import math
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

from tvquant.core.errors import unwritten
from tvquant.core.garbage import collect_seldom
from tvquant.tournament.backends.contract import Backend, Cluster
from tvquant.tournament.backends.local_process import serve, shared_prefix

IDLE = 600
"""Seconds that workers wait for a task before they end."""


class LokyWorkers:
    """`jobs` - 1 processes beside this one; they outlive a pool and serve the next one."""

    lost = (BrokenExecutor,)

    def __init__(self, jobs: int, subject: Any, cluster: Cluster) -> None:  # noqa: ARG002 (as the other backends)
        import joblib

        self.count = jobs - 1
        self._folder = tempfile.TemporaryDirectory(prefix=shared_prefix(os.getpid()), ignore_cleanup_errors=True)
        self._file = Path(self._folder.name) / "subject"
        self._numbers = count()
        try:
            with _room(self._file):
                joblib.dump(subject, self._file)
            self.renew()
        except BaseException:
            self._folder.cleanup()
            raise

    def submit(self, work: Callable[..., Any], task: tuple[Any, ...]) -> Future[Any]:
        """Give a task to a worker, and a name to the file of its result."""
        from multiprocessing.reduction import ForkingPickler

        result = self._file.with_name(f"result_{next(self._numbers)}")
        plain = bytes(ForkingPickler.dumps(task))  # here and at once: loky's own pickler is slow, in a thread beside
        return self._executor.submit(_worked, self._file, work, plain, result)

    def take(self, future: Future[Any]) -> Any:
        """Return a result of a worker, and remove its file."""
        from multiprocessing.reduction import ForkingPickler

        file: Path = future.result()
        found = ForkingPickler.loads(file.read_bytes())
        file.unlink()
        return found

    def renew(self) -> None:
        """Have processes that load the subject; new ones where one was killed: loky ends the others with it."""
        self._executor = start(self.count + 1)
        self.ready: Future[Any] = self._executor.submit(_get_ready, self._file)

    def close(self, *, at_once: bool) -> None:
        """Remove the files; the processes stay for the next pool, or are killed."""
        if at_once:
            self._executor.shutdown(wait=True, kill_workers=True)  # type: ignore[call-arg]  # loky's
        self._folder.cleanup()


def start(jobs: int) -> Executor:
    """Return the executor of the `jobs` - 1 worker processes beside this one; started once, they serve every pool."""
    from joblib.externals.loky import get_reusable_executor

    found: Executor = get_reusable_executor(
        max_workers=jobs - 1, timeout=IDLE, initializer=_begin, initargs=(os.getpid(),)
    )
    return found


def _begin(parent: int) -> None:
    """Make a process a worker of the parent, one that may use memory.

    A worker that holds 300 MB more than after its first task is taken for a leak and is replaced, in the middle of its
    work; ours holds what it found of a whole panel by then, and its successor would find it again. Garbage is left
    to Python: what loky looks for every second instead is a tenth of a worker's time.
    """
    from joblib.externals.loky import process_executor

    serve(parent)
    collect_seldom()
    process_executor._USE_PSUTIL = False
    process_executor._MEMORY_LEAK_CHECK_DELAY = math.inf


def _get_ready(file: Path) -> None:
    """Load the subject of a pool in a worker."""
    _subject(file)


def _worked(file: Path, work: Callable[..., Any], task: bytes, result: Path) -> Path:
    """Compute a task in a worker; return where the result is."""
    from multiprocessing.reduction import ForkingPickler

    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        made = work(_subject(file), *ForkingPickler.loads(task))
    with ForkingPickler.dumps(made) as found, _room(result), result.open("wb") as opened:
        opened.write(found)  # by no function whose frame, kept by an error, would keep these bytes from being freed
    return result


@contextmanager
def _room(file: Path) -> Iterator[None]:
    """Say which disk it is that refuses a file.

    Raises
    ------
    DataError : it does.
    """
    try:
        yield
    except OSError as error:
        raise unwritten(
            f"{file.parent}: {error.strerror}; what processes share is written there: make room, or name another "
            "folder by TMPDIR, or take --jobs 1 (a run that was begun goes on by --resume)",
            error,
        ) from error


@lru_cache(maxsize=1)  # a worker may serve several pools, one after another
def _subject(file: Path) -> Any:
    """Return the subject of the pool that wrote this file."""
    import joblib

    return joblib.load(file, mmap_mode="r")


MEMBER = Backend(open=LokyWorkers, package="joblib")
