"""What an optimiser engine is."""

from dataclasses import dataclass
from typing import Protocol

from tvquant.core.allocations import Attempt, Problem
from tvquant.core.panel import Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EngineAnswer:
    """Raw weights (N) as a solver left them, or None when all attempts failed; the last attempt made the weights."""

    weights: Floats | None
    attempts: tuple[Attempt, ...]


class Engine(Protocol):
    """A way to solve allocation problems. Equal problems get equal answers; a problem is not changed."""

    @property
    def name(self) -> str:
        """Name in profiles."""
        ...

    @property
    def risk_profiles(self) -> frozenset[str]:
        """Risk profiles it solves."""
        ...

    def solve(self, problem: Problem, risk_profile: str) -> EngineAnswer:
        """Long-only weights under the problem's limits; a failed solve is an answer without weights, not an error."""
        ...
