"""Allocate: ask an engine, prove the answer, fall back as declared, and keep the trail."""

import numpy as np

from tvquant.allocation import caps
from tvquant.allocation.engines.catalogue import ENGINES
from tvquant.core.allocations import Allocation, Attempt, Problem, Status, violated
from tvquant.core.errors import ModelError, ProfileError


def allocate(problem: Problem, *, engine: str, risk_profile: str, fallbacks: tuple[str, ...] = ()) -> Allocation:
    """Weights for the problem by the first of `risk_profile` and `fallbacks` whose weights keep every limit.

    The status is `solved` when the very first attempt succeeded, `fell_back` when a later one did (another solver, a
    raised ridge, another risk profile: the attempts say which; `risk_profile` is the one that made the weights) and
    `failed` when none did, or the limits leave nothing to hold: then there are no weights, all is cash, and
    `risk_profile` is the one that was asked for.

    Raises
    ------
    ProfileError : the engine is unknown, or does not solve one of the risk profiles.
    ModelError : the problem is malformed.
    """
    solver = ENGINES.get(engine)
    if solver is None:
        raise ProfileError(f"engine {engine!r} is unknown; use one of {', '.join(sorted(ENGINES))}")
    for name in (risk_profile, *fallbacks):
        if name not in solver.risk_profiles:
            known = ", ".join(sorted(solver.risk_profiles))
            raise ProfileError(f"engine {engine} does not solve risk profile {name!r}; it solves {known}")
    _refuse_malformed(problem)
    attempts: list[Attempt] = []
    if (empty := caps.emptied(problem)) is not None:
        return _failed(engine, risk_profile, (empty,))
    for name in (risk_profile, *fallbacks):
        answer = solver.solve(problem, name)
        attempts += (Attempt(what=f"{name}: {a.what}", outcome=a.outcome) for a in answer.attempts)
        if answer.weights is None:
            continue
        weights, cash = caps.settle(answer.weights)
        constraints = caps.verify(weights, cash, problem)
        broken = violated(constraints)
        if not broken:
            return Allocation(
                weights=dict(zip(problem.keys, weights.tolist(), strict=True)),
                cash=cash,
                engine=engine,
                risk_profile=name,
                status=Status.SOLVED if len(attempts) == 1 else Status.FELL_BACK,
                attempts=tuple(attempts),
                constraints=constraints,
                forced_cash=caps.forced_cash(problem),
            )
        attempts.append(Attempt(what=f"{name}: verification", outcome="; ".join(map(str, broken))))
    return _failed(engine, risk_profile, tuple(attempts))


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


def _refuse_malformed(problem: Problem) -> None:
    n, matrix = len(problem.keys), problem.covariance.matrix
    if n == 0 or len(set(problem.keys)) != n:
        raise ModelError(
            f"allocation needs at least one name and none twice, got {n} with {len(set(problem.keys))} unique"
        )
    if matrix.shape != (n, n) or len(problem.clusters) != n:
        raise ModelError(
            f"allocation of {n} names needs a {n} x {n} covariance and {n} clusters, "
            f"got {matrix.shape} and {len(problem.clusters)}"
        )
    if problem.signs is not None and (problem.signs.shape != (n,) or not (np.abs(problem.signs) == 1.0).all()):
        raise ModelError(f"allocation of {n} names needs {n} signs of 1 or -1, got {problem.signs}")
    means = problem.covariance.means
    if means.shape != (n,) or not np.isfinite(means).all():
        raise ModelError(
            f"allocation of {n} names needs {n} finite means, got {np.isfinite(means).sum()}; drop the others"
        )
    finite = np.isfinite(matrix).all(axis=1) & (np.diag(matrix) > 0.0)
    if not finite.all():
        name = problem.keys[int(np.argmin(finite))]
        raise ModelError(f"allocation: covariance of {name} is not finite with a positive variance; drop the name")
