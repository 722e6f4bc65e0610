"""Turnover: what is bought and sold, the rows that bound it, and what it gives way to."""

from dataclasses import replace

import numpy as np
import pytest

from builders.problems import covariance_of, limits, problem_of
from tvquant.allocation import allocate
from tvquant.allocation.caps import bounded, feasible_set
from tvquant.allocation.risk.aggressors import Aggressors
from tvquant.allocation.risk.tail import Tail
from tvquant.allocation.turnover import trades_of
from tvquant.core.allocations import Recourse, Status
from tvquant.core.errors import ModelError

OPTIONS = (Aggressors(), Tail())
LOOSE = {"position": 1.0, "cluster": 1.0}


def given(held, *, turnover=0.2, n=4, signs=None, matrix=None, **bounds):
    """Names N000 ... of which some were held before."""
    made = problem_of(
        covariance_of(np.diag(np.arange(1.0, n + 1.0)) if matrix is None else matrix),
        limits=limits(turnover=turnover, **{**LOOSE, **bounds}),
        signs=signs,
    )
    return replace(made, beta=None, held={f"X:{name}": weight for name, weight in held.items()})


def value(made, name):
    return next(one for one in made.constraints if one.name == name)


def test_it_is_the_larger_of_what_is_bought_and_sold_of_assets_those_that_are_gone_among_them():
    made = trades_of(given({"N000": 0.5, "N001": -0.2, "GONE": 0.1, "LOST": -0.05}, signs=[1, -1, 1, 1]))
    weights = np.array([0.3, 0.4, 0.1, 0.0])  # sells .2 and .2 more short, buys .1
    assert made.turnover(weights) == pytest.approx(0.1 + 0.2 + 0.2)
    assert made.turnover(np.array([0.9, 0.0, 0.3, 0.0])) == pytest.approx(0.05 + 0.4 + 0.2 + 0.3)
    assert made.room.tolist() == [0.5, 0.2, 0.0, 0.0]


def test_nothing_is_bounded_where_nothing_was_held_or_nobody_asks():
    assert trades_of(given({})) is None
    assert trades_of(given({"N000": 0.0})) is None
    assert trades_of(given({"N000": 0.5}, turnover=None)) is None
    with pytest.raises(ModelError, match="X:N000 was held at nan"):
        given({"N000": float("nan")})


@pytest.mark.parametrize("gone", [0.0, 0.05, -0.05])
@pytest.mark.parametrize("signs", [None, [1, -1, 1, -1]])
def test_a_row_is_broken_by_what_it_is_made_of_and_by_nothing_that_keeps_the_turnover(signs, gone):
    draw, sides = np.random.default_rng(0), np.ones(4) if signs is None else np.array(signs)
    before = {f"N{i:03d}": float(0.25 * sides[i]) for i in range(4)}
    made = trades_of(given(before | {"GONE": gone}, signs=signs))
    books = draw.dirichlet(np.ones(4), 200)
    kept = np.array([made.turnover(one) <= 0.2 for one in books])
    assert 0 < kept.sum() < 195
    for book in books[~kept][:20]:
        row, bound = made.broken(book)
        assert row @ book - bound == pytest.approx(made.turnover(book) - 0.2)
        assert (books[kept] @ row <= bound + 1e-12).all()
    assert all(made.broken(book) is None for book in books[kept])


def test_the_budget_is_what_the_turnover_lets_be_bought_and_the_rest_is_its_cash():
    made = allocate(given({"N000": 0.4}), engine="custom", risk_profile="min_variance")
    assert made.status is Status.SOLVED
    assert sum(made.weights.values()) == pytest.approx(0.6)
    assert made.causes == pytest.approx({"turnover": 0.4})
    assert made.forced_cash == pytest.approx(0.4)
    assert value(made, "turnover").value == pytest.approx(0.2)
    bought = np.array([1 / 2, 1 / 3, 1 / 4]) / (1 / 2 + 1 / 3 + 1 / 4)  # by inverse variance, beside what is held
    assert list(made.weights.values()) == pytest.approx([0.4, *(0.2 * bought)])


def least_variance(matrix, held, turnover):
    """The least variance of four names in full within a turnover, by another solver with buys as variables."""
    from scipy.optimize import minimize

    def variance(x):
        return x[:4] @ matrix @ x[:4]

    rules = [
        {"type": "eq", "fun": lambda x: x[:4].sum() - 1.0},
        {"type": "ineq", "fun": lambda x: x[4:] - (x[:4] - held)},
        {"type": "ineq", "fun": lambda x: turnover - x[4:].sum()},
    ]
    start = np.append(held, np.zeros(4))
    return minimize(variance, start, method="SLSQP", bounds=[(0, 1)] * 8, constraints=rules, options={"ftol": 1e-15})


@pytest.mark.requirement("R-RSK-18")
@pytest.mark.parametrize("turnover", [0.05, 0.2])
def test_the_answer_is_the_best_within_the_turnover(turnover):
    draw = np.random.default_rng(1).normal(size=(40, 4))
    matrix, held = np.cov(draw.T) * np.outer([1, 2, 3, 4], [1, 2, 3, 4]), np.array([0.1, 0.2, 0.3, 0.4])
    names = {f"N{i:03d}": float(weight) for i, weight in enumerate(held)}
    made = allocate(given(names, turnover=turnover, matrix=matrix), engine="custom", risk_profile="min_variance")
    weights = np.array(list(made.weights.values()))
    assert value(made, "turnover").value == pytest.approx(turnover, abs=1e-9)
    assert 1 <= int(made.attempts[-1].outcome.partition("rows of turnover: ")[2]) <= 7
    expected = least_variance(matrix, held, turnover)
    np.testing.assert_allclose(weights, expected.x[:4], atol=1e-5)
    assert weights @ matrix @ weights <= expected.fun + 1e-9


@pytest.mark.parametrize("name", ["max_sharpe", "risk_parity", "hrp", "nco", "barbell", "cvar_min"])
def test_every_method_keeps_it_and_what_is_sold_short(name):
    draw = np.random.default_rng(2)
    returns = draw.normal(0.0005, 0.01, (80, 12)) @ (np.eye(12) + 0.3)
    sides = np.where(np.arange(12) % 3, 1.0, -1.0)
    base = problem_of(
        covariance_of(np.cov(returns.T), returns.mean(axis=0)),
        returns=returns, limits=limits(turnover=0.1, reference=2.0), signs=sides,
    )  # fmt: skip
    held = {
        f"X:N{i:03d}": float(side * weight)
        for i, (side, weight) in enumerate(zip(sides, draw.dirichlet(np.full(12, 4.0)), strict=True))
    }
    made = allocate(replace(base, beta=None, held=held), engine="custom", risk_profile=name, options=OPTIONS)
    assert made.status is Status.SOLVED, made.attempts
    after = {f"X:{key}": side * weight for (key, weight), side in zip(made.weights.items(), sides, strict=True)}
    moved = [after[asset] - held[asset] for asset in held]
    traded = max(sum(max(one, 0.0) for one in moved), sum(max(-one, 0.0) for one in moved))
    assert traded == pytest.approx(0.1, abs=1e-9)
    assert Recourse.SUBSTITUTE not in made.recourse


def test_it_gives_way_to_names_that_are_gone_and_says_what_would_keep_it():
    made = allocate(given({"N000": 0.4, "GONE": 0.3}), engine="custom", risk_profile="min_variance")
    first = made.attempts[0]
    assert (first.what, first.conflict.culprits) == (
        "turnover", "cannot be kept: allocation.limits.turnover: turnover at most 20 %"
    )  # fmt: skip
    assert first.conflict.ways_out == ("raise allocation.limits.turnover (turnover at most) from 20 % to 30 %")
    assert made.status is Status.FELL_BACK
    assert made.comparable
    assert value(made, "turnover").limit == pytest.approx(0.3, abs=2e-7)
    assert sum(made.weights.values()) == pytest.approx(0.7, abs=2e-7), "what was sold is invested again"


@pytest.mark.requirement("R-RSK-18")
def test_it_gives_way_to_caps_and_both_are_named_with_the_least_that_helps():
    problem = given({"N000": 0.5, "N001": 0.3, "N002": 0.2}, position=0.3, cluster=0.3, turnover=0.1)
    made = allocate(problem, engine="custom", risk_profile="min_variance")
    conflict = made.attempts[0].conflict
    assert {one.key for one in conflict.limits} == {"allocation.limits.position", "allocation.limits.turnover"}
    assert "from 10 % to 20 %" in conflict.ways_out
    assert "from 30 % to 40 %" in conflict.ways_out
    assert value(made, "turnover").value <= 0.2 + 2e-7
    assert made.conflict is None, "something was tried"
    enough = allocate(
        replace(problem, limits=replace(problem.limits, turnover=0.2)), engine="custom", risk_profile="min_variance"
    )
    assert enough.status is Status.SOLVED


def test_no_reference_bound_makes_anyone_sell():
    problem = given({"N000": 0.7, "N001": 0.3}, turnover=0.1, reference=1.0)
    feasible = feasible_set(problem)
    assert bounded(feasible, np.full(4, 0.25)).upper.tolist() == [0.7, 0.3, 0.25, 0.25]
    assert allocate(problem, engine="custom", risk_profile="risk_parity").status is Status.SOLVED
