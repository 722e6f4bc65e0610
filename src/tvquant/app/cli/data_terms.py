"""`tvquant data terms`: what a source's user must agree to before it is asked anything, and whether they did."""

from collections.abc import Mapping
from typing import Annotated

import typer

from tvquant.app.cli.console import JsonOption, WorkspaceOption, answer, workspace_at
from tvquant.app.cli.waiting import WaitOption
from tvquant.core.errors import ProfileError


def terms(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Which source. Default: all that have any.")
    ] = None,
    agree: Annotated[bool, typer.Option("--agree", help="Agree to the terms of this source.")] = False,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Take the agreement back; nothing is sent then.")
    ] = False,
    wait: WaitOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the terms of unofficial sources and whether you agreed; agree, or take that back.

    An unofficial source is sent nothing before you agree. An agreement holds in this workspace, for exactly this text.
    """
    from tvquant.app import consents
    from tvquant.app.clock import SystemClock

    home = workspace_at(workspace, wait)
    home.require()
    shown = _of(name)
    if agree and withdraw:
        raise ProfileError("--agree and --withdraw exclude each other")
    if (agree or withdraw) and name is None:
        raise ProfileError(f"name whose terms: `tvquant data terms NAME {'--agree' if agree else '--withdraw'}`")
    for source, text in shown.items():
        if agree:
            consents.agree(home, source, text, clock=SystemClock())
        if withdraw:
            consents.withdraw(home, source)
    since = {source: consents.agreed(home, source, text) for source, text in shown.items()}
    document = [
        {"name": source, "agreed_at": None if since[source] is None else str(since[source]), "terms": text}
        for source, text in shown.items()
    ]
    lines = [line for source, text in shown.items() for line in (f"{source}:", text, _state(source, since[source]), "")]
    answer(document, lines[:-1], as_json=as_json)


def add_to(commands: typer.Typer) -> None:
    """Put this command among the others of `tvquant data`."""
    commands.command(rich_help_panel="Bring in")(terms)


def _of(name: str | None) -> Mapping[str, str]:
    """Return the terms by source, of all that have any or of the one that is named.

    TradingView's live screener is under those of its charts.
    """
    from tvquant.market.providers.catalogue import PROVIDERS
    from tvquant.profiles.messages import unknown

    every = {name: one.terms for name, one in PROVIDERS.items() if one.terms}
    if name is None:
        return every
    if name in PROVIDERS and name not in every:
        raise ProfileError(f"{name} has no terms that must be agreed to; it can be asked as it is")
    if name not in every:
        raise ProfileError(unknown("source with terms", name, tuple(every)))
    return {name: every[name]}


def _state(name: str, since: object) -> str:
    if since is None:
        return f"not agreed: nothing is sent to it. To agree: `tvquant data terms {name} --agree`"
    return f"agreed on {str(since)[:16]} UTC; to take that back: `tvquant data terms {name} --withdraw`"
