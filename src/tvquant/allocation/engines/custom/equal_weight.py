"""Equal weight: the same share for every stream, or for every name, however many streams hold it."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from tvquant.allocation.caps import FeasibleSet
from tvquant.allocation.cutting import cut
from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.core.allocations import Attempt
from tvquant.core.panel import Floats
from tvquant.core.streams import Composition


def by_stream(feasible: FeasibleSet) -> EngineAnswer:
    """Return one Nth of what gross and net would invest for each of N streams, cut at the caps.

    What a cap cuts off is cash and is not handed to the others, or they would differ. A net limit cuts one side, all
    its names alike.
    """
    n = len(feasible.upper)
    return _answer(np.full(n, feasible.wanted / n), feasible)


def by_name(composition: Composition, keys: Sequence[str], feasible: FeasibleSet) -> EngineAnswer:
    """Return one Nth of the same for each of N names, cut at the caps in the same way.

    Streams that hold the same name (several logics chose it) share its part alike.
    """
    held = [frozenset(composition[key]) for key in keys]
    streams = Counter(held)
    shares = [feasible.wanted / len(streams) / streams[names] for names in held]
    return _answer(np.array(shares), feasible)


def _answer(shares: Floats, feasible: FeasibleSet) -> EngineAnswer:
    made = cut(shares, feasible)
    attempt = Attempt(what="closed_form", outcome="solved")
    return EngineAnswer(weights=made.weights, attempts=(attempt,), taken=made.taken)
