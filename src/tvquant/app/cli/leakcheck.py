"""`tvquant leakcheck`: whether any decision of a run used what could not be known then."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tvquant.app.cli.console import JsonOption, RunArgument, WorkspaceOption, answer, workspace_at
from tvquant.app.cli.exit_codes import Answered
from tvquant.app.cli.tables import table
from tvquant.app.cli.watching import watching
from tvquant.core.errors import LedgerError
from tvquant.core.stamps import Stamp

if TYPE_CHECKING:
    from tvquant.app.leak_check import LeakCheck
    from tvquant.tournament.leakcheck import Leak, Outcome

SHOWN = 60
"""Longest value that a line for people shows."""


def leakcheck(
    name: RunArgument,
    windows: Annotated[
        int, typer.Option(min=0, help="How many windows: the first, the last, others evenly between; 0 is all.")
    ] = 4,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change the future of a run's data in every known way and decide again; exit 1 when a decision differs."""
    from tvquant.app import leak_check

    home = workspace_at(workspace)
    folder = home.run(name)
    with watching("leakcheck") as progress:
        found = leak_check.leakcheck(home, folder, windows=windows, watcher=progress)
    answer(_document(found), _text(found), as_json=as_json)
    if found.leaks:
        first = found.leaks[0]
        raise Answered(
            LedgerError,
            f"{found.run}: {len(found.leaks)} decisions differ, the first ({first.fork}) in {first.path} of "
            f"{first.cell}, window {first.window}; do not believe a result that used the future",
        )


def _document(found: "LeakCheck") -> dict[str, Any]:
    return {
        "run": found.run,
        "windows": list(found.windows),
        "windows_of_run": found.of,
        "forks": [
            {"fork": one.fork, "result": _result(one), "decisions": one.decisions, "leaks": len(one.leaks)}
            for one in found.outcomes
        ],
        "leaks": [
            {
                "fork": leak.fork,
                "window": leak.window,
                "as_of": str(leak.as_of),
                "cell": leak.cell,
                "path": leak.path,
                "before": leak.before,
                "after": leak.after,
            }
            for leak in found.leaks
        ],
        "stamps": sorted(found.stamps),
    }


def _text(found: "LeakCheck") -> list[str]:
    rows = [(one.fork, _result(one)) for one in found.outcomes]
    text = [table(("fork", "result"), rows), ""]
    text += [_line(leak) for leak in found.leaks]
    text.append(f"{found.run}: {len(found.windows)} of {found.of} windows checked, {len(found.leaks)} leaks")
    if Stamp.CURRENT_ONLY in found.stamps:
        text.append(f"No fork can show this: {Stamp.CURRENT_ONLY.meaning}")
    return text


def _result(one: "Outcome") -> str:
    if not one.decisions:
        return "nothing to change"
    return f"{len(one.leaks)} leaks" if one.leaks else f"identical on {one.decisions} decisions"


def _line(leak: "Leak") -> str:
    before, after = (_short(value) for value in (leak.before, leak.after))
    return f"{leak.fork}: window {leak.window}, {leak.as_of}, {leak.cell}: {leak.path} was {before}, is {after}"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."
