"""Common ground of all commands: their options, output, progress and notes.

A command's answer is one document. For people it is text on stdout; with `--json` it is one JSON document on stdout.
Everything else (progress, notes, logs) goes to stderr.
"""

import json
import math
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tvquant.app import CACHE_REFUSED
from tvquant.app.progress import Watcher
from tvquant.app.workspace import Workspace
from tvquant.core.stamps import Stamp

if TYPE_CHECKING:
    from tvquant.lake import Lake

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace", "-w", envvar="TVQUANT_HOME", help="Workspace directory.", show_default="current directory"
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, everything else on stderr.")]
COMPILING = 3.0
"""Seconds of compiling after which a note says so."""
LONG_WORK = 180.0
"""Seconds of expected work from which on an estimate is printed even where no one watches."""


def workspace_at(path: Path | None) -> Workspace:
    """Return the workspace that the options name: `--workspace`, TVQUANT_HOME, or the current directory."""
    return Workspace((path or Path.cwd()).resolve())


def answer(document: Any, text: str | Iterable[str], *, as_json: bool) -> None:
    """Print a command's answer in the form that was asked for."""
    if as_json:
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False, default=str, allow_nan=False))
    else:
        typer.echo(text if isinstance(text, str) else "\n".join(text))


def note(text: str) -> None:
    """Print a line beside the answer, on stderr."""
    typer.echo(text, err=True)


def note_simulated(lake: "Lake") -> None:
    """Note which bars of the lake are simulated, beside an answer that is made of them."""
    from tvquant.lake.reading.sources import simulated

    names = simulated(lake.root)["symbol"].to_list()
    if names:
        note(f"{Stamp.SIMULATED}: {len(names)} symbols of this lake. {Stamp.SIMULATED.meaning}")


def table(head: Sequence[str], rows: Iterable[Sequence[object]], *, right: Iterable[int] = ()) -> str:
    """Return plain columns: texts to the left, the columns in `right` to the right."""
    cells = [list(head), *([str(value) for value in row] for row in rows)]
    widths = [max(len(row[k]) for row in cells) for k in range(len(head))]
    aligned = set(right)
    lines = (
        "  ".join(c.rjust(w) if k in aligned else c.ljust(w) for k, (c, w) in enumerate(zip(row, widths, strict=True)))
        for row in cells
    )
    return "\n".join(line.rstrip() for line in lines)


def percent(value: float | None, digits: int = 1) -> str:
    """Return a fraction as percent; a dash where it is not known."""
    return "-" if value is None or not math.isfinite(value) else f"{100 * value:.{digits}f} %"


def number(value: float | None) -> str:
    """Return a number with two decimals; a dash where it is not known."""
    return "-" if value is None else f"{value:.2f}"


class Progress(Watcher):
    """Progress at a terminal: the stage that runs, and how long the walk-forward will take.

    Elsewhere it is silent, but for one estimate before long work.
    """

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.first_step: float | None = None
        self._bar: Any = None
        self._task: Any = None
        self._warned = False
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = Bar(*columns, console=Console(stderr=True), transient=True)

    def stage(self, number: int, name: str) -> None:
        """Show the stage that begins."""
        if self._bar is not None:
            self._bar.start()
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._task = self._bar.add_task(f"stage {number:>2} {name}", total=None)

    def steps(self, done: int, total: int) -> None:
        """Move the bar; estimate long work once, after enough steps."""
        now = time.perf_counter()
        if done and self.first_step is None:
            self.first_step = now - self.started
            self._since = now, done
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=total)
        elif not self._warned and self.first_step is not None and now - self._since[0] > 5.0:
            self._warned = True
            left = (now - self._since[0]) / max(done - self._since[1], 1) * (total - done)
            if left > LONG_WORK:
                note(f"about {left / 60:.0f} minutes to go ({done} of {total} decisions made)")

    def note(self, text: str) -> None:
        """Say it on stderr."""
        note(text)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()


@contextmanager
def watching() -> Iterator[Progress]:
    """Show progress while the block runs, and take it away at the end, whatever happens."""
    progress = Progress()
    try:
        with compiling_noted():
            yield progress
    finally:
        progress.close()


@cache
def _note_cache() -> None:
    """Note, once in a process, that kernels are compiled for it alone."""
    if CACHE_REFUSED:
        note(f"compiled kernels cannot be kept ({CACHE_REFUSED}); this command compiles them for itself")


@contextmanager
def compiling_noted() -> Iterator[None]:
    """Note once why the first use of kernels on a machine takes so long; silent where they come from the cache."""
    from numba.core import event

    _note_cache()

    class Compiling(event.Listener):
        """Adds up the seconds of compilations; one may begin others."""

        def __init__(self) -> None:
            self.depth, self.began, self.spent, self.noted = 0, 0.0, 0.0, False

        def on_start(self, _: Any) -> None:
            if not self.depth:
                self.began = time.perf_counter()
            self.depth += 1

        def on_end(self, _: Any) -> None:
            self.depth -= 1
            spent = self.spent + time.perf_counter() - self.began
            if not self.depth:
                self.spent = spent
            if not self.noted and spent > COMPILING:
                self.noted = True
                note("compiling kernels for this machine, once for each version; that takes a minute or two")

    with event.install_listener("numba:compile", Compiling()):
        yield
