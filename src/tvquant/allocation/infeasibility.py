"""Infeasibility explained: which limits cannot be kept together, and the least change of each that makes room.

1. An irreducible set is found by deletion: a limit that the conflict survives without is left out, the most general
   first; without any one of those that stay the others can be kept.
2. Of each that stays, a linear program finds the value nearest to its own under which all limits of the problem can be
   kept, those that are not in the set included. Where no value of one suffices, because another limit says the same (a
   cap on names and one on clusters of one name each), it is joined by that one.

Sources: Chinneck & Dravnieks (1991), Locating minimal infeasible constraint sets in linear programs, ORSA Journal on
Computing 3 (the deletion filter); phase one of the simplex method with the limit's own value as the artificial.
"""

from collections.abc import Sequence

import numpy as np

from tvquant.allocation.budgets import LP_TOLERANCE
from tvquant.allocation.caps import NEGLIGIBLE, FeasibleSet
from tvquant.allocation.demands import Demand, demands, invested, with_turnover
from tvquant.core.allocations import Attempt
from tvquant.core.conflicts import Conflict, Relaxation, Sense, Step
from tvquant.core.panel import Floats
from tvquant.core.problems import Problem

LEAST_SCALE = 0.01
"""A change is measured against the stated value, of which less than this counts as this."""
TOKEN = 1e-4
"""An investment that is hardly one."""
LOOSEST = 1e6
"""What stands for no limit at all."""


def conflict_of(problem: Problem, feasible: FeasibleSet) -> Conflict | None:
    """Return why no weights keep all limits of a problem; None where some do."""
    return explained(demands(problem, feasible))


def nothing_to_hold(problem: Problem, feasible: FeasibleSet) -> Attempt | None:
    """Return the attempt that ends before any engine is asked: the limits cannot be kept, or only by cash alone."""
    low, high = problem.limits.net
    cash_keeps_all = low <= 0.0 <= high and not any(one.limit.least > 0.0 for one in feasible.named)
    conflict = None if cash_keeps_all else conflict_of(problem, feasible)
    if conflict is None and feasible.budget <= NEGLIGIBLE:
        conflict = _all_cash(demands(problem, feasible), len(problem.keys))
    return None if conflict is None else Attempt(what="limits", outcome=str(conflict), conflict=conflict)


def turnover_raised(problem: Problem, feasible: FeasibleSet) -> Attempt | None:
    """Return that more turnover is in force than was asked for, and why; None where it is what was asked for."""
    trades = feasible.trades
    if trades is None or trades.most <= trades.asked:
        return None
    conflict = explained(with_turnover(demands(problem, feasible), trades))
    why = "other limits ask for it" if conflict is None else str(conflict)
    return Attempt(what="turnover", outcome=f"{100.0 * trades.most:.4g} % is in force: {why}", conflict=conflict)


def _all_cash(stated: Sequence[Demand], n: int) -> Conflict | None:
    """Return why nothing can be invested at all: against what could be without the limits that are to blame."""
    blamed = irreducible((*stated, invested(n, TOKEN)))
    others = [one for one in stated if one not in blamed]
    whole = invested(n, 1.0)
    could = nearest_values((whole,), (*others, whole))
    return None if could is None else explained((*stated, invested(n, could[0])))


def explained(stated: Sequence[Demand]) -> Conflict | None:
    """Return the conflict of demands with the ways out of it; None where weights >= 0 keep them all."""
    if _room(stated):
        return None
    culprits = irreducible(stated)
    return Conflict(
        limits=tuple(one.limit for one in culprits),
        relaxations=tuple(way for one in culprits if one.free and (way := _way_out(one, culprits, stated))),
    )


def irreducible(stated: Sequence[Demand]) -> tuple[Demand, ...]:
    """Return demands that cannot be kept together, each of which is needed for that; the given ones cannot be."""
    kept = list(stated)
    for one in stated:
        others = [other for other in kept if other is not one]
        if not _room(others):
            kept = others
    return tuple(kept)


def _way_out(first: Demand, culprits: Sequence[Demand], stated: Sequence[Demand]) -> Relaxation:
    """Return the least changes of a culprit, and of limits that say the same, that make room; empty where none do."""
    moved = [first]
    while not _room(others := [one for one in stated if one not in moved]):
        alike = (one for one in irreducible(others) if one.free and one.limit.sense is first.limit.sense)
        beside = next((one for one in alike if one not in culprits), None)
        if beside is None:
            return ()
        moved.append(beside)
    found = nearest_values(moved, stated)
    return (
        ()
        if found is None
        else tuple(
            Step(limit=one.limit, to=to)
            for one, to in zip(moved, found, strict=True)
            if abs(to - one.limit.value) > LP_TOLERANCE
        )
    )


def nearest_values(moved: Sequence[Demand], stated: Sequence[Demand]) -> tuple[float, ...] | None:
    """Return the values of some demands, nearest to their own, under which all can be kept; None where none are.

    Of several the sum of changes, each relative to its stated value, is least; among equals the largest of them is.
    """
    at = [one.loosest if np.isfinite(one.loosest) else LOOSEST for one in moved]
    while True:
        found = _nearest(moved, stated, at)
        if found is None or all(abs(a - b) <= LP_TOLERANCE for a, b in zip(found, at, strict=True)):
            return found
        if not any(np.isfinite(one.floor).any() for one in moved):
            return found
        at = list(found)


def _nearest(moved: Sequence[Demand], stated: Sequence[Demand], at: Sequence[float]) -> tuple[float, ...] | None:
    """Return the same where floors that lie above the bounds at the values `at` are all there is of their rows.

    Such a floor is exact below `at`; as values are lowered more of them lie above, until none is added.
    """
    n, k = stated[0].rows.shape[1], len(moved)
    away = np.array([1.0 if one.limit.sense is Sense.MOST else -1.0 for one in moved])
    scale = np.array([max(abs(one.limit.value), LEAST_SCALE) for one in moved])
    rows, bounds = [], []
    for one in stated:
        open_ended = np.zeros((len(one.rows), k + 1))
        if one in moved:
            j = moved.index(one)
            floored = one.slopes * at[j] + one.offset < one.floor
            open_ended[:, j] = np.where(floored, 0.0, -one.slopes * away[j] * scale[j])
            bounds.append(np.where(floored, one.floor, one.slopes * one.limit.value + one.offset))
        else:
            bounds.append(one.bounds(one.limit.value))
        rows.append(np.hstack((one.rows, open_ended)))
    largest = np.hstack((np.zeros((k, n)), np.eye(k), -np.ones((k, 1))))  # each change is at most the largest
    matrix, right = np.vstack((*rows, largest)), np.concatenate((*bounds, np.zeros(k)))
    most = [abs(value - one.limit.value) / size for value, one, size in zip(at, moved, scale, strict=True)]
    upper = np.concatenate((np.full(n, np.inf), most, [np.inf]))
    total, least = np.concatenate((np.zeros(n), np.ones(k), [0.0])), np.append(np.zeros(n + k), 1.0)
    found = _solved(total, matrix, right, upper)
    if found is not None and k > 1:
        again = _solved(least, np.vstack((matrix, total)), np.append(right, total @ found + LP_TOLERANCE), upper)
        found = found if again is None else again
    if found is None:
        return None
    steps = away * scale * found[n : n + k]
    return tuple(one.limit.value + step for one, step in zip(moved, steps.tolist(), strict=True))


def _room(stated: Sequence[Demand]) -> bool:
    """Return whether weights >= 0 keep all demands."""
    if not stated:
        return True
    rows, bounds = np.vstack([one.rows for one in stated]), [one.bounds(one.limit.value) for one in stated]
    width = rows.shape[1]
    return _solved(np.zeros(width), rows, np.concatenate(bounds), np.full(width, np.inf)) is not None


def _solved(costs: Floats, rows: Floats, bounds: Floats, upper: Floats) -> Floats | None:
    """Return x from 0 to upper with rows @ x <= bounds and the least costs; None where there is none."""
    from scipy.optimize import linprog

    found = linprog(
        costs, A_ub=rows, b_ub=bounds, bounds=np.column_stack((np.zeros(len(upper)), upper)), method="highs",
        options={"primal_feasibility_tolerance": LP_TOLERANCE, "dual_feasibility_tolerance": LP_TOLERANCE},
    )  # fmt: skip
    return np.array(found.x) if found.status == 0 else None
