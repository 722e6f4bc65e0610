"""Common ground of all commands: their options, output, questions and notes.

A command's answer is one document. For people it is text on stdout; with `--json` it is one JSON document on stdout.
Everything else (progress, notes, logs) goes to stderr.
"""

import json
import math
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tvquant.app.cli.exit_codes import Declined
from tvquant.app.cli.tables import prose
from tvquant.app.workspace import Workspace
from tvquant.core.errors import ProfileError
from tvquant.core.stamps import Stamp

if TYPE_CHECKING:
    from tvquant.lake import Lake

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace", "-w", envvar="TVQUANT_HOME", help="Workspace directory.", show_default="current directory"
    ),
]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run id, an unambiguous part of one, or `latest`.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, everything else on stderr.")]


def workspace_at(path: Path | None, wait: float | None = None) -> Workspace:
    """Return the workspace that the options name: `--workspace`, TVQUANT_HOME, or the current directory.

    `wait` : seconds for which its writers wait for another one.
    """
    return Workspace((path or Path.cwd()).resolve(), wait=wait or 0.0, tell=note)


def answer(document: Any, text: str | Iterable[str], *, as_json: bool) -> None:
    """Print a command's answer in the form that was asked for; lines of a text are fitted to the terminal."""
    if as_json:
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False, default=str, allow_nan=False))
    else:
        typer.echo(text if isinstance(text, str) else "\n".join(map(prose, text)))


def note(text: str) -> None:
    """Print a line beside the answer, on stderr."""
    typer.echo(text, err=True)


def confirm(question: str, *, otherwise: str) -> None:
    """Ask a person, on stderr; only a plain yes goes on.

    Raises
    ------
    Declined : the answer is no; `otherwise` says what was not done.
    ProfileError : there is nobody to answer.
    """
    print(f"{question} [y/N]: ", end="", file=sys.stderr, flush=True)
    said = sys.stdin.readline()
    if not said:
        note("")
        raise ProfileError("there is nobody to answer this question; --yes answers it")
    if said.strip().lower() not in ("y", "yes"):
        raise Declined(otherwise)


def note_simulated(lake: "Lake") -> None:
    """Note which bars of the lake are simulated, beside an answer that is made of them."""
    from tvquant.lake.reading.sources import simulated

    names = simulated(lake.root)["symbol"].to_list()
    if names:
        note(f"{Stamp.SIMULATED}: {len(names)} symbols of this lake. {Stamp.SIMULATED.meaning}")


def percent(value: float | None, digits: int = 1) -> str:
    """Return a fraction as percent, no zero with a sign; a dash where it is not known."""
    return "-" if value is None or not math.isfinite(value) else f"{100 * value:z.{digits}f} %"


def number(value: float | None) -> str:
    """Return a number with two decimals; a dash where it is not known."""
    return "-" if value is None else f"{value:z.2f}"
