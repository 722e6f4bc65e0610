"""Requests for data: what is wanted of one physical asset, and how several requests for it become one."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Self

from tvquant.core.errors import ProfileError
from tvquant.lake.storage.tables import DAILY

DEPTH = 500
"""Bars a request wants when it does not say: one decision's lookback."""
FORCED_DEPTH = 2000
"""Bars of a forced refresh (R-DAT-11)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataTask:
    """A request for the newest bars of one asset; equal when asset and interval are (R-DAT-18).

    Parameters
    ----------
    physical_symbol : `EXCHANGE:TICKER`; strategies' atoms share it.
    interval : bar length.
    depth : bars back from the newest closed one.
    force_sync : ask the provider for all of them, also for those that are stored.
    reason : who wants it; ends up in the journal of changed values.
    attempt : 0, or the pass of a repair.
    """

    physical_symbol: str
    interval: str = DAILY
    depth: int = field(default=DEPTH, compare=False)
    force_sync: bool = field(default=False, compare=False)
    reason: str = field(default="", compare=False)
    attempt: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        if self.depth < 1:
            raise ProfileError(f"data task {self.physical_symbol}: depth must be at least 1 bar, found {self.depth}")

    @property
    def key(self) -> tuple[str, str]:
        """Asset and interval."""
        return self.physical_symbol, self.interval

    def merged_with(self, other: Self) -> Self:
        """Return one request that satisfies both.

        Raises
        ------
        ValueError : they are for different things.
        """
        if self != other:
            raise ValueError(f"tasks for {self.key} and {other.key} cannot be merged")
        reasons = dict.fromkeys(part for one in (self, other) for part in one.reason.split("; ") if part)
        return replace(
            self,
            depth=max(self.depth, other.depth),
            force_sync=self.force_sync or other.force_sync,
            reason="; ".join(reasons),
            attempt=max(self.attempt, other.attempt),
        )


def merged(tasks: Iterable[DataTask]) -> tuple[DataTask, ...]:
    """Return one task per asset and interval, in order of the first of each (R-DAT-17)."""
    found: dict[tuple[str, str], DataTask] = {}
    for task in tasks:
        held = found.get(task.key)
        found[task.key] = task if held is None else held.merged_with(task)
    return tuple(found.values())
