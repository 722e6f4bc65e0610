"""What an optimiser answers, and how the answer came about; what it was asked is in `problems`.

Weights are signed fractions of equity.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tvquant.core.barbells import Barbell
from tvquant.core.conflicts import Conflict
from tvquant.core.flat import flat
from tvquant.core.neutrality import Neutrality

CAP_TOLERANCE = 1e-9
"""A limit that is exceeded by more is broken: of what a solver answers, of atoms, and of what is held after netting."""


class Status(StrEnum):
    """How an allocation ended."""

    SOLVED = "solved"
    FELL_BACK = "fell_back"
    FAILED = "failed"


class Recourse(StrEnum):
    """What an attempt resorts to, beyond the first way of its method; only `SUBSTITUTE` is another method's answer."""

    SECOND_SOLVER = "second_solver"
    RAISED_RIDGE = "raised_ridge"
    PROJECTION = "projection"
    SUBSTITUTE = "substitute"


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """What limits made of the weights of a method that knows none, and what that costs.

    Parameters
    ----------
    moved : share of the invested capital that moved: half the L1 distance of both books, each as fractions of its sum.
    before, after : standard deviations that the covariance expects of both per period, as fractions of their sums.
    """

    moved: float
    before: float
    after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try: what was tried and what came of it.

    Parameters
    ----------
    recourse : what it resorted to: another solver than the first, a ridge raised for it, a projection that moved the
        weights, another risk profile or engine than the one asked for.
    conflict : the limits that left nothing to try, or to which one of them gave way.
    projection : of the weights onto the limits, where it moved any.
    """

    what: str
    outcome: str
    recourse: tuple[Recourse, ...] = ()
    conflict: Conflict | None = None
    projection: Projection | None = None

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> "Attempt":
        """Return the attempt that a payload describes."""
        conflict, projection = payload.get("conflict"), payload.get("projection")
        return cls(
            what=payload["what"],
            outcome=payload["outcome"],
            recourse=tuple(Recourse(one) for one in payload.get("recourse", ())),
            conflict=None if conflict is None else Conflict.of(conflict),
            projection=None if projection is None else Projection(**projection),
        )

    def payload(self) -> dict[str, Any]:
        """Return the attempt as JSON can hold it."""
        return {
            "what": self.what,
            "outcome": self.outcome,
            **({"recourse": [one.value for one in self.recourse]} if self.recourse else {}),
            **({"conflict": self.conflict.payload()} if self.conflict else {}),
            **({"projection": flat(self.projection)} if self.projection else {}),
        }


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
    return tuple([c for c in constraints if not c.value <= c.limit + CAP_TOLERANCE])


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a covariance expects of a book, and how it was made.

    Parameters
    ----------
    volatility : standard deviation of the book's return per period, as finally held.
    even_volatility : of equal weights of the same streams, of sum 1.
    method, shrinkage, ridge, condition, observations, effective, factors : of the covariance.
    means_method, means_shrinkage : of the means.
    l2 : coefficient of the squared weights that the book was found by, in mean variances.
    """

    volatility: float
    even_volatility: float
    method: str
    shrinkage: float
    ridge: float
    condition: float
    observations: int
    effective: float | None = None
    factors: int | None = None
    means_method: str = "sample"
    means_shrinkage: float = 0.0
    l2: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AllocationOutcome:
    """How weights were found, without the weights: what a decision's payload holds of an allocation.

    Parameters
    ----------
    forced_cash : part of the cash that exists only because position and cluster caps and limits by name leave no room,
        or cut a method that hands what they take to nobody (equal weights, weights of the user's own).
    reference_cash : part of it that exists only because no stream may hold much more than the method's own weight.
    causes : what keeps cash where that can be named (a limit by name, a limit that cut such a method, a weight of the
        user's own that cannot be held) -> fraction of equity.
    single : whether the limits admit these weights only, whatever is aimed at.
    expected : what the covariance expects of the book; None where nothing is held.
    barbell : what a book of that risk profile is made of; None of others.
    neutrality : beta of the book where it was to be near 0; None where nobody asked for it.
    """

    cash: float
    engine: str
    risk_profile: str
    status: Status
    attempts: tuple[Attempt, ...]
    constraints: tuple[Constraint, ...]
    forced_cash: float = 0.0
    reference_cash: float = 0.0
    causes: Mapping[str, float] = field(default_factory=dict)
    single: bool = False
    expected: Expected | None = None
    barbell: Barbell | None = None
    neutrality: Neutrality | None = None

    @property
    def recourse(self) -> tuple[Recourse, ...]:
        """What the attempt that made the weights resorted to; none where there are no weights."""
        return () if self.status is Status.FAILED or not self.attempts else self.attempts[-1].recourse

    @property
    def projection(self) -> Projection | None:
        """What limits made of the method's own weights; None where it kept them, or there are no weights."""
        return None if self.status is Status.FAILED or not self.attempts else self.attempts[-1].projection

    @property
    def conflict(self) -> Conflict | None:
        """The limits that left nothing to try; None where something was tried."""
        return self.attempts[-1].conflict if self.attempts else None

    @property
    def comparable(self) -> bool:
        """Whether these weights are the asked engine's answer to the asked risk profile, by whichever solver."""
        return self.status is not Status.FAILED and Recourse.SUBSTITUTE not in self.recourse

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> "AllocationOutcome":
        """Return the outcome that a payload describes; of an `Allocation` the weights are not in it."""
        return AllocationOutcome(
            cash=payload["cash"],
            engine=payload["engine"],
            risk_profile=payload["risk_profile"],
            status=Status(payload["status"]),
            attempts=tuple(Attempt.of(one) for one in payload["attempts"]),
            constraints=tuple(Constraint(**one) for one in payload["constraints"]),
            forced_cash=payload["forced_cash"],
            reference_cash=payload.get("reference_cash", 0.0),
            causes=payload.get("causes", {}),
            single=payload.get("single", False),
            expected=Expected(**payload["expected"]) if payload.get("expected") else None,
            barbell=Barbell.of(payload["barbell"]) if payload.get("barbell") else None,
            neutrality=Neutrality(**payload["neutrality"]) if payload.get("neutrality") else None,
        )

    def payload(self) -> dict[str, Any]:
        """Return the outcome as JSON can hold it."""
        return {
            "engine": self.engine,
            "risk_profile": self.risk_profile,
            "status": self.status.value,
            "cash": self.cash,
            "forced_cash": self.forced_cash,
            "reference_cash": self.reference_cash,
            "attempts": [one.payload() for one in self.attempts],
            "constraints": [flat(one) for one in self.constraints],
            **({"causes": dict(sorted(self.causes.items()))} if self.causes else {}),
            **({"single": True} if self.single else {}),
            **({"expected": flat(self.expected)} if self.expected else {}),
            **({"barbell": self.barbell.payload()} if self.barbell else {}),
            **({"neutrality": flat(self.neutrality)} if self.neutrality else {}),
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Allocation(AllocationOutcome):
    """Weights (N, with `cash` they sum to 1) and the trail of how they were found; FAILED has no weights but cash."""

    weights: Mapping[str, float]
