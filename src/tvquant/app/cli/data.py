"""`tvquant data`: bring bars in, see what is odd about them, look at what is there."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tvquant.app.cli import data_health, data_lake, data_providers, data_sync, data_terms, data_undo
from tvquant.app.cli.command_tree import Family
from tvquant.app.cli.console import JsonOption, WorkspaceOption, answer, workspace_at
from tvquant.app.cli.data_health import LiveOption
from tvquant.app.cli.exit_codes import Answered
from tvquant.app.cli.source_options import AcceptOption, IntoSimulatedOption
from tvquant.app.cli.sync_messages import unfinished_text
from tvquant.app.cli.tables import table
from tvquant.app.cli.waiting import WaitOption
from tvquant.app.cli.watching import progress_shown
from tvquant.app.workspace import Workspace
from tvquant.core.errors import DataError, LedgerError
from tvquant.core.quoting import several, shown

if TYPE_CHECKING:
    from tvquant.core.instruments import Instant
    from tvquant.lake import AssetHealth

commands = Family(help="The lake: import and export, sync and repair, audit, status, ls.")

NOTHING = "nothing odd was found"


@commands.command("import", rich_help_panel="Bring in")
def import_command(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Parquet or csv files of daily bars.")],
    basis: Annotated[
        Literal["raw", "split", "total"] | None,
        typer.Option(help="What prices are adjusted for; crypto may leave it out (raw)."),
    ] = None,
    accept_basis: AcceptOption = False,
    symbols: Annotated[
        list[str] | None, typer.Option("--symbols", metavar="A,B", help="Take only these of the files.")
    ] = None,
    exclude: Annotated[list[str] | None, typer.Option("--exclude", metavar="C,D", help="Take all but these.")] = None,
    whose: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="SYMBOL",
            help="Whose bars files are of that do not say it: NASDAQ:AAPL, or NASDAQ:{name} by the name of each file.",
        ),
    ] = None,
    quarantine: Annotated[
        bool, typer.Option("--quarantine", help="Put malformed rows aside and take the rest.")
    ] = False,
    into_simulated: IntoSimulatedOption = False,
    wait: WaitOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import files of daily bars, or of funding; a malformed file changes nothing.

    A symbol with a malformed row is left out whole, and named; the others are imported, and the exit code is 3.

    Columns: symbol, timestamp, close [, open, high, low, volume, quote_volume, adj_close, dividends, stock_splits].
    `timestamp` is the bar's open in UTC; a bare date is the session. A file of exactly symbol, timestamp, funding_rate
    is one of funding: the fraction that longs of a perpetual swap paid to shorts at that moment.
    """
    from tvquant.app.clock import SystemClock
    from tvquant.core.panel import Basis
    from tvquant.lake import import_files
    from tvquant.lake.writing import headers
    from tvquant.lake.writing.declared_basis import Doubt
    from tvquant.lake.writing.revisions import revision_lines
    from tvquant.lake.writing.symbol_choice import SymbolChoice

    home = workspace_at(workspace, wait)
    with home.writing(), progress_shown("data import"):
        done = import_files(
            home.lake(),
            files,
            basis=Basis(basis) if basis else None,
            doubt=Doubt.ACCEPT if accept_basis else Doubt.REFUSE,
            choice=SymbolChoice(only=_names(symbols), exclude=_names(exclude), whose=whose),
            quarantine=quarantine,
            mixing=into_simulated,
            recorded_at=SystemClock().now(),
        )
    text = [
        f"{file.name}: {file.stored:,} rows stored, {file.duplicates:,} identical to others, "
        f"{file.quarantined:,} quarantined"
        + (f", {file.left_out:,} of refused symbols left out" if file.left_out else "")
        + (f"; ignored columns: {headers.listed(file.ignored)}" if file.ignored else "")
        + (f"; read as: {'; '.join(file.said)}" if file.said else "")
        for file in done.files
    ]
    text.append(
        f"{done.symbols:,} symbols, {done.actions:,} new corporate actions, {done.funding:,} new funding payments; "
        "`tvquant data audit` says what is odd"
    )
    if done.quarantine:
        text.append(f"quarantine: {done.quarantine}")
    document = {
        "import": done.import_id,
        "stored": done.stored,
        "duplicates": done.duplicates,
        "quarantined": done.quarantined,
        "quarantine": str(done.quarantine) if done.quarantine else None,
        "symbols": done.symbols,
        "actions": done.actions,
        "funding": done.funding,
        "files": [
            {
                "name": f.name,
                "stored": f.stored,
                "duplicates": f.duplicates,
                "left_out": f.left_out,
                "ignored": f.ignored,
                "read_as": f.said,
            }
            for f in done.files
        ],
        "refused": done.refused,
        "accepted": done.accepted,
        "revised": [
            {"symbol": r.symbol, "out_of_use": r.bars, "first": str(r.since)[:10], "was": r.was, "is": r.now}
            for r in done.revised
        ],
    }
    text += revision_lines(done.revised, done.import_id)
    if done.accepted:
        text.append(f"stamped accepted_basis, taken on your word against what prices show: {several(done.accepted)}")
    answer(document, [*text, *(f"refused {shown(name)}: {why}" for name, why in done.refused.items())], as_json=as_json)
    if done.refused:
        name, why = next(iter(done.refused.items()))
        more = f", and {len(done.refused) - 1:,} others" if len(done.refused) > 1 else ""
        raise Answered(DataError, f"left out whole: {shown(name)} ({why}){more}; everything else is imported")


def _names(given: list[str] | None) -> frozenset[str]:
    """Return symbols out of an option that may be repeated, and may have several between commas."""
    return frozenset(name.strip() for text in given or () for name in text.split(",") if name.strip())


@commands.command(rich_help_panel="Look")
def audit(
    symbols: Annotated[list[str] | None, typer.Argument(metavar="SYMBOL", help="Default: all of them.")] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Be a gate: exit with 1 when an asset is not healthy or cannot be judged.")
    ] = False,
    live: LiveOption = False,
    run: Annotated[
        str | None, typer.Option("--run", metavar="RUN", help="The assets behind a run's atoms, by its health report.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Name everything odd about the stored bars; nothing is changed."""
    home = workspace_at(workspace)
    home.require()
    try:
        states = _audit_run(home, run, as_json) if run else _audit_lake(home, symbols, live, as_json)
    except DataError as error:
        if not strict:
            raise
        raise LedgerError(f"health gate: {error}") from error
    if strict:
        from tvquant.lake.quality.health import gate

        try:
            gate(states)
        except LedgerError as error:
            raise Answered(LedgerError, str(error)) from error


def _audit_lake(home: Workspace, symbols: list[str] | None, live: bool, as_json: bool) -> "tuple[AssetHealth, ...]":
    """Print the findings; a note is a finding that needs no repair."""
    from tvquant.lake import audit as findings_of
    from tvquant.lake import health
    from tvquant.market.listings import delistings

    lake = home.lake()
    with progress_shown("data audit"):
        found = findings_of(lake, symbols or None)
    rows = [(f.symbol, f.kind.value, str(f.first)[:10], str(f.last)[:10], f.count, f.detail) for f in found]
    head = ("symbol", "finding", "first", "last", "bars", "detail")
    notes = sum(f.kind.note for f in found)
    text = [table(head, rows, right=(4,)), f"{len(found):,} findings, {notes:,} of them notes"] if rows else [NOTHING]
    notable = [f.kind.note for f in found]
    document = [dict(zip(head, row, strict=True)) | {"note": n} for row, n in zip(rows, notable, strict=True)]
    answer(document, text, as_json=as_json)
    with progress_shown("data audit"):
        return health(lake, symbols or None, now=_present(live), delisted=delistings(lake))


def _audit_run(home: Workspace, name: str, as_json: bool) -> "tuple[AssetHealth, ...]":
    """Print the health of the assets behind the atoms that a run would hold from its last row on."""
    from tvquant.lake.quality.health import of_atoms
    from tvquant.report import read_run

    run = read_run(home.run(name).path)
    response = run.current.decision.response
    behind = of_atoms(response.winners if response else (), run.health)
    rows = [(atom, one.key, one.state.value, str(one.last)[:10], one.gaps) for atom, one in behind.items()]
    head = ("atom", "asset", "state", "last", "gaps")
    text = table(head, rows, right=(4,)) if rows else "the run would hold nothing"
    answer([dict(zip(head, row, strict=True)) for row in rows], text, as_json=as_json)
    return tuple(behind.values()) or run.health


def _present(live: bool) -> "Instant | None":
    """Return the machine's time where a provider feeds the lake; else the lake's own data say what is new."""
    from tvquant.app.clock import SystemClock
    from tvquant.core.instants import instant

    return instant(SystemClock().now()) if live else None


@commands.command(rich_help_panel="Look")
def status(live: LiveOption = False, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """What the lake holds, which of its assets are not healthy, and what an interrupted sync did not bring."""
    from tvquant.lake import health
    from tvquant.market.listings import delistings
    from tvquant.market.plans import PlanBook

    home = workspace_at(workspace)
    home.require()
    lake = home.lake()
    unfinished = PlanBook(lake.folder).unfinished()
    with progress_shown("data status"):
        found, states = lake.status(), health(lake, now=_present(live), delisted=delistings(lake))
    rows = [(t.name, t.rows, t.version, f"{t.size / 2**20:.1f}") for t in found.tables]
    values = [one.state.value for one in states]
    counts = {state: values.count(state) for state in sorted(set(values))}
    fine = sum(one.state.fine for one in states)
    odd = [(one.key, one.state.value, str(one.last)[:10], one.bars, one.gaps) for one in states if not one.state.fine]
    head = ("asset", "state", "last", "bars", "gaps")
    text = [
        f"{found.symbols:,} symbols, {str(found.first)[:10]} to {str(found.last)[:10]}",
        table(("table", "rows", "version", "MiB"), rows, right=(1, 2, 3)),
        f"healthy: {fine:,} of {len(states):,} ({', '.join(f'{state} {n:,}' for state, n in counts.items())})",
        *([table(head, odd, right=(3, 4))] if odd else []),
        *unfinished_text(unfinished),
    ]
    document = {
        "symbols": found.symbols,
        "first": str(found.first),
        "last": str(found.last),
        "tables": {t.name: {"rows": t.rows, "version": t.version, "bytes": t.size} for t in found.tables},
        "health": counts,
        "not_healthy": [dict(zip(head, row, strict=True)) for row in odd],
        "unfinished": [one.command for one in unfinished],
    }
    answer(document, text, as_json=as_json)


data_health.add_to(commands)
data_lake.add_to(commands)
data_sync.add_to(commands)
data_providers.add_to(commands)
data_terms.add_to(commands)
data_undo.add_to(commands)
