"""Fixed weights: those that were declared, cut at the limits."""

from tvquant.allocation.caps import FeasibleSet
from tvquant.allocation.cutting import cut
from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.core.allocations import Attempt
from tvquant.core.panel import Floats


def solve(target: Floats | None, feasible: FeasibleSet) -> EngineAnswer:
    """Return the declared weights; what a limit takes is cash, and the attempt names the limit."""
    if target is None:
        return EngineAnswer(weights=None, attempts=(Attempt(what="declared", outcome="no weights are declared"),))
    made = cut(target, feasible)
    cuts = ", ".join(f"{label} took {weight:.4g}" for label, weight in made.taken.items())
    attempt = Attempt(what="declared", outcome=f"solved{f', cut: {cuts}' if cuts else ''}")
    return EngineAnswer(weights=made.weights, attempts=(attempt,), taken=made.taken)
