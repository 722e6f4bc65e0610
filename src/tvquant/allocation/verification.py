"""Verification: proof that final weights keep every limit, computed from nothing but them."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tvquant.allocation.caps import DUST, NEGLIGIBLE, Family, FeasibleSet, Named
from tvquant.core.allocations import Constraint
from tvquant.core.panel import Floats


def settle(weights: Floats) -> tuple[Floats, float]:
    """Return the weights without dust, and the cash that makes them 1."""
    kept = np.where(np.abs(weights) <= NEGLIGIBLE, 0.0, weights)
    cash = 1.0 - math.fsum(kept.tolist())
    return kept, 0.0 if abs(cash) <= DUST else cash


def verify(weights: Floats, cash: float, feasible: FeasibleSet) -> tuple[Constraint, ...]:
    """Return every limit with its value on the final weights."""
    limits, units, size = feasible.limits, feasible.units, np.abs(weights)
    gross, net = size * units.gross, math.fsum((weights * units.net).tolist())
    largest = [float((size * units.largest).max()), *(float(held @ size) for held in units.shared.values())]
    return (
        Constraint(name=Family.ASSET.value, limit=limits.position, value=max(largest)),
        Constraint(name=Family.CLUSTER.value, limit=limits.cluster, value=_fullest(gross, feasible.cluster)),
        *(
            Constraint(name=Family.SELECTION_CLUSTER.value, limit=limits.cluster, value=_fullest(gross, groups))
            for groups in (feasible.selection,)
            if groups is not None
        ),
        Constraint(name=Family.GROSS.value, limit=limits.gross, value=math.fsum(gross.tolist())),
        Constraint(name=Family.NET_HIGH.value, limit=limits.net[1], value=net),
        Constraint(name=Family.NET_LOW.value, limit=-limits.net[0], value=-net),
        *(
            Constraint(name=family.value, limit=most, value=math.fsum((size * side).tolist()))
            for family, side, most in (
                (Family.LONG, units.long, limits.long),
                (Family.SHORT, units.short, limits.short),
            )
            if most is not None
        ),
        *(
            Constraint(name="above_reference", limit=0.0, value=float((size - most).max()))
            for most in (feasible.most,)
            if most is not None
        ),
        Constraint(name="long_only", limit=0.0, value=0.0 - float(weights.min())),
        Constraint(name="no_borrowing", limit=0.0, value=0.0 - cash),
        *_verified(size, weights, feasible.named),
    )


def _fullest(gross: Floats, groups: NDArray[np.intp]) -> float:
    """Return the most that one group holds."""
    return float(np.bincount(groups, gross).max())


def _verified(size: Floats, weights: Floats, named: Sequence[Named]) -> Iterator[Constraint]:
    for one in named:
        yield Constraint(name=one.limit.label, limit=one.limit.most, value=float(one.gross @ size))
        if one.limit.least > 0.0:
            held = abs(float(one.net @ weights))
            yield Constraint(name=one.limit.least_label, limit=-one.limit.least, value=0.0 - held)
