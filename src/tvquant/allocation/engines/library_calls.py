"""Calls of libraries that raise, print, warn or return nothing when they fail: silent, and with one outcome.

What a library writes and warns of never reaches the user: what went wrong is one line of the record. Libraries take
what a solver gives up on for a solution, and say that a solver failed where nothing keeps the limits: so the status of
every program they solve is read where they get it from.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from traceback import walk_tb
from typing import Any, NamedTuple, cast

import numpy as np

from tvquant.allocation.caps import NEGLIGIBLE
from tvquant.allocation.engines.library_answers import OUTCOMES
from tvquant.allocation.solver_attempts import Solution
from tvquant.core.panel import Floats

FAULTS = (ValueError, ArithmeticError, LookupError, TypeError, AttributeError, NameError, RuntimeError, AssertionError)
"""What libraries raise of the language's own where a problem is too much for them; no missing package is among it."""
SLIPS = (TypeError, AttributeError, NameError)
"""What a slip in a line of code raises."""
OWN = Path(__file__).parents[2]
"""Where the files of this package are."""
LONGEST = 160
"""Characters of a library's message that are kept."""


class Called(NamedTuple):
    """Weights as a library returned them, or None, and how its solver ended, in cvxpy's words or the library's."""

    weights: Floats | None
    status: str


def called(solve: Callable[[], object], *, faults: tuple[type[Exception], ...] = ()) -> Called:
    """Return what a library's call returns or how it failed; `faults` are its own exceptions, beside cvxpy's."""
    from cvxpy.error import SolverError

    failures: tuple[type[Exception], ...] = (*FAULTS, cast(type[Exception], SolverError), *faults)
    with (
        redirect_stdout(StringIO()),
        redirect_stderr(StringIO()),
        warnings.catch_warnings(),
        _statuses() as statuses,
    ):
        warnings.simplefilter("ignore")
        try:
            found = solve()
        except failures as error:
            if isinstance(error, SLIPS) and _is_ours(error):
                raise
            return Called(None, next(_unsolved(statuses), _line(error)))
    status = next(_unsolved(statuses), "optimal_inaccurate" if "optimal_inaccurate" in statuses else "optimal")
    if found is None:
        return Called(None, status if status not in OUTCOMES else "no solution")
    return Called(np.asarray(found, dtype=np.float64).ravel(), status)


@contextmanager
def _statuses() -> Iterator[list[str]]:
    """Yield a list that fills with how cvxpy ends each program meanwhile: libraries keep that to themselves."""
    import cvxpy

    statuses, programs = list[str](), cast(Any, cvxpy.Problem)
    solve = programs.solve

    def noted(program: Any, *given: Any, **settings: Any) -> Any:
        try:
            return solve(program, *given, **settings)
        finally:
            statuses.append(str(program.status))

    programs.solve = noted
    try:
        yield statuses
    finally:
        programs.solve = solve


def _unsolved(statuses: Iterable[str]) -> Iterator[str]:
    """Yield the statuses of programs that were not solved."""
    return (status for status in statuses if status not in OUTCOMES and status != "None")


def _is_ours(error: Exception) -> bool:
    """Return whether an error arose in a line of this package: a slip of its own, which is no library's answer."""
    *_, (frame, _) = walk_tb(error.__traceback__)
    return Path(frame.f_code.co_filename).is_relative_to(OWN)


def _line(error: Exception) -> str:
    text = " ".join("".join(c if c.isprintable() else " " for c in str(error)).split())
    return f"{type(error).__name__}: {text[:LONGEST]}" if text else type(error).__name__


def unlimited(found: Called) -> Solution:
    """Return the weights of a method without limits: solved, finite, none below zero and some above."""
    if found.weights is None or found.status not in OUTCOMES:
        return Solution(None, found.status, infeasible=found.status == "infeasible")
    if not np.isfinite(found.weights).all():
        return Solution(None, f"{found.status}, but not every weight is a finite number")
    least = float(found.weights.min())
    if least < -NEGLIGIBLE or not found.weights.max() > 0.0:
        return Solution(
            None, f"{found.status}, but a weight is {least:.3g}: none may be below 0, and some must be above"
        )
    return Solution(np.maximum(found.weights, 0.0), OUTCOMES[found.status])
