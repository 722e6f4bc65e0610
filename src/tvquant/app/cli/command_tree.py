"""The shape of the command tree: groups that help in sections, commands that are loaded when they are called.

1. `TREE` names every command of the first level with its section, its summary and where it lives. Its help is made of
   that alone, so that it imports no command.
2. A group that is called bare prints its help. Help says summaries whole, in sections.
3. A command converts its own plain options: see `plain_options`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from tvquant.app.cli.bare_options import with_symbol
from tvquant.app.cli.plain_options import converted_plainly
from tvquant.app.cli.waiting import with_seconds


@dataclass(frozen=True, slots=True)
class Entry:
    """A command, or a group of them, of the first level: section and summary of the help, module and name there.

    One without a section is an old name: it answers, and no help shows it.
    """

    section: str
    summary: str
    module: str
    attribute: str = "commands"


TREE: Mapping[str, Entry] = {
    "demo": Entry("Start", "The whole flow on real data that come with it, offline.", "start", "demo"),
    "init": Entry("Start", "Make a workspace: profiles/, data/, artifacts/.", "start", "init"),
    "doctor": Entry("Start", "What is installed, what is damaged, which sources answer.", "doctor", "doctor"),
    "data": Entry("Data", "The lake: import, sync, repair, audit, look, export.", "data"),
    "profile": Entry("Decide", "What can be run: list, show, explain, lint.", "profile"),
    "scan": Entry("Decide", "What a scanner finds, at any past date or live.", "scan"),
    "select": Entry("Decide", "What a profile would choose and hold as of a date, and why.", "select", "select"),
    "models": Entry("Judge", "What selection models chose, and whether it was worth anything.", "models", "models"),
    "regime": Entry("Judge", "Bands of the market's regime, from the tails of your own market.", "regime"),
    "run": Entry("Decide", "Play a profile through time: weights, results, ledger, report.", "runs", "run"),
    "meta": Entry("Decide", "Play several profiles as sleeves of one account.", "meta", "meta"),
    "tournament": Entry("Judge", "Play the whole matrix of a profile.", "tournament", "tournament"),
    "certify": Entry("Judge", "The release matrix, and what it changed since the last.", "certify", "certify"),
    "leakcheck": Entry("Judge", "Whether any decision of a run used the future.", "leakcheck", "leakcheck"),
    "parity": Entry("Judge", "Whether simulators keep the same book of a run's weights.", "parity", "parity"),
    "promote": Entry("Judge", "Whether a challenger is promoted, by the profile's rule.", "promote", "promote"),
    "report": Entry("Judge", "Write a run's page again, and say where it is.", "runs", "report"),
    "runs": Entry("Keep", "List, show, compare and remove runs.", "runs"),
    "ledger": Entry("Keep", "What a run recorded, and whether the record is whole.", "ledger"),
}
"""Commands of the first level in the order of the help."""
ALIASES: Mapping[str, Entry] = {
    "run_master_tournament": Entry("", "The old name of tournament.", "tournament", "tournament"),
    "backtest_engine": Entry("", "The old name of tournament.", "tournament", "tournament"),
    "validate_nautilus_parity": Entry("", "The old name of parity.", "parity", "validate_nautilus_parity"),
}
"""Old names that commands answer to."""


class Command(TyperCommand):
    """A command whose plain options need no pydantic; `--wait` and `--explain` may stand without their values."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return arguments and options, `--help` among them."""
        return converted_plainly(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give a bare `--wait` and `--explain` their values, then parse."""
        return super().parse_args(ctx, with_symbol(with_seconds(args)))


class Group(TyperGroup):
    """A group that is called bare prints its help, and whose help says whole summaries, in sections."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options, `--help` among them."""
        return converted_plainly(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Ask for help where nothing is asked for."""
        return super().parse_args(ctx, args or ([] if self.invoke_without_command else ["--help"]))

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write each section with its commands; the summaries stand in one column."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, section, summary in self.summaries(ctx):
            sections.setdefault(section, []).append((name, summary))
        width = max((len(name) for rows in sections.values() for name, _ in rows), default=0)
        for section, rows in sections.items():
            with formatter.section(section):
                formatter.write_dl([(name.ljust(width), summary) for name, summary in rows])

    def summaries(self, ctx: Any) -> Iterator[tuple[str, str, str]]:
        """Yield name, section and summary of each command: what its text says up to the first full stop or blank."""
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                section = getattr(command, "rich_help_panel", None) or "Commands"
                yield name, section, command.get_short_help_str(limit=1000)


class Family(typer.Typer):
    """A group of commands below one name."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"cls": Group, "add_completion": False, "rich_markup_mode": None, **settings})

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Any], Any]:
        """Take a function as a command; `rich_help_panel` is its section in the help."""
        return super().command(name, **{"cls": Command, **settings})


class Loaded(Mapping[str, Any]):
    """The commands of `TREE`, each loaded when it is asked for; old names answer, and are not listed."""

    def __getitem__(self, name: str) -> Any:
        return _load(name)

    def __iter__(self) -> Iterator[str]:
        return iter(TREE)

    def __len__(self) -> int:
        return len(TREE)


class Root(Group):
    """The first level."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = Loaded()  # type: ignore[assignment]  # typer changes it only where commands are added

    def summaries(self, ctx: Any) -> Iterator[tuple[str, str, str]]:  # noqa: ARG002 (as the group above)
        """Yield name, section and summary of each command; none is loaded."""
        for name, entry in TREE.items():
            yield name, entry.section, entry.summary


@cache
def _load(name: str) -> Any:
    """Return one command, or one group, of the first level, ready to be called."""
    entry = TREE.get(name) or ALIASES[name]
    found = getattr(import_module(f"tvquant.app.cli.{entry.module}"), entry.attribute)
    if not isinstance(found, typer.Typer):
        alone = Family()
        alone.command(name)(found)
        found = alone
    made = typer.main.get_command(found)
    made.name = name
    return made
