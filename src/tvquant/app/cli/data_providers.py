"""`tvquant data providers`: who can deliver bars, what each is opened with, and what its user must agree to."""

from typing import Any

import typer

from tvquant.app.cli.console import JsonOption, WorkspaceOption, answer, workspace_at
from tvquant.app.cli.tables import table


def providers(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List who can deliver bars: their options with defaults, and whether their terms are agreed to here.

    An option is given by --option NAME=VALUE, or below data.providers of a profile.
    """
    from tvquant.app import consents
    from tvquant.market.providers.catalogue import PROVIDERS
    from tvquant.profiles.keys import meaning
    from tvquant.profiles.reference import written

    home = workspace_at(workspace)
    rows: list[tuple[str, ...]] = []
    document: list[dict[str, Any]] = []
    for name, factory in sorted(PROVIDERS.items()):
        defaults = factory.options().model_dump(mode="json")
        state = "none"
        if factory.terms:
            state = "not agreed" if consents.agreed(home, name, factory.terms) is None else "agreed"
        options = [
            {"name": key, "default": value, "meaning": meaning(factory.options, key)} for key, value in defaults.items()
        ]
        document.append({"name": name, "terms": state, "options": options})
        shown = [(f"{one['name']}={written(one['default'])}", one["meaning"]) for one in options] or [("", "")]
        rows += [(name if k == 0 else "", state if k == 0 else "", *one) for k, one in enumerate(shown)]
    answer(document, table(("provider", "terms", "option", "meaning"), rows), as_json=as_json)


def add_to(commands: typer.Typer) -> None:
    """Put this command among the others of `tvquant data`."""
    commands.command(rich_help_panel="Bring in")(providers)
