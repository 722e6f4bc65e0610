"""Options that say where workers are, common to `tvquant run` and `tournament`."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from tvquant.core.errors import ProfileError

if TYPE_CHECKING:
    from tvquant.tournament.backends.contract import Cluster

JobsOption = Annotated[
    int, typer.Option("--jobs", min=1, help="Processes of this machine; the result is the same for any number.")
]
BackendOption = Annotated[
    str | None,
    typer.Option("--backend", metavar="NAME", help="Who has the workers: loky, dask or ray.", show_default="loky"),
]
AddressOption = Annotated[
    str | None,
    typer.Option(
        "--address",
        help="Scheduler of a running Dask or Ray cluster.",
        show_default="processes here, by --jobs",
    ),
]


def cluster_of(backend: str | None, address: str | None, jobs: int) -> "Cluster":
    """Return where the workers are.

    Raises
    ------
    ProfileError : the backend is unknown or not installed, or the options do not go together.
    """
    from tvquant.app.identity import code
    from tvquant.profiles.messages import unknown
    from tvquant.tournament.backends.catalogue import BACKENDS, EXTRA, uninstalled
    from tvquant.tournament.backends.contract import LOKY, Cluster

    name = backend or LOKY
    if name not in BACKENDS:
        raise ProfileError(f"--backend: {unknown('backend', name, BACKENDS)}")
    if name == LOKY and address is not None:
        raise ProfileError("--address is of a Dask or Ray cluster: say which, --backend dask or --backend ray")
    if address is not None and jobs > 1:
        raise ProfileError("--jobs starts processes of this machine, and --address takes the workers that are there")
    if name != LOKY and address is None and jobs == 1:
        raise ProfileError(f"--backend {name} has no worker with --jobs 1: give --jobs 2 or more, or --address")
    if name in uninstalled():
        raise ProfileError(f"--backend: {name} is not installed; install tvquant[{EXTRA}]")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would tell its makers about this machine
    return Cluster(backend=name, address=address, code=code)
