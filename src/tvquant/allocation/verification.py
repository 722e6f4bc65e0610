"""Verification: proof that final weights keep every limit, computed from nothing but them."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tvquant.allocation.caps import DUST, NEGLIGIBLE, Family, FeasibleSet
from tvquant.core.allocations import Constraint
from tvquant.core.panel import Floats


def settle(weights: Floats) -> tuple[Floats, float]:
    """Return the weights without dust, and the cash that makes them 1."""
    kept = np.where(np.abs(weights) <= NEGLIGIBLE, 0.0, weights)
    cash = 1.0 - math.fsum(kept.tolist())
    return kept, 0.0 if abs(cash) <= DUST else cash


def verify(weights: Floats, cash: float, feasible: FeasibleSet) -> tuple[Constraint, ...]:
    """Return every limit with its value on the final weights."""
    return tuple(
        Constraint(name=name, limit=limit, value=value) for name, limit, value in _held(weights, cash, feasible)
    )


def _held(weights: Floats, cash: float, feasible: FeasibleSet) -> Iterator[tuple[str, float, float]]:
    """Yield name, most and value of every limit."""
    limits, units, size = feasible.limits, feasible.units, np.abs(weights)
    gross, net = size * units.gross, math.fsum((weights * units.net).tolist())
    largest = [float((size * units.largest).max()), *(float(held @ size) for held in units.shared.values())]
    yield Family.ASSET.value, limits.position, max(largest)
    yield Family.CLUSTER.value, limits.cluster, _fullest(gross, feasible.cluster)
    if feasible.selection is not None:
        yield Family.SELECTION_CLUSTER.value, limits.cluster, _fullest(gross, feasible.selection)
    yield Family.GROSS.value, limits.gross, math.fsum(gross.tolist())
    yield Family.NET_HIGH.value, limits.net[1], net
    yield Family.NET_LOW.value, -limits.net[0], -net
    if limits.long is not None:
        yield Family.LONG.value, limits.long, math.fsum((size * units.long).tolist())
    if limits.short is not None:
        yield Family.SHORT.value, limits.short, math.fsum((size * units.short).tolist())
    if feasible.most is not None:
        yield "above_reference", 0.0, float((size - feasible.most).max())
    if feasible.trades is not None:
        yield Family.TURNOVER.value, feasible.trades.most, feasible.trades.turnover(weights)
    yield "long_only", 0.0, 0.0 - float(weights.min())
    yield "no_borrowing", 0.0, 0.0 - cash
    for one in feasible.named:
        yield one.limit.label, one.limit.most, float(one.gross @ size)
        if one.limit.least > 0.0:
            yield one.limit.least_label, -one.limit.least, 0.0 - abs(float(one.net @ weights))


def _fullest(gross: Floats, groups: NDArray[np.intp]) -> float:
    """Return the most that one group holds."""
    return float(np.bincount(groups, gross).max())
