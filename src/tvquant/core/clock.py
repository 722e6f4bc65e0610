"""The clock is an argument: only `app` and `market` may hold one that reads the machine's time."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """A source of the present."""

    def now(self) -> datetime:
        """Return the present as an aware UTC datetime."""
        ...
