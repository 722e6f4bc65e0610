"""The house engine: plays the catalogue's own solution of every risk profile."""

from dataclasses import dataclass

from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.allocation.risk.catalogue import RISK_PROFILES
from tvquant.core.allocations import Problem


@dataclass(frozen=True, slots=True)
class Custom:
    """Closed forms and own solvers, without a library between."""

    name: str = "custom"
    risk_profiles: frozenset[str] = frozenset(RISK_PROFILES)

    def solve(self, problem: Problem, risk_profile: str) -> EngineAnswer:
        """The catalogue's solution."""
        return RISK_PROFILES[risk_profile].solve(problem)
