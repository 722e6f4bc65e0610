"""Caps: where the weights of a problem may be, and proof that final weights are there.

A cap is never lifted: when the names cannot hold all capital under it, the rest is cash (R-RSK-10).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from tvquant.core.allocations import Attempt, Constraint, Limits, Problem
from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats, frozen

DUST = 1e-12
"""Cash that is nearer to zero is rounding and is written as 0."""
NEGLIGIBLE = 1e-9
"""A weight that is not larger is what an interior point leaves beside zero, and is written as 0."""


class Family(StrEnum):
    """Kinds of linear limits, by their names in the report of constraints."""

    CLUSTER = "cluster"
    NET_HIGH = "net_high"
    NET_LOW = "net_low"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeasibleSet:
    """The weights that keep every limit of one problem: 0 <= w <= upper, sum w = budget, rows @ w <= bounds.

    Parameters
    ----------
    limits : what it was derived from.
    cluster : N, the number of each name's cluster, 0 ... C - 1.
    signs : N, 1 for a name that is held long and -1 for one that is held short.
    upper : N, the position cap, or the cluster cap where that is lower.
    budget : 1, or the most that all limits allow if that is less.
    forced_cash : share of equity that position and cluster caps keep in cash though gross and net would invest it.
    rows, bounds, families : R x N, R and R; only of the limits that the others do not keep already.
    """

    limits: Limits
    cluster: NDArray[np.intp]
    signs: Floats
    upper: Floats
    budget: float
    forced_cash: float
    rows: Floats
    bounds: Floats
    families: tuple[Family, ...]


def feasible_set(problem: Problem) -> FeasibleSet:
    """Derive the feasible set of a problem, once for whoever solves, projects or verifies.

    Raises
    ------
    ModelError : a stream is not one unit net long or short: the budget below is that of such streams.
    """
    limits, signs = problem.limits, problem.exposures
    for key, exposure in zip(problem.keys, signs.tolist(), strict=True):
        if abs(exposure) != 1.0:
            raise ModelError(f"allocation: expected {key} to be one unit net long or short, found {exposure:g}")
    cluster = np.unique(np.array(problem.clusters), return_inverse=True)[1]
    wanted = _wanted(limits, signs)
    budget = _budget(limits, cluster, signs, wanted)
    forced = wanted - budget
    found = list(_rows(limits, cluster, signs, budget))
    return FeasibleSet(
        limits=limits,
        cluster=frozen(cluster),
        signs=signs,
        upper=frozen(np.full(len(signs), min(limits.position, limits.cluster))),
        budget=budget,
        forced_cash=forced if forced > DUST else 0.0,
        rows=frozen(np.array([row for _, row, _ in found]).reshape(len(found), len(signs))),
        bounds=frozen(np.array([bound for _, _, bound in found])),
        families=tuple(family for family, _, _ in found),
    )


def _wanted(limits: Limits, signs: Floats) -> float:
    """Return what gross and net limits would invest; net limits a single side only."""
    low, high = limits.net
    sides = [limit for sign, limit in ((1.0, high), (-1.0, -low)) if (signs == sign).all()]
    return max(0.0, min(1.0, limits.gross, *sides))


def _budget(limits: Limits, cluster: NDArray[np.intp], signs: Floats, wanted: float) -> float:
    """Return the largest sum of weights.

    Longs hold at most A, shorts at most B and both at most C under the caps; every pair of sums within these can be
    had. So T can be invested with a net of low to high where T <= C, T <= high + 2 B and T <= 2 A - low.
    """
    (low, high), room = limits.net, [wanted, _capacity(limits, cluster)]
    long, short = signs > 0.0, signs < 0.0
    if long.any() and short.any():
        room += [high + 2.0 * _capacity(limits, cluster[short]), 2.0 * _capacity(limits, cluster[long]) - low]
    return max(0.0, min(room))


def _capacity(limits: Limits, cluster: NDArray[np.intp]) -> float:
    """Return what position and cluster caps let names of these clusters hold."""
    return math.fsum(min(limits.cluster, size * limits.position) for size in np.bincount(cluster).tolist())


def _rows(
    limits: Limits, cluster: NDArray[np.intp], signs: Floats, budget: float
) -> Iterator[tuple[Family, Floats, float]]:
    """Yield the rows of clusters with more than one name, then of the net limits that the budget does not keep already.

    A single side has its net with its budget, which `_budget` keeps within the interval's outer end.
    """
    for shared in np.flatnonzero(np.bincount(cluster) > 1):
        yield Family.CLUSTER, (cluster == shared).astype(np.float64), limits.cluster
    low, high = limits.net
    if (signs > 0.0).any() and (signs < 0.0).any():
        for family, row, bound in ((Family.NET_HIGH, signs, high), (Family.NET_LOW, -signs, -low)):
            if bound < budget:
                yield family, row, bound


def emptied(feasible: FeasibleSet) -> Attempt | None:
    """Name the limit that leaves nothing to be held of any name; None where something is left."""
    if feasible.budget > NEGLIGIBLE:
        return None
    limits, (low, high) = feasible.limits, feasible.limits.net
    long, short = int((feasible.signs > 0.0).sum()), int((feasible.signs < 0.0).sum())
    who = f"{long} long and {short} short names"
    if min(limits.gross, _capacity(limits, feasible.cluster)) <= NEGLIGIBLE:
        return Attempt(what="caps", outcome=f"gross, position and cluster limits leave nothing to hold of {who}")
    too_high = not short or (long > 0 and high + 2.0 * _capacity(limits, feasible.cluster[feasible.signs < 0.0]) <= 0.0)
    name, limit = (Family.NET_HIGH, high) if too_high else (Family.NET_LOW, -low)
    return Attempt(what="netting", outcome=f"{name} leaves nothing to hold of {who}, limit {limit + 0.0:g}")


def settle(weights: Floats) -> tuple[Floats, float]:
    """Return the weights without dust, and the cash that makes them 1."""
    kept = np.where(np.abs(weights) <= NEGLIGIBLE, 0.0, weights)
    cash = 1.0 - math.fsum(kept)
    return kept, 0.0 if abs(cash) <= DUST else cash


def verify(weights: Floats, cash: float, feasible: FeasibleSet) -> tuple[Constraint, ...]:
    """Return every limit with its value on the final weights, computed from nothing else."""
    limits, size = feasible.limits, np.abs(weights)
    held = float(np.bincount(feasible.cluster, size).max())
    net = math.fsum(weights * feasible.signs)
    return (
        Constraint(name="position", limit=limits.position, value=float(size.max())),
        Constraint(name=Family.CLUSTER.value, limit=limits.cluster, value=held),
        Constraint(name="gross", limit=limits.gross, value=math.fsum(size)),
        Constraint(name=Family.NET_HIGH.value, limit=limits.net[1], value=net),
        Constraint(name=Family.NET_LOW.value, limit=-limits.net[0], value=-net),
        Constraint(name="long_only", limit=0.0, value=0.0 - float(weights.min())),
        Constraint(name="no_borrowing", limit=0.0, value=0.0 - cash),
    )
