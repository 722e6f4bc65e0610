"""Whether limits leave one book only: then every risk profile holds it, and that is no finding about any of them."""

import numpy as np

from tvquant.allocation.caps import NEGLIGIBLE, FeasibleSet


def one_book(feasible: FeasibleSet) -> bool:
    """Return whether a single vector of weights spends the budget within upper bounds and cluster caps.

    It does where every cluster must be as full as it can be, and none of them can be filled in two ways. Other rows
    (net, limits by name) may leave one book as well; that is not looked for.
    """
    room = np.bincount(feasible.cluster, feasible.upper)
    if np.minimum(room, feasible.limits.cluster).sum() > feasible.budget + NEGLIGIBLE:
        return False
    alone = np.bincount(feasible.cluster) == 1
    return bool((alone | (room <= feasible.limits.cluster + NEGLIGIBLE)).all())
