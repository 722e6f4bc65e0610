"""Progress of a run: stages, steps and notes, as a person and the run's log see them."""

from pathlib import Path

from tvquant.core.clock import Clock
from tvquant.core.errors import unwritten


class Watcher:
    """A receiver of progress that does nothing; the command line has one that draws a bar."""

    def stage(self, number: int, name: str) -> None:
        """Receive that a stage begins."""

    def steps(self, done: int, total: int) -> None:
        """Receive how many of all decisions are recorded."""

    def books(self, done: int, total: int) -> None:
        """Receive how many of the books of all decisions are kept."""

    def note(self, text: str) -> None:
        """Receive one line that a person should know."""


class Logbook(Watcher):
    """Writes into the run's own log when each stage began and the steps were done; passes everything on."""

    def __init__(self, run: Path, clock: Clock, watcher: Watcher) -> None:
        self.path = run / "logs" / "run.log"
        self.clock = clock
        self.watcher = watcher

    def stage(self, number: int, name: str) -> None:
        """Log that a stage begins, and pass it on."""
        self._write(f"stage {number} {name}")
        self.watcher.stage(number, name)

    def steps(self, done: int, total: int) -> None:
        """Log that all decisions are recorded, and pass the number on."""
        if done == total:
            self._write(f"all {total} decisions recorded")
        self.watcher.steps(done, total)

    def books(self, done: int, total: int) -> None:
        """Pass the number on."""
        self.watcher.books(done, total)

    def note(self, text: str) -> None:
        """Pass on one line that a person should know."""
        self._write(text)
        self.watcher.note(text)

    def _write(self, text: str) -> None:
        try:
            self.path.parent.mkdir(exist_ok=True)
            with self.path.open("a", encoding="utf-8") as log:
                log.write(f"{self.clock.now().isoformat(timespec='milliseconds')} {text}\n")
        except OSError as error:
            raise unwritten(
                f"{self.path}: {error.strerror}; make room and continue with --resume (a meta-portfolio: "
                "play it again)",
                error,
            ) from error
