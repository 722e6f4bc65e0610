"""Infeasibility: constructed conflicts, each with its culprits, and ways out that hold when the problem is solved.

Every way out is tried: the problem with the values that it suggests is allocated by an engine and verified; with values
that are a thousandth of a per cent nearer to the stated ones it fails, or keeps cash.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from builders.problems import covariance_of, limits, problem_of
from tvquant.allocation import allocate
from tvquant.allocation.caps import feasible_set
from tvquant.allocation.demands import demands, invested
from tvquant.allocation.infeasibility import conflict_of, explained
from tvquant.core.allocations import Status
from tvquant.core.conflicts import Conflict, Relaxation, Step
from tvquant.core.problems import GroupLimit, Limits, Problem

NEARER = 1e-5
A, B, C, D, E = (f"X:N{i:03d}" for i in range(5))
WIDE = {"position": 0.25, "cluster": 0.25}
ALL, LESS = "invested at least", "invested at most"
NAME, CLUSTER, GROSS = "a name at most", "a cluster at most", "longs and shorts together at most"
HIGH, LOW, LONG, SHORT = "net at most", "net at least", "long at most", "short at most"


def problem(n: int, *, short: int = 0, clusters: Any = None, budget: float = 1.0, **given: Any) -> Problem:
    """Of the n names the last `short` are held short; the selection has the clusters `selected`."""
    selected, sides = given.pop("selected", ()), {side: given.pop(side, None) for side in ("long", "short_most")}
    bounds = replace(limits(**given), long=sides["long"], short=sides["short_most"])
    signs = np.repeat([1.0, -1.0], [n - short, short])
    made = problem_of(covariance_of(np.eye(n)), clusters=clusters, limits=bounds, signs=signs)
    return replace(made, budget=budget, selection_clusters=selected)


def leasts(least: float, *names: str) -> Mapping[str, tuple[float, float]]:
    return dict.fromkeys(names, (least, 0.25))


CANNOT_BE_KEPT = {
    "net floor, few names": (problem(3, net=(0.9, 1.0)), {LOW, NAME}, {(LOW, 0.75), (NAME, 0.3, CLUSTER, 0.3)}),
    "net floor, few clusters": (
        problem(8, clusters=(0, 1) * 4, net=(0.9, 1.0)),
        {LOW, CLUSTER},
        {(LOW, 0.5), (CLUSTER, 0.45)},
    ),
    "net floor above gross": (problem(8, gross=0.5, net=(0.6, 1.0)), {GROSS, LOW}, {(GROSS, 0.6), (LOW, 0.5)}),
    "net floor above longs": (
        problem(8, short=3, long=0.4, net=(0.5, 1.0)),
        {LONG, LOW},
        {(LONG, 0.5), (LOW, 0.4)},
    ),
    "net ceiling below shorts": (
        problem(8, short=4, short_most=0.3, net=(-1.0, -0.5)),
        {SHORT, HIGH},
        {(SHORT, 0.5), (HIGH, -0.3)},
    ),
    "net ceiling, one short": (
        problem(8, short=1, net=(-1.0, -0.4)),
        {NAME, HIGH},
        {(NAME, 0.4, CLUSTER, 0.4), (HIGH, -0.25)},
    ),
    "least above its group": (
        problem(6, names=leasts(0.2, A), groups={"g": ((A, B), 0.1)}),
        {f"{A} at least", "group g at most"},
        {(f"{A} at least", 0.1), ("group g at most", 0.2)},
    ),
    "least hardly above its group": (
        problem(6, names=leasts(0.2, A), groups={"g": ((A, B), 0.195)}),
        {f"{A} at least", "group g at most"},
        {(f"{A} at least", 0.195), ("group g at most", 0.2)},
    ),
    "leasts above their group": (
        problem(6, names=leasts(0.2, A, B), groups={"g": ((A, B), 0.3)}),
        {f"{A} at least", f"{B} at least", "group g at most"},
        {(f"{A} at least", 0.1), (f"{B} at least", 0.1), ("group g at most", 0.4)},
    ),
    "leasts of one cluster": (
        problem(6, clusters=(0, 0, 1, 2, 3, 4), names=leasts(0.2, A, B)),
        {f"{A} at least", f"{B} at least", CLUSTER},
        {(f"{A} at least", 0.05), (f"{B} at least", 0.05), (CLUSTER, 0.4)},
    ),
    "leasts of one selection cluster": (
        problem(6, selected=(7, 7, 8, 9, 10, 11), names=leasts(0.2, A, B)),
        {f"{A} at least", f"{B} at least", CLUSTER},
        {(f"{A} at least", 0.05), (f"{B} at least", 0.05), (CLUSTER, 0.4)},
    ),
    "leasts above gross": (
        problem(6, gross=0.3, names=leasts(0.2, A, B)),
        {f"{A} at least", f"{B} at least", GROSS},
        {(f"{A} at least", 0.1), (f"{B} at least", 0.1), (GROSS, 0.4)},
    ),
    "leasts above all there is": (
        problem(6, names=leasts(0.22, A, B, C, D, E)),
        {LESS, *(f"{one} at least" for one in (A, B, C, D, E))},
        {(f"{one} at least", 0.12) for one in (A, B, C, D, E)},
    ),
    "leasts above what a drawdown leaves": (
        problem(6, budget=0.5, names=leasts(0.2, A, B, C)),
        {LESS, *(f"{one} at least" for one in (A, B, C))},
        {(f"{one} at least", 0.1) for one in (A, B, C)},
    ),
    "least above the net ceiling": (
        problem(6, net=(-1.0, 0.1), names=leasts(0.2, A)),
        {HIGH, f"{A} at least"},
        {(HIGH, 0.2), (f"{A} at least", 0.1)},
    ),
    "least above the position cap": (
        problem(8, position=0.15, names=leasts(0.2, A)),
        {NAME, f"{A} at least"},
        {(NAME, 0.2), (f"{A} at least", 0.15)},
    ),
    "least of a short above all shorts": (
        problem(3, short=3, short_most=0.1, names=leasts(0.2, A)),
        {SHORT, f"{A} at least"},
        {(SHORT, 0.2), (f"{A} at least", 0.1)},
    ),
    "least of a long, shorts and a net ceiling": (
        problem(6, short=3, short_most=0.3, net=(-1.0, -0.1), names=leasts(0.25, A)),
        {SHORT, HIGH, f"{A} at least"},
        {(SHORT, 0.35), (HIGH, -0.05), (f"{A} at least", 0.2)},
    ),
}

KEEPS_CASH = {
    "few names": (problem(3), {ALL, NAME}, {(ALL, 0.75), (NAME, 1 / 3, CLUSTER, 1 / 3)}),
    "few clusters": (problem(8, clusters=(0, 1) * 4), {ALL, CLUSTER}, {(ALL, 0.5), (CLUSTER, 0.5)}),
    "gross": (problem(8, gross=0.6), {ALL, GROSS}, {(ALL, 0.6), (GROSS, 1.0)}),
    "after a drawdown": (problem(8, budget=0.5), {ALL, LESS}, {(ALL, 0.5)}),
    "net ceiling, all long": (problem(8, net=(0.0, 0.4)), {ALL, HIGH}, {(ALL, 0.4), (HIGH, 1.0)}),
    "net ceiling, one short": (
        problem(11, short=1, net=(-0.2, 0.2)),
        {ALL, NAME, HIGH},
        {(ALL, 0.7), (HIGH, 0.5), (NAME, 0.4, CLUSTER, 0.4)},
    ),
    "longs and shorts": (
        problem(12, short=6, long=0.3, short_most=0.3),
        {ALL, LONG, SHORT},
        {(ALL, 0.6), (LONG, 0.7), (SHORT, 0.7)},
    ),
    "a group": (
        problem(4, groups={"g": ((A, B), 0.3)}),
        {ALL, NAME, "group g at most"},
        {(ALL, 0.8), ("group g at most", 0.5), (NAME, 0.35, CLUSTER, 0.35)},
    ),
    "a name": (
        problem(4, names={A: (0.0, 0.05)}),
        {ALL, NAME, f"{A} at most"},
        {(ALL, 0.8), (f"{A} at most", 0.25), (NAME, 0.95 / 3, CLUSTER, 0.95 / 3)},
    ),
}


def changed(given: Problem, way: Relaxation, *, nearer: float = 0.0) -> tuple[Problem, float]:
    """Return the problem with the values of a way out, and what is then to be invested."""
    for_all = 1.0
    for step in way:
        value = step.to + (nearer if step.limit.value > step.to else -nearer)
        if step.limit.what == ALL:
            for_all = value
        else:
            given = replace(given, limits=_with(given.limits, step, value))
    return given, for_all


def _with(old: Limits, step: Step, value: float) -> Limits:
    match step.limit.key.rpartition(".")[2], step.limit.what:
        case "net", what:
            low, high = old.net
            return replace(old, net=(value, high) if what == LOW else (low, value))
        case "groups", what:
            named = what.removeprefix("group ").removesuffix(" at most")
            assert [one.name for one in old.groups] == [named]
            return replace(
                old, groups=tuple(GroupLimit(name=o.name, symbols=o.symbols, most=value) for o in old.groups)
            )
        case "names", what:
            symbol, _, side = what.rpartition(" at ")
            return replace(
                old,
                names=tuple(replace(one, **{side: value}) if one.symbol == symbol else one for one in old.names),
            )
        case field, _:
            return replace(old, **{field: value})


def solved(given: Problem, invested: float) -> bool:
    """Return whether an engine finds a verified book that is invested that much."""
    made = allocate(given, engine="custom", risk_profile="min_variance")
    return made.status is not Status.FAILED and 1.0 - made.cash >= invested - 1e-9


def ways(found: Conflict) -> set[tuple[Any, ...]]:
    return {tuple(part for step in way for part in (step.limit.what, round(step.to, 9))) for way in found.relaxations}


def rounded(expected: set[tuple[Any, ...]]) -> set[tuple[Any, ...]]:
    return {tuple(round(part, 9) if isinstance(part, float) else part for part in one) for one in expected}


@pytest.mark.requirement("R-RSK-18")
@pytest.mark.parametrize(("given", "culprits", "out"), CANNOT_BE_KEPT.values(), ids=CANNOT_BE_KEPT)
def test_limits_that_cannot_be_kept(given: Problem, culprits: set[str], out: set[tuple[Any, ...]]) -> None:
    found = conflict_of(given, feasible_set(given))
    assert found is not None
    assert {one.what for one in found.limits} == culprits
    assert ways(found) == rounded(out)
    assert not solved(given, 0.0)
    for way in found.relaxations:
        assert solved(*(changed(given, way)[0], 0.0))
        assert not solved(*(changed(given, way, nearer=NEARER)[0], 0.0))


@pytest.mark.parametrize(("given", "culprits", "out"), KEEPS_CASH.values(), ids=KEEPS_CASH)
def test_limits_that_keep_cash(given: Problem, culprits: set[str], out: set[tuple[Any, ...]]) -> None:
    feasible = feasible_set(given)
    assert conflict_of(given, feasible) is None
    found = explained((*demands(given, feasible), invested(len(given.keys), 1.0)))
    assert found is not None
    assert {one.what for one in found.limits} == culprits
    assert ways(found) == rounded(out)
    for way in found.relaxations:
        assert solved(*changed(given, way))
        assert not solved(*changed(given, way, nearer=NEARER))


def test_what_can_be_kept_and_invested_is_no_conflict() -> None:
    given = problem(8)
    assert conflict_of(given, feasible_set(given)) is None
    assert explained((*demands(given, feasible_set(given)), invested(8, 1.0))) is None


@pytest.mark.parametrize(
    ("given", "culprit", "could", "to"),
    [
        (problem(5, net=(-1.0, 0.0)), HIGH, 1.0, 1.0),
        (problem(2, net=(-1.0, 0.0)), HIGH, 0.5, 0.5),  # that two names hold half is not why they hold nothing
        (problem(5, short=5, net=(0.0, 1.0)), LOW, 1.0, -1.0),
    ],
)
def test_a_limit_that_leaves_nothing_is_told_with_what_could_be_held(
    given: Problem, culprit: str, could: float, to: float
) -> None:
    found = allocate(given, engine="custom", risk_profile="hrp").conflict
    assert found is not None
    assert [(one.what, one.value) for one in found.limits] == [(culprit, 0.0), (ALL, pytest.approx(could))]
    assert ways(found) == {(culprit, to), (ALL, 0.0)}


def test_a_set_is_irreducible_whatever_else_is_stated() -> None:
    given = problem(12, short=4, net=(0.5, 1.0), long=0.4, names=leasts(0.05, A, B), groups={"g": ((A, C), 0.2)})
    found = conflict_of(given, feasible_set(given))
    assert found is not None
    assert {one.what for one in found.limits} == {LONG, LOW}
    assert str(found) == (
        "cannot be kept together: allocation.limits.net: net at least 50 % and allocation.limits.long: long at most "
        "40 %; lower allocation.limits.net (net at least) from 50 % to 40 %, or raise allocation.limits.long (long at "
        "most) from 40 % to 50 %"
    )
