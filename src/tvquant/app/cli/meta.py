"""`tvquant meta`: sleeves found or played, weighed, netted into one account, and flattened to what it holds."""

import time
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from tvquant.app.cli.cluster_options import AddressOption, BackendOption, JobsOption, cluster_of
from tvquant.app.cli.console import JsonOption, WorkspaceOption, answer, workspace_at
from tvquant.app.cli.meta_messages import finished_meta, planned_meta
from tvquant.app.cli.notifying import notified, run_facts
from tvquant.app.cli.profile import SetOption, argued
from tvquant.app.cli.runs import play
from tvquant.app.cli.waiting import WaitOption
from tvquant.app.cli.watching import watching

if TYPE_CHECKING:
    from tvquant.app.workspace import Workspace
    from tvquant.profiles import ResolvedMeta


def meta(
    name: Annotated[str, typer.Argument(metavar="PROFILE", help="Meta-profile: a file with sleeves.")],
    again: Annotated[
        bool, typer.Option("--again", help="Weigh and settle anew; finished runs of the sleeves are taken as they are.")
    ] = False,
    jobs: JobsOption = 1,
    backend: BackendOption = None,
    address: AddressOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the sleeves and which runs they have; compute nothing.")
    ] = False,
    tree: Annotated[bool, typer.Option("--tree", help="What stands behind each weight: sleeve, atom, part.")] = False,
    overrides: SetOption = None,
    wait: WaitOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Play a meta-portfolio: its sleeves, each in a run of its own, in one account.

    A sleeve without a finished run of its plan is played first, and an interrupted one goes on; so an interrupted
    command is simply given again. `docs/meta.md` says how to read what comes of it.
    """
    cluster = cluster_of(backend, address, jobs)
    home = workspace_at(workspace, wait)
    home.require()
    begun = partial(_profile, home, name, overrides)
    if dry_run:
        answer(*planned_meta(home, begun()), as_json=as_json)
        return
    began = time.perf_counter()
    with notified("meta", name) as notice:
        with home.writing(), watching("meta") as progress:
            outcome = play(home, begun, None, again=again, jobs=jobs, cluster=cluster, progress=progress)
        document, text = finished_meta(outcome, began, progress, tree=tree)
        notice.tell(**run_facts(document))
        answer(document, text, as_json=as_json)


def _profile(home: "Workspace", name: str, overrides: list[str] | None) -> "ResolvedMeta":
    from tvquant.app.resolving import resolved_meta_here

    return resolved_meta_here(home, name, argued(overrides or []))
