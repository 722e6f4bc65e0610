"""`tvquant profile`: what can be run, and where each value comes from."""

import shutil
from contextlib import suppress
from dataclasses import asdict
from functools import cache, partial
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tvquant.app.cli.command_tree import Family
from tvquant.app.cli.console import JsonOption, WorkspaceOption, answer, note, workspace_at
from tvquant.app.cli.exit_codes import Answered
from tvquant.app.cli.tables import blocks, table
from tvquant.app.workspace import Workspace
from tvquant.core.errors import DataError, ProfileError

HANGING: dict[str, Any] = {"initial_indent": "    ", "subsequent_indent": "      ", "break_on_hyphens": False}
"""How lines below a key are wrapped."""

if TYPE_CHECKING:
    from collections.abc import Callable

    from tvquant.lake import Contents
    from tvquant.profiles import ResolvedMeta, ResolvedProfile, Row
    from tvquant.profiles.reference import KeyReference

commands = Family(help="Profiles: what is declared, and what it resolves to.")

NameArgument = Annotated[str, typer.Argument(metavar="PROFILE", help="Name of a profile or preset.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override one key, e.g. --set data.span=500. May be repeated."),
]


def resolved(workspace: Workspace, name: str, overrides: list[str] | None = None) -> "ResolvedProfile":
    """Return a profile resolved from all layers: arguments over environment over files over defaults."""
    from tvquant.app.resolving import resolved_here

    return resolved_here(workspace, name, argued(overrides or []))


def argued(overrides: list[str]) -> dict[str, tuple[str, Any]]:
    """Return option -> key and value of each `--set`."""
    from tvquant.profiles.files import parse_value

    found = {}
    for text in overrides:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise ProfileError(f"--set takes KEY=VALUE, found {text!r}; for example --set data.span=500")
        found[f"--set {key}"] = (key, parse_value(value, f"--set {key}"))
    return found


def either(workspace: Workspace, name: str, overrides: list[str] | None = None) -> "ResolvedProfile | ResolvedMeta":
    """Return a profile or a meta-profile, resolved from all layers."""
    from tvquant.app.resolving import either_here

    return either_here(workspace, name, argued(overrides or []))


@commands.command("list")
def list_profiles(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Every profile here: yours, and the packaged presets; below a meta-portfolio its sleeves."""
    from tvquant.app.cli.sleeve_tree import INDENT, listed
    from tvquant.profiles import available

    home = workspace_at(workspace)
    found = {}
    for name, path in sorted(available([home.profiles]).items()):
        origin = "workspace" if path.is_relative_to(home.profiles) else "preset"
        found[name] = (origin, *_of_files(name, home))
    sleeves = {name: below for name, (_, _, below) in found.items()}
    rows = []
    for name, (origin, description, _) in found.items():
        rows.append((name, origin, description))
        rows += [(INDENT * depth + text, "sleeve", "") for depth, text in listed(name, sleeves)]
    document = [
        {"name": name, "origin": origin, "description": description, "sleeves": below}
        for name, (origin, description, below) in found.items()
    ]
    answer(document, table(("profile", "from", "description"), rows), as_json=as_json)


@commands.command()
def show(name: NameArgument, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """The resolved profile as one YAML file that needs no other."""
    from tvquant.profiles import dump, to_manifest

    profile = either(workspace_at(workspace), name)
    answer(to_manifest(profile), dump(profile).rstrip(), as_json=as_json)


@commands.command()
def explain(
    name: Annotated[
        str | None, typer.Argument(metavar="[PROFILE]", help="Name of a profile; with --keys a section or a key.")
    ] = None,
    keys: Annotated[
        bool, typer.Option("--keys", help="What may be set: every key with type, unit, range, default and an example.")
    ] = False,
    overrides: SetOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Every key of the resolved profile, its layer and its meaning; `profile scanner` does it for a scanner."""
    from tvquant.app.vocabulary import vocabulary
    from tvquant.profiles import ResolvedMeta
    from tvquant.profiles import explain as rows_of

    if keys:
        from tvquant.profiles.reference import META, meta_keys, profile_keys

        if overrides:
            raise ProfileError("--keys says what may be set, --set sets one key of a profile; give one of them")
        of_meta = name is not None and name.partition(".")[0] == META
        _answer_keys((meta_keys if of_meta else profile_keys)(vocabulary()), name, as_json=as_json)
        return
    if name is None:
        raise ProfileError("name a profile (`tvquant profile list`), or say --keys for what may be set in one")
    words, home = vocabulary(), workspace_at(workspace)
    found = either(home, name, overrides)
    meaning = (words.meta_keys if isinstance(found, ResolvedMeta) else words.keys).meaning
    rows = rows_of(found)
    head, *blocked = blocks(("key", "value", "from"), [row._replace(value=_short(row)) for row in rows])
    text = [
        *head,
        *(one for row, lines in zip(rows, blocked, strict=True) for one in (*lines, f"    {meaning(row.key)}")),
        *(_below(home, found) if isinstance(found, ResolvedMeta) else ()),
    ]
    answer([{**row._asdict(), "meaning": meaning(row.key)} for row in rows], text, as_json=as_json)


def _short(row: "Row") -> str:
    """Return a value as it is written on one line; scanners by their names, sleeves by theirs and their profiles."""
    from tvquant.profiles.reference import written

    if row.key == "universe.scanners":
        return written([one["name"] for one in row.value])
    if row.key == "sleeves":
        return written(list(row.value))
    return written(row.value)


def _below(home: Workspace, meta: "ResolvedMeta") -> list[str]:
    """Return the tree of a meta-portfolio's sleeves, and what is noted of it."""
    from tvquant.app.cli.sleeve_tree import INDENT, tree

    notes = [f"note: {notice}" for notice in meta.notices]
    return [
        "",
        "sleeves and the cells whose books are weighed",
        *(f"{INDENT}{line}" for line in tree(home, meta)),
        *notes,
    ]


def _answer_keys(every: "tuple[KeyReference, ...]", chosen: str | None, *, as_json: bool) -> None:
    """Print the reference of all keys, or of the chosen section or key, as wide as the terminal."""
    from tvquant.app.vocabulary import meanings
    from tvquant.profiles.reference import among

    rows, names = among(every, chosen), meanings()
    width = shutil.get_terminal_size().columns
    text = []
    for one in rows:
        default = one.shown_default or "empty"
        parts = [one.meaning, one.sort, f"default: {default}", f"example: {one.line}"]
        parts += (f"{name}: {what}" for name, what in names.get(one.key, {}).items())
        text += [one.key, *(line for part in parts for line in wrap(part, width, **HANGING)), ""]
    answer([asdict(one) for one in rows], text[:-1], as_json=as_json)


@commands.command()
def scanner(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[SCANNER]", help="Name of a scanner, or of a layer below one; with --keys one key."),
    ] = None,
    keys: Annotated[bool, typer.Option("--keys", help="What may be set in the file of a scanner or layer.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """The flat configuration of a scanner, each key and filter with the layer it came from."""
    from tvquant.profiles import explain_scanner
    from tvquant.profiles.reference import written

    if keys:
        from tvquant.profiles.reference import SCANNER, scanner_keys

        _answer_keys(scanner_keys(), f"{SCANNER}.{name}" if name else None, as_json=as_json)
        return
    if name is None:
        raise ProfileError("name a scanner (`tvquant scan list`), or say --keys for what may be set in one")
    rows = explain_scanner(name, search=[workspace_at(workspace).profiles])
    shown = [row._replace(value=written(row.value)) for row in rows]
    answer([row._asdict() for row in rows], table(("key", "value", "from"), shown), as_json=as_json)


@commands.command()
def lint(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME", help="Of a profile, a scanner or a list of members, or a file of one. Default: all of them."
        ),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check profiles, scanners and lists without running them; exit 2 when anything is wrong."""
    from tvquant.app.vocabulary import vocabulary
    from tvquant.profiles import lint_all, lint_named

    home = workspace_at(workspace)
    words, search = vocabulary(), [home.profiles]
    problems: dict[str, list[str]] = {} if names else lint_all(words, search=search)
    for name in names or ():
        problems |= lint_named(name, words, search=search)
    contents, text = cache(partial(_contents, home)), []
    for name, found in problems.items():
        text.append(f"{name}: {'' if found else 'ok'}" + "".join(f"\n  {problem}" for problem in found))
        notices = _notices(name, found, home, contents)
        text += [f"  note: {notice}" for notice in notices]
        if as_json:
            for notice in notices:
                note(f"{name}: {notice}")
    answer(problems, text, as_json=as_json)
    if any(problems.values()):
        raise Answered(ProfileError)


def _contents(home: Workspace) -> "Contents | None":
    """Return what the lake holds; None of one that cannot serve a profile, which the commands that read it report."""
    try:
        return home.lake().contents()
    except DataError:
        return None


def _notices(
    name: str, problems: list[str], home: Workspace, contents: "Callable[[], Contents | None]"
) -> tuple[str, ...]:
    """Return what a sound profile leaves to defaults or asks for in vain; none of other files.

    A lake that cannot serve the profile is no fault of the profile.
    """
    from tvquant.app.profile_fit import fitted, scarce
    from tvquant.profiles import ResolvedMeta

    sort, _, rest = name.rpartition(" ")
    if problems or sort not in ("", "profile"):
        return ()
    found = either(home, rest)
    if isinstance(found, ResolvedMeta):
        return found.notices
    if (held := contents()) is not None:
        with suppress(DataError):
            return fitted(held, found).resolved.notices
    universe = found.profile.universe
    named = set(universe.symbols or ()) - set(universe.exclude_symbols)
    return (*found.notices, *(scarce(found.profile, len(named)) if named else ()))


def _of_files(name: str, home: Workspace) -> tuple[str, dict[str, str]]:
    """Return the description of a profile, or why it does not load, and name -> profile of its sleeves."""
    from tvquant.profiles import load

    try:
        raw = load(name, search=[home.profiles])
    except (ProfileError, DataError) as error:
        return f"does not load: {error}", {}
    described = (str(one.values["description"]) for one in reversed(raw.layers) if "description" in one.values)
    return next(described, ""), raw.sleeves
