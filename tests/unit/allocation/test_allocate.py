"""Allocate: the trail of attempts, declared fallbacks, and no answer that breaks a limit."""

import subprocess
import sys
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest

from builders.problems import FREE, HOUSE, covariance_of, estimated, limits, problem_of
from tvquant.allocation import allocate
from tvquant.allocation.caps import FeasibleSet
from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.allocation.engines.custom import quadratic
from tvquant.allocation.engines.custom.programs import Failure
from tvquant.allocation.risk.contract import Objective, RiskProfile
from tvquant.core.allocations import Attempt, Recourse, Status
from tvquant.core.errors import ProfileError
from tvquant.core.problems import Problem
from tvquant.profiles import Options


def problem(n=6, rows=120, *, limits=HOUSE, seed=0, noise=0.01):
    rng = np.random.default_rng(seed)
    returns = rng.normal(0.0, 0.01, (rows, 1)) * rng.uniform(0.3, 1.7, n) + rng.normal(0.0, noise, (rows, n))
    return estimated(returns, limits=limits)


def indefinite(given: Problem) -> Problem:
    values, vectors = np.linalg.eigh(given.covariance.matrix)
    values[0] = -0.3 * values.mean()
    return replace(given, covariance=replace(given.covariance, matrix=(vectors * values) @ vectors.T))


def test_solved_at_the_first_attempt():
    got = allocate(problem(), engine="custom", risk_profile="min_variance")
    assert got.status is Status.SOLVED
    assert (got.recourse, got.comparable) == ((), True)
    assert [a.what for a in got.attempts] == ["min_variance: daqp"]
    assert list(got.weights) == [f"N{i:03d}" for i in range(6)]
    assert (got.engine, got.risk_profile) == ("custom", "min_variance")


@pytest.mark.requirement("R-RSK-05")
def test_equal_weight_is_equal_over_atoms_whatever_their_clusters():
    given = problem(7)
    assert set(allocate(given, engine="custom", risk_profile="equal_weight").weights.values()) == {1.0 / 7.0}
    grouped = replace(given, clusters=(0, 1, 2, 3, 4, 4, 4))
    got = allocate(grouped, engine="custom", risk_profile="equal_weight")
    np.testing.assert_allclose(list(got.weights.values()), [1.0 / 7.0] * 4 + [0.25 / 3.0] * 3)
    assert got.cash == pytest.approx(3.0 / 7.0 - 0.25)


@pytest.mark.requirement("R-RSK-05")
def test_min_variance_is_below_any_other_book():
    given = problem(8)
    got = np.array(list(allocate(given, engine="custom", risk_profile="min_variance").weights.values()))
    least = got @ given.covariance.matrix @ got
    rng = np.random.default_rng(1)
    others = [w for w in rng.dirichlet(np.ones(8), 4000) if w.max() <= 0.25]
    assert len(others) > 100
    assert all(w @ given.covariance.matrix @ w > least for w in others)


@pytest.mark.requirement("R-RSK-10")
@pytest.mark.requirement("R-RSK-24")
def test_equal_names_gives_a_name_one_nth_however_many_streams_hold_it():
    given = problem_of(covariance_of(np.eye(4)), limits=FREE)
    alone = allocate(given, engine="custom", risk_profile="equal_names")
    assert set(alone.weights.values()) == {0.25}
    held = ({"X:A": 1.0}, {"X:A": 1.0}, {"X:B": 1.0}, {"X:C": 1.0})
    doubled = replace(given, composition=dict(zip(given.keys, held, strict=True)))
    got = allocate(doubled, engine="custom", risk_profile="equal_names")
    assert list(got.weights.values()) == pytest.approx([1 / 6, 1 / 6, 1 / 3, 1 / 3])


@pytest.mark.parametrize("risk_profile", ["equal_weight", "min_variance"])
@pytest.mark.parametrize(("n", "cash"), [(1, 0.75), (2, 0.5), (3, 0.25), (4, 0.0)])
def test_few_names_leave_cash_under_the_cap(risk_profile, n, cash):
    got = allocate(problem(n), engine="custom", risk_profile=risk_profile)
    assert set(got.weights.values()) == {0.25}
    assert got.cash == cash
    assert got.forced_cash == pytest.approx(cash, abs=1e-12)


@pytest.mark.parametrize("risk_profile", ["equal_names", "equal_weight"])
def test_what_caps_take_from_equal_weights_is_cash_that_they_force_by_cause(risk_profile):
    given = replace(problem(6, limits=replace(HOUSE, position=0.15)), clusters=(0, 0, 0, 1, 2, 3))
    got = allocate(given, engine="custom", risk_profile=risk_profile)
    # A sixth of each is cut to .15, and three names share a cap of .25.
    assert got.causes == pytest.approx({"position": 6 * (1 / 6 - 0.15), "cluster": 3 * 0.15 - 0.25})
    assert got.forced_cash == pytest.approx(0.3, abs=1e-12)
    assert got.cash == pytest.approx(got.forced_cash, abs=1e-12)


def test_what_gross_takes_is_not_forced_by_caps():
    least = limits(gross=0.5, names={"X:N000": (0.2, 0.25)})
    got = allocate(problem(6, limits=least), engine="custom", risk_profile="equal_names")
    assert sum(got.weights.values()) == pytest.approx(0.5)
    assert got.forced_cash == 0.0
    assert set(got.causes) <= {"gross"}


def test_shared_clusters_are_capped():
    given = replace(problem(8, seed=3), clusters=(0, 0, 0, 0, 1, 2, 3, 4))
    free = allocate(problem(8, seed=3), engine="custom", risk_profile="min_variance")
    assert sum(list(free.weights.values())[:4]) > 0.3
    got = allocate(given, engine="custom", risk_profile="min_variance")
    assert got.status is Status.SOLVED
    assert [a.what for a in got.attempts] == ["min_variance: daqp"]
    assert sum(list(got.weights.values())[:4]) == pytest.approx(0.25, abs=1e-9)
    assert sum(got.weights.values()) + got.cash == pytest.approx(1.0, abs=1e-12)


def test_a_second_solver_is_on_record(monkeypatch):
    def cycles(*_):
        return Failure("cycling", False)

    monkeypatch.setattr(quadratic, "PROGRAMS", {**quadratic.PROGRAMS, "daqp": cycles})
    got = allocate(problem(), engine="custom", risk_profile="min_variance")
    assert got.status is Status.FELL_BACK
    assert got.attempts[0] == Attempt(what="min_variance: daqp", outcome="cycling")
    assert got.attempts[1].what == "min_variance: clarabel"
    assert len(got.attempts) == 2


@pytest.mark.requirement("R-RSK-02")
@pytest.mark.requirement("R-RSK-08")
def test_a_raised_ridge_is_on_record_and_is_still_the_answer_to_what_was_asked():
    got = allocate(indefinite(problem()), engine="custom", risk_profile="min_variance", fallbacks=("equal_weight",))
    assert got.status is Status.FELL_BACK
    assert got.risk_profile == "min_variance"
    assert [a.what for a in got.attempts] == [
        "min_variance: daqp",
        "min_variance: clarabel",
        "min_variance: clarabel, ridge 0.15",
        "min_variance: clarabel, ridge 0.50",
    ]
    assert got.recourse == (Recourse.SECOND_SOLVER, Recourse.RAISED_RIDGE)
    assert got.comparable


def hopeless() -> Problem:
    """So far from a covariance that no declared ridge mends it."""
    return problem_of(covariance_of([[1.0, 5.0], [5.0, 1.0]]), limits=FREE)


def test_no_undeclared_fallback():
    got = allocate(hopeless(), engine="custom", risk_profile="min_variance")
    assert got.status is Status.FAILED
    assert (dict(got.weights), got.cash, got.constraints) == ({}, 1.0, ())
    assert (got.recourse, got.comparable) == ((), False)
    assert len(got.attempts) == 5
    assert not any(a.outcome.startswith("solved") for a in got.attempts)


def test_a_declared_fallback_is_taken_and_named():
    got = allocate(hopeless(), engine="custom", risk_profile="min_variance", fallbacks=("equal_weight",))
    assert got.status is Status.FELL_BACK
    assert got.risk_profile == "equal_weight"
    assert got.attempts[-1] == Attempt(
        what="equal_weight: closed_form", outcome="solved", recourse=(Recourse.SUBSTITUTE,)
    )
    assert got.recourse == (Recourse.SUBSTITUTE,)
    assert not got.comparable
    assert got.attempts[0].what == "min_variance: daqp"
    assert dict(got.weights) == {"N000": 0.5, "N001": 0.5}


@pytest.mark.requirement("R-RSK-08")
def test_limits_that_cannot_be_met_fail_at_once_and_by_name():
    must_invest = replace(HOUSE, net=(0.9, 1.0))
    got = allocate(problem(3, limits=must_invest), engine="custom", risk_profile="hrp", fallbacks=("min_variance",))
    assert got.status is Status.FAILED
    (only,) = got.attempts  # no engine is asked, no ridge raised: neither makes room
    assert (only.what, only.outcome, only.conflict) == ("limits", str(got.conflict), got.conflict)
    assert only.outcome.startswith("cannot be kept together: allocation.limits.net: net at least 90 %")


def test_a_method_whose_own_limits_leave_nothing_is_passed_over_and_says_why():
    own = replace(HOUSE, net=(0.9, 1.0))
    given = replace(problem(3), own_limits=own, target=np.full(3, 0.3))
    got = allocate(given, engine="custom", risk_profile="fixed", fallbacks=("hrp",))
    assert (got.status, got.risk_profile, got.attempts[0].what) == (Status.FELL_BACK, "hrp", "fixed: limits")
    assert "net at least 90 %" in got.attempts[0].outcome


class Careless:
    """An engine that ignores the cap."""

    name = "careless"
    objectives = frozenset({Objective.MIN_VARIANCE})
    options = ()

    def solve(
        self, problem: Problem, feasible: FeasibleSet, risk_profile: RiskProfile, _: tuple[Options, ...]
    ) -> EngineAnswer:
        weights = np.array([0.5, 0.5] + [0.0] * (len(problem.keys) - 2))
        return EngineAnswer(weights=weights, attempts=(Attempt(what="guess", outcome="solved"),))


@pytest.mark.requirement("R-RSK-10")
def test_weights_of_an_engine_are_not_trusted(monkeypatch):
    module = sys.modules["tvquant.allocation.allocate"]  # the package exports its function by the same name
    monkeypatch.setattr(module, "ENGINES", MappingProxyType({"careless": Careless()}))
    got = allocate(problem(), engine="careless", risk_profile="min_variance")
    assert got.status is Status.FAILED
    assert got.attempts[-1].outcome == "position is 0.5, limit 0.25; cluster is 0.5, limit 0.25"


@pytest.mark.parametrize(
    ("engine", "risk_profile", "fallbacks", "message"),
    [
        ("gurobi", "min_variance", (), "engine 'gurobi' is unknown; use one of custom"),
        (
            "custom",
            "max_luck",
            (),
            "risk profile 'max_luck'; it solves barbell, cvar_min, equal_names",
        ),
        ("custom", "min_variance", ("max_luck",), "risk profile 'max_luck'"),
    ],
)
def test_unknown_names(engine, risk_profile, fallbacks, message):
    with pytest.raises(ProfileError, match=message):
        allocate(problem(), engine=engine, risk_profile=risk_profile, fallbacks=fallbacks)


def test_import_is_light():
    heavy = ("scipy", "clarabel", "numba", "pandas")
    code = f"import sys, tvquant.allocation; sys.exit(any(name in sys.modules for name in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
