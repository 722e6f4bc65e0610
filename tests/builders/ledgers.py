"""Doubles of a ledger."""

from tvquant.core.records import Entry
from tvquant.ledger import Ledger


class Killed(Exception):
    """The process ends here."""


class Mortal:
    """A ledger whose process is killed after so many records."""

    def __init__(self, ledger: Ledger, left: int) -> None:
        self.ledger, self.left = ledger, left

    def record(self, entry: Entry) -> str:
        """Record the entry, or be killed."""
        if not self.left:
            raise Killed
        self.left -= 1
        return self.ledger.record(entry)
