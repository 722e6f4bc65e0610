"""A clock that a test sets."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@dataclass
class ManualClock:
    """Shows the time it was set to; with a step it first moves on by that much at each look."""

    at: datetime = NOON
    step: timedelta = timedelta()

    def now(self) -> datetime:
        self.at += self.step
        return self.at
