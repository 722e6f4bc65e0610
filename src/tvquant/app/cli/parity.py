"""`tvquant parity`: whether simulators keep the same book of a run's weights."""

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from tvquant.app.cli.console import JsonOption, RunArgument, WorkspaceOption, answer, workspace_at
from tvquant.app.cli.exit_codes import Answered
from tvquant.app.cli.tables import table
from tvquant.app.cli.waiting import WaitOption
from tvquant.app.cli.watching import watching
from tvquant.core.errors import LedgerError, ProfileError

if TYPE_CHECKING:
    from tvquant.tournament.parity import Figure, Pair
    from tvquant.tournament.parity_play import Parity, Side

OLD = "custom,nautilus"
"""What the command compared under its old name."""

CellOption = Annotated[
    str | None, typer.Option("--cell", metavar="CELL", help="Key of a cell.", show_default="the headline")
]
SimulatorsOption = Annotated[
    str,
    typer.Option(
        "--simulators", metavar="NAMES", help="Simulators with commas between.", show_default="all that are installed"
    ),
]


def parity(
    name: RunArgument,
    cell: CellOption = None,
    simulators: SimulatorsOption = "",
    wait: WaitOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Play a run's weights by every simulator that can; exit 1 where their books differ by more than limits allow.

    Record and page are written into the run's folder. `docs/parity.md` says what is compared.
    """
    from tvquant.app import parity_check
    from tvquant.app.parity_record import document, write_parity

    home = workspace_at(workspace, wait)
    folder = home.run(name)
    named = [one.strip() for one in simulators.split(",") if one.strip()]
    if simulators and not named:
        raise ProfileError(f"--simulators: {simulators!r} names no simulator; leave it out to compare all")
    with watching("parity") as progress:
        found = parity_check.parity(
            home, folder, cell=cell, simulators=named, watcher=progress, timer=time.perf_counter
        )
    record, page = write_parity(home, folder, found, named)
    said = document(found) | {"record": str(record), "page": str(page)}
    answer(said, [*_text(found), "", f"record   {record}", f"page     {page}"], as_json=as_json)
    if said["failures"]:
        raise Answered(LedgerError, f"{found.run}: {said['failures'][0]}")


def validate_nautilus_parity(
    name: RunArgument,
    cell: CellOption = None,
    simulators: SimulatorsOption = OLD,
    wait: WaitOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """The old name of `tvquant parity`, which compares custom with nautilus unless others are named."""
    parity(name, cell, simulators, wait, workspace, as_json)


def _text(found: "Parity") -> Iterator[str]:
    yield f"run      {found.run}"
    yield f"cell     {found.cell}"
    for name, extra in found.uninstalled.items():
        yield f"absent   {name}: install tvquant[{extra}]"
    for side in found.sides:
        yield ""
        yield from _side(side)


def _side(side: "Side") -> Iterator[str]:
    from tvquant.tournament.parity_play import words_of

    rules = side.setting.execution
    title = "parity setting, limits bind" if side.setting.binds else "the run's own setting, limits do not bind"
    yield f"{title}: {rules.convention.value}, {rules.rebalancing.value}, {side.setting.charged}"
    for line in side.setting.off:
        yield f"  {line}"
    if side.pairs:
        yield _table(side.pairs)
    elif side.played:
        yield f"{side.played[0]} alone plays it"
    for pair in side.pairs:
        if not pair.passed:
            yield words_of(pair)
    for name, why in side.refused.items():
        yield f"refused  {name}: {why}"


def _table(pairs: "Sequence[Pair]") -> str:
    from tvquant.tournament.parity_play import label

    names = list(dict.fromkeys(one.name for pair in pairs for one in pair.figures if one.name != "bars"))
    rows = []
    for pair in pairs:
        away = {one.name: _away(one) for one in pair.figures}
        verdict = ("yes" if pair.passed else "no") if pair.binds else "-"
        rows.append((f"{pair.first}, {pair.second}", *(away.get(name, "-") for name in names), verdict))
    head = ("difference of", *map(label, names), "within")
    return table(head, rows, right=range(1, len(names) + 1))


def _away(one: "Figure") -> str:
    from tvquant.tournament.parity_play import told

    return "none" if one.difference is None else told(one, one.difference)
