"""Workers that are ready: while a command still reads its data, they do what a process does once."""

from typing import TYPE_CHECKING

from tvquant.app.ahead import marker
from tvquant.tournament.backends.contract import HERE, LOKY, Cluster

if TYPE_CHECKING:
    from concurrent.futures import Future

    from tvquant.statistics.nulls import Drawn

RETURNS = 90, 500
"""Of how many returns noise is drawn ahead: a name has as many at its first decision, and as many are looked back over,
where a profile says nothing else."""


def get_ready(jobs: int, cluster: Cluster = HERE) -> None:
    """Start the worker processes of a matrix to come, and have them do at once what each does once.

    The first of them draws noise, which this process takes over; then each loads modules and kernels. Nobody waits for
    one who is late, and what fails there fails again where it is needed.
    """
    if jobs == 1 or cluster.backend != LOKY:
        return
    from tvquant.tournament.backends.loky import start

    workers = start(jobs)
    workers.submit(_noise).add_done_callback(_take)
    for _ in range(jobs - 1):
        workers.submit(_warm)


def _noise() -> "Drawn":
    """Return noise; none while another process compiles what measures it."""
    from tvquant.statistics.nulls import draw

    return draw(*RETURNS) if marker().exists() else {}


def _warm() -> None:
    from tvquant.app.warm import warm_up

    warm_up()


def _take(noise: "Future[Drawn]") -> None:
    from tvquant.statistics.nulls import take

    if not noise.cancelled() and not noise.exception():
        take(noise.result())
