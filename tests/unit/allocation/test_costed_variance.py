"""The least variance with costs of trading: the trade-off, its proof, and where costs play no part."""

from dataclasses import replace

import numpy as np
import pytest

from builders.problems import covariance_of, limits, problem_of
from tvquant.allocation import allocate
from tvquant.allocation.engines.custom import costed_variance
from tvquant.allocation.engines.custom.programs import Region
from tvquant.allocation.turnover import traded
from tvquant.core.allocations import Status
from tvquant.core.errors import ModelError

HELD = np.array([0.1, -0.2, 0.3, 0.4])
SIDES = np.array([1.0, -1.0, 1.0, 1.0])


def given(cost, held=HELD, **bounds):
    draw = np.random.default_rng(1).normal(size=(40, 4)) * [0.01, 0.02, 0.03, 0.04]
    made = problem_of(covariance_of(np.cov(draw.T)), limits=limits(position=1.0, cluster=1.0, **bounds), signs=SIDES)
    before = {f"X:N{i:03d}": float(weight) for i, weight in enumerate(held)}
    return replace(made, beta=None, cost=cost, held=before if len(held) else {})


def solved(problem):
    made = allocate(problem, engine="custom", risk_profile="min_variance")
    return np.array(list(made.weights.values())), made


def value(weights, problem):
    trades = np.abs(SIDES * weights - HELD).sum()
    return 0.5 * weights @ problem.covariance.matrix @ weights + problem.cost * trades


@pytest.mark.parametrize("cost", [1e-6, 5e-5, 2e-4])
def test_no_book_nearby_has_a_lower_sum_of_variance_and_costs(cost):
    problem = given(cost)
    weights, made = solved(problem)
    assert made.attempts[0].what == "min_variance: clarabel with costs"
    least, draw = value(weights, problem), np.random.default_rng(0)
    for scale in (1e-4, 1e-2, 0.3):
        for other in draw.normal(size=(200, 4)) * scale:
            book = np.clip(weights + other - other.mean(), 0.0, None)
            assert value(book / book.sum(), problem) >= least - 1e-15


def test_costs_lie_between_the_least_variance_and_what_was_held():
    free, _ = solved(given(0.0))
    books = [solved(given(cost))[0] for cost in (1e-9, 2e-5, 1e-4, 1.0)]
    np.testing.assert_allclose(books[0], free, atol=1e-4)
    np.testing.assert_allclose(books[-1], SIDES * HELD, atol=1e-8)
    moved = [np.abs(SIDES * book - HELD).sum() for book in books]
    assert moved == sorted(moved, reverse=True)
    assert moved[1] > moved[2] > 0.01


def test_costs_and_turnover_bind_together_and_a_first_book_costs_what_any_does():
    bounded, made = solved(given(2e-5, turnover=0.05))
    assert next(one for one in made.constraints if one.name == "turnover").value == pytest.approx(0.05, abs=1e-9)
    assert value(bounded, given(2e-5)) > value(solved(given(2e-5))[0], given(2e-5))
    first, plain = solved(given(2e-5, held=())), solved(given(0.0, held=()))
    assert first[0].tolist() == plain[0].tolist()
    assert first[1].attempts == plain[1].attempts


@pytest.mark.parametrize("cost", [1e2, 1e9])
def test_an_aversion_next_to_nothing_stays_with_what_is_held(cost):
    weights, made = solved(given(cost))
    np.testing.assert_allclose(weights, SIDES * HELD, atol=1e-9)
    assert made.status is Status.SOLVED


def test_costs_are_weighed_where_the_turnover_is_the_least_that_can_be():
    draw = np.random.default_rng(1)
    returns = draw.normal(0.001, 0.01, (80, 1)) + draw.normal(0.0, 0.01, (80, 12))
    made = problem_of(covariance_of(np.cov(returns.T)), limits=limits(turnover=0.2, position=0.5, cluster=0.5))
    held = {f"X:N{i:03d}": 0.7 * float(w) for i, w in enumerate(draw.dirichlet(np.ones(12)))}
    for gone in (0.21, 0.24, 0.27, 0.3):
        _, found = solved(replace(made, beta=None, cost=1e-6, held=held | {"GONE": gone}))
        assert [one.what for one in found.attempts] == ["turnover", "min_variance: clarabel with costs"]
        assert found.status is not Status.FAILED


def test_where_the_solver_does_not_end_a_wider_tolerance_is_asked_and_proved_alike(monkeypatch):
    expected = solved(given(5e-5))[0]
    monkeypatch.setattr(costed_variance, "TOLERANCE", 1e-30)
    weights, made = solved(given(5e-5))
    np.testing.assert_allclose(weights, expected, atol=1e-7)
    assert [one.what.rpartition(", ")[2] for one in made.attempts] == [
        "min_variance: clarabel with costs",
        "less tight",
    ]
    assert made.comparable


def test_an_answer_that_its_multipliers_do_not_prove_is_none(monkeypatch):
    problem, program = given(5e-5), costed_variance._program

    def wrong(*asked):
        answer, prices = program(*asked)
        return answer._replace(weights=np.array([0.25, 0.25, 0.25, 0.25])), prices

    region = Region(np.zeros(4), np.ones(4), 1.0, np.zeros((0, 4)), np.zeros(0))
    solve = (problem.covariance, region, traded(problem), problem.cost)
    assert costed_variance.solve(*solve).weights is not None
    monkeypatch.setattr(costed_variance, "_program", wrong)
    found = costed_variance.solve(*solve)
    assert found.weights is None
    assert "the least value is missed" in found.attempts[0].outcome
    with pytest.raises(ModelError, match="expected a cost from 0"):
        given(-1.0)
