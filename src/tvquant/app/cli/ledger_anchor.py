"""`tvquant ledger anchor`: what a run's ledger is today, in a line to be kept where nobody here can write."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tvquant.app.cli.console import JsonOption, RunArgument, WorkspaceOption, answer, workspace_at
from tvquant.app.cli.waiting import WaitOption

if TYPE_CHECKING:
    from tvquant.ledger.recorded_run import RecordedRun

ANCHORED = "anchored"
"""The tag of a run that was anchored: it is not pruned."""
FILE = "anchors.jsonl"
"""Where anchors go unless another file is named: beside the index of all runs."""
MOST = 8
"""Changes that a text for people lists."""


def anchor(
    name: RunArgument,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="The file to add to; beside INDEX.md if not given.")
    ] = None,
    wait: WaitOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a finished run's heads and Merkle root as one line of a file to keep elsewhere; the run is not pruned."""
    from tvquant.app.clock import SystemClock
    from tvquant.app.run_tags import tag_run
    from tvquant.ledger.anchors import append
    from tvquant.ledger.recorded_run import RecordedRun

    home = workspace_at(workspace, wait)
    folder = home.run(name)
    with home.writing():
        path = (to or home.runs.parent / FILE).resolve()
        made, digest = append(path, RecordedRun(folder), at=SystemClock().now())
        tag_run(home, folder.id, ANCHORED)
    document = {
        "run": folder.id, "at": made.at, "file": str(path), "seal": made.seal, "result": made.result, "digest": digest,
    }  # fmt: skip
    text = [
        f"run      {folder.id}",
        f"seal     {made.seal}",
        f"result   {made.result}",
        f"digest   {digest}",
        f"file     {path}",
        "Keep a copy of the file, or of the digest, where nobody who writes here can write.",
    ]
    answer(document, text, as_json=as_json)


@dataclass(frozen=True, slots=True)
class Held:
    """A run against its anchors: when the one was made that it is told of, and what was changed since, in words."""

    at: str
    changed: tuple[str, ...]

    @property
    def told(self) -> str:
        """What that comes to."""
        if not self.changed:
            return f"the run that was anchored {self.at}"
        more = len(self.changed) - MOST
        lines = [f"NOT the run that was anchored {self.at}:", *self.changed[:MOST]]
        return "\n    ".join([*lines, f"and {more} more (--json has all)"] if more > 0 else lines)


def held(file: Path, run: "RecordedRun") -> Held:
    """Hold a run against its anchors in a file: it is told of the first that differs, or else of the oldest.

    Raises
    ------
    LedgerError : the file has none, or is not as it was written.
    """
    from tvquant.ledger.anchors import anchors, changes

    found = [Held(one.at, changes(one, run)) for one in anchors(file, run.folder.id)]
    return next((one for one in found if one.changed), found[0])
