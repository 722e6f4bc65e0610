"""What an optimiser is asked and what it answers.

Weights are signed fractions of equity. A request is one `Problem` for every engine; an answer says how it came about.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from tvquant.core.panel import Floats

CAP_TOLERANCE = 1e-9
"""A limit that is exceeded by more is broken: of what a solver answers, of atoms, and of what is held after netting."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Covariance:
    """An estimated covariance of simple returns per period (N x N) and how it was made."""

    matrix: Floats
    means: Floats
    method: str
    shrinkage: float
    ridge: float
    condition: float
    observations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Portfolio limits as fractions of equity: gross, net interval, one position, one cluster."""

    gross: float
    net: tuple[float, float]
    position: float
    cluster: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """One allocation to solve.

    Parameters
    ----------
    keys : N names, in the order of every array.
    covariance : of the N return streams.
    clusters : N cluster ids (each name its own until clusters exist).
    limits : what the answer must keep.
    previous : N weights held before, or None.
    signs : N, 1 where a weight is held long and -1 where it is held short; None: all long. Net limits bind the sum of
        weight x sign, for the streams are good when high on either side.
    """

    keys: tuple[str, ...]
    covariance: Covariance
    clusters: tuple[int, ...]
    limits: Limits
    previous: Floats | None = None
    signs: Floats | None = None


class Status(StrEnum):
    """How an allocation ended."""

    SOLVED = "solved"
    FELL_BACK = "fell_back"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try: what was tried and what came of it."""

    what: str
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """One limit as verified on the final weights: `value` must not exceed `limit`."""

    name: str
    limit: float
    value: float

    def __str__(self) -> str:
        return f"{self.name} is {self.value:.6g}, limit {self.limit:.6g}"


def violated(constraints: tuple[Constraint, ...]) -> tuple[Constraint, ...]:
    """Return those that are exceeded by more than the tolerance; a value that is not a number exceeds every limit."""
    return tuple(c for c in constraints if not c.value <= c.limit + CAP_TOLERANCE)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AllocationOutcome:
    """How weights were found, without the weights: what a decision's payload holds of an allocation.

    `forced_cash` is the part of the cash that exists only because position and cluster caps leave no room.
    """

    cash: float
    engine: str
    risk_profile: str
    status: Status
    attempts: tuple[Attempt, ...]
    constraints: tuple[Constraint, ...]
    forced_cash: float = 0.0

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> "AllocationOutcome":
        """The outcome that a payload describes; of an `Allocation` the weights are not in it."""
        return AllocationOutcome(
            cash=payload["cash"],
            engine=payload["engine"],
            risk_profile=payload["risk_profile"],
            status=Status(payload["status"]),
            attempts=tuple(Attempt(**one) for one in payload["attempts"]),
            constraints=tuple(Constraint(**one) for one in payload["constraints"]),
            forced_cash=payload["forced_cash"],
        )

    def payload(self) -> dict[str, Any]:
        """The outcome as JSON can hold it."""
        return {
            "engine": self.engine,
            "risk_profile": self.risk_profile,
            "status": self.status.value,
            "cash": self.cash,
            "forced_cash": self.forced_cash,
            "attempts": [asdict(one) for one in self.attempts],
            "constraints": [asdict(one) for one in self.constraints],
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Allocation(AllocationOutcome):
    """Weights (N, with `cash` they sum to 1) and the trail of how they were found; FAILED has no weights but cash."""

    weights: Mapping[str, float]
