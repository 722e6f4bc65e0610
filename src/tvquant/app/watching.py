"""Someone who is told how a run goes."""

from pathlib import Path

from tvquant.core.clock import Clock


class Watcher:
    """Is told and does nothing; the command line has one that draws a bar."""

    def stage(self, number: int, name: str) -> None:
        """A stage begins."""

    def steps(self, done: int, total: int) -> None:
        """So many of all decisions are recorded."""


class Logbook(Watcher):
    """Writes into the run's own log when each stage began and the steps were done; passes everything on."""

    def __init__(self, run: Path, clock: Clock, watcher: Watcher) -> None:
        self.path = run / "logs" / "run.log"
        self.path.parent.mkdir(exist_ok=True)
        self.clock = clock
        self.watcher = watcher

    def stage(self, number: int, name: str) -> None:
        """A stage begins."""
        self._write(f"stage {number} {name}")
        self.watcher.stage(number, name)

    def steps(self, done: int, total: int) -> None:
        """So many of all decisions are recorded."""
        if done == total:
            self._write(f"all {total} decisions recorded")
        self.watcher.steps(done, total)

    def _write(self, text: str) -> None:
        with self.path.open("a", encoding="utf-8") as log:
            log.write(f"{self.clock.now().isoformat(timespec='milliseconds')} {text}\n")
