"""`tvquant ledger replay`: the decisions of a run computed again, against what it recorded."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tvquant.app.cli.console import JsonOption, RunArgument, WorkspaceOption, answer, workspace_at
from tvquant.app.cli.exit_codes import Answered
from tvquant.app.cli.tables import table
from tvquant.app.cli.watching import watching
from tvquant.core.errors import LedgerError, ProfileError
from tvquant.core.quoting import shown

if TYPE_CHECKING:
    from tvquant.app.replay import Compared, Replayed

DIGITS = 12
"""Digits of a digest that a line for people shows."""


def replay(
    name: RunArgument,
    window: Annotated[int | None, typer.Option(metavar="N", help="The id of the window.")] = None,
    cell: Annotated[str | None, typer.Option(metavar="KEY", help="Only this cell; otherwise every one.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every window.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compute decisions, fills and returns again from the pinned data; exit 1 where one is not as recorded."""
    from tvquant.app import replay as replaying

    if (window is None) != every:
        raise ProfileError("say what is computed again: --window N, or --all; one of them")
    home = workspace_at(workspace)
    folder = home.run(name)
    with watching("replay") as progress:
        found = replaying.replay(home, folder, window=window, cell=cell, watcher=progress)
    differ = [one for one in found if one.differs]
    document = {
        "run": folder.id,
        "decisions": [_document(one) for one in found],
        "differ": len(differ),
    }
    answer(document, [*_text(found), f"{folder.id}: {_counted(found, differ)}"], as_json=as_json)
    if differ:
        raise Answered(LedgerError, f"{folder.id}: {_counted(found, differ)}; {_line(differ[0])}")


def _counted(found: "Sequence[Replayed]", differ: "Sequence[Replayed]") -> str:
    windows = len({one.window for one in found})
    said = f"{len(differ)} differ" if differ else "all are as recorded"
    return f"{len(found)} decisions at {windows} windows computed again, {said}"


def _document(one: "Replayed") -> dict[str, Any]:
    return {
        "cell": one.cell,
        "window": one.window,
        "as_of": str(one.as_of),
        "equal": one.differs is None,
        "first": one.differs.part if one.differs else None,
        "parts": [
            {
                "part": part.part,
                "equal": part.difference is None,
                "recorded": part.recorded,
                "again": part.again,
                "path": part.difference.path if part.difference else None,
                "was": shown(part.difference.before) if part.difference else None,
                "is": shown(part.difference.after) if part.difference else None,
            }
            for part in one.parts
        ],
    }


def _text(found: "Sequence[Replayed]") -> Iterator[str]:
    """Yield one decision by its parts, or several as one row each; then where each first differs."""
    if len(found) == 1:
        (only,) = found
        rows = [(one.part, _said(one), one.recorded[:DIGITS], one.again[:DIGITS]) for one in only.parts]
        yield f"{only.cell}, window {only.window}, decided {only.as_of}"
        yield table(("part", "", "recorded", "again"), rows)
    else:
        lines = [(one.window, one.cell, one.differs.part if one.differs else "equal") for one in found]
        yield table(("window", "cell", "first difference"), lines, right=(0,))
    yield ""
    yield from (_line(one) for one in found if one.differs)


def _said(one: "Compared") -> str:
    return "equal" if one.difference is None else "DIFFERS"


def _line(one: "Replayed") -> str:
    """Return where a decision first differs, with both values."""
    first = one.differs
    assert first is not None
    assert first.difference is not None
    where = f"window {one.window}, {one.cell}: {first.part} differs first"
    return f"{where}: {first.difference.path} was {shown(first.difference.before)}, is {shown(first.difference.after)}"
