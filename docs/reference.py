"""Write the reference pages: keys of profiles and scanners from their schema, commands from the command tree.

`--check` changes nothing and exits 1 when a page is stale.
"""

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tvquant.app.cli.command_tree import TREE, Root
from tvquant.app.vocabulary import meanings, vocabulary
from tvquant.core.books import Convention
from tvquant.core.demands import DEMANDS
from tvquant.profiles.reference import META, REQUIRED, KeyReference, meta_keys, profile_keys, scanner_keys
from tvquant.simulation import SIMULATORS
from tvquant.simulation.simulators.contract import Capability

FOLDER = Path(__file__).resolve().parent / "reference"
WRITTEN = "Written by `python docs/reference.py`; do not edit."
LONGEST = 60
"""Characters of a default above which its example is enough."""


def keys_page() -> str:
    """The page of all keys."""
    words = vocabulary()
    lines = [
        "# Keys of a profile, a meta-profile and a scanner",
        "",
        WRITTEN,
        "",
        "A file begins with `version: 1`, may take everything from another profile (`extends: NAME`), and says what",
        "differs. `tvquant profile explain --keys` shows this page in a terminal, `tvquant profile explain PROFILE`",
        "the values of a profile and where each comes from. Fractions are fractions (0.25 is 25 %); a row is one bar.",
    ]
    for section, rows in _sections(profile_keys(words)):
        lines += ["", f"## {section}", *_table(rows)]
    lines += [
        "", "## A meta-profile", "",
        "A file with `sleeves` is one: it weighs profiles that are played by themselves. Layers are as of a profile;",
        "`tvquant profile explain --keys meta` shows these keys. Execution, costs, benchmark and parity are as above.",
    ]  # fmt: skip
    shared = tuple(f"{META}.{name}." for name in ("execution", "costs", "benchmark", "parity"))
    lines += _table([one for one in meta_keys(words) if not one.key.startswith(shared)])
    for key, names in meanings().items():
        lines += ["", f"## What `{key}` may name", "", "| name | what it is |", "|---|---|"]
        lines += [_cells(f"`{name}`", what) for name, what in names.items()]
    lines += _simulators()
    lines += ["", "## A scanner file", "", "See [scanners](../scanners.md) for what layers are and how they compose."]
    return "\n".join([*lines, *_table(scanner_keys())]) + "\n"


def _simulators() -> list[str]:
    """Return the section on what each simulator does of what a profile, its data or its prices ask for."""
    keys: dict[str, list[str]] = {str(one): [f"`execution.convention: {one}`"] for one in Convention}
    for key, (capability, _) in DEMANDS.items():
        keys.setdefault(capability, []).append(f"`{key}`")
    keys["leverage"] = ["`allocation.limits.gross` above 1; cash below zero"]
    names = sorted(SIMULATORS)
    rows = [
        _cells(
            f"`{one}`", ", ".join(keys.get(str(one), ["the data"])), *(SIMULATORS[n].capabilities[one] for n in names)
        )
        for one in Capability
    ]
    return [
        "", "## What each of `execution.simulators` does", "",
        "Native: by itself. Emulated: by what its adapter adds. Refused by a key: no book of it is made, and a notice",
        "says so. Refused by the data or by what prices do to a book (`funding` of a swap that is held, `actions`:",
        "splits and dividends, `halts`: missing bars and delistings, `late_fill`: a name that never has an open,",
        "`short_collateral`: a short whose price doubles, `ruin`): that cell fails with the reason, and the others are",
        "played. Nobody plays another book in silence.",
        "", _cells("capability", "asked by", *names), "|---|---|" + "---|" * len(names), *rows,
    ]  # fmt: skip


def _sections(rows: tuple[KeyReference, ...]) -> Iterator[tuple[str, list[KeyReference]]]:
    """Yield each section with its keys, those of the file itself first."""
    names = dict.fromkeys("of the file" if "." not in one.key else one.key.partition(".")[0] for one in rows)
    for name in sorted(names, key=lambda one: one != "of the file"):
        yield (
            name,
            [one for one in rows if name == ("of the file" if "." not in one.key else one.key.partition(".")[0])],
        )


def _table(rows: list[KeyReference] | tuple[KeyReference, ...]) -> list[str]:
    head = ["", "| key | type, unit, range | default | meaning | example |", "|---|---|---|---|---|"]
    return [*head, *(_row(one) for one in rows)]


def _row(one: KeyReference) -> str:
    default = one.shown_default
    if len(default) > LONGEST:
        default = "all choices" if sorted(one.default) == sorted(one.choices) else "as in the example"
    elif default and default != REQUIRED:
        default = f"`{default}`"
    return _cells(
        f"`{one.key.removeprefix('scanner.').removeprefix('meta.')}`", one.sort, default, one.meaning, f"`{one.line}`"
    )


def _cells(*texts: str) -> str:
    return "| " + " | ".join(text.replace("|", "\\|") for text in texts) + " |"


def cli_page() -> str:
    """The page of all commands."""
    lines = ["# Commands", "", WRITTEN, "", "`tvquant COMMAND --help` says the same in a terminal.", ""]
    root = Root(name="tvquant")
    sections: dict[str, list[str]] = {}
    for name, entry in TREE.items():
        sections.setdefault(entry.section, []).append(name)
    for section, names in sections.items():
        lines += [f"- {section}: {', '.join(f'[{name}](#tvquant-{name})' for name in names)}"]
    for name, entry in TREE.items():
        command = root.commands[name]
        alone = not getattr(command, "commands", None)
        lines += ["", f"## tvquant {name}", *([] if alone else ["", entry.summary])]
        for below, one in _below(command, f"tvquant {name}"):
            lines += ([] if below == f"tvquant {name}" else ["", f"### {below}"]) + _command(below, one)
    return "\n".join(lines) + "\n"


def _below(command: Any, words: str) -> Iterator[tuple[str, Any]]:
    """Yield the commands of a group, or a command itself; one that is only implied has its group's name."""
    commands = getattr(command, "commands", None)
    if commands is None:
        yield words, command
    for name, one in (commands or {}).items():
        if not one.hidden:
            yield from _below(one, words if name == "at" else f"{words} {name}")


def _command(words: str, command: Any) -> list[str]:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    usage = " ".join([words, *map(_argument, arguments), "[OPTIONS]"])
    lines = ["", f"`{usage}`", "", *inspect.cleandoc(command.help or "").splitlines()]
    rows = [_cells(f"`{_argument(one)}`", one.help or "", "") for one in arguments]
    rows += [_option(one) for one in command.params if one.param_type_name != "argument" and one.name != "help"]
    return [*lines, "", "| argument or option | meaning | default |", "|---|---|---|", *rows] if rows else lines


def _argument(one: Any) -> str:
    """An argument as the usage shows it: in brackets where it may be left out, with dots where there may be many."""
    name = (one.metavar or one.name.upper()).strip("[].") + ("..." if one.nargs == -1 else "")
    return name if one.required else f"[{name}]"


def _option(one: Any) -> str:
    value = "" if one.is_flag else f" {one.metavar or one.name.upper()}"
    names = ", ".join(f"`{name}{value}`" for name in one.opts)
    default = one.show_default if isinstance(one.show_default, str) else one.default
    shown = "" if default in (None, False, "") or callable(default) else str(default)
    return _cells(names, " ".join((one.help or "").split()), shown)


def main(arguments: list[str]) -> int:
    """Write the pages, or check them; the exit code."""
    if arguments not in ([], ["--check"]):
        print("usage: reference.py [--check]", file=sys.stderr)
        return 2
    stale = []
    for name, text in (("profile_keys.md", keys_page()), ("cli.md", cli_page())):
        target = FOLDER / name
        if not arguments:
            FOLDER.mkdir(exist_ok=True)
            target.write_text(text, "utf-8")
        elif not target.is_file() or target.read_text("utf-8") != text:
            stale.append(f"docs/reference/{name}")
    if stale:
        print(f"{', '.join(stale)} stale; run `python docs/reference.py` and commit it", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
