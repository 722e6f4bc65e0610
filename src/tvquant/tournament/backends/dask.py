"""Workers of a Dask cluster: begun on this machine, or wherever a scheduler's address leads.

1. The subject is scattered once, to every worker; one that comes later has it from another.
2. A worker that is lost is begun again by its nanny. Where none is left that holds the subject it is scattered anew.
3. A worker has one thread: what it keeps of the subject is not made for several.
"""

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from tvquant.core.errors import DataError
from tvquant.tournament.backends.contract import Backend, Cluster, Code, at_work, refuse_others
from tvquant.tournament.backends.local_process import serve

PATIENCE = 10
"""Seconds to wait for a scheduler, and at once for a worker of it."""
TRIES = 6
"""Times to wait for a worker."""


class DaskWorkers:
    """The workers of a scheduler: `jobs` - 1 processes begun for it here, or those at an address."""

    def __init__(self, jobs: int, subject: Any, cluster: Cluster) -> None:
        from distributed import Client
        from distributed.comm.core import CommClosedError
        from distributed.scheduler import KilledWorker

        self.lost = (KilledWorker, CancelledError, CommClosedError)
        self.ready: Future[Any] = Future()
        self.ready.set_result(None)
        self._subject, self._cluster, self._known = subject, cluster, cluster.code()
        with ExitStack() as begun:
            self._own = None if cluster.address else begun.enter_context(_on_this_machine(jobs - 1))
            self._wished, where = jobs - 1, cluster.address or self._own
            try:
                self._client = begun.enter_context(Client(where, timeout=PATIENCE, set_as_default=False))  # type: ignore[no-untyped-call]
            except (OSError, ValueError) as error:
                raise DataError(f"no Dask scheduler answers at {cluster.address}: {error}", retryable=True) from error
            self.address: str = self._client.scheduler.address
            if cluster.address is None:
                self._client.register_plugin(_serving(os.getpid()))
            self._held: Any = None
            self.renew()
            self._executor = self._client.get_executor()
            self._stack = begun.pop_all()

    def submit(self, work: Callable[..., Any], task: tuple[Any, ...]) -> Future[Any]:
        """Give a task to the scheduler, which has a worker for it."""
        given: Future[Any] = self._executor.submit(at_work, self._held, self._cluster.code, self._known, work, task)
        return given

    def take(self, future: Future[Any]) -> Any:
        """Return the result of a task."""
        return future.result()

    def renew(self) -> None:
        """Wait for a worker, and scatter the subject anew where nobody has it."""
        for _ in range(TRIES):
            if self._own is not None:
                self._own.scale(self._wished)  # a nanny that lost its worker too soon has given up
            with suppress(TimeoutError):
                self._client.wait_for_workers(1, timeout=PATIENCE)
                self._look()
                if self._held is None or not self._somewhere():
                    self._held = self._client.scatter(self._subject, broadcast=True, hash=False)
                return
        raise DataError(
            f"no worker has come to the Dask scheduler within {TRIES * PATIENCE} s; start some and do it again (a run "
            "that was begun goes on by --resume)",
            retryable=True,
        )

    def close(self, *, at_once: bool) -> None:
        """Take the tasks back; workers of this machine end, at once by a kill."""
        if at_once and self._cluster.address is None:
            for pid in self._pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self._stack.close()

    def _look(self) -> None:
        """Count the workers, and refuse those who would not compute as this process does.

        Raises
        ------
        DataError : one has another code or more than one thread.
        """
        threads = self._client.nthreads()
        self.count = len(threads)
        if crowded := [worker for worker, number in threads.items() if number > 1]:
            raise DataError(
                f"the Dask worker {crowded[0]} has {threads[crowded[0]]} threads, and one is what a worker may have: "
                "start them with `dask worker ADDRESS --nworkers N --nthreads 1`"
            )
        seen = self._client.run(_looked_at, self._cluster.code, on_error="return")
        for worker, found in seen.items():
            if isinstance(found, ImportError):
                raise DataError(f"the Dask worker {worker} lacks what tvquant needs: {found}; install it there")
            if isinstance(found, tuple):  # anything else was lost meanwhile, which its tasks will say
                refuse_others(self._known, found[1], f"the Dask worker {worker}")
        self._pids = tuple(found[0] for found in seen.values() if isinstance(found, tuple))

    def _somewhere(self) -> bool:
        """Return whether a worker still holds the subject."""
        from distributed.client import FuturesCancelledError

        try:
            return any(self._client.who_has([self._held]).values())
        except FuturesCancelledError:
            return False


def _looked_at(code: Code) -> tuple[int, Any]:
    """Return process and code of a worker."""
    return os.getpid(), code()


@contextmanager
def _on_this_machine(workers: int) -> Iterator[Any]:
    """Begin a scheduler with worker processes that may use memory; nothing listens but on this machine's loopback.

    The scheduler blames a task for its worker's end at once: who gives it again, and how often, is the pool.
    """
    import dask
    from distributed import LocalCluster

    with tempfile.TemporaryDirectory(prefix="tvquant-", ignore_cleanup_errors=True) as folder:
        try:
            with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
                cluster = LocalCluster(  # type: ignore[no-untyped-call]
                    n_workers=workers,
                    threads_per_worker=1,
                    processes=True,
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",
                    memory_limit=0,
                    local_directory=folder,
                    silence_logs="CRITICAL",
                )
        except (RuntimeError, OSError) as error:  # as it raises where its workers do not come up
            raise DataError(f"Dask could not start its workers here: {error}; try again, or --backend loky") from error
        try:
            yield cluster
        finally:
            with suppress(KeyError):  # its last word on a worker that was lost, when all has been closed
                cluster.close()


def _serving(parent: int) -> Any:
    """Return what makes every worker process, also one that comes later, a worker of the parent."""
    from distributed import WorkerPlugin

    class Serving(WorkerPlugin):
        def setup(self, worker: Any) -> None:  # noqa: ARG002 (as the library calls it)
            serve(parent)

    return Serving()


MEMBER = Backend(open=DaskWorkers, package="distributed")
