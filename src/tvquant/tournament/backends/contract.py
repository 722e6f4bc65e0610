"""What a backend is: a way to workers that hold one subject and compute tasks of it."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

from tvquant.core.errors import DataError

type Code = Callable[[], Mapping[str, str]]

LOKY = "loky"
"""The backend that needs nothing but this machine."""


def _nothing() -> Mapping[str, str]:
    return {}


def _unheard(_: str) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Where the workers of a pool are.

    Parameters
    ----------
    backend : a name of the catalogue.
    address : of a scheduler that is running; None starts workers on this machine, and ends them with the pool.
    code : returns what must be the same here and on every worker, by what it is; called in each process.
    note : told when workers are lost. It stays here: it may hold a terminal, a file, a lock.
    """

    backend: str = LOKY
    address: str | None = None
    code: Code = _nothing
    note: Callable[[str], object] = _unheard


HERE = Cluster()


class Workers(Protocol):
    """Worker processes that hold one subject, for as long as a pool is open."""

    @property
    def count(self) -> int:
        """Processes; each computes one task at a time, with one BLAS thread."""
        ...

    @property
    def ready(self) -> Future[Any]:
        """Done as soon as tasks may be given."""
        ...

    @property
    def lost(self) -> tuple[type[BaseException], ...]:
        """Errors that mean that a worker was lost, with what it was at."""
        ...

    def submit(self, work: Callable[..., Any], task: tuple[Any, ...]) -> Future[Any]:
        """Give a task to a worker; it calls `work` with the subject and the task."""
        ...

    def take(self, future: Future[Any]) -> Any:
        """Return the result of a task, when it is there; raises what the task raised."""
        ...

    def renew(self) -> None:
        """Have workers that hold the subject again, after some were lost; nothing where all is well.

        Raises
        ------
        DataError : no worker comes back.
        """
        ...

    def close(self, *, at_once: bool) -> None:
        """Let go of the workers; `at_once` waits for nothing that they are at."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A backend: how workers are opened (jobs, subject, cluster), and the package that it needs."""

    open: Callable[[int, Any, Cluster], Workers]
    package: str


def at_work(subject: Any, code: Code, known: Mapping[str, str], work: Callable[..., Any], task: Any) -> Any:
    """Compute a task in a worker that may be anywhere, once its `code` is known to be the coordinator's.

    Raises
    ------
    DataError : it has another.
    """
    from threadpoolctl import threadpool_limits

    refuse_others(known, code(), "the worker that was given a task")
    with threadpool_limits(1):
        return work(subject, *task)


def refuse_others(known: Mapping[str, str], found: Mapping[str, str], who: str) -> None:
    """Refuse a worker whose code is not the coordinator's: its results would bear the wrong name.

    Raises
    ------
    DataError : something differs; both are named.
    """
    for what, expected in known.items():
        if (other := found.get(what)) != expected:
            raise DataError(
                f"{who} has {what} {other}, and this process has {expected}; install the same on every worker and "
                "start them again"
            )
