"""A library's call is silent, and a failure of any kind is one line."""

import sys
import warnings

import numpy as np
import pytest

from tvquant.allocation.engines.library_calls import Called, called, unlimited

pytestmark = pytest.mark.xdist_group("engine libraries")


class OwnError(Exception):
    """Of a library."""


def raising(error):
    def solve():
        print("of no interest")
        print("nor this", file=sys.stderr)
        warnings.warn("nor this", stacklevel=1)
        raise error

    return solve


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError("no\nway \x1b[31mout"), "ValueError: no way [31mout"),
        (AttributeError(), "AttributeError"),
        (np.linalg.LinAlgError("singular"), "LinAlgError: singular"),
        (OwnError("x" * 500), f"OwnError: {'x' * 160}"),
    ],
)
def test_what_it_raises_is_a_line_and_what_it_writes_is_dropped(error, status, capfd, recwarn):
    assert called(raising(error), faults=(OwnError,)) == (None, status)
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


def test_an_exception_of_nobody_and_a_missing_package_are_not_failures_of_a_solve():
    for error in (OwnError(), ModuleNotFoundError("riskfolio"), KeyboardInterrupt()):
        with pytest.raises(type(error)):
            called(raising(error))


def test_a_slip_in_a_line_of_ours_is_no_answer_of_a_library():
    with pytest.raises(AttributeError):
        called(lambda: unlimited(None))  # it looks for weights there
    assert called(lambda: np.asarray("x").astype(float)).status.startswith("ValueError")


def program(**settings):
    """A program whose least is 1, solved by cvxpy."""
    import cvxpy

    x = cvxpy.Variable(2)
    cvxpy.Problem(cvxpy.Minimize(cvxpy.norm(x)), [cvxpy.sum(x) == 1.0, *settings.pop("limits", lambda _: [])(x)]).solve(
        solver="CLARABEL", **settings
    )
    return x.value


def test_the_status_of_every_program_is_read():
    assert called(program).status == "optimal"
    assert called(lambda: [program(max_iter=1), program()][1]).status == "user_limit"
    loose = {"tol_gap_abs": 1e-18, "tol_gap_rel": 1e-18, "tol_feas": 1e-18}
    weights, status = called(lambda: program(**loose))
    assert (weights.round(6).tolist(), status) == ([0.5, 0.5], "optimal_inaccurate")
    assert called(lambda: program(limits=lambda x: [x <= 0.1])) == (None, "infeasible")
    assert called(lambda: None) == (None, "no solution")

    def misled():
        program(limits=lambda x: [x <= 0.1])
        raise ValueError("the solver failed, try another")

    assert called(misled) == (None, "infeasible")


@pytest.mark.parametrize(
    ("weights", "status", "outcome"),
    [
        (None, "ValueError: no", "ValueError: no"),
        ([1.0, 2.0], "user_limit", "user_limit"),
        ([np.nan, 1.0], "optimal", "optimal, but not every weight is a finite number"),
        ([0.5, -1e-8], "optimal", "optimal, but a weight is -1e-08: none may be below 0, and some must be above"),
        ([0.0, 0.0], "optimal", "optimal, but a weight is 0: none may be below 0, and some must be above"),
    ],
)
def test_weights_of_no_method_are_none(weights, status, outcome):
    given = None if weights is None else np.array(weights)
    assert unlimited(Called(given, status)) == (None, outcome, False)


def test_weights_without_limits_are_as_they_are_but_for_rounding_below_zero():
    weights, outcome, _ = unlimited(Called(np.array([2.0, -1e-10]), "optimal_inaccurate"))
    assert (weights.tolist(), outcome) == ([2.0, 0.0], "solved, to a gap of 1e-07")
