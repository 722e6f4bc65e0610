"""Two layers: weights across clusters first, and within each cluster by inverse variance (R-RSK-04).

1. Each allocation cluster is one stream: its members' returns, weighted by the inverse of their variances. The streams'
   covariance and means are estimated from their own rows, not derived from those of the members.
2. What the members must keep, the streams must keep: w = E W turns every bound and row on N weights w into one on K
   weights W. The cap of a cluster becomes a bound of its stream.
3. An engine is asked for K weights and knows of nothing else. Verified are the N weights that they make.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from tvquant.allocation.budgets import most
from tvquant.allocation.caps import DUST, Family, FeasibleSet, Named
from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.allocation.risk.contract import Objective
from tvquant.core.panel import Floats, frozen
from tvquant.core.problems import Covariance, Problem
from tvquant.core.units import Units

type Estimator = Callable[[Floats], Covariance]
"""From T x K returns of streams to their covariance and means."""

BY_STREAM = frozenset({Objective.EQUAL_NAMES, Objective.DECLARED})
"""Objectives that are of streams, whatever clusters there are."""
SHARES = "shares within clusters"
"""Cause of cash: a member of a cluster is at its limit, and the others keep their proportion to it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Expansion:
    """How K clusters hold N streams: `shares` is N x K, and each of its columns sums to 1."""

    shares: Floats

    def weights(self, clusters: Floats) -> Floats:
        """Return the N weights that K weights of clusters make."""
        made: Floats = self.shares @ clusters
        return made

    def sums(self, streams: Floats) -> Floats:
        """Return the sum of N figures over the streams of each of K clusters."""
        found: Floats = streams @ (self.shares > 0.0)
        return found

    def answer(self, answer: EngineAnswer, feasible: FeasibleSet, within: FeasibleSet) -> EngineAnswer:
        """Return an engine's answer on clusters as one on streams; `within` is the image of their feasible set."""
        if answer.weights is None:
            return answer
        lost = feasible.budget - within.budget
        taken = answer.taken or ({SHARES: lost} if lost > DUST else {})  # what was cut was cut to the image
        return replace(answer, weights=self.weights(answer.weights), taken=taken)

    def within(self, feasible: FeasibleSet) -> FeasibleSet:
        """Return the K weights whose N weights are in the feasible set."""
        e, held = self.shares, self.shares > 0.0
        share = np.where(held, e, 1.0)
        bounds = np.where(held, feasible.upper[:, None] / share, np.inf).min(axis=0)
        upper = np.minimum(bounds, feasible.limits.cluster)
        lower = np.where(held, feasible.lower[:, None] / share, 0.0).max(axis=0)
        kept = [i for i, family in enumerate(feasible.families) if family is not Family.CLUSTER]
        rows, limits = feasible.rows[kept] @ e, feasible.bounds[kept]
        budget = max(0.0, most(lower, upper, rows, limits, feasible.budget))
        lost = feasible.budget - budget
        return replace(
            feasible,
            cluster=frozen(np.arange(e.shape[1])),
            selection=None,
            units=self._units(feasible.units),
            lower=frozen(lower),
            upper=frozen(upper),
            budget=budget,
            forced_cash=feasible.forced_cash + lost,
            rows=frozen(rows),
            bounds=frozen(limits),
            families=tuple(feasible.families[i] for i in kept),
            labels=tuple(feasible.labels[i] for i in kept),
            open_budget=feasible.open_budget - lost,
            named=tuple(
                Named(limit=one.limit, gross=frozen(one.gross @ e), net=frozen(one.net @ e)) for one in feasible.named
            ),
        )

    def _units(self, units: Units) -> Units:
        e = self.shares
        gross = units.gross @ e
        return Units(
            gross=frozen(np.where(np.abs(gross - 1.0) <= DUST, 1.0, gross)),
            net=frozen(units.net @ e),
            largest=frozen((units.largest[:, None] * e).max(axis=0)),
            shared={asset: frozen(row @ e) for asset, row in units.shared.items()},
        )


def layered(problem: Problem, estimated: Estimator) -> tuple[Problem, Expansion]:
    """Return the problem of K cluster streams, and how their weights become those of the N streams.

    Raises
    ------
    ModelError : the streams of clusters have no covariance.
    """
    ids, place = np.unique(np.array(problem.clusters, dtype=np.int64), return_inverse=True)
    n, k = len(problem.keys), len(ids)
    precision = 1.0 / np.diag(problem.covariance.matrix)
    shares = np.zeros((n, k))
    shares[np.arange(n), place] = precision / np.bincount(place, precision)[place]
    returns = problem.returns @ shares
    names = tuple(f"cluster {one}" for one in ids.tolist())
    expansion = Expansion(shares=frozen(shares))
    streams = replace(
        problem,
        keys=names,
        returns=returns,
        covariance=estimated(returns),
        composition={name: _composition(problem, shares[:, j]) for j, name in enumerate(names)},
        clusters=tuple(range(k)),
        previous=np.bincount(place, problem.previous),
        target=None,
        selection_clusters=(),
        scores=None,
        antifragility=None,
        beta=None,
    )
    return streams, expansion


def _composition(problem: Problem, shares: Floats) -> dict[str, float]:
    """Return asset -> signed units held per unit of weight of a cluster."""
    parts: dict[str, list[float]] = {}
    for key, share in zip(problem.keys, shares.tolist(), strict=True):
        if share:
            for asset, units in problem.composition[key].items():
                parts.setdefault(asset, []).append(share * units)
    return {asset: math.fsum(held) for asset, held in parts.items()}
