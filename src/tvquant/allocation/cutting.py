"""Cutting: what is asked for, taken down to the limits; what a limit takes is cash and is handed to nobody else.

1. Each name is cut to its own most, and lifted to its least where the profile sets one.
2. Each shared asset, cluster, group and side above its limit is scaled down, all its names alike; a least is kept.
3. So is the whole, where its sum leaves the budget, and then the side that pushes net out of its interval.

Weights only fall after step 1, so what was kept stays kept. What no fall can mend is left broken for the verification.
"""

import math
from dataclasses import dataclass

import numpy as np

from tvquant.allocation.caps import DUST, Family, FeasibleSet
from tvquant.core.panel import Floats

UNMENDED = (Family.NET_HIGH, Family.NET_LOW, Family.LEAST, Family.TURNOVER)
"""Limits that no scaling of all their names mends."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cut:
    """Weights (N) within the limits, and limit -> sum of the weight that it took."""

    weights: Floats
    taken: dict[str, float]


def cut(target: Floats, feasible: FeasibleSet) -> Cut:
    """Return the N weights `target` (>= 0), cut to the limits."""
    least, taken = _least(feasible), dict[str, float]()
    weights = np.clip(target, least, feasible.upper)
    for i in np.flatnonzero(target > feasible.upper + DUST).tolist():
        _add(taken, _tightest(feasible, i), float(target[i] - weights[i]))

    def fall(row: Floats, excess: float, label: str) -> None:
        """Scale down what the row's names hold above their least, by one factor, so that row @ weights loses excess."""
        nonlocal weights
        slack = weights - least
        room = math.fsum(row * slack)
        if DUST < excess <= room + DUST:  # where least weights alone fill a limit, all above them goes
            lower = np.where(row > 0.0, least + slack * max(0.0, (room - excess) / room), weights)
            _add(taken, label, math.fsum(weights - lower))
            weights = lower

    for family, row, bound, label in zip(
        feasible.families, feasible.rows, feasible.bounds.tolist(), feasible.labels, strict=True
    ):
        if family not in UNMENDED:
            fall(row, math.fsum(row * weights) - bound, label)
    fall(np.ones(len(weights)), math.fsum(weights) - feasible.budget, Family.GROSS.value)
    signed, (low, high) = feasible.units.net, feasible.limits.net
    net = math.fsum(weights * signed)
    fall(np.maximum(signed, 0.0), net - high, Family.NET_HIGH.value)
    fall(np.maximum(-signed, 0.0), low - net, Family.NET_LOW.value)
    return Cut(weights=weights, taken=taken)


def _least(feasible: FeasibleSet) -> Floats:
    """Return the least of each stream: that of its asset, shared alike by the streams that hold it."""
    least = feasible.lower.copy()
    for one in feasible.named:
        if one.limit.least > 0.0 and one.one_sided:
            behind = one.gross > 0.0
            least[behind] = np.maximum(least[behind], one.limit.least / (one.gross[behind] * behind.sum()))
    return np.minimum(least, feasible.upper)


def _tightest(feasible: FeasibleSet, i: int) -> str:
    """Return the name of the limit that is the upper bound of a stream."""
    for one in feasible.named:
        if (
            np.count_nonzero(one.gross) == 1
            and one.gross[i] > 0.0
            and one.limit.most / one.gross[i] <= feasible.upper[i]
        ):
            return one.limit.label
    limits, units = feasible.limits, feasible.units
    capped = min(limits.position / float(units.largest[i]), limits.cluster / float(units.gross[i]))
    if feasible.most is not None and feasible.most[i] < capped - DUST:
        return "reference"
    return "position" if feasible.limits.position <= feasible.limits.cluster else Family.CLUSTER.value


def _add(taken: dict[str, float], label: str, weight: float) -> None:
    taken[label] = taken.get(label, 0.0) + weight
