"""`tvquant data sync|repair`: fetch what the lake lacks, mend what is bad in it."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tvquant.app.cli.console import JsonOption, WorkspaceOption, answer, workspace_at
from tvquant.app.cli.exit_codes import Answered
from tvquant.app.cli.sync_messages import SyncOutput, repair_document, repair_text
from tvquant.app.cli.waiting import WaitOption
from tvquant.app.cli.watching import watching
from tvquant.core.errors import DataError, ProfileError

if TYPE_CHECKING:
    from tvquant.app.syncing import Source

FILES = "files"
"""The provider that is asked where none is named."""
ProviderOption = Annotated[str, typer.Option("--provider", help="Who delivers: files, simulated.")]
PathOption = Annotated[Path | None, typer.Option("--path", help="Folder (or file) of the provider `files`.")]
UrlOption = Annotated[str | None, typer.Option("--url", help="Address of an exchange that is reached over HTTP.")]
BasisOption = Annotated[
    str | None,
    typer.Option("--basis", help="What prices in files are adjusted for: raw, split, total; crypto may leave it out."),
]
AcceptOption = Annotated[
    bool, typer.Option("--accept-basis", help="Take the basis on your word where prices contradict it; it is stamped.")
]
SeedOption = Annotated[int | None, typer.Option("--seed", min=0, help="Seed of a simulated exchange. Default: 0.")]
IntervalOption = Annotated[str, typer.Option("--interval", help="Bar length: 1d or 4h.")]
IntoSimulatedOption = Annotated[
    bool, typer.Option("--into-simulated", help="Put real bars beside simulated ones of the same exchange.")
]
SymbolsArgument = Annotated[list[str] | None, typer.Argument(metavar="SYMBOL", help="Default: all that need it.")]


def sync(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="PROFILE", help="Whose universe. Default: all that is on offer.")
    ] = None,
    provider: ProviderOption = FILES,
    symbols: Annotated[
        list[str] | None, typer.Option("--symbol", metavar="SYMBOL", help="Only this one. May be repeated.")
    ] = None,
    interval: IntervalOption = "1d",
    depth: Annotated[int | None, typer.Option(min=1, help="Bars of history. Default: what the profile needs.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Fetch stored bars again as well.")] = False,
    path: PathOption = None,
    url: UrlOption = None,
    basis: BasisOption = None,
    accept_basis: AcceptOption = False,
    seed: SeedOption = None,
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
    from tvquant.lake.storage.tables import SIMULATED

    home, clock = workspace_at(workspace, wait), SystemClock()
    home.require()
    asked = Asked(
        command=_command(context),
        profile=resolved(home, name) if name else None,
        symbols=symbols or (),
        interval=interval,
        bars=depth,
        forced=force,
        mixing=into_real if provider == SIMULATED else into_simulated,
    )
    with watching("data sync") as progress:
        source = _source(provider, path, url, basis, accept_basis, seed)
        done = synced(home, source, asked, clock=clock, watcher=progress)
    output = SyncOutput(done=done, provider=provider)
    answer(output.document(), output.text(), as_json=as_json)
    if why := output.lacking():
        raise Answered(DataError, why)


def repair(
    symbols: SymbolsArgument = None,
    provider: ProviderOption = FILES,
    interval: IntervalOption = "1d",
    path: PathOption = None,
    url: UrlOption = None,
    basis: BasisOption = None,
    accept_basis: AcceptOption = False,
    seed: SeedOption = None,
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
    with watching("data repair") as progress:
        done = repaired(
            home,
            _source(provider, path, url, basis, accept_basis, seed),
            clock=clock,
            symbols=symbols or (),
            interval=interval,
            watcher=progress,
        )
    answer({"provider": provider} | repair_document(done), repair_text(done), as_json=as_json)


def add_to(commands: typer.Typer) -> None:
    """Put these commands among the others of `tvquant data`."""
    for command in (sync, repair):
        commands.command(rich_help_panel="Bring in")(command)


def _source(
    provider: str, path: Path | None, url: str | None, basis: str | None, accept: bool, seed: int | None
) -> "Source":
    from tvquant.app.syncing import Source
    from tvquant.core.panel import Basis
    from tvquant.lake.writing.declared_basis import Doubt

    if basis is not None and basis not in list(Basis):
        raise ProfileError(f"--basis takes raw, split or total, found {basis!r}")
    if provider == FILES and path is None:
        raise ProfileError(
            f"the provider {FILES} needs --path, the folder (or file) that it reads; or name another one by --provider"
        )
    declared = None if basis is None else Basis(basis)
    options = {"path": path, "url": url, "basis": declared, "seed": seed}
    return Source(
        name=provider,
        options={name: value for name, value in options.items() if value is not None},
        basis=declared,
        doubt=Doubt.ACCEPT if accept else Doubt.REFUSE,
    )


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
