"""Caps: where the weights of a problem may be, and proof that final weights are there.

A cap is never lifted: when the names cannot hold all capital under it, the rest is cash (R-RSK-10).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from tvquant.core.allocations import CAP_TOLERANCE, Attempt, Constraint, Limits, NamedLimit, Problem
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
    NAMED = "named"
    LEAST = "least"


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
    cluster : N, the number of each name's cluster, 0 ... C - 1.
    signs : N, 1 for a name that is held long and -1 for one that is held short.
    lower : N, what each must hold; zeros, for a least is a row.
    upper : N, the position cap, or the cluster cap or the most of its name where that is lower.
    budget : that of the problem (1 unless less is asked for), or the most that all limits allow if that is less.
    forced_cash : share of equity that caps and limits by name keep in cash though gross and net would invest it.
    rows, bounds, families : R x N, R and R; only of the limits that the others do not keep already.
    open_budget : what the limits would allow without those by name.
    named : limits by name.
    unheld : why nothing keeps all limits at once; empty where something does.
    """

    limits: Limits
    cluster: NDArray[np.intp]
    signs: Floats
    lower: Floats
    upper: Floats
    budget: float
    forced_cash: float
    rows: Floats
    bounds: Floats
    families: tuple[Family, ...]
    open_budget: float
    named: tuple[Named, ...] = field(default=())
    unheld: str = ""


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
    wanted = _wanted(limits, signs, problem.budget)
    open_budget = _budget(limits, cluster, signs, wanted)
    upper = np.full(len(signs), min(limits.position, limits.cluster))
    found = list(_rows(limits, cluster, signs, open_budget))
    named, budget, unheld = tuple(_named(problem)), open_budget, ""
    if named:
        found += _named_rows(named, upper)
    rows = np.array([row for _, row, _ in found]).reshape(len(found), len(signs))
    bounds, families = np.array([bound for _, _, bound in found]), tuple(family for family, _, _ in found)
    if named:
        budget = _most(upper, rows, bounds, open_budget)
        unheld = _why_unheld(named, upper, open_budget) if budget < 0.0 else ""
    forced = wanted - max(0.0, budget)
    return FeasibleSet(
        limits=limits,
        cluster=frozen(cluster),
        signs=signs,
        lower=frozen(np.zeros(len(signs))),
        upper=frozen(upper),
        budget=max(0.0, budget),
        forced_cash=forced if forced > DUST else 0.0,
        rows=frozen(rows),
        bounds=frozen(bounds),
        families=families,
        open_budget=open_budget,
        named=named,
        unheld=unheld,
    )


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


def _named_rows(named: Sequence[Named], upper: Floats) -> Iterator[tuple[Family, Floats, float]]:
    """Lower `upper` (in place) where a limit by name is of one stream; yield rows of the others, and of every least.

    A least of an asset that streams hold against each other is no sum of weights: it is verified, not solved for.
    """
    for one in named:
        behind = np.flatnonzero(one.gross)
        if len(behind) == 1:
            upper[behind] = np.minimum(upper[behind], one.limit.most / one.gross[behind])
        else:
            yield Family.NAMED, one.gross, one.limit.most
        if one.limit.least > 0.0 and one.one_sided:
            yield Family.LEAST, 0.0 - one.gross, -one.limit.least


def _most(upper: Floats, rows: Floats, bounds: Floats, wanted: float) -> float:
    """Return the largest sum of weights up to `wanted` within upper bounds and rows, by a linear program.

    It is -1 where nothing keeps them all.
    """
    from scipy.optimize import linprog

    found = linprog(
        -np.ones(len(upper)), A_ub=np.vstack((rows, np.ones(len(upper)))), b_ub=np.append(bounds, wanted),
        bounds=np.column_stack((np.zeros(len(upper)), upper)), method="highs",
    )  # fmt: skip
    if found.status != 0:
        return -1.0
    most = -float(found.fun)
    return wanted if most > wanted - DUST else most


def _why_unheld(named: Sequence[Named], upper: Floats, wanted: float) -> str:
    """Return which least weights cannot be held, by the first limit that leaves them no room."""
    least = [one for one in named if one.limit.least > 0.0]
    for one in least:
        room = float(one.gross @ upper)
        if one.limit.least > room + CAP_TOLERANCE:
            return f"{one.limit.least_label} is {one.limit.least:g}, and the caps leave it {room:g}"
    asked = {one.limit.assets[0]: one.limit.least for one in least}
    for group in (one.limit for one in named if one.limit.least == 0.0):
        total = math.fsum(asked.get(asset, 0.0) for asset in group.assets)
        if total > group.most + CAP_TOLERANCE:
            return f"the least of its names is {total:g} together, and {group.label} leaves them {group.most:g}"
    total, names = math.fsum(asked.values()), ", ".join(one.limit.label for one in least)
    if total > wanted + CAP_TOLERANCE:
        return f"the least of {names} is {total:g} together, and the limits invest {wanted:g}"
    return f"the least of {names} cannot be held within net, cluster and group limits together"


def _wanted(limits: Limits, signs: Floats, budget: float) -> float:
    """Return what the budget, gross and net limits would invest; net limits a single side only."""
    low, high = limits.net
    sides = [limit for sign, limit in ((1.0, high), (-1.0, -low)) if (signs == sign).all()]
    return max(0.0, min(budget, limits.gross, *sides))


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
    if feasible.unheld:
        return Attempt(what="limits by name", outcome=feasible.unheld)
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
        *_verified(size, weights, feasible.named),
    )


def _verified(size: Floats, weights: Floats, named: Sequence[Named]) -> Iterator[Constraint]:
    for one in named:
        yield Constraint(name=one.limit.label, limit=one.limit.most, value=float(one.gross @ size))
        if one.limit.least > 0.0:
            held = abs(float(one.net @ weights))
            yield Constraint(name=one.limit.least_label, limit=-one.limit.least, value=0.0 - held)
