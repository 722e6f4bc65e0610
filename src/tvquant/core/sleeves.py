"""Sleeves: profiles that were played by themselves, as a meta-portfolio sees them.

A sleeve's stream is what became of one of its cells: out of sample, stitched over its windows, net of its costs. Its
decisions say what was held behind the stream, so that a weight of the sleeve leads back to instruments. A
meta-portfolio that was played is a sleeve of another one in the same way.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from tvquant.core.atoms import Direction
from tvquant.core.errors import ModelError
from tvquant.core.instruments import Instant
from tvquant.core.panel import Floats, Times, frozen
from tvquant.core.stamps import Stamps


class HeldAtom(NamedTuple):
    """An atom of a sleeve after a decision.

    `size` is its weight times its gate, a fraction of the sleeve's equity that is not negative: a short is its atom's
    direction. The atom of a nested sleeve is `SLEEVE/ATOM`.
    """

    atom: str
    symbol: str
    direction: Direction
    size: float

    @property
    def signed(self) -> float:
        """What it adds to the net weight of its instrument (a key)."""
        return self.direction.sign * self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class SleeveDecision:
    """What a sleeve holds from one of its decisions on; `at` is the stamp of the bar at whose close it was fixed."""

    at: Instant
    atoms: tuple[HeldAtom, ...]


class Closed(NamedTuple):
    """An instrument (a key) that a sleeve's book closed unordered and did not hold at the end of the bar `at`."""

    at: Instant
    symbol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Solves:
    """How a sleeve's optimisations went: `asked` had candidates, of which `solved` answered as they were asked to."""

    solved: int
    asked: int

    @property
    def share(self) -> float | None:
        """Share of those asked that were solved; None where nothing was asked: no record is no success."""
        return self.solved / self.asked if self.asked else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sleeve:
    """One cell of a sleeve's run.

    Parameters
    ----------
    name : in the meta-portfolio.
    profile, run, result : of whom it is, the run's id, and its result digest.
    cell : key of the cell whose book this is.
    calendar : name of the calendar that its stamps are of.
    times, levels : R + 1 bar stamps and the equity at their closes, net of costs; the first is the mark of the first
        decision, where it is 1, so that the cost of entering is in the stream (R-SYN-07).
    decisions : in order of time, none twice at one time.
    solves : of this cell.
    conventions : dotted key of the profile -> value, of all that sleeves must have alike (R-META-15).
    closed : what nobody ordered to be closed (halted, delisted, collateral lost), held no more until the next decision.

    Raises
    ------
    ModelError : times and levels do not fit, or do not increase; a level below zero or not finite, or a first one that
        is not 1; decisions out of order.
    """

    name: str
    profile: str
    run: str
    result: str
    cell: str
    calendar: str
    times: Times
    levels: Floats
    decisions: tuple[SleeveDecision, ...]
    solves: Solves
    conventions: Mapping[str, Any]
    stamps: Stamps
    closed: tuple[Closed, ...] = ()

    def __post_init__(self) -> None:
        if self.levels.shape != self.times.shape or self.times.ndim != 1:
            raise ModelError(f"sleeve {self.name}: {self.times.shape} times and {self.levels.shape} levels do not fit")
        if len(self.times) and not (self.times[1:] > self.times[:-1]).all():
            raise ModelError(f"sleeve {self.name}: its times do not increase")
        if len(self.levels) and (self.levels[0] != 1.0 or not (np.isfinite(self.levels) & (self.levels >= 0.0)).all()):
            raise ModelError(f"sleeve {self.name}: expected levels of 0 or more that begin with 1")
        at = [one.at for one in self.decisions]
        if any(later <= earlier for earlier, later in pairwise(at)):
            raise ModelError(f"sleeve {self.name}: its decisions are not in order of time")
        for name in ("times", "levels"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    @property
    def decided(self) -> Times:
        """Stamps of the decisions."""
        return np.array([one.at for one in self.decisions], dtype="datetime64[us]")

    @property
    def changed(self) -> Times:
        """Stamps, in order, at which it came to hold something else: it decided, or its book closed a name."""
        closed = np.array([one.at for one in self.closed], dtype="datetime64[us]")
        return np.unique(np.concatenate([self.decided, closed]))
