"""What an optimiser engine is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tvquant.allocation.caps import FeasibleSet
from tvquant.allocation.risk.contract import Objective, RiskProfile
from tvquant.core.allocations import Attempt
from tvquant.core.panel import Floats
from tvquant.core.problems import Problem
from tvquant.profiles.options import Options


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EngineAnswer:
    """Raw weights (N) as a solver left them, or None when all attempts failed; the last attempt made the weights.

    `taken` is of methods that cut what is asked for and hand it to nobody: limit -> sum of the weight that it took.
    """

    weights: Floats | None
    attempts: tuple[Attempt, ...]
    taken: Mapping[str, float] = field(default_factory=dict)


class Engine(Protocol):
    """A way to solve allocation problems. Equal problems get equal answers; a problem is not changed."""

    @property
    def name(self) -> str:
        """Name in profiles."""
        ...

    @property
    def objectives(self) -> frozenset[Objective]:
        """Objectives that it solves itself, never by another engine."""
        ...

    @property
    def library(self) -> str:
        """Package of the extra `engines` that it solves by, imported nowhere else; empty for the house's own."""
        ...

    @property
    def from_previous(self) -> bool:
        """Whether its answer starts from the weights held before (`Problem.previous`); no other engine is told them."""
        ...

    @property
    def keeps_turnover(self) -> bool:
        """Whether it keeps a limit on turnover (`Problem.held`): rows of the feasible set, each to 1e-9."""
        ...

    @property
    def weighs_costs(self) -> bool:
        """Whether it weighs the costs of trading (`Problem.cost`) against the least variance."""
        ...

    @property
    def options(self) -> tuple[type[Options], ...]:
        """What it takes from the profile's section `allocation`."""
        ...

    def solve(
        self, problem: Problem, feasible: FeasibleSet, risk_profile: RiskProfile, options: tuple[Options, ...]
    ) -> EngineAnswer:
        """Return weights that are not negative; a failed solve is an answer without weights, not an error.

        They are in the feasible set where the profile's caps are inside the program; where they are projected
        afterwards, they are those of the method without limits, of any sum. `options` are the values of what this
        engine and the risk profile declare, and perhaps of others; `<declaration>.among` finds one's own.
        """
        ...
