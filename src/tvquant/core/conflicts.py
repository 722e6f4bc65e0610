"""Conflicts: limits that cannot be kept together, in the profile's own words, and the least that would make room."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

DIGITS = 4
"""Digits of a fraction that a suggestion is written with."""


class Sense(StrEnum):
    """On which side a limit bounds what it limits, and so which way makes room."""

    MOST = "most"
    LEAST = "least"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedLimit:
    """One limit as its author states it.

    Parameters
    ----------
    key : dotted key of the profile; empty where no key holds it: what is invested.
    what : what it bounds and on which side, before its value: `a cluster at most`, `net at least`.
    value : fraction of equity.
    """

    key: str
    what: str
    value: float
    sense: Sense

    def __str__(self) -> str:
        return f"{f'{self.key}: ' if self.key else ''}{self.what} {self.shown(self.value)}"

    def shown(self, value: float) -> str:
        """Return a value in percent, rounded to where the suggestion still makes room."""
        grown = math.ceil if self.sense is Sense.MOST else math.floor
        rounded = grown(round(value * 10**DIGITS, 6)) / 10**DIGITS + 0.0
        return f"{round(100.0 * rounded, 2):g} %"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One limit and the value nearest to its own that makes room, alone or with the other steps of its relaxation."""

    limit: StatedLimit
    to: float

    def __str__(self) -> str:
        limit = self.limit
        if not limit.key:
            return f"allow {cash_limit(1.0 - self.to)} cash"
        verb = "raise" if limit.sense is Sense.MOST else "lower"
        return f"{verb} {limit.key} ({limit.what}) from {limit.shown(limit.value)} to {limit.shown(self.to)}"


def cash_limit(cash: float) -> str:
    """Return a share of cash in words, never less than it is."""
    return f"{round(math.ceil(round(cash * 10**DIGITS, 6)) / 10 ** (DIGITS - 2), 2):g} %"


type Relaxation = tuple[Step, ...]
"""What would have to change together for all other limits to be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Limits that cannot be kept together: without any one of them the others can be.

    Parameters
    ----------
    limits : the irreducible set.
    relaxations : ways out, each by the least change that suffices while every other limit of the problem is kept.
    """

    limits: tuple[StatedLimit, ...]
    relaxations: tuple[Relaxation, ...]

    def __str__(self) -> str:
        return f"{self.culprits}{f'; {self.ways_out}' if self.relaxations else ''}"

    @property
    def culprits(self) -> str:
        """The limits, in words."""
        if len(self.limits) == 1:
            return f"cannot be kept: {self.limits[0]}"
        *others, last = map(str, self.limits)
        return f"cannot be kept together: {', '.join(others)} and {last}"

    @property
    def ways_out(self) -> str:
        """The relaxations, in words."""
        return ", or ".join(" and ".join(map(str, steps)) for steps in self.relaxations)

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> Self:
        """Return the conflict that a payload describes."""
        return cls(
            limits=tuple(_stated(one) for one in payload["limits"]),
            relaxations=tuple(
                tuple(Step(limit=_stated(step["limit"]), to=step["to"]) for step in steps)
                for steps in payload["relaxations"]
            ),
        )

    def payload(self) -> dict[str, Any]:
        """Return the conflict as JSON can hold it."""
        return {
            "limits": [asdict(one) for one in self.limits],
            "relaxations": [[asdict(step) for step in steps] for steps in self.relaxations],
        }


def _stated(payload: Mapping[str, Any]) -> StatedLimit:
    return StatedLimit(**{**payload, "sense": Sense(payload["sense"])})
