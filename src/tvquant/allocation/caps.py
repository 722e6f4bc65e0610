"""Caps: what the limits leave room for, and proof that final weights keep them.

A cap is never lifted: when the names cannot hold all capital under it, the rest is cash (R-RSK-10).
"""

import math
from collections import Counter

import numpy as np

from tvquant.core.allocations import Constraint, Problem
from tvquant.core.panel import Floats

TOLERANCE = 1e-9
"""A constraint that is exceeded by more is violated."""
DUST = 1e-12
"""Cash that is nearer to zero is rounding and is written as 0."""
NEGLIGIBLE = 1e-9
"""A weight that is not larger is what an interior point leaves beside zero, and is written as 0."""


def ceilings(problem: Problem) -> Floats:
    """Largest weight of each of the N names: the position cap, or the cluster cap where that is lower."""
    return np.full(len(problem.keys), min(problem.limits.position, problem.limits.cluster))


def budget(problem: Problem) -> float:
    """Sum of the weights: 1, or what the gross, net, position and cluster limits allow if that is less."""
    return min(_wanted(problem), _capacity(problem))


def forced_cash(problem: Problem) -> float:
    """Share of equity that position and cluster caps keep in cash though gross and net limits would invest it."""
    forced = _wanted(problem) - _capacity(problem)
    return forced if forced > DUST else 0.0


def _wanted(problem: Problem) -> float:
    return min(1.0, problem.limits.gross, problem.limits.net[1])


def _capacity(problem: Problem) -> float:
    limits = problem.limits
    return math.fsum(min(limits.cluster, size * limits.position) for size in Counter(problem.clusters).values())


def shared_clusters(problem: Problem) -> Floats:
    """Indicator rows (C x N) of the clusters with more than one name; the ceilings hold the others."""
    clusters = np.array(problem.clusters)
    shared = sorted(cluster for cluster, size in Counter(problem.clusters).items() if size > 1)
    return np.array([clusters == cluster for cluster in shared], dtype=np.float64).reshape(len(shared), len(clusters))


def settle(weights: Floats) -> tuple[Floats, float]:
    """Weights without dust, and the cash that makes them 1."""
    kept = np.where(np.abs(weights) <= NEGLIGIBLE, 0.0, weights)
    cash = 1.0 - math.fsum(kept)
    return kept, 0.0 if abs(cash) <= DUST else cash


def verify(weights: Floats, cash: float, problem: Problem) -> tuple[Constraint, ...]:
    """Every limit with its value on the final weights, computed from nothing else."""
    limits = problem.limits
    size = np.abs(weights)
    held = dict.fromkeys(problem.clusters, 0.0)
    for cluster, weight in zip(problem.clusters, size, strict=True):
        held[cluster] += float(weight)
    net = math.fsum(weights)
    return (
        Constraint(name="position", limit=limits.position, value=float(size.max())),
        Constraint(name="cluster", limit=limits.cluster, value=max(held.values())),
        Constraint(name="gross", limit=limits.gross, value=math.fsum(size)),
        Constraint(name="net_high", limit=limits.net[1], value=net),
        Constraint(name="net_low", limit=-limits.net[0], value=-net),
        Constraint(name="long_only", limit=0.0, value=0.0 - float(weights.min())),
        Constraint(name="no_borrowing", limit=0.0, value=0.0 - cash),
    )


def violated(constraints: tuple[Constraint, ...]) -> tuple[Constraint, ...]:
    """Those that are exceeded by more than the tolerance."""
    return tuple(c for c in constraints if not c.value <= c.limit + TOLERANCE)
