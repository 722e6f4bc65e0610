"""Demands: every limit of a problem by itself, as its author states it, with the value it is stated by left open.

A feasible set keeps what binds in the fewest rows; a conflict is explained by what was asked for. So here no limit is
left out because another one keeps it, and none is merged with another.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tvquant.allocation.caps import FeasibleSet
from tvquant.allocation.turnover import Trades
from tvquant.core.conflicts import Sense, StatedLimit
from tvquant.core.panel import Floats
from tvquant.core.problems import Problem

LIMITS = "allocation.limits"
MOST = 10.0
"""The most that a profile may say of the whole book."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Demand:
    """One limit on N weights: rows (R x N) @ w <= the larger of slopes (R) * value + offset and floor.

    Parameters
    ----------
    loosest : the value farthest from the stated one that can be given; the stated one where nobody can change it.
    offset : R, what of the bounds is of no value.
    floor : R, what the value never lowers the bounds below.
    """

    limit: StatedLimit
    rows: Floats
    slopes: Floats
    loosest: float
    offset: Floats | float = 0.0
    floor: Floats | float = -math.inf

    def bounds(self, value: float) -> Floats:
        """Return the right side (R) at a value."""
        return np.maximum(self.slopes * value + self.offset, self.floor)

    @property
    def free(self) -> bool:
        """Whether its value can be changed."""
        return self.loosest != self.limit.value


def invested(n: int, least: float) -> Demand:
    """Return the demand that at least so much of equity is invested in N streams."""
    limit = StatedLimit(key="", what="invested at least", value=least, sense=Sense.LEAST)
    return Demand(limit=limit, rows=-np.ones((1, n)), slopes=-np.ones(1), loosest=0.0)


def demands(problem: Problem, feasible: FeasibleSet) -> tuple[Demand, ...]:
    """Return the limits of a problem but weights >= 0, the most general first and those of single names last."""
    return (*_of_book(problem, feasible), *_of_parts(problem, feasible), *_of_names(feasible))


def with_turnover(stated: Sequence[Demand], trades: Trades) -> tuple[Demand, ...]:
    """Return demands on N weights as such on these and on what is bought of A assets, that of turnover last."""
    rows, slopes, offset = trades.lifted
    limit = StatedLimit(key=f"{LIMITS}.turnover", what="turnover at most", value=trades.asked, sense=Sense.MOST)
    own = Demand(limit=limit, rows=rows, slopes=slopes, loosest=max(trades.asked, MOST), offset=offset)
    bought = len(trades.held)
    return (*(replace(one, rows=np.hstack((one.rows, np.zeros((len(one.rows), bought))))) for one in stated), own)


def _of_book(problem: Problem, feasible: FeasibleSet) -> Iterator[Demand]:
    limits, units, n = problem.limits, feasible.units, len(problem.keys)
    yield _most(f"{LIMITS}.gross", "longs and shorts together at most", limits.gross, units.gross, MOST)
    low, high = limits.net
    yield _most(f"{LIMITS}.net", "net at most", high, units.net, MOST)
    yield _least(f"{LIMITS}.net", "net at least", low, units.net, -MOST)
    for name, side, most in (("long", units.long, limits.long), ("short", units.short, limits.short)):
        if most is not None:
            yield _most(f"{LIMITS}.{name}", f"{name} at most", most, side, MOST)
    yield _most("", "invested at most", min(1.0, problem.budget), np.ones(n), min(1.0, problem.budget))


def _of_parts(problem: Problem, feasible: FeasibleSet) -> Iterator[Demand]:
    limits, units = problem.limits, feasible.units
    groups = [feasible.cluster, *([] if feasible.selection is None else [feasible.selection])]
    rows = [units.gross * (group == one) for group in groups for one in range(int(group.max()) + 1)]
    yield _most(limits.cluster_key, "a cluster at most", limits.cluster, rows, 1.0)
    rows = [*np.diag(units.largest), *units.shared.values()]
    yield _most(limits.position_key, "a name at most", limits.position, rows, 1.0)


def _of_names(feasible: FeasibleSet) -> Iterator[Demand]:
    """Yield limits by name; what is held against itself is no sum of weights and has no demand from below."""
    caps = min(feasible.limits.position, feasible.limits.cluster)
    for one in feasible.named:
        kind, _, name = one.limit.label.partition(" ")
        if kind == "group":
            yield _most(f"{LIMITS}.groups", f"{one.limit.label} at most", one.limit.most, one.gross, MOST)
        else:
            yield _most(f"{LIMITS}.names", f"{name} at most", one.limit.most, one.gross, caps)
            if one.limit.least > 0.0 and one.one_sided:
                yield _least(f"{LIMITS}.names", f"{name} at least", one.limit.least, one.gross, 0.0)


def _most(key: str, what: str, value: float, rows: Floats | Sequence[Floats], loosest: float) -> Demand:
    limit = StatedLimit(key=key, what=what, value=value, sense=Sense.MOST)
    stacked = np.atleast_2d(np.array(rows))
    return Demand(limit=limit, rows=stacked, slopes=np.ones(len(stacked)), loosest=max(value, loosest))


def _least(key: str, what: str, value: float, row: Floats, loosest: float) -> Demand:
    limit = StatedLimit(key=key, what=what, value=value, sense=Sense.LEAST)
    return Demand(limit=limit, rows=0.0 - row[None, :], slopes=-np.ones(1), loosest=min(value, loosest))
