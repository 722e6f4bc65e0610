"""Caps: what the limits leave room for, and proof that final weights keep them.

A cap is never lifted: when the names cannot hold all capital under it, the rest is cash (R-RSK-10).
"""

import math
from collections import Counter

import numpy as np

from tvquant.core.allocations import Attempt, Constraint, Problem
from tvquant.core.panel import Floats

DUST = 1e-12
"""Cash that is nearer to zero is rounding and is written as 0."""
NEGLIGIBLE = 1e-9
"""A weight that is not larger is what an interior point leaves beside zero, and is written as 0."""


def ceilings(problem: Problem) -> Floats:
    """Largest weight of each of the N names: the position cap, or the cluster cap where that is lower."""
    return np.full(len(problem.keys), min(problem.limits.position, problem.limits.cluster))


def budget(problem: Problem) -> float:
    """Sum of the weights: 1, or the most that all limits allow if that is less.

    Longs hold at most A, shorts at most B and both at most C under the caps; every pair of sums within these can be
    had. So T can be invested with a net of low to high where T <= C, T <= high + 2 B and T <= 2 A - low.
    """
    (low, high), room = problem.limits.net, [_wanted(problem), _capacity(problem)]
    if len(set(signs_of(problem))) == 2:
        room += [high + 2.0 * _capacity(problem, -1.0), 2.0 * _capacity(problem, 1.0) - low]
    return max(0.0, min(room))


def forced_cash(problem: Problem) -> float:
    """Share of equity that position and cluster caps keep in cash though gross and net limits would invest it."""
    forced = _wanted(problem) - budget(problem)
    return forced if forced > DUST else 0.0


def _wanted(problem: Problem) -> float:
    """What gross and net limits would invest; net limits a single side only."""
    signs, (low, high) = signs_of(problem), problem.limits.net
    sides = [limit for sign, limit in ((1.0, high), (-1.0, -low)) if (signs == sign).all()]
    return max(0.0, min(1.0, problem.limits.gross, *sides))


def signs_of(problem: Problem) -> Floats:
    """1 for every name that is held long, -1 for every one held short."""
    return np.ones(len(problem.keys)) if problem.signs is None else problem.signs


def emptied(problem: Problem) -> Attempt | None:
    """The limit that leaves nothing to be held of any name, or None."""
    if budget(problem) > NEGLIGIBLE:
        return None
    signs, (low, high) = signs_of(problem), problem.limits.net
    long, short = int((signs > 0.0).sum()), int((signs < 0.0).sum())
    who = f"{long} long and {short} short names"
    if min(problem.limits.gross, _capacity(problem)) <= NEGLIGIBLE:
        return Attempt(what="caps", outcome=f"gross, position and cluster limits leave nothing to hold of {who}")
    name, limit = ("net_high", high) if not short else ("net_low", -low)
    return Attempt(what="netting", outcome=f"{name} leaves nothing to hold of {who}, limit {limit + 0.0:g}")


def _capacity(problem: Problem, side: float = 0.0) -> float:
    """What position and cluster caps let the names of a side hold (0: of both)."""
    limits = problem.limits
    sizes = Counter(cluster for cluster, sign in zip(problem.clusters, signs_of(problem), strict=True) if sign != -side)
    return math.fsum(min(limits.cluster, size * limits.position) for size in sizes.values())


def shared_clusters(problem: Problem) -> Floats:
    """Indicator rows (C x N) of the clusters with more than one name; the ceilings hold the others."""
    clusters = np.array(problem.clusters)
    shared = sorted(cluster for cluster, size in Counter(problem.clusters).items() if size > 1)
    return np.array([clusters == cluster for cluster in shared], dtype=np.float64).reshape(len(shared), len(clusters))


def rows(problem: Problem) -> tuple[Floats, Floats]:
    """Rows (R x N) and bounds (R) of the shared clusters, then of the net limits that the budget does not keep already.

    A single side cannot leave an interval that its budget stands in.
    """
    shared, (low, high), total = shared_clusters(problem), problem.limits.net, budget(problem)
    found, bounds = [shared], [np.full(len(shared), problem.limits.cluster)]
    signs = signs_of(problem)
    if (signs > 0.0).any() and (signs < 0.0).any():
        for row, bound in ((signs, high), (-signs, -low)):
            if bound < total:
                found.append(row[None, :])
                bounds.append(np.array([bound]))
    return np.vstack(found), np.concatenate(bounds)


def within_net(weights: Floats, problem: Problem) -> Floats:
    """Weights whose one side is scaled down where net leaves its interval; what is cut off is cash."""
    signs, (low, high) = signs_of(problem), problem.limits.net
    net = math.fsum(weights * signs)
    side = 1.0 if net > high else -1.0
    total = math.fsum(weights[signs == side])
    excess = max(net - high, low - net)
    if not DUST < excess <= total:
        return weights
    return np.where(signs == side, weights * ((total - excess) / total), weights)


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
    net = math.fsum(weights * signs_of(problem))
    return (
        Constraint(name="position", limit=limits.position, value=float(size.max())),
        Constraint(name="cluster", limit=limits.cluster, value=max(held.values())),
        Constraint(name="gross", limit=limits.gross, value=math.fsum(size)),
        Constraint(name="net_high", limit=limits.net[1], value=net),
        Constraint(name="net_low", limit=-limits.net[0], value=-net),
        Constraint(name="long_only", limit=0.0, value=0.0 - float(weights.min())),
        Constraint(name="no_borrowing", limit=0.0, value=0.0 - cash),
    )
