"""Caps: where the weights of a problem may be.

1. Bounds are of single streams: what position and cluster limits, the limits by name of one stream and the bounds by
   the method's own weights leave each.
2. Rows are of several: an asset that several streams hold, clusters of allocation and of selection, longs, shorts,
   gross and net, and limits by name. All but net bind what is held gross, before opposite streams cancel; so they also
   bind what is left of it net.
3. The budget is the most that all of them allow. A cap is never lifted: when the names cannot hold all capital under
   it, the rest is cash (R-RSK-10).
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import compress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tvquant.allocation import budgets
from tvquant.allocation.turnover import Trades, trades_of
from tvquant.core.panel import Bools, Floats, frozen
from tvquant.core.problems import Limits, NamedLimit, Problem
from tvquant.core.units import Units

DUST = 1e-12
"""Cash that is nearer to zero is rounding and is written as 0."""
NEGLIGIBLE = 1e-9
"""A weight that is not larger is what an interior point leaves beside zero, and is written as 0."""


class Family(StrEnum):
    """Kinds of linear limits, by their names in the report of constraints."""

    ASSET = "position"
    CLUSTER = "cluster"
    SELECTION_CLUSTER = "selection_cluster"
    LONG = "long"
    SHORT = "short"
    GROSS = "gross"
    NET_HIGH = "net_high"
    NET_LOW = "net_low"
    NAMED = "named"
    LEAST = "least"
    BETA = "beta"
    TURNOVER = "turnover"


class Row(NamedTuple):
    """A linear limit, units (N) @ weights <= bound; `label` is its name in the report of constraints."""

    family: Family
    units: Floats
    bound: float
    label: str


class Rows(NamedTuple):
    """R linear limits on N weights: units (R x N), bounds, families and labels."""

    units: Floats
    bounds: Floats
    families: tuple[Family, ...]
    labels: tuple[str, ...]

    @classmethod
    def of(cls, rows: Iterable[Row], n: int) -> "Rows":
        """Return rows on N weights below each other."""
        given = list(rows)
        if not given:
            return cls(np.zeros((0, n)), np.zeros(0), (), ())
        units, bounds = np.array([row.units for row in given]), np.array([row.bound for row in given])
        return cls(units, bounds, tuple(row.family for row in given), tuple(row.label for row in given))

    def beside(self, rows: Iterable[Row]) -> "Rows":
        """Return these and others below them."""
        more = Rows.of(rows, self.units.shape[1])
        stacked = np.vstack((self.units, more.units)), np.append(self.bounds, more.bounds)
        return Rows(*stacked, self.families + more.families, self.labels + more.labels)

    def of_those(self, chosen: Bools) -> "Rows":
        """Return some of the rows."""
        if chosen.all():
            return self
        families, labels = tuple(compress(self.families, chosen)), tuple(compress(self.labels, chosen))
        return Rows(self.units[chosen], self.bounds[chosen], families, labels)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Named:
    """A limit by name on N streams: gross (units without signs) and net units of its assets per unit of weight."""

    limit: NamedLimit
    gross: Floats
    net: Floats

    @property
    def one_sided(self) -> bool:
        """Whether nobody holds against another, so that what is held together is a sum of weights."""
        return bool(np.abs(self.net.sum()) == self.gross.sum())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeasibleSet:
    """The weights that keep every limit of one problem: 0 <= lower <= w <= upper, sum w = budget, rows @ w <= bounds.

    Parameters
    ----------
    limits : what it was derived from.
    cluster, selection : N, the number of each stream's cluster, 0 ... C - 1: of allocation, and of the selection where
        there was one.
    units : what the streams hold.
    lower, upper : N, what limits on single streams leave each.
    budget : that of the problem (1 unless less is asked for), or the most that all limits allow if that is less.
    forced_cash : share of equity that caps and limits by name keep in cash though gross and net would invest it.
    rows, bounds, families, labels : R x N, R, R and R; only of the limits that the others do not keep already.
    open_budget : what the limits would allow without those by name and without reference bounds.
    trades, turnover_cash : what is traded, and the share of equity that the limit on it keeps in cash; None and 0 where
        none is in force. Of it rows are added as answers break them (`allocation.turnover`).
    most, reference_cash : N, the reference bounds, and the share of equity that they keep in cash; None and 0 where
        there are none.
    named : limits by name.
    """

    limits: Limits
    cluster: NDArray[np.intp]
    selection: NDArray[np.intp] | None
    units: Units
    lower: Floats
    upper: Floats
    budget: float
    forced_cash: float
    rows: Floats
    bounds: Floats
    families: tuple[Family, ...]
    labels: tuple[str, ...]
    open_budget: float
    named: tuple[Named, ...] = field(default=())
    trades: Trades | None = None
    turnover_cash: float = 0.0
    most: Floats | None = None
    reference_cash: float = 0.0

    @property
    def wanted(self) -> float:
        """What would be invested if only the limits on the whole book were kept."""
        return self.budget + self.forced_cash + self.reference_cash

    def beside(self, units: Floats, bound: float, family: Family) -> "FeasibleSet":
        """Return the set with one more row."""
        return replace(
            self,
            rows=frozen(np.vstack((self.rows, units))),
            bounds=frozen(np.append(self.bounds, bound)),
            families=(*self.families, family),
            labels=(*self.labels, family.value),
        )


def feasible_set(problem: Problem) -> FeasibleSet:
    """Derive the feasible set of a problem, once for whoever solves, projects or verifies."""
    limits, units, n = problem.limits, problem.units, len(problem.keys)
    cluster, selection = _numbered(problem.clusters), _numbered(problem.selection_clusters)
    wanted = _wanted(problem)
    lower, upper = np.zeros(n), np.minimum(limits.position / units.largest, limits.cluster / units.gross)
    if not units.whole:  # of a stream that is hardly held, a cap of what is held is none of its weight
        upper = np.minimum(upper, max(1.0, wanted))
    rows = Rows.of(_rows(limits, units, cluster, selection), n)
    open_budget = budget = _budget(limits, units, cluster, lower, upper, rows, wanted)
    named = tuple(_named(problem)) if limits.names or limits.groups else ()
    if named:
        rows = rows.beside(_named_rows(named, lower, upper))
        budget = _budget(limits, units, cluster, lower, upper, rows, open_budget)
    trades, kept = _in_force(trades_of(problem), lower, upper, rows, wanted), 0.0
    if trades is not None:
        free, budget = budget, budgets.most(lower, upper, rows.units, rows.bounds, max(0.0, budget), trades)
        kept = free - budget
    budget = max(0.0, budget)
    forced = wanted - budget
    if rows.families:
        rows = rows.of_those(_binding(rows, lower, upper, budget))
    return FeasibleSet(
        limits=limits,
        cluster=cluster,
        selection=selection if len(selection) else None,
        units=units,
        lower=frozen(lower),
        upper=frozen(upper),
        budget=budget,
        forced_cash=forced if forced > DUST else 0.0,
        rows=frozen(rows.units),
        bounds=frozen(rows.bounds),
        families=rows.families,
        labels=rows.labels,
        open_budget=max(0.0, open_budget),
        trades=trades,
        turnover_cash=kept if kept > DUST else 0.0,
        named=named,
    )


def open_set(problem: Problem) -> FeasibleSet:
    """Return the feasible set of a problem that is `unlimited`.

    Where a weight is what is held, all limits say no more of weights of sum 1 than that none is negative.
    """
    if not problem.units.whole:
        return feasible_set(problem)
    n = len(problem.keys)
    nothing = np.zeros(n)
    return FeasibleSet(
        limits=problem.limits,
        cluster=frozen(np.arange(n)),
        selection=None,
        units=problem.units,
        lower=frozen(nothing),
        upper=frozen(np.ones(n)),
        budget=1.0,
        forced_cash=0.0,
        rows=frozen(np.zeros((0, n))),
        bounds=frozen(np.zeros(0)),
        families=(),
        labels=(),
        open_budget=1.0,
    )


def bounded(feasible: FeasibleSet, most: Floats | None) -> FeasibleSet:
    """Return the feasible set under reference bounds `most` (N); a least that is asked for is never bounded by them."""
    if most is None:
        return feasible
    raised = np.maximum(most, feasible.lower)
    for one in feasible.named:
        if one.limit.least > 0.0:
            behind = one.gross > 0.0
            raised[behind] = np.maximum(raised[behind], one.limit.least / one.gross[behind])
    if feasible.trades is not None:
        raised = np.maximum(raised, feasible.trades.room)
    upper = np.minimum(feasible.upper, raised)
    f = feasible
    rows = Rows(f.rows, f.bounds, f.families, f.labels)
    if f.trades is None:
        budget = max(0.0, _budget(f.limits, f.units, f.cluster, f.lower, upper, rows, f.budget))
    else:
        budget = max(0.0, budgets.most(f.lower, upper, f.rows, f.bounds, f.budget, f.trades))
    kept = f.budget - budget
    return replace(
        feasible,
        upper=frozen(upper),
        budget=budget,
        most=frozen(raised),
        reference_cash=kept if kept > DUST else 0.0,
    )


def _numbered(clusters: Sequence[int]) -> NDArray[np.intp]:
    """Return cluster ids as 0 ... C - 1, in their order."""
    if clusters == tuple(range(len(clusters))):
        return frozen(np.arange(len(clusters)))
    numbers = {cluster: number for number, cluster in enumerate(sorted(set(clusters)))}
    return frozen(np.array([numbers[cluster] for cluster in clusters], dtype=np.intp))


def _wanted(problem: Problem) -> float:
    """Return what the budget and the limits on the whole book would invest: net limits a single side only."""
    limits, units, room = problem.limits, problem.units, [problem.budget]
    if units.whole:
        room.append(limits.gross)
    if units.one_way:
        low, high = limits.net
        most = [math.inf if one is None else one for one in (limits.long, limits.short)]
        there = [units.any_long, units.any_short]
        room.append(math.fsum(one for one, held in zip(most, there, strict=True) if held))
        if not all(there):
            room.append(high if there[0] else -low)
    return max(0.0, min(room))


def _budget(
    limits: Limits, units: Units, cluster: NDArray[np.intp], lower: Floats, upper: Floats, rows: Rows,
    wanted: float,
) -> float:  # fmt: skip
    """Return the largest sum of weights up to `wanted`; below 0 where none keep all limits.

    It is in closed form where streams are one unit long or short and only clusters and net bind: longs hold at most A,
    shorts at most B and both at most C under the caps, and every pair of sums within these can be had. So T can be
    invested with a net of low to high where T <= C, T <= high + 2 B and T <= 2 A - low.
    """
    room, (low, high) = [wanted], limits.net
    room.append(_capacity(limits, cluster, upper) if units.whole else math.fsum(upper.tolist()))
    if units.one_way and units.any_long and units.any_short:
        room += [high + 2.0 * _capacity(limits, cluster, upper * (units.net < 0.0))]
        room += [2.0 * _capacity(limits, cluster, upper * (units.net > 0.0)) - low]
    ceiling = max(0.0, min(room))
    if ceiling > wanted - DUST:
        ceiling = wanted
    if units.one_way and CLOSED.issuperset(rows.families) and not lower.any():
        return ceiling
    return budgets.most(lower, upper, rows.units, rows.bounds, ceiling)


def _in_force(trades: Trades | None, lower: Floats, upper: Floats, rows: Rows, wanted: float) -> Trades | None:
    """Return trades of which there are as many as the other limits ask for at least; None where they are not bounded.

    Limits that nobody can keep ask for nothing.
    """
    if trades is None:
        return None
    least = budgets.least_turnover(trades, lower, upper, rows.units, rows.bounds, wanted)
    return trades if least is None else trades.raised(least)


CLOSED = {Family.CLUSTER, Family.NET_HIGH, Family.NET_LOW}
"""Rows under which the budget has a closed form."""


def _capacity(limits: Limits, cluster: NDArray[np.intp], upper: Floats) -> float:
    """Return what bounds and cluster caps let the streams hold."""
    return math.fsum(np.minimum(limits.cluster, np.bincount(cluster, upper)).tolist())


def _rows(limits: Limits, units: Units, cluster: NDArray[np.intp], selection: NDArray[np.intp]) -> Iterator[Row]:
    """Yield the rows of all limits but those by name.

    A single side has its net with its budget, which `_wanted` keeps within the interval's outer end.
    """
    for held in units.shared.values():
        yield Row(Family.ASSET, held, limits.position, Family.ASSET.value)
    seen = set()
    for family, groups in ((Family.CLUSTER, cluster), (Family.SELECTION_CLUSTER, selection)):
        members = _shared(groups)
        for held in () if members is None else units.gross * members:
            if (mine := held.tobytes()) not in seen:
                seen.add(mine)
                yield Row(family, held, limits.cluster, family.value)
    if limits.long is not None:
        yield Row(Family.LONG, units.long, limits.long, Family.LONG.value)
    if limits.short is not None:
        yield Row(Family.SHORT, units.short, limits.short, Family.SHORT.value)
    if not units.whole:
        yield Row(Family.GROSS, units.gross, limits.gross, Family.GROSS.value)
    if not (units.one_way and units.alike):
        low, high = limits.net
        yield Row(Family.NET_HIGH, units.net, high, Family.NET_HIGH.value)
        yield Row(Family.NET_LOW, 0.0 - units.net, -low, Family.NET_LOW.value)


def _shared(groups: NDArray[np.intp]) -> Bools | None:
    """Return the members (C x N) of each group that has more than one; None where none has."""
    if not len(groups) or int(groups.max()) == len(groups) - 1:
        return None
    members: Bools = groups == np.flatnonzero(np.bincount(groups) > 1)[:, None]
    return members


def _binding(rows: Rows, lower: Floats, upper: Floats, budget: float) -> Bools:
    """Return which rows (R) weights within the bounds can exceed; of net, weights of that sum."""
    most = np.maximum(rows.units, 0.0) @ upper + np.minimum(rows.units, 0.0) @ lower
    for i, family in enumerate(rows.families):
        if family in (Family.NET_HIGH, Family.NET_LOW):
            most[i] = min(most[i], float(rows.units[i].max()) * budget)
    binding: Bools = most > rows.bounds + DUST
    return binding


def _named(problem: Problem) -> Iterator[Named]:
    """Yield the limits by name on the streams that hold their assets."""
    held = [problem.composition[key] for key in problem.keys]
    assets = dict.fromkeys(asset for one in held for asset in one)
    for limit in problem.limits.named(assets):
        units = [[one.get(asset, 0.0) for asset in limit.assets] for one in held]
        yield Named(
            limit=limit,
            gross=frozen(np.array([math.fsum(map(abs, each)) for each in units])),
            net=frozen(np.array([math.fsum(each) for each in units])),
        )


def _named_rows(named: Sequence[Named], lower: Floats, upper: Floats) -> Iterator[Row]:
    """Change `lower` and `upper` (in place) where a limit by name is of one stream; yield rows of the others.

    A least of an asset that streams hold against each other is no sum of weights: it is verified, not solved for.
    """
    for one in named:
        behind, limit = np.flatnonzero(one.gross), one.limit
        alone = len(behind) == 1
        if alone:
            upper[behind] = np.minimum(upper[behind], limit.most / one.gross[behind])
            lower[behind] = np.maximum(lower[behind], limit.least / one.gross[behind])
        else:
            yield Row(Family.NAMED, one.gross, limit.most, limit.label)
        if limit.least > 0.0 and one.one_sided and not alone:
            yield Row(Family.LEAST, 0.0 - one.gross, -limit.least, limit.least_label)
