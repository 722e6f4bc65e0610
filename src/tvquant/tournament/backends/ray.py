"""Workers of a Ray cluster: begun on this machine, or wherever an address leads.

1. The subject is put into the object store once, from where every node has it, its arrays shared and read-only.
2. A worker process keeps what it made of the subject for its next task.
3. Ray begins another process where one is lost; the store keeps the subject.
"""

from collections.abc import Callable
from concurrent.futures import Future
from functools import lru_cache
from typing import Any

from tvquant.core.errors import DataError
from tvquant.tournament.backends.contract import Backend, Cluster, Code, at_work


class RayWorkers:
    """The processors of a cluster: `jobs` - 1 of a cluster begun for it here, or all at an address."""

    def __init__(self, jobs: int, subject: Any, cluster: Cluster) -> None:
        import ray
        from ray.exceptions import NodeDiedError, ObjectLostError, OutOfMemoryError, WorkerCrashedError

        self.lost = (WorkerCrashedError, NodeDiedError, ObjectLostError, OutOfMemoryError)
        self.ready: Future[Any] = Future()
        self.ready.set_result(None)
        self._code, self._known = cluster.code, cluster.code()
        self._own = not ray.is_initialized()
        if self._own:
            _begin(jobs, cluster.address)
        self.address: str = ray.get_runtime_context().gcs_address
        if not self._own and cluster.address not in (None, self.address):
            raise DataError(f"this process is connected to Ray at {self.address} and not to {cluster.address}")
        self.renew()
        self._held = ray.put(subject)
        # Who gives a task again, and how often, is the pool.
        self._work = ray.remote(num_cpus=1, max_retries=0)(_worked)

    def submit(self, work: Callable[..., Any], task: tuple[Any, ...]) -> Future[Any]:
        """Give a task to the cluster, which has a worker for it."""
        given: Future[Any] = self._work.remote([self._held], self._code, self._known, work, task).future()
        return given

    def take(self, future: Future[Any]) -> Any:
        """Return the result of a task, or raise what it raised, as it was before Ray put a text around it."""
        from ray.exceptions import RaySystemError, RayTaskError

        try:
            return future.result()
        except RayTaskError as error:
            if isinstance(error.cause, RaySystemError):  # a worker could not read what it was given
                why = str(error.cause).partition("\n")[0]
                raise DataError(
                    f"a Ray worker cannot be given a task; install the same on every worker ({why})"
                ) from error
            raise error.cause from None

    def renew(self) -> None:
        """Count the processors that are there."""
        import ray

        self.count = int(ray.cluster_resources().get("CPU", 0))
        if not self.count:
            raise DataError("the Ray cluster has no processor", retryable=True)

    def close(self, *, at_once: bool) -> None:  # noqa: ARG002 (it waits for nothing anyway)
        """Take the tasks back; processes that were begun for this pool end."""
        import ray

        if self._own:
            ray.shutdown()


def _begin(jobs: int, address: str | None) -> None:
    """Connect this process to the cluster at an address, or to one that is begun for it here.

    Raises
    ------
    DataError : none answers there.
    """
    import ray

    here: dict[str, Any] = {"address": "local", "num_cpus": jobs - 1, "include_dashboard": False}
    try:
        ray.init(**(here if address is None else {"address": address}), log_to_driver=False, configure_logging=False)
    except (ConnectionError, ValueError) as error:
        raise DataError(f"no Ray cluster answers at {address}: {error}", retryable=True) from error


def _worked(held: list[Any], code: Code, known: Any, work: Callable[..., Any], task: tuple[Any, ...]) -> Any:
    """Compute a task in a worker."""
    return at_work(_subject(held[0]), code, known, work, task)


@lru_cache(maxsize=1)  # a worker may serve several pools, one after another
def _subject(held: Any) -> Any:
    import ray

    return ray.get(held)


MEMBER = Backend(open=RayWorkers, package="ray")
