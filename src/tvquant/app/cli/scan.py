"""`tvquant scan`: what a scanner finds, at any date of the lake, and as the live screener would be asked."""

from collections import Counter
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
    percent,
    workspace_at,
)
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
SHOWN = 5
"""Symbols that are named where there may be many."""
ScannersArgument = Annotated[list[str], typer.Argument(metavar="SCANNER", help="Several are consolidated.")]
ScannerArgument = Annotated[str, typer.Argument(metavar="SCANNER")]
RulesOption = Annotated[str, typer.Option("--rating-rules", help="library_v3, classic or screener.")]
BarsOption = Annotated[int, typer.Option("--rating-min-bars", min=1, help="Bars a name needs before it is rated.")]
Day = Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"])]

COLUMNS = (
    ("traded", "value_traded_last", "{:,.0f}"),
    ("all", "recommend_all", "{:.2f}"),
    ("ma", "recommend_ma", "{:.2f}"),
    ("osc", "recommend_other", "{:.2f}"),
    ("adx", "adx_14", "{:.1f}"),
    ("roc %", "roc_9", "{:.1f}"),
    ("range %", "volatility_d", "{:.1f}"),
)
"""Head, feature and form of what is shown of each atom."""


class ScannerFirst(Group):
    """`tvquant scan NAME` is `tvquant scan at NAME`, unless NAME is a command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command `at` in front of a scanner's name."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = [AT, *args]
        return super().parse_args(ctx, args)


commands = Family(
    cls=ScannerFirst,
    help="What scanners find, at any past date: tvquant scan SCANNER [--as-of DATE].",
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
    rating_rules: RulesOption = "library_v3",
    rating_min_bars: BarsOption = 200,
    wait: WaitOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Scan the lake at one date, or at many with --from; with what was known then."""
    from tvquant.app import scanning

    home = workspace_at(workspace, wait)
    scanners = [_scanner(home, name) for name in names]
    if query:
        _print_queries(scanners, as_of, as_json=as_json)
        return
    home.require()
    ratings = _ratings(rating_rules, rating_min_bars)
    panel = _panel(home, scanners)
    if first is None:
        if plot:
            raise ProfileError("--plot draws a replay, which begins with --from DATE")
        if last is not None:
            raise ProfileError("--to ends a replay, which begins with --from DATE; or give one date by --as-of")
        with watching("scan"):
            found = [scanning.scan_at(panel, scanners, as_of.date() if as_of else None, ratings)]
    else:
        if as_of is not None or explain is not None:
            raise ProfileError("--from replays many dates; --as-of and --explain are of one")
        rows = scanning.rows_between(panel, first.date(), last.date() if last else None, every)
        with watching("scan") as progress:
            found = []
            for one in scanning.replay(panel, scanners, rows, ratings):
                found.append(one)
                progress.steps(len(found), len(rows))
    text = _one(found[0], explain) if first is None else _many(found)
    if keep:
        text = [*text, "", f"{_archived(home, found):,} rows archived"]
    if plot:
        note(f"drawn: {_plotted(home, found)}")
    document: Any = [_document(one) for one in found] if as_json else []
    if first is None and as_json:
        document = document[0]
        if explain is not None:
            document |= {"explained": {"symbol": explain, "outcome": found[0].outcomes().get(explain),
                                       "features": found[0].values(explain)}}  # fmt: skip
    answer(document, text, as_json=as_json)


@commands.command()
def diff(
    name: ScannerArgument,
    first: Day,
    second: Day,
    rating_rules: RulesOption = "library_v3",
    rating_min_bars: BarsOption = 200,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Who entered and who left between two dates, and why."""
    from tvquant.app import scanning

    home = workspace_at(workspace)
    home.require()
    scanners, ratings = [_scanner(home, name)], _ratings(rating_rules, rating_min_bars)
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
            "ceiling": None if one.ceiling is None else {"column": one.ceiling[0], "count": one.ceiling[1]},
        }
        for scanner, one in zip(scanners, queries, strict=True)
    ]  # fmt: skip
    answer(documents, json.dumps(documents, indent=2), as_json=as_json)


def _archived(home: Workspace, found: Sequence["Scanned"]) -> int:
    from tvquant.app.clock import SystemClock
    from tvquant.app.scanning import archive

    with home.writing():
        return archive(home.lake(), found, at=SystemClock().now())


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


def _document(found: "Scanned") -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "bar": str(found.bar),
        "known_at": str(found.known_at),
        "caveats": found.caveats(),
        "atoms": [
            atom.fields()
            | {"symbol": atom.symbol, "alternatives": list(found.found.alternatives.get(atom.symbol, ()))}
            | {"features": found.values(atom.physical_symbol)}
            for atom in found.found.atoms
        ],
        "audit": [asdict(one) for one in found.audits],
        "pools": {
            scanner.name: sorted(key for key, pooled in zip(found.keys, one.pooled, strict=True) if pooled)
            for scanner, one in zip(found.scanners, found.answers, strict=True)
        },
        "outcomes": found.outcomes(),
    }


def _one(found: "Scanned", explain: str | None) -> list[str]:
    lines = [
        f"as of  {str(found.known_at)[:16].replace('T', ' ')} UTC, when the bar of {str(found.bar)[:10]} was known"
    ]
    for one in found.audits:
        lines += [
            f"{one.scanner}: {one.found} found of {one.pooled} in its pool, of {one.asked} with a bar",
            f"  {one.neutral} neutral, {one.leaked} of another venue; beyond +-0.1: {one.at_neutral_band}, beyond 0: "
            f"{one.at_zero}; ROC outliers {'-' if one.roc_outliers is None else one.roc_outliers}; "
            f"{one.merged} merged, {one.cut} cut, {one.kept} kept",
        ]
    lines += found.caveats()
    out = Counter(why for why in found.outcomes().values() if why != "recruited")
    lines += [f"out: {', '.join(f'{why} {count}' for why, count in out.most_common()) or 'none'}", ""]
    head = ("atom", *(name for name, _, _ in COLUMNS))
    rows = [(atom.symbol, *_cells(found.values(atom.physical_symbol))) for atom in found.found.atoms]
    lines.append(table(head, sorted(rows), right=range(1, len(head))) if rows else "Nobody was recruited.")
    for scanner, screened in zip(found.scanners, found.answers, strict=True):
        if scanner.logic is None:
            names = sorted(key for key, pooled in zip(found.keys, screened.pooled, strict=True) if pooled)
            lines += ["", f"{scanner.name} is a pool of {len(names)}:", *names]
    if explain is not None:
        outcome = found.outcomes().get(explain)
        lines += ["", f"{explain}: {outcome or 'no bar'}"]
        lines += [f"  {name} {'-' if value is None else f'{value:g}'}" for name, value in found.values(explain).items()]
    return lines


def _cells(values: dict[str, float | None]) -> list[str]:
    found = ((form, values.get(name)) for _, name, form in COLUMNS)
    return ["-" if value is None else form.format(value) for form, value in found]


def _many(found: Sequence["Scanned"]) -> list[str]:
    """Return a line per date: how many, and how the atoms changed."""
    head = ("bar", "asked", "pool", "atoms", "entered", "left", "kept share")
    rows: list[tuple[object, ...]] = []
    before: set[str] = set()
    for one in found:
        now = {atom.symbol for atom in one.found.atoms}
        share = percent(len(now & before) / len(now), 0) if rows and now else "-"
        pool = max(audit.pooled for audit in one.audits)
        rows.append((str(one.bar)[:10], len(one.keys), pool, len(now), len(now - before), len(before - now), share))
        before = now
    atoms = [len(one.found.atoms) for one in found]
    mean = sum(atoms) / len(atoms)
    return [table(head, rows, right=range(1, 7)), "", f"{len(found)} dates, {mean:.1f} atoms on average"]
