"""`tvquant data rm|revert`: take symbols out of the lake, and undo that or what a repair changed."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tvquant.app.cli.console import JsonOption, WorkspaceOption, answer, workspace_at
from tvquant.app.cli.waiting import WaitOption
from tvquant.core.errors import ProfileError

if TYPE_CHECKING:
    from tvquant.lake.writing.removals import Removal
    from tvquant.lake.writing.upserts import RevertReport


def add_to(commands: typer.Typer) -> None:
    """Put these commands among the others of `tvquant data`."""
    for command in (rm, revert):
        commands.command(rich_help_panel="Keep")(command)


def rm(
    symbols: Annotated[list[str], typer.Argument(metavar="SYMBOL", help="EXCHANGE:TICKER")],
    wait: WaitOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take symbols out of the lake: bars, actions, funding and what is known of them; `data revert` puts them back.

    Runs keep what they pinned. A sync that names a symbol, or whose provider lists it, fetches it again.
    """
    from tvquant.app.clock import SystemClock
    from tvquant.lake.writing.removals import remove
    from tvquant.market.registry import RegistryManager

    home = workspace_at(workspace, wait)
    home.require()
    with home.writing():
        lake = home.lake()
        done = remove(lake, symbols, recorded_at=SystemClock().now())
        RegistryManager(lake.folder).forget(done.symbols)
    back = f"`tvquant data revert {' '.join(done.symbols)}` puts them back (removal {', '.join(done.ids)})"
    answer(_document(done), f"removed {_counts(done)}; {back}", as_json=as_json)


def revert(
    symbols: Annotated[
        list[str] | None, typer.Argument(metavar="SYMBOL", help="Removed, or with repaired bars.")
    ] = None,
    upsert: Annotated[
        str | None, typer.Option("--upsert", metavar="ID", help="Only what this upsert changed, or this removal took.")
    ] = None,
    wait: WaitOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put removed symbols back, and the original values of repaired bars (see `tvquant data ls SYMBOL`).

    A symbol that was removed comes back as it was then, its repairs included; those can be reverted afterwards.
    """
    from tvquant.app.clock import SystemClock
    from tvquant.lake.writing.removals import put_back, removed
    from tvquant.lake.writing.upserts import revert as reverted

    if not symbols and upsert is None:
        raise ProfileError("name what to revert: symbols, or one upsert or removal by --upsert ID")
    home = workspace_at(workspace, wait)
    now = SystemClock().now()
    with home.writing():
        lake = home.lake()
        gone = set(removed(lake.root, symbols or None, upsert)["symbol"])
        others = sorted(set(symbols or ()) - gone)
        mended = None
        if others or not gone:
            mended = reverted(lake, symbols=others or None, upsert_id=upsert, recorded_at=now)
        back = put_back(lake, gone, upsert, recorded_at=now)
    document = _reverted(mended) | ({"put_back": _document(back)} if back else {})
    text = [f"put back {_counts(back)}"] if back else []
    if mended:
        text.append(
            f"{mended.values:,} values of {mended.bars:,} bars are as they were, of {', '.join(mended.symbols)}"
        )
    answer(document, text, as_json=as_json)


def _document(done: "Removal") -> dict[str, Any]:
    return {"symbols": list(done.symbols), "rows": dict(done.rows), "removals": list(done.ids)}


def _counts(done: "Removal") -> str:
    rows = ", ".join(f"{count:,} rows of {name}" for name, count in done.rows.items())
    return f"{', '.join(done.symbols)} ({rows})"


def _reverted(done: "RevertReport | None") -> dict[str, Any]:
    if done is None:
        return {"values": 0, "bars": 0, "symbols": [], "upserts": []}
    return {
        "values": done.values,
        "bars": done.bars,
        "symbols": list(done.symbols),
        "upserts": list(done.upserts),
    }
