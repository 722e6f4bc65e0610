"""`tvquant data sync|repair`: fetch what the lake lacks, mend what is bad in it."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tvquant.app.cli.console import JsonOption, WorkspaceOption, answer, workspace_at
from tvquant.app.cli.exit_codes import Answered
from tvquant.app.cli.notifying import notified, sync_facts
from tvquant.app.cli.source_options import (
    AcceptOption,
    BasisOption,
    Given,
    IntoSimulatedOption,
    OptionOption,
    PathOption,
    ProviderOption,
    SeedOption,
    UrlOption,
)
from tvquant.app.cli.sync_messages import SyncOutput, repair_document, repair_text
from tvquant.app.cli.waiting import WaitOption
from tvquant.app.cli.watching import watching
from tvquant.core.errors import DataError, ProfileError
from tvquant.core.quoting import shown

if TYPE_CHECKING:
    from datetime import date, datetime

DEEPEST = 250_000
"""Bars of one asset: more than a century of the shortest that are stored, and no date before the first year."""
IntervalOption = Annotated[str, typer.Option("--interval", help="Bar length: 1d or 4h.")]
SymbolsArgument = Annotated[list[str] | None, typer.Argument(metavar="SYMBOL", help="Default: all that need it.")]


def sync(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="PROFILE", help="Whose universe. Default: all that is on offer.")
    ] = None,
    provider: ProviderOption = None,
    symbols: Annotated[
        list[str] | None, typer.Option("--symbol", metavar="SYMBOL", help="Only this one. May be repeated.")
    ] = None,
    interval: IntervalOption = "1d",
    depth: Annotated[
        int | None, typer.Option(min=1, max=DEEPEST, help="Bars of history. Default: what the profile needs.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="Bars since this date (or year) in place of --depth.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Fetch stored bars again as well.")] = False,
    path: PathOption = None,
    url: UrlOption = None,
    basis: BasisOption = None,
    accept_basis: AcceptOption = False,
    seed: SeedOption = None,
    options: OptionOption = None,
    into_real: Annotated[
        bool, typer.Option("--into-real", help="Put simulated bars beside real ones of the same exchange.")
    ] = False,
    into_simulated: IntoSimulatedOption = False,
    wait: WaitOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch what the lake lacks, then repair what is stale or has gaps; ends with a table of what is not good."""
    from tvquant.app.cli.profile import resolved
    from tvquant.app.clock import SystemClock
    from tvquant.app.syncing import Asked
    from tvquant.app.syncing import sync as synced

    home, clock = workspace_at(workspace, wait), SystemClock()
    home.require()
    _fit(interval, symbols or ())
    if depth is not None and since is not None:
        raise ProfileError("--depth and --from both say how far back; give one of them")
    given = Given(
        provider=provider,
        path=path,
        url=url,
        basis=basis,
        seed=seed,
        options=options or (),
        accept=accept_basis,
        into_real=into_real,
        into_simulated=into_simulated,
        beside=", or one for each exchange by data.providers of a profile",
    )
    asked = Asked(
        command=_command(context),
        profile=resolved(home, name) if name else None,
        symbols=symbols or (),
        interval=interval,
        bars=depth,
        since=None if since is None else _day(since, clock.now()),
        forced=force,
    )
    with notified("data sync", name) as notice:
        with watching("data sync") as progress:
            done = synced(home, given.sources(asked.profile, home), asked, clock=clock, watcher=progress)
        output = SyncOutput(done=done)
        document = output.document()
        notice.tell(**sync_facts(document))
        answer(document, output.text(), as_json=as_json)
        if why := output.lacking():
            raise Answered(DataError, why)


def repair(
    symbols: SymbolsArgument = None,
    provider: ProviderOption = None,
    interval: IntervalOption = "1d",
    path: PathOption = None,
    url: UrlOption = None,
    basis: BasisOption = None,
    accept_basis: AcceptOption = False,
    seed: SeedOption = None,
    options: OptionOption = None,
    wait: WaitOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch bad assets again: the newest 2000 bars twice, then each gap; original values stay in the journal.

    Named symbols are fetched whatever their state, and no others are.
    """
    from tvquant.app.clock import SystemClock
    from tvquant.app.syncing import repair as repaired

    home, clock = workspace_at(workspace, wait), SystemClock()
    home.require()
    _fit(interval, symbols or ())
    given = Given(
        provider=provider, path=path, url=url, basis=basis, seed=seed, options=options or (), accept=accept_basis
    )
    with watching("data repair") as progress:
        done = repaired(
            home,
            given.source(),
            clock=clock,
            symbols=symbols or (),
            interval=interval,
            watcher=progress,
        )
    answer({"provider": given.name} | repair_document(done), repair_text(done), as_json=as_json)


def add_to(commands: typer.Typer) -> None:
    """Put these commands among the others of `tvquant data`."""
    for command in (sync, repair):
        commands.command(rich_help_panel="Bring in")(command)


def _fit(interval: str, symbols: Sequence[str]) -> None:
    """Refuse what no provider could serve, before any is opened.

    Raises
    ------
    ProfileError : a bar length that is not stored, or a symbol that is none by its form.
    """
    from tvquant.lake.storage.intervals import LENGTHS
    from tvquant.symbology.kinds import PATTERN

    if interval not in LENGTHS:
        raise ProfileError(f"--interval takes {' or '.join(sorted(LENGTHS))}, found {shown(interval)}")
    for one in symbols:
        if not PATTERN.fullmatch(one):
            wanted = "EXCHANGE:TICKER in capitals, such as BINANCE:BTCUSDT or NASDAQ:AAPL"
            raise ProfileError(f"symbol {shown(one)} is not {wanted}")


def _day(text: str, now: "datetime") -> "date":
    """Return the date, or the first day of the year, that `--from` names; it must have begun.

    Raises
    ------
    ProfileError : it is none, or lies ahead.
    """
    from datetime import date

    try:
        found = date.fromisoformat(f"{text}-01-01" if re.fullmatch(r"\d{4}", text) else text)
    except ValueError:
        raise ProfileError(f"--from takes a date YYYY-MM-DD, or a year, found {text!r}") from None
    if found > now.date():
        raise ProfileError(f"--from {found} lies ahead; today is {now.date()}")
    return found


def _command(context: typer.Context) -> str:
    """Return the words of the command that asks for the same again, from any folder."""
    words = ["tvquant", "data", "sync"]
    for option in context.command.params:
        value = context.params.get(option.name or "")
        if option.name in ("wait", "workspace", "as_json") or value in (None, False, (), [], option.default):
            continue
        for one in sorted(value) if isinstance(value, list | tuple) else [value]:
            name = [] if option.param_type_name == "argument" else option.opts[:1]
            given = [] if one is True else [str(one.resolve() if isinstance(one, Path) else one)]
            words += [*name, *given]
    return shlex.join(words)
