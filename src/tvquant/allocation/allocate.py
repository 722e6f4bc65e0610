"""Allocate: ask an engine, prove the answer, fall back as declared, and keep the trail."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from tvquant.allocation import barbell
from tvquant.allocation.caps import DUST, NEGLIGIBLE, Family, FeasibleSet, bounded, feasible_set
from tvquant.allocation.cutting_planes import within_turnover
from tvquant.allocation.engines.catalogue import ENGINES
from tvquant.allocation.engines.contract import Engine, EngineAnswer
from tvquant.allocation.infeasibility import nothing_to_hold, turnover_raised
from tvquant.allocation.layered import BY_STREAM, Estimator, Expansion, layered
from tvquant.allocation.loading import loaded
from tvquant.allocation.one_book import one_book
from tvquant.allocation.projection import onto_caps
from tvquant.allocation.reference import EQUAL, HOUSE, WHAT, reference_of
from tvquant.allocation.risk.catalogue import BARBELL, RISK_PROFILES
from tvquant.allocation.risk.contract import Capping, Objective
from tvquant.allocation.tries import Try, tries
from tvquant.allocation.verification import settle, verify
from tvquant.core.allocations import CAP_TOLERANCE, Allocation, Attempt, Constraint, Recourse, Status, violated
from tvquant.core.barbells import Barbell
from tvquant.core.errors import ProfileError
from tvquant.core.once import Once, alone
from tvquant.core.problems import Problem
from tvquant.profiles.options import Options

WHOLE = ("gross", Family.NET_HIGH.value, Family.NET_LOW.value, Family.LONG.value, Family.SHORT.value)
"""Limits on the whole book: what they take is no cash that caps force."""
CORE = RISK_PROFILES["hrp"]
"""What the core of a barbell is weighed by."""


def risk_profiles_of(engine: Engine) -> frozenset[str]:
    """Return the names of the risk profiles whose objective the engine solves."""
    return frozenset(name for name, profile in RISK_PROFILES.items() if profile.objective in engine.objectives)


def allocate(
    problem: Problem,
    *,
    engine: str,
    risk_profile: str,
    fallbacks: tuple[str, ...] = (),
    options: tuple[Options, ...] = (),
    estimated: Estimator | None = None,
    once: Once = alone,
) -> Allocation:
    """Return weights by the first of `risk_profile` and `fallbacks` whose weights keep every limit.

    A risk profile that is to be neutral is tried once per tolerance of its beta (`allocation.tries`).

    `options` are the values of what the engine and these risk profiles declare. With `estimated`, which estimates the
    covariance of the returns of clusters, these are weighed first, and the streams within them (`allocation.layered`).
    `once` keeps what is found for others who weigh the same streams by the same estimates.

    The status is `solved` when the very first attempt succeeded, `fell_back` when a later one did (another solver, a
    raised ridge, another risk profile: the attempts say which; `risk_profile` is the one that made the weights) and
    `failed` when none did, or the limits leave nothing to hold: then there are no weights, all is cash, and
    `risk_profile` is the one that was asked for.

    Raises
    ------
    ProfileError : the engine is unknown, or does not solve one of the risk profiles.
    ModelError : as `tries`.
    """
    asked = (risk_profile, *fallbacks)
    solver = _supported(engine, asked)
    kinds = dict.fromkeys(RISK_PROFILES[name].objective is Objective.DECLARED for name in asked)
    rooms = {own: _room(problem.declared if own else problem, once) for own in kinds}
    first, *others = rooms.values()
    if (nothing := first.nothing) is not None and all(one.nothing for one in others):
        return _failed(engine, risk_profile, (nothing,))
    layers = None if estimated is None else layered(problem, estimated)
    attempts = [told for room in rooms.values() if (told := turnover_raised(room.problem, room.whole)) is not None]
    for one in tries(problem, asked, solver.objectives):
        profile = one.profile
        within, whole, nothing = rooms[profile.objective is Objective.DECLARED]
        if nothing is not None:
            attempts.append(replace(nothing, what=f"{one.label}: {nothing.what}"))
            continue
        answer, feasible, ends, weighed = _answered(within, whole, solver, one, options, layers, once)
        substitute = () if one.answers(risk_profile) else (Recourse.SUBSTITUTE,)
        attempts += [
            replace(a, what=f"{one.label}: {a.what}", recourse=(*a.recourse, *substitute)) for a in answer.attempts
        ]
        if answer.weights is None:
            continue
        weights, cash = settle(answer.weights)
        constraints = (*verify(weights, cash, feasible), *one.verified(weights))
        broken = violated(constraints)
        given = profile.objective is Objective.DECLARED  # what is not declared is no cash that limits force
        cut = given or profile.objective in EQUAL  # from what is asked for, whatever the budget
        by_name = {} if cut else _by_name(feasible, constraints)
        slow = {Family.TURNOVER.value: feasible.turnover_cash} if feasible.turnover_cash > DUST else {}
        causes = _left(answer.taken, cash if given else cash - (1.0 - (feasible.wanted if cut else feasible.budget)))
        bounds_keep = causes.pop(WHAT, 0.0) if cut else feasible.reference_cash
        forced = math.fsum(causes[label] for label in causes if given or label not in WHOLE)
        if not broken:
            return Allocation(
                weights=dict(zip(problem.keys, weights.tolist(), strict=True)),
                cash=cash,
                engine=engine,
                risk_profile=one.profile.name,
                status=Status.SOLVED if len(attempts) == 1 else Status.FELL_BACK,
                attempts=tuple(attempts),
                constraints=constraints,
                forced_cash=forced if cut else feasible.forced_cash + forced,
                reference_cash=bounds_keep,
                causes={**by_name, **slow, **causes},
                single=one_book(weighed),
                barbell=ends,
                neutrality=one.neutrality(weights),
            )
        attempts.append(Attempt(what=f"{one.label}: verification", outcome="; ".join(map(str, broken))))
    return _failed(engine, risk_profile, tuple(attempts))


class _Room(NamedTuple):
    """A problem, what its weights may be, and the attempt that ends where its limits leave nothing to hold."""

    problem: Problem
    whole: FeasibleSet
    nothing: Attempt | None


def _room(problem: Problem, once: Once) -> _Room:
    limits = problem.limits
    if limits.turnover is None:  # else it is of what was held, too
        whole: FeasibleSet = once(("limits", limits, problem.budget), lambda: feasible_set(problem))
    else:
        whole = feasible_set(problem)
    return _Room(problem, whole, nothing_to_hold(problem, whole))


class _Answered(NamedTuple):
    """An engine's answer on the streams, what they are to keep, what a barbell is made of, and what was weighed within.

    The last is of clusters in two layers: there shares within clusters are given, and may leave one book.
    """

    answer: EngineAnswer
    feasible: FeasibleSet
    ends: Barbell | None
    weighed: FeasibleSet


def _answered(
    problem: Problem,
    whole: FeasibleSet,
    solver: Engine,
    one: Try,
    options: tuple[Options, ...],
    layers: tuple[Problem, Expansion] | None,
    once: Once,
) -> _Answered:
    """Return an engine's answer on the streams.

    In two layers reference bounds are of clusters: each may hold what those of its streams are together.
    """
    profile = one.profile
    given = loaded(problem, profile)  # once for the reference and the answer
    own = reference_of(given, CORE if profile.name == BARBELL else profile, options, once)
    feasible = bounded(whole, own.most)
    if failure := own.failure or _nothing_left(feasible):
        return _Answered(EngineAnswer(weights=None, attempts=failure), feasible, None, feasible)
    if profile.name == BARBELL:
        answer, ends = barbell.solve(problem, feasible, solver, CORE, options)
        return _Answered(answer, feasible, ends, feasible)
    if layers is None or profile.objective in BY_STREAM:
        reused = one.tolerance is None and solver.name == HOUSE and profile.capping is Capping.PROJECTED
        if own.answer is not None and reused:
            # The engine would answer the same again.
            answer = onto_caps(own.answer, feasible, given.covariance.matrix)
        else:
            answer = _solved(given, feasible, solver, one, options)
        return _Answered(answer, feasible, None, feasible)
    streams, expansion = layers
    within = expansion.within(whole)
    under = within if own.most is None else bounded(within, expansion.sums(feasible.upper))
    if failure := _nothing_left(under, "allocation.layers: two"):
        return _Answered(EngineAnswer(weights=None, attempts=failure), feasible, None, feasible)
    answer = expansion.answer(_solved(streams, under, solver, one.of_clusters(expansion), options), whole, within)
    kept = under.reference_cash
    return _Answered(answer, replace(whole, budget=whole.budget - kept, reference_cash=kept), None, under)


def _nothing_left(feasible: FeasibleSet, key: str = "allocation.limits.reference") -> tuple[Attempt, ...]:
    """Return that what `key` of the profile asks for leaves nothing to hold within the limits; none where it does."""
    if feasible.budget > NEGLIGIBLE:
        return ()
    outcome = f"{key} leaves nothing to hold within the other limits"
    return (Attempt(what=key.rpartition(".")[2], outcome=outcome),)


def _solved(
    problem: Problem, feasible: FeasibleSet, solver: Engine, one: Try, options: tuple[Options, ...]
) -> EngineAnswer:
    """Return an engine's answer, with the L2 of the risk profile, projected where its method leaves that to be done."""
    within = one.within(feasible)
    if isinstance(within, Attempt):
        return EngineAnswer(weights=None, attempts=(within,))
    given = loaded(problem, one.profile)
    if one.profile.capping is Capping.PROJECTED:
        return onto_caps(solver.solve(given, within, one.profile, options), within, given.covariance.matrix)
    return within_turnover(within, lambda inside: solver.solve(given, inside, one.profile, options))


def _by_name(feasible: FeasibleSet, constraints: tuple[Constraint, ...]) -> dict[str, float]:
    """Return the limits by name that bind -> the budget that they took; those that bind together are one entry."""
    if not feasible.named:
        return {}
    named = {one.limit.label for one in feasible.named}
    kept = feasible.open_budget - feasible.budget - feasible.reference_cash - feasible.turnover_cash
    binding = [one.name for one in constraints if one.name in named and one.value >= one.limit - CAP_TOLERANCE]
    return {", ".join(binding): kept} if kept > DUST and binding else {}


def _left(taken: Mapping[str, float], cash: float) -> dict[str, float]:
    """Return what limits took, as far as it is cash: a least may have lifted others by it."""
    share = min(1.0, cash / math.fsum(taken.values())) if taken else 0.0
    return {label: weight * share for label, weight in taken.items() if weight * share > DUST}


def _supported(engine: str, risk_profiles: tuple[str, ...]) -> Engine:
    """Return the engine of that name; ProfileError where there is none or it does not solve all of the profiles."""
    solver = ENGINES.get(engine)
    if solver is None:
        raise ProfileError(f"engine {engine!r} is unknown; use one of {', '.join(sorted(ENGINES))}")
    for name in risk_profiles:
        if name not in RISK_PROFILES or RISK_PROFILES[name].objective not in solver.objectives:
            solved = ", ".join(sorted(risk_profiles_of(solver)))
            raise ProfileError(f"engine {engine} does not solve risk profile {name!r}; it solves {solved}")
    return solver


def _failed(engine: str, risk_profile: str, attempts: tuple[Attempt, ...]) -> Allocation:
    return Allocation(
        weights={},
        cash=1.0,
        engine=engine,
        risk_profile=risk_profile,
        status=Status.FAILED,
        attempts=attempts,
        constraints=(),
    )
