"""`tvquant data health`: whether every asset of a profile is fit for use, before it is run."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from tvquant.app.cli.console import JsonOption, WorkspaceOption, answer, workspace_at
from tvquant.app.cli.exit_codes import Answered
from tvquant.app.cli.tables import table
from tvquant.app.cli.watching import progress_shown
from tvquant.core.errors import LedgerError

if TYPE_CHECKING:
    from tvquant.app.workspace import Workspace
    from tvquant.profiles import ResolvedMeta, ResolvedProfile

LiveOption = Annotated[
    bool, typer.Option("--live", help="A provider feeds the lake: judge how fresh bars are by the clock.")
]


def add_to(commands: typer.Typer) -> None:
    """Put the command among the others of `tvquant data`."""
    commands.command(rich_help_panel="Look")(health)


def health(
    names: Annotated[list[str], typer.Argument(metavar="PROFILE...", help="Whose assets.")],
    strict: Annotated[
        bool, typer.Option("--strict", help="Be a gate: exit with 1 when a profile is not HEALTHY.")
    ] = False,
    live: LiveOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """How many assets of each profile are healthy, of all; who is not, and who was left out; nothing is changed.

    A meta-portfolio stands for its sleeves.

    What is not healthy is asked for again by `data sync PROFILE` or `data repair SYMBOL...`.
    """
    from tvquant.app.clock import SystemClock
    from tvquant.app.profile_health import HEALTHY, profile_health
    from tvquant.app.resolving import either_here
    from tvquant.core.instants import instant

    home = workspace_at(workspace)
    home.require()
    profiles = {one.profile.name: one for name in names for one in _behind(either_here(home, name), home)}
    now = instant(SystemClock().now()) if live else None
    with progress_shown("data health"):
        found = [profile_health(home.lake(), one, now=now) for one in profiles.values()]
    text = [table(("profile", "healthy", "state"), [(one.profile, one.ratio, one.state) for one in found])]
    text += [f"{one.profile}: {line}" for one in found for line in one.named()]
    answer([one.document() for one in found], text, as_json=as_json)
    degraded = [f"{one.profile} ({one.ratio})" for one in found if one.state != HEALTHY]
    if strict and degraded:
        raise Answered(LedgerError, f"health gate: not healthy: {', '.join(degraded)}")


def _behind(found: "ResolvedProfile | ResolvedMeta", home: "Workspace") -> "Iterator[ResolvedProfile]":
    """Yield the profile itself, or those of all sleeves of a meta-portfolio, however deep."""
    from tvquant.app.resolving import sleeves_here
    from tvquant.profiles import ResolvedMeta

    if not isinstance(found, ResolvedMeta):
        yield found
        return
    for sleeve in sleeves_here(home, found).values():
        yield from _behind(sleeve, home)
