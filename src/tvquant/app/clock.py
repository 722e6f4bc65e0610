"""The machine's clock."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True)
class SystemClock:
    """Time as one command has it: the machine's when it began, and from there on as it passes.

    Who sets the machine's clock meanwhile does not move it: a command has one present. Make one per command.
    """

    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    _since: float = field(default_factory=time.monotonic, repr=False)

    def now(self) -> datetime:
        """Return the present."""
        return self.began + timedelta(seconds=time.monotonic() - self._since)
