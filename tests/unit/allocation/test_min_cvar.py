import numpy as np
import pytest

from builders.problems import FREE, HOUSE, estimated
from tvquant.allocation.caps import feasible_set
from tvquant.allocation.engines.custom import min_cvar

RETURNS = np.random.default_rng(4).standard_t(3, (60, 6)) * 0.01 * np.linspace(0.5, 2.0, 6)


def cvar(losses, level):
    """Mean of the worst 1 - level of the losses; the row at the border counts in part."""
    worst, tail = np.sort(losses)[::-1], (1.0 - level) * len(losses)
    whole = int(tail + 1e-9)
    return (worst[:whole].sum() + (tail - whole) * worst[whole]) / tail


def solved(level, limits=FREE, scale=1.0):
    given = estimated(RETURNS * scale, limits=limits)
    return min_cvar.solve(given.returns, feasible_set(given), level).weights


@pytest.mark.parametrize("level", [0.5, 0.93, 0.95])
def test_no_book_has_a_smaller_mean_loss_in_the_tail(level) -> None:
    got = solved(level)
    least = cvar(-RETURNS @ got, level)
    rng = np.random.default_rng(0)
    for share in (1.0, 0.1, 0.01):
        for _ in range(100):
            other = (1.0 - share) * got + share * rng.dirichlet(np.full(6, 0.5))
            assert cvar(-RETURNS @ other, level) >= least - 1e-12


def test_the_level_and_the_caps_shape_the_book_and_the_scale_does_not() -> None:
    assert np.abs(solved(0.95) - solved(0.5)).max() > 0.01
    capped = solved(0.95, HOUSE)
    assert capped.max() == pytest.approx(0.25, abs=1e-9)
    assert solved(0.95).max() > 0.3
    assert capped.sum() == pytest.approx(1.0, abs=1e-9)
    np.testing.assert_allclose(solved(0.95, scale=1e-7), solved(0.95), atol=1e-9)


def test_limits_that_nothing_keeps_are_an_answer_without_weights() -> None:
    given = estimated(RETURNS, limits=HOUSE)
    feasible = feasible_set(given)
    object.__setattr__(feasible, "budget", 2.0)
    answer = min_cvar.solve(given.returns, feasible, 0.95)
    assert answer.weights is None
    assert "infeasible" in answer.attempts[0].outcome
