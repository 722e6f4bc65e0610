"""Doubles of a ledger, and the hand of its owner."""

import json
from pathlib import Path
from typing import Any

from tvquant.core.records import Entry
from tvquant.ledger import Ledger
from tvquant.ledger.lines import hashed_line


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


def forge(folder: Path, number: int, **changes: Any) -> None:
    """Change a record and hash it again, and the head with it, as its owner could."""
    lines = (folder / "audit.jsonl").read_bytes().splitlines(keepends=True)
    fields = {**json.loads(lines[number - 1]), **changes}
    lines[number - 1], digest = hashed_line({k: v for k, v in fields.items() if v is not ...})
    (folder / "audit.jsonl").write_bytes(b"".join(lines))
    head = json.loads((folder / "audit.head").read_bytes())
    head["bytes"] = len(b"".join(lines))
    head["chains"]["run"]["digest"] = digest
    (folder / "audit.head").write_bytes(hashed_line(head)[0])
