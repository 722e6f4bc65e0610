"""Someone who is told how a run goes."""


class Watcher:
    """Is told and does nothing; the command line has one that draws a bar."""

    def stage(self, number: int, name: str) -> None:
        """A stage begins."""

    def steps(self, done: int, total: int) -> None:
        """So many of all decisions are recorded."""
