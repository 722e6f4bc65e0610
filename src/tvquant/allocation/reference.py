"""Reference bounds: no stream is given much more than the method itself would give it without caps.

With one large cluster and a few names that stand alone, caps hand what the cluster may not hold to whoever is left: one
name is then filled to its cap by every method alike. So a stream i holds at most max(f u_i, 1 / N), where u are the
house engine's weights of the same risk profile by the same estimates, of sum 1, without any limit, and f is
`allocation.limits.reference`. What the bounds have no room for is cash, told apart from what caps force (R-RSK-10).
All engines have the same bounds. Weights that the user declares have none, and equal weights are 1 / N.
"""

from dataclasses import dataclass, replace

import numpy as np

from tvquant.allocation.caps import open_set
from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.allocation.engines.custom import Custom
from tvquant.allocation.loading import l2_of, loaded
from tvquant.allocation.risk.contract import Objective, RiskProfile
from tvquant.core.allocations import Attempt
from tvquant.core.once import Once, alone
from tvquant.core.panel import Floats, frozen
from tvquant.core.problems import Problem
from tvquant.profiles.options import Options

EQUAL = frozenset({Objective.EQUAL_WEIGHT, Objective.EQUAL_NAMES})
HOUSE = Custom().name
WHAT = "reference"
"""Name of these bounds in attempts, causes of cash and the report of constraints."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """The most of each stream (N), None where nothing bounds it, and the house's answer that it was taken from.

    Where that answer has no weights there are no bounds, and the risk profile has no answer.
    """

    most: Floats | None = None
    answer: EngineAnswer | None = None

    @property
    def failure(self) -> tuple[Attempt, ...]:
        """The attempts of an answer without weights; none where there are bounds or nobody asks for them."""
        if self.answer is None or self.answer.weights is not None:
            return ()
        return tuple(replace(one, what=f"{WHAT}, {one.what}") for one in self.answer.attempts)


def reference_of(problem: Problem, profile: RiskProfile, options: tuple[Options, ...], once: Once = alone) -> Reference:
    """Return the bounds of a risk profile on the streams of a problem; `once` is as `allocate` has it."""
    factor, n = problem.limits.reference, len(problem.keys)
    if factor is None or profile.objective is Objective.DECLARED:
        return Reference()
    if profile.objective in EQUAL:
        return Reference(most=frozen(np.full(n, factor / n)))
    read = tuple(one for one in options if isinstance(one, profile.options))
    key = WHAT, profile.objective, problem.covariance.ridge, l2_of(problem, profile), read  # L2 is in a ridge or to be
    answer: EngineAnswer = once(key, lambda: _without_limits(problem, profile, options))
    if answer.weights is None:
        return Reference(answer=answer)
    own = np.maximum(answer.weights, 0.0)
    return Reference(most=frozen(np.maximum(factor * own / own.sum(), 1.0 / n)), answer=answer)


def _without_limits(problem: Problem, profile: RiskProfile, options: tuple[Options, ...]) -> EngineAnswer:
    """Return the house's answer where no limit binds."""
    free = loaded(problem.unlimited, profile)
    return Custom().solve(free, open_set(free), profile, options)
