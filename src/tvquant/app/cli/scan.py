"""`tvquant scan`: what a scanner finds, at any date of the lake, and in the live screener."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tvquant.app.cli.command_tree import Family, Group
from tvquant.app.cli.console import (
    JsonOption,
    WorkspaceOption,
    answer,
    note,
    note_simulated,
    workspace_at,
)
from tvquant.app.cli.scan_live import (
    LiveOption,
    UrlOption,
    beside_of,
    comparison_document,
    comparison_text,
    live_document,
    live_text,
    refuse_beside_live,
    screener_at,
)
from tvquant.app.cli.scan_messages import many_text, replayed_text, scan_document
from tvquant.app.cli.tables import table
from tvquant.app.cli.waiting import WaitOption
from tvquant.app.cli.watching import watching
from tvquant.app.workspace import Workspace
from tvquant.core.errors import ProfileError
from tvquant.core.quoting import several

if TYPE_CHECKING:
    from tvquant.app.scanning import Ratings, Scanned
    from tvquant.core.panel import Panel
    from tvquant.profiles.scanners import Scanner

AT = "at"
PLOTS = Path("artifacts") / "scans"
RULES, MIN_BARS = "library_v3", 200
"""The rating that is meant and the bars it needs, as a profile's by default."""
SHOWN = 5
"""Symbols that are named where there may be many."""
ScannersArgument = Annotated[list[str], typer.Argument(metavar="SCANNER", help="Several are consolidated.")]
ScannerArgument = Annotated[str, typer.Argument(metavar="SCANNER")]
RulesOption = Annotated[str, typer.Option("--rating-rules", help="library_v3, classic or screener.")]
BarsOption = Annotated[int, typer.Option("--rating-min-bars", min=1, help="Bars a name needs before it is rated.")]
Day = Annotated[datetime | None, typer.Argument(formats=["%Y-%m-%d"], show_default=False)]


class ScannerFirst(Group):
    """`tvquant scan NAME` is `tvquant scan at NAME`, unless NAME is a command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command `at` in front of a scanner's name."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = [AT, *args]
        return super().parse_args(ctx, args)


commands = Family(
    cls=ScannerFirst,
    help="What scanners find, at any past date or live: tvquant scan SCANNER [--as-of DATE | --live].",
)


@commands.command(AT)
def at(
    names: ScannersArgument,
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="At the close of this day's bar. Default: the last bar."),
    ] = None,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="Replay many dates, from this one.")
    ] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last date of a replay.")] = None,
    every: Annotated[int, typer.Option(min=1, help="Bars from one replayed date to the next.")] = 1,
    explain: Annotated[str | None, typer.Option(metavar="SYMBOL", help="Say everything about one instrument.")] = None,
    keep: Annotated[bool, typer.Option("--archive", help="Store the rows of the scan in the lake.")] = False,
    query: Annotated[
        bool, typer.Option("--query", help="Only print the request that would ask the live screener; nothing is sent.")
    ] = False,
    plot: Annotated[bool, typer.Option("--plot", help="Draw a replay on a page as well.")] = False,
    live: LiveOption = False,
    url: UrlOption = None,
    rating_rules: RulesOption = RULES,
    rating_min_bars: BarsOption = MIN_BARS,
    wait: WaitOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Scan the lake at one date, or at many with --from, with what was known then; or the live screener, now."""
    home = workspace_at(workspace, wait)
    scanners = [_scanner(home, name) for name in names]
    if query:
        _print_queries(scanners, as_of, as_json=as_json)
        return
    home.require()
    if live:
        lake_only: dict[str, object] = {
            "--as-of": as_of, "--from": first, "--to": last, "--every": every != 1, "--plot": plot,
            "--rating-rules": rating_rules != RULES, "--rating-min-bars": rating_min_bars != MIN_BARS,
        }  # fmt: skip
        refuse_beside_live(lake_only)
        _scan_live(home, scanners, url, explain, keep=keep, as_json=as_json)
        return
    if url is not None:
        raise ProfileError("--url is the address of the live screener, which is asked by --live")
    ratings = _ratings(rating_rules, rating_min_bars)
    if first is None:
        if plot:
            raise ProfileError("--plot draws a replay, which begins with --from DATE")
        if last is not None:
            raise ProfileError("--to ends a replay, which begins with --from DATE; or give one date by --as-of")
        found = _scanned(home, scanners, as_of, ratings)
    else:
        if as_of is not None or explain is not None:
            raise ProfileError("--from replays many dates; --as-of and --explain are of one")
        found = _replayed(home, scanners, (first, last, every), ratings)
    text = replayed_text(found[0], explain) if first is None else many_text(found)
    if keep:
        text = [*text, "", f"{_archived(home, found):,} rows archived"]
    if plot:
        note(f"drawn: {_plotted(home, found)}")
    document: Any = [scan_document(one) for one in found] if as_json else []
    if first is None and as_json:
        document = document[0]
        if explain is not None:
            document |= {"explained": {"symbol": explain, "outcome": found[0].outcomes().get(explain),
                                       "features": found[0].values(explain)}}  # fmt: skip
    answer(document, text, as_json=as_json)


@commands.command()
def diff(
    name: ScannerArgument,
    first: Day = None,
    second: Day = None,
    live: LiveOption = False,
    url: UrlOption = None,
    rating_rules: RulesOption = RULES,
    rating_min_bars: BarsOption = MIN_BARS,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Who entered and who left between two dates, and why; or who differs between the live screener and the lake."""
    from tvquant.app import scanning

    home = workspace_at(workspace)
    home.require()
    ratings = _ratings(rating_rules, rating_min_bars)
    if live:
        refuse_beside_live({"FIRST": first, "SECOND": second})
        _diff_live(home, name, url, ratings, as_json=as_json)
        return
    if first is None or second is None or url is not None:
        raise ProfileError("scan diff takes two dates, FIRST and SECOND; or --live, with --url where it is not its own")
    scanners = [_scanner(home, name)]
    panel = _panel(home, scanners)
    with watching("scan diff"):
        before, after = (scanning.scan_at(panel, scanners, day.date(), ratings) for day in (first, second))
    found = scanning.difference(before, after)
    document = {
        "scanner": name, "first": str(before.bar), "second": str(after.bar),
        "entered": list(found.entered), "left": dict(found.left), "stayed": list(found.stayed),
    }  # fmt: skip
    lines = [
        f"{name}: {str(before.bar)[:10]} to {str(after.bar)[:10]}",
        f"{len(found.entered)} entered, {len(found.left)} left, {len(found.stayed)} stayed",
    ]
    lines += [f"+ {atom}" for atom in found.entered] + [f"- {atom}  ({why})" for atom, why in found.left.items()]
    answer(document, lines, as_json=as_json)


@commands.command("list")
def list_scanners(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Every scanner and pool here: yours, and the packaged presets."""
    from tvquant.profiles.files import SCANNERS
    from tvquant.profiles.scanners import load_scanner

    home = workspace_at(workspace)
    rows = []
    for name in SCANNERS.available([home.profiles]):
        one = load_scanner(name, search=[home.profiles])
        rows.append((name, one.logic or "(pool)", str(one.direction or ""), one.exchange or "", " ".join(one.kinds)))
    head = ("scanner", "logic", "direction", "exchange", "kinds")
    answer([dict(zip(head, row, strict=True)) for row in rows], table(head, rows), as_json=as_json)


def _scanner(home: Workspace, name: str) -> "Scanner":
    from tvquant.app.scanning import scanner_here

    return scanner_here(home, name)


def _panel(home: Workspace, scanners: Sequence["Scanner"]) -> "Panel":
    """Return the bars that the scanners read; what is left out is noted."""
    from tvquant.app.scanning import scan_panel

    panel, foreign = scan_panel(home.lake(), scanners)
    note_simulated(home.lake())
    if foreign:
        note(f"not priced in dollars, and so not scanned: {several(foreign, SHOWN)}")
    return panel


def _scanned(
    home: Workspace, scanners: Sequence["Scanner"], as_of: datetime | None, ratings: "Ratings"
) -> list["Scanned"]:
    """Return the scan of the lake at one date."""
    from tvquant.app.scanning import scan_at

    panel = _panel(home, scanners)
    with watching("scan"):
        return [scan_at(panel, scanners, as_of.date() if as_of else None, ratings)]


def _replayed(
    home: Workspace,
    scanners: Sequence["Scanner"],
    span: tuple[datetime, datetime | None, int],
    ratings: "Ratings",
) -> list["Scanned"]:
    """Return the scans of the lake from a date to another one, every so many bars."""
    from tvquant.app.scanning import replay, rows_between

    panel, (first, last, every) = _panel(home, scanners), span
    rows = rows_between(panel, first.date(), last.date() if last else None, every)
    found: list[Scanned] = []
    with watching("scan") as progress:
        for one in replay(panel, scanners, rows, ratings):
            found.append(one)
            progress.steps(len(found), len(rows))
    return found


def _ratings(rules: str, min_bars: int) -> "Ratings":
    from tvquant.app.scanning import Ratings
    from tvquant.features.rating_rules import RATING_RULES
    from tvquant.profiles.messages import unknown

    if rules not in RATING_RULES:
        raise ProfileError(f"--rating-rules: {unknown('rating', rules, RATING_RULES)}")
    return Ratings(rules=RATING_RULES[rules], min_bars=min_bars)


def _print_queries(scanners: Sequence["Scanner"], as_of: datetime | None, *, as_json: bool) -> None:
    import json

    from tvquant.app.clock import SystemClock
    from tvquant.market.screeners.tradingview import compiled

    day = (as_of or SystemClock().now()).date()
    queries = [compiled(scanner, day=day) for scanner in scanners]
    documents = [
        {
            "scanner": scanner.name, "market": one.market, "body": one.page(0), "notes": list(one.notes),
            "columns": one.described(), "ranks": [dict(rank) for rank in one.ranks.values()],
            "ceiling": None if one.ceiling is None else {"column": one.ceiling[0], "count": one.ceiling[1]},
        }
        for scanner, one in zip(scanners, queries, strict=True)
    ]  # fmt: skip
    answer(documents, json.dumps(documents, indent=2), as_json=as_json)


def _archived(home: Workspace, found: Sequence["Scanned"], clock: str = "replay") -> int:
    from tvquant.app.clock import SystemClock
    from tvquant.app.scanning import archive

    with home.writing():
        return archive(home.lake(), found, at=SystemClock().now(), clock=clock)


def _scan_live(
    home: Workspace, scanners: Sequence["Scanner"], url: str | None, explain: str | None, *, keep: bool, as_json: bool
) -> None:
    """Answer with what the screener finds now."""
    from tvquant.app.live_scanning import scan_live

    with watching("scan --live"):
        found = scan_live(home, scanners, screener_at(url), beside=beside_of(explain))
    document = live_document(found, explain) if as_json else {}
    text = live_text(found, explain)
    if keep:
        text = [*text, "", f"{_archived(home, [found.scanned], 'live'):,} rows archived"]
    answer(document, text, as_json=as_json)


def _diff_live(home: Workspace, name: str, url: str | None, ratings: "Ratings", *, as_json: bool) -> None:
    """Answer with the screener now beside the last bar of the lake."""
    from tvquant.app.live_comparison import compare

    scanner = _scanner(home, name)
    panel = _panel(home, [scanner])
    with watching("scan diff --live"):
        found = compare(home, scanner, panel, screener_at(url), ratings)
    answer(comparison_document(name, found), comparison_text(name, found), as_json=as_json)


def _plotted(home: Workspace, found: Sequence["Scanned"]) -> Path:
    """Write the page of a replay into the workspace."""
    from tvquant.report.replay import write_replay

    names = [scanner.name for scanner in found[0].scanners]
    path = home.root / PLOTS / f"{'+'.join(names)}.html"
    write_replay(
        path,
        names,
        [str(one.bar)[:10] for one in found],
        [max(audit.pooled for audit in one.audits) for one in found],
        [[atom.symbol for atom in one.found.atoms] for one in found],
        within=home.root / PLOTS.parent,
    )
    return path
