"""Attempts at one covariance: order of attempts, raised ridges, and the record."""

from dataclasses import replace

import numpy as np
import pytest

from tvquant.allocation.solver_attempts import Solution, first_solution
from tvquant.core.allocations import Attempt, Recourse
from tvquant.core.problems import Covariance


def covariance(*, ridge=0.01):
    """Variances of mean 2 before the ridge."""
    return Covariance(
        matrix=np.array([[1.0, 0.5], [0.5, 3.0]]) + ridge * 2.0 * np.eye(2),
        means=np.zeros(2),
        method="given",
        shrinkage=0.0,
        ridge=ridge,
        condition=1.0,
        observations=100,
    )


def refuses(seen):
    def solver(matrix):
        seen.append(matrix)
        return Solution(None, "refused")

    return solver


def solves(matrix):
    return Solution(np.array([0.5, 0.5]), "solved")


def test_the_first_solution_ends_the_climb():
    seen = []
    got = first_solution(covariance(), {"first": refuses(seen), "second": solves, "third": refuses(seen)})
    second = Attempt(what="second", outcome="solved", recourse=(Recourse.SECOND_SOLVER,))
    assert got.attempts == (Attempt(what="first", outcome="refused"), second)
    assert got.weights.tolist() == [0.5, 0.5]
    assert len(seen) == 1


@pytest.mark.requirement("R-RSK-08")
def test_only_the_last_solver_gets_raised_ridges():
    first, last, given = [], [], covariance()
    got = first_solution(given, {"first": refuses(first), "last": refuses(last)})
    assert got.weights is None
    names = ["first", "last", "last, ridge 0.15", "last, ridge 0.50", "last, ridge 0.95"]
    assert [a.what for a in got.attempts] == names
    raised = (Recourse.SECOND_SOLVER, Recourse.RAISED_RIDGE)
    assert [a.recourse for a in got.attempts] == [(), raised[:1], raised, raised, raised]
    assert [m is given.matrix for m in first] == [True]
    assert last[0] is given.matrix
    for matrix, ridge in zip(last[1:], (0.15, 0.50, 0.95), strict=True):
        np.testing.assert_allclose(matrix, [[1.0 + 2.0 * ridge, 0.5], [0.5, 3.0 + 2.0 * ridge]], rtol=1e-14)


def test_a_ridge_is_never_lowered():
    got = first_solution(covariance(ridge=0.3), {"only": refuses([])})
    assert [a.what for a in got.attempts] == ["only", "only, ridge 0.50", "only, ridge 0.95"]
    assert [a.recourse for a in got.attempts] == [(), (Recourse.RAISED_RIDGE,), (Recourse.RAISED_RIDGE,)]


def test_the_covariance_is_untouched():
    given = covariance()
    before = given.matrix.copy()
    given.matrix.flags.writeable = False
    first_solution(replace(given), {"only": refuses([])})
    np.testing.assert_array_equal(given.matrix, before)


def test_no_ridge_is_raised_where_nothing_keeps_the_limits():
    """Both solvers are asked: one may be wrong."""

    def empty(_):
        return Solution(None, "infeasible", True)

    got = first_solution(covariance(), {"first": empty, "last": empty})
    assert [(a.what, a.outcome) for a in got.attempts] == [("first", "infeasible"), ("last", "infeasible")]
    assert first_solution(covariance(), {"first": empty, "last": solves}).weights is not None
