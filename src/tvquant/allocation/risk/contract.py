"""What a risk profile is."""

from collections.abc import Callable
from dataclasses import dataclass

from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.core.allocations import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskProfile:
    """An aim of allocation: its name in profiles, its meaning in one sentence, and the house's own solution."""

    name: str
    meaning: str
    solve: Callable[[Problem], EngineAnswer]
