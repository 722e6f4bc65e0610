"""`tvquant profile`: what can be run, and where each value comes from."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tvquant.app.cli.console import JsonOption, WorkspaceOption, answer, table, workspace_at
from tvquant.app.workspace import Workspace
from tvquant.core.errors import DataError, ProfileError

if TYPE_CHECKING:
    from tvquant.profiles import ResolvedProfile

commands = typer.Typer(help="Profiles: what is declared, and what it resolves to.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(metavar="PROFILE", help="Name of a profile or preset.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override one key, e.g. --set data.span=500. May be repeated."),
]


def resolved(workspace: Workspace, name: str, overrides: list[str] | None = None) -> "ResolvedProfile":
    """A profile resolved from all layers: arguments over environment over files over defaults."""
    from tvquant.app.vocabulary import vocabulary
    from tvquant.profiles import load, resolve

    raw = load(name, search=[workspace.profiles])
    return resolve(raw, vocabulary(), environment=os.environ, arguments=_arguments(overrides or []))


def _arguments(overrides: list[str]) -> dict[str, tuple[str, Any]]:
    from tvquant.profiles.files import parse_value

    found = {}
    for text in overrides:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise ProfileError(f"--set takes KEY=VALUE, found {text!r}; for example --set data.span=500")
        found[f"--set {key}"] = (key, parse_value(value, f"--set {key}"))
    return found


@commands.command("list")
def list_profiles(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Every profile here: yours, and the packaged presets."""
    from tvquant.profiles import available

    home = workspace_at(workspace)
    rows = []
    for name, path in sorted(available([home.profiles]).items()):
        origin = "workspace" if path.is_relative_to(home.profiles) else "preset"
        rows.append((name, origin, _description(name, home)))
    document = [{"name": n, "origin": o, "description": d} for n, o, d in rows]
    answer(document, table(("profile", "from", "description"), rows), as_json=as_json)


@commands.command()
def show(name: NameArgument, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """The resolved profile as one YAML file that stands alone."""
    from tvquant.profiles import dump, to_manifest

    profile = resolved(workspace_at(workspace), name)
    answer(to_manifest(profile), dump(profile).rstrip(), as_json=as_json)


@commands.command()
def explain(
    name: NameArgument, overrides: SetOption = None, workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """Every key of the resolved profile, with the layer it came from."""
    from tvquant.profiles import explain as rows_of

    rows = rows_of(resolved(workspace_at(workspace), name, overrides))
    answer([row._asdict() for row in rows], table(("key", "value", "from"), rows), as_json=as_json)


@commands.command()
def lint(
    names: Annotated[list[str] | None, typer.Argument(metavar="[PROFILE]...", help="Default: all of them.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check profiles without running them; exit 2 when anything is wrong."""
    from tvquant.app.vocabulary import vocabulary
    from tvquant.profiles import available
    from tvquant.profiles import lint as check

    home = workspace_at(workspace)
    words = vocabulary()
    wanted: list[str | Path] = list(names or sorted(available([home.profiles])))
    problems = {str(name): [str(p) for p in check(name, words, search=[home.profiles])] for name in wanted}
    text = [
        f"{name}: {'ok' if not found else ''}" + "".join(f"\n  {p}" for p in found) for name, found in problems.items()
    ]
    answer(problems, text, as_json=as_json)
    if any(problems.values()):
        raise typer.Exit(2)


def _description(name: str, home: Workspace) -> str:
    """What the profile says of itself, or why it cannot say it."""
    from tvquant.profiles import load

    try:
        raw = load(name, search=[home.profiles])
    except (ProfileError, DataError) as error:
        return f"does not load: {error}"
    return next(
        (str(layer.values["description"]) for layer in reversed(raw.layers) if "description" in layer.values), ""
    )
