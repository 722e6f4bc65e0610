"""Progress of a command on stderr: a bar where a person watches, a line every few seconds elsewhere.

That kernels are compiled is noted once in a process, and only where it does happen; workers note nothing.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from tvquant.app import CACHE_REFUSED
from tvquant.app.cli.console import note
from tvquant.app.progress import Watcher

COMPILING = 3.0
"""Seconds of compiling after which a note says so."""
BOOKS = ", books"
"""What is counted when all is decided."""
EVERY = 5.0
"""Seconds from one line of progress to the next, where no person watches."""


class Progress(Watcher):
    """Progress of one command: what it is at, how far it is, and how long that will take.

    Parameters
    ----------
    what : what the command does, until its first stage begins.
    """

    def __init__(self, what: str) -> None:
        self.started = time.perf_counter()
        self.first_step: float | None = None
        self._what, self._done, self._total = what, 0, 0
        self._since = self.started, 0
        self._display: Bar | Pulse = Bar(what) if sys.stderr.isatty() else Pulse(self.line)

    def stage(self, number: int, name: str) -> None:
        """Show the stage that begins."""
        self._what, self._done, self._total = f"stage {number:>2} {name}", 0, 0
        self._display.begin(self._what)

    def steps(self, done: int, total: int) -> None:
        """Show how much is done; the time that is left is reckoned from the first of these."""
        now = time.perf_counter()
        if done and self.first_step is None:
            self.first_step = now - self.started
        if done and not self._done:
            self._since = now, done
        self._done, self._total = done, total
        self._display.move(done, total)

    def books(self, done: int, total: int) -> None:
        """Show how many books are kept, counted anew."""
        if not done:
            self._what, self._done = f"{self._what.removesuffix(BOOKS)}{BOOKS}", 0
            self._display.begin(self._what)
        self.steps(done, total)

    def line(self) -> str:
        """Return where the command is, in a line."""
        now = time.perf_counter()
        parts = [duration(now - self.started)]
        if self._total:
            parts.insert(0, f"{self._done} of {self._total}")
        since, first = self._since
        if self._done > first and self._total > self._done:
            left = (now - since) / (self._done - first) * (self._total - self._done)
            parts.append(f"about {duration(left)} to go")
        return f"{self._what}: {', '.join(parts)}"

    def note(self, text: str) -> None:
        """Say it on stderr."""
        note(text)

    def close(self) -> None:
        """Show nothing any more."""
        self._display.end()


class Bar:
    """A bar at a terminal."""

    def __init__(self, what: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = RichProgress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task(what, total=None)
        self._bar.start()

    def begin(self, what: str) -> None:
        """Begin anew, with another text."""
        self._bar.remove_task(self._task)
        self._task = self._bar.add_task(what, total=None)

    def move(self, done: int, total: int) -> None:
        """Move to what is done."""
        self._bar.update(self._task, completed=done, total=total)

    def end(self) -> None:
        """Take the bar away."""
        self._bar.stop()


class Pulse:
    """A line every few seconds, from a thread of its own; none before the first few."""

    def __init__(self, line: Callable[[], str]) -> None:
        self._line = line
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()

    def begin(self, what: str) -> None:
        """Do nothing: the next line has it."""

    def move(self, done: int, total: int) -> None:
        """Do nothing: the next line has it."""

    def end(self) -> None:
        """Write no more lines."""
        self._ended.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._ended.wait(EVERY):
            note(self._line())


def duration(seconds: float) -> str:
    """Return a length of time in its two largest units."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


@contextmanager
def progress_shown(what: str) -> Iterator[Progress]:
    """Show progress while the block runs, and take it away at the end, whatever happens."""
    progress = Progress(what)
    try:
        yield progress
    finally:
        progress.close()


@contextmanager
def watching(what: str) -> Iterator[Progress]:
    """Show progress while the block runs, and note when it compiles kernels."""
    with progress_shown(what) as progress, compiling_noted():
        yield progress


@cache
def _note_compiling() -> None:
    """Note, once in a process, why the first use of kernels takes so long."""
    if CACHE_REFUSED:
        note(f"compiled kernels cannot be kept ({CACHE_REFUSED}); this command compiles them for itself")
    else:
        note("compiling kernels for this machine, once for each version; that takes a minute or two")


@contextmanager
def compiling_noted() -> Iterator[None]:
    """Note once that kernels are compiled, when that takes long; silent where they come from the cache."""
    from numba.core import event

    class Compiling(event.Listener):
        """Adds up the seconds of compilations; one may begin others."""

        def __init__(self) -> None:
            self.depth, self.began, self.spent = 0, 0.0, 0.0

        def on_start(self, _: Any) -> None:
            if not self.depth:
                self.began = time.perf_counter()
            self.depth += 1

        def on_end(self, _: Any) -> None:
            self.depth -= 1
            spent = self.spent + time.perf_counter() - self.began
            if not self.depth:
                self.spent = spent
            if spent > COMPILING:
                _note_compiling()

    with event.install_listener("numba:compile", Compiling()):
        yield
