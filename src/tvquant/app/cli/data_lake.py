"""`tvquant data ls|export|compact`: look at one symbol, take bars out, pack files."""

from datetime import datetime, timedelta
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from tvquant.app.cli.console import JsonOption, WorkspaceOption, answer, note, workspace_at
from tvquant.app.cli.tables import table
from tvquant.app.cli.waiting import WaitOption
from tvquant.app.cli.watching import progress_shown
from tvquant.core.errors import ProfileError

if TYPE_CHECKING:
    from tvquant.app.workspace import Workspace
    from tvquant.lake import Listing

DELIVERED = ("timestamp", "open", "high", "low", "close", "volume", "source")
PLOTS = Path("artifacts") / "lake"
EXPORTS = Path("artifacts") / "exports"


def add_to(commands: typer.Typer) -> None:
    """Put these commands among the others of `tvquant data`."""
    commands.command(rich_help_panel="Look")(ls)
    for command in (export, compact):
        commands.command(rich_help_panel="Keep")(command)


def ls(
    symbol: Annotated[
        str | None, typer.Argument(metavar="SYMBOL", help="EXCHANGE:TICKER. Default: the names of all.")
    ] = None,
    last: Annotated[int, typer.Option(min=1, help="Bars and repairs to show, the newest.")] = 10,
    plot: Annotated[bool, typer.Option("--plot", help="Draw closes, findings and repairs on a page as well.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """One symbol as it is stored: what it is, where it came from, its health, actions, repairs and newest bars.

    Without a symbol, the names of all.
    """
    from tvquant.lake import health
    from tvquant.market.listings import delistings

    home = workspace_at(workspace)
    home.require()
    lake = home.lake()
    if symbol is None:
        if plot:
            raise ProfileError("--plot draws one symbol; name it, as `tvquant data ls SYMBOL --plot`")
        names = lake.symbols()
        answer({"symbols": list(names)}, names, as_json=as_json)
        return
    found, states = lake.ls(symbol), health(lake, [symbol], delisted=delistings(lake))
    facts = _facts(found)
    rows = [(h.key, h.state.value, h.bars, str(h.first)[:10], str(h.last)[:10], h.gaps, h.tolerated) for h in states]
    head = ("instrument", "state", "bars", "first", "last", "gaps", "tolerated")
    columns = [name for name in DELIVERED if name in found.bars.columns]
    newest = found.bars.tail(last).select(*columns, "repaired")
    bars = [{name: _plain(value) for name, value in row.items()} for row in newest.rows(named=True)]
    marked = [(*(_text(row[name]) for name in columns), "repaired" if row["repaired"] else "") for row in bars]
    repairs = _repairs(found, last)
    repaired = [tuple(map(_text, row.values())) for row in repairs]
    page = _plotted(home, found) if plot else None
    text = [
        *(f"{name:<9} {_line(value)}" for name, value in facts.items()),
        "",
        table(head, rows, right=(2, 5, 6)),
        "",
        table((*columns, ""), marked, right=range(1, len(columns) - 1)),
        *(("", table(tuple(repairs[0]), repaired, right=(3, 4))) if repairs else ()),
        *((f"\nplot      {page}",) if page else ()),
    ]
    document = facts | {
        "instruments": [dict(zip(head, row, strict=True)) for row in rows],
        "bars": bars,
        "repairs": repairs,
        "plot": str(page) if page else None,
    }
    answer(document, text, as_json=as_json)


def _facts(found: "Listing") -> dict[str, Any]:
    """Return what the symbol is and how much of it is stored."""
    from tvquant.symbology.identities import chain, identity

    symbol, structure = found.symbol.name, found.symbol.structure
    base, factor = identity(symbol)
    names = [one.symbol + (f" since {one.since}" if one.since else "") for one in chain(symbol)]
    return {
        "symbol": symbol,
        "price of": f"{factor:,.0f} {base}" if factor != 1 else base,
        "names": names,
        "kinds": sorted(kind.value for kind in structure.kinds),
        "currency": structure.currency,
        "calendar": structure.calendar,
        "sources": list(found.sources),
        "rows": len(found.bars),
        "actions": len(found.actions),
        **_funding(found),
        "steps": _steps(found),
        "repaired": int(found.bars["repaired"].sum()),
        **{f"{interval} rows": count for interval, count in found.others.items()},
    }


def _plain(value: object) -> object:
    """Return a stored value for a document: times as text, numbers as they are, what is no number as null."""
    if isinstance(value, datetime):
        return str(value)[:19]
    return None if isinstance(value, float) and not isfinite(value) else value


def _text(value: object) -> str:
    """Return a value of a document as a cell of a table, whole."""
    return "" if value is None else str(value)


def _line(value: object) -> str:
    """Return a fact in one line: several values between commas, under their names where they have some."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_line(one)}" for name, one in value.items())
    if isinstance(value, float):
        return f"{value:.6g}"
    return ", ".join(map(str, value)) if isinstance(value, list) else _text(value)


def _steps(found: "Listing") -> dict[str, object]:
    """Return the steps of price and quantity, and which of them are assumed."""
    from tvquant.symbology.tick_lot import assumed_steps

    known_facts = {fact.field: float(fact.value) for fact in found.symbol.facts}
    assumed = assumed_steps(found.symbol.name, found.bars["close"].drop_nulls().to_numpy())
    steps = {"tick": assumed.tick, "lot": assumed.lot}
    known: dict[str, object] = {name: known_facts.get(name, step) for name, step in steps.items()}
    return known | {"assumed": [name for name in steps if name not in known_facts]}


def _funding(found: "Listing") -> dict[str, object]:
    """Return how much funding of a swap is stored, and its average."""
    paid = found.funding
    if paid.is_empty():
        return {}
    first, last = (str(when)[:16] for when in (paid["timestamp"][0], paid["timestamp"][-1]))
    mean = paid["rate"].drop_nans().mean()
    return {"funding": {"settlements": len(paid), "first": first, "last": last, "mean": mean}}


def _repairs(found: "Listing", last: int) -> list[dict[str, Any]]:
    """Return the newest repairs."""
    columns = ("timestamp", "interval", "field", "original", "repaired", "upsert_id", "source", "reason", "reverted_at")
    rows = found.repairs.select(columns).tail(last).rows(named=True)
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


def _plotted(home: "Workspace", found: "Listing") -> Path:
    """Write the symbol's page into the workspace."""
    from tvquant.lake import audit
    from tvquant.report.bars import write_bars

    symbol = found.symbol.name
    name = "".join(one if one.isalnum() or one in ".-" else "_" for one in symbol)
    path = home.root / PLOTS / f"{name}.html"
    write_bars(path, found, audit(home.lake(), [symbol]), within=home.root / PLOTS.parent)
    return path


def export(
    symbols: Annotated[list[str] | None, typer.Argument(metavar="SYMBOL", help="Default: all of them.")] = None,
    into: Annotated[
        Path | None, typer.Option("--to", help="Folder inside the workspace.", show_default=str(EXPORTS))
    ] = None,
    form: Annotated[Literal["parquet", "csv"], typer.Option("--format", help="Of the files.")] = "parquet",
    interval: Annotated[str, typer.Option(help="Bar length: 1d or 4h.")] = "1d",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write bars and funding to files that `data import` takes back; spot, swaps and listed names never share one."""
    from tvquant.lake.reading.export import Format
    from tvquant.lake.reading.export import export as exported

    home = workspace_at(workspace)
    home.require()
    folder = _inside(home, into or EXPORTS)
    with progress_shown("data export"):
        files = exported(home.lake(), symbols or None, folder, interval=interval, form=Format(form))
    rows = [
        (str(one.path.relative_to(home.root)), one.rows, one.symbols, one.basis.value if one.basis else "")
        for one in files
    ]
    head = ("file", "rows", "symbols", "basis")
    text = [table(head, rows, right=(1, 2)), "`tvquant data import FILE --basis BASIS` takes them back"]
    answer([dict(zip(head, row, strict=True)) for row in rows], text, as_json=as_json)


def _inside(home: "Workspace", folder: Path) -> Path:
    """Return the folder, which must lie inside the workspace and not among the lake's own files.

    Raises
    ------
    ProfileError : it does not.
    """
    found = (home.root / folder).resolve()
    if not found.is_relative_to(home.root):
        raise ProfileError(f"--to {folder} is outside of the workspace {home.root}; choose a folder inside it")
    if found.is_relative_to(home.root / "data") or found.is_relative_to(home.runs):
        raise ProfileError(f"--to {folder} is where tvquant keeps its own files; choose another one, such as {EXPORTS}")
    return found


def compact(
    grace: Annotated[int, typer.Option(min=0, help="Hours for which versions that were replaced stay readable.")] = 1,
    wait: WaitOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make few files of many, and delete those that neither the lake nor a run needs any more.

    What a run was computed from stays readable; a run that is removed releases it at the next compaction.
    """
    from tvquant.app.clock import SystemClock
    from tvquant.app.pinned_snapshot import restore_snapshots
    from tvquant.lake.writing.compaction import compact as compacted

    home = workspace_at(workspace, wait)
    with home.writing(), progress_shown("data compact"):
        restore_snapshots(home, note)
        done = compacted(home.lake(), named_versions(home), now=SystemClock().now(), grace=timedelta(hours=grace))
    rows = [(one.name, one.before, one.after, one.deleted, f"{one.freed / 2**20:.1f}") for one in done]
    head = ("table", "files before", "after", "deleted", "MiB freed")
    answer([dict(zip(head, row, strict=True)) for row in rows], table(head, rows, right=(1, 2, 3, 4)), as_json=as_json)


def named_versions(home: "Workspace") -> dict[str, set[int]]:
    """Return table -> versions that this workspace's run snapshots were read from, as far as the lake has them."""
    from tvquant.app.pinned_snapshot import pinned_snapshots
    from tvquant.lake.storage import tables

    root = home.lake().root
    latest = tables.held(root)
    keep: dict[str, set[int]] = {}
    for snapshot in pinned_snapshots(home, note):
        for name, version in snapshot.tables.items():
            if version <= latest.get(name, -1):  # a lake that was made anew has none of the old one's
                keep.setdefault(name, set()).add(version)
    return keep
