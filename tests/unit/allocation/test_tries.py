"""What is tried: tolerances of a beta one after the other, then risk parity that is said not to be neutral."""

from dataclasses import replace

import numpy as np
import pytest

from builders.problems import covariance_of, limits, problem_of
from tvquant.allocation import allocate
from tvquant.allocation.risk.contract import Objective
from tvquant.allocation.tries import tries
from tvquant.core.allocations import Recourse, Status
from tvquant.core.errors import ModelError
from tvquant.core.neutrality import Beta
from tvquant.core.problems import Problem

ALL = frozenset(Objective)
LABELS = [f"market_neutral, beta within {tolerance}" for tolerance in ("0.05", "0.15", "0.25")]


def pool(betas: list[float], *, short: int = 0, profiles: tuple[str, ...] = ("market_neutral",)) -> Problem:
    """Names of volatilities that rise; the last `short` are held short, and betas are of the side that is held."""
    n = len(betas)
    signs = np.repeat([1.0, -1.0], [n - short, short])
    made = problem_of(covariance_of(np.diag(np.linspace(1.0, 2.0, n)) + 0.3), signs=signs, betas=betas)
    return replace(made, beta=Beta(values=np.array(betas), benchmark="X:MARKET", profiles=profiles))


def labels(given: Problem, *asked: str, objectives: frozenset[Objective] = ALL) -> list[str]:
    return [one.label for one in tries(given, asked, objectives)]


@pytest.mark.requirement("R-RSK-16")
def test_the_least_variance_within_the_tolerance() -> None:
    given = pool([1.2, 0.9, 1.0, 1.1, -1.0, -0.8, -1.1, -0.9], short=4)
    free = allocate(given, engine="custom", risk_profile="min_variance")
    got = allocate(given, engine="custom", risk_profile="market_neutral")
    assert free.neutrality is None
    assert (got.status, got.comparable) == (Status.SOLVED, True)
    assert given.beta is not None
    weights, betas = np.array(list(got.weights.values())), given.beta.values
    assert abs(weights @ betas) <= 0.05 + 1e-9
    assert np.array(list(free.weights.values())) @ betas > 0.05
    assert got.neutrality is not None
    assert (got.neutrality.beta, got.neutrality.tolerance) == (pytest.approx(0.05, abs=1e-7), 0.05)
    rng = np.random.default_rng(2)
    others = [w for w in rng.dirichlet(np.ones(8), 20000) if w.max() <= 0.25 and abs(w @ betas) <= 0.05]
    assert len(others) > 100
    risk = given.covariance.matrix
    assert all(w @ risk @ w > weights @ risk @ weights for w in others)


@pytest.mark.requirement("R-RSK-16")
def test_a_beta_below_zero_is_held_to_the_tolerance_too() -> None:
    given = pool([-1.2, -0.9, -1.0, -1.1, 1.0, 0.8, 1.1, 0.9], short=4)
    free = allocate(given, engine="custom", risk_profile="min_variance")
    assert given.beta is not None
    assert np.array(list(free.weights.values())) @ given.beta.values < -0.05
    got = allocate(given, engine="custom", risk_profile="market_neutral")
    assert (got.status, len(got.attempts)) == (Status.SOLVED, 1)
    assert got.neutrality is not None
    assert got.neutrality.beta == pytest.approx(-0.05, abs=1e-7)


@pytest.mark.requirement("R-RSK-17")
def test_a_long_only_pool_of_high_betas_visits_every_tolerance_and_is_flagged() -> None:
    got = allocate(pool([1.2, 0.9, 1.0, 1.1, 0.8]), engine="custom", risk_profile="market_neutral")
    assert [one.what for one in got.attempts[:3]] == [f"{label}: limits" for label in LABELS]
    # The least beta under position caps of .25: a quarter of each but the highest.
    assert {one.outcome for one in got.attempts[:3]} == {"the limits leave no beta nearer to 0 than 0.95"}
    assert got.attempts[3].what == "risk_parity, not neutral: coordinate_descent"
    assert (got.status, got.risk_profile) == (Status.FELL_BACK, "risk_parity")
    assert Recourse.SUBSTITUTE in got.recourse
    assert not got.comparable
    assert got.neutrality is not None
    assert got.neutrality.tolerance is None
    assert str(got.neutrality).startswith("not neutral: ")


@pytest.mark.requirement("R-RSK-17")
@pytest.mark.parametrize(("beta", "tolerance", "tried"), [(0.04, 0.05, 1), (0.12, 0.15, 2), (0.2, 0.25, 3)])
def test_the_first_tolerance_that_a_book_keeps_is_the_one(beta: float, tolerance: float, tried: int) -> None:
    got = allocate(pool([beta] * 5), engine="custom", risk_profile="market_neutral")
    assert [one.what.partition(":")[0] for one in got.attempts] == LABELS[:tried]
    assert got.risk_profile == "market_neutral"
    assert got.comparable
    assert got.neutrality is not None
    assert got.neutrality.tolerance == tolerance
    assert got.neutrality.beta == pytest.approx(beta)


@pytest.mark.requirement("R-RSK-16")
def test_a_beta_never_lowers_the_budget_and_is_told_per_invested_too() -> None:
    given = pool([0.1, 0.1])
    got = allocate(given, engine="custom", risk_profile="market_neutral")
    assert got.cash == pytest.approx(0.5), "two names of a quarter each"
    assert got.neutrality is not None
    assert (got.neutrality.beta, got.neutrality.per_invested) == (pytest.approx(0.05), pytest.approx(0.1))
    high = allocate(pool([0.6, 0.6]), engine="custom", risk_profile="market_neutral")
    assert (high.cash, high.risk_profile) == (pytest.approx(0.5), "risk_parity"), (
        "holding less is another book, not a neutral one"
    )


def test_another_profile_is_neutral_where_it_is_asked_to_be() -> None:
    betas = [1.2, 0.9, 1.0, 1.1, -1.0, -0.8, -1.1, -0.9]
    free = pool(betas, short=4)
    bound = pool(betas, short=4, profiles=("hrp", "max_sharpe"))
    means = replace(bound.covariance, means=np.linspace(0.02, 0.01, 8))
    for given, name in ((bound, "hrp"), (replace(bound, covariance=means), "max_sharpe")):
        plain = allocate(replace(given, beta=free.beta), engine="custom", risk_profile=name)
        got = allocate(given, engine="custom", risk_profile=name)
        assert given.beta is not None
        assert abs(np.array(list(plain.weights.values())) @ given.beta.values) > 0.05
        assert abs(np.array(list(got.weights.values())) @ given.beta.values) <= 0.05 + 1e-9
        assert got.risk_profile == name


def test_risk_parity_comes_once_and_only_where_the_engine_has_it() -> None:
    given, asked = pool([1.0] * 5), ("market_neutral", "equal_weight", "risk_parity")
    assert labels(given, *asked) == [*LABELS, "risk_parity, not neutral", "equal_weight, not neutral"]
    assert labels(given, *asked[:2], objectives=ALL - {Objective.EQUAL_RISK}) == [*LABELS, "equal_weight, not neutral"]
    assert labels(given, "min_variance", "market_neutral") == ["min_variance", *LABELS, "risk_parity, not neutral"]


def test_risk_parity_that_was_to_be_neutral_and_is_not_is_no_answer_to_what_was_asked() -> None:
    got = allocate(pool([1.0] * 5, profiles=("risk_parity",)), engine="custom", risk_profile="risk_parity")
    assert (got.risk_profile, got.comparable, got.status) == ("risk_parity", False, Status.FELL_BACK)


def test_a_book_without_a_benchmark_cannot_be_neutral() -> None:
    given = replace(pool([1.0] * 5), beta=None)
    with pytest.raises(ModelError, match="market_neutral: no benchmark is given to be neutral to"):
        allocate(given, engine="custom", risk_profile="market_neutral")
    assert allocate(given, engine="custom", risk_profile="min_variance").neutrality is None


def test_limits_are_kept_beside_the_beta() -> None:
    given = replace(
        pool([1.0, 0.9, 1.1, 0.8, -1.0, -0.9], short=2),
        limits=limits(net=(0.1, 1.0), names={"X:N000": (0.1, 0.25)}),
        clusters=(0, 0, 1, 1, 2, 2),
    )
    got = allocate(given, engine="custom", risk_profile="market_neutral")
    assert got.status is not Status.FAILED
    assert {one.name for one in got.constraints} >= {"beta", "net_low", "least of name X:N000"}


@pytest.mark.requirement("R-RSK-16")
@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_beta_is_kept_from_both_sides_in_one_layer_and_in_two(side: float) -> None:
    """Pairs of twins are clusters: their beta is that of each, and the least variance stands at the tolerance."""
    betas = [side * one for one in (1.2, 1.2, 1.0, 1.0, 1.1, 1.1, -1.0, -1.0, -0.9, -0.9)]
    made = replace(pool(betas, short=4), clusters=tuple(k // 2 for k in range(10)), limits=limits(cluster=0.5))
    for estimated in (None, lambda returns: covariance_of(np.diag(np.linspace(1.0, 2.0, returns.shape[1])) + 0.3)):
        got = allocate(made, engine="custom", risk_profile="market_neutral", estimated=estimated)
        assert got.risk_profile == "market_neutral"
        assert got.neutrality is not None
        assert got.neutrality.beta == pytest.approx(side * 0.05, abs=1e-6)
