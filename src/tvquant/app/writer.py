"""The note of who writes in a workspace, beside the lock that holds the right to."""

import json
import os
import shlex
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tvquant.core.quoting import visible

LONGEST = 100
"""Characters of a command that are shown."""


@dataclass(frozen=True, slots=True)
class Writer:
    """The file that says who holds the right to write: process, command, since when.

    It is for people only: what may be written is decided by the lock. So a disk that is too full for it does not keep
    anyone from making room.
    """

    path: Path

    def enter(self) -> None:
        """Note this process; what an earlier one left there is gone in any case."""
        words = [Path(sys.argv[0]).name, *sys.argv[1:]]
        found = {"pid": os.getpid(), "command": shlex.join(words), "since": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"}
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
            self.path.write_text(json.dumps(found), "utf-8")

    def leave(self) -> None:
        """Take the note away."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)

    def told(self) -> str:
        """Return who is writing, as far as that is noted."""
        try:
            found = json.loads(self.path.read_text("utf-8"))
            command, pid, since = str(found["command"]), int(found["pid"]), str(found["since"])
        except (OSError, ValueError, LookupError, TypeError):
            return "another tvquant command"
        short = command if len(command) <= LONGEST else f"{command[: LONGEST - 3]}..."
        return f"another tvquant command (`{visible(short)}`, process {pid}, since {since} UTC)"
