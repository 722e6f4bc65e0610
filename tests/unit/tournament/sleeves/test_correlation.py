"""How different sleeves are: against numpy, by hand, and by what must hold whatever they are."""

import numpy as np
import pytest

from builders.sleeves import sleeve
from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats
from tvquant.tournament.sleeves.correlation import bets_of, correlated
from tvquant.tournament.sleeves.gates import Stops, mirrored
from tvquant.tournament.sleeves.join import Joined, joined


def of(returns: Floats, names: str = "abcdefgh") -> Joined:
    levels = np.cumprod(np.vstack([np.ones(returns.shape[1]), 1.0 + returns]), axis=0)
    return joined([sleeve(name, column.tolist()) for name, column in zip(names, levels.T, strict=False)])


def noise(rows: int, columns: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(0.0, 0.01, (rows, columns))


@pytest.mark.requirement("R-META-10")
def test_correlations_are_of_joined_returns_each_two_once() -> None:
    returns = noise(200, 3)
    returns[:, 1] += returns[:, 0]
    found = correlated(of(returns))
    np.testing.assert_allclose(found.matrix, np.corrcoef(returns.T), rtol=0.0, atol=1e-12)
    assert [(one.first, one.second, one.rows) for one in found.pairs] == [
        ("a", "b", 200),
        ("a", "c", 200),
        ("b", "c", 200),
    ]
    for one in found.pairs:
        assert one.low is not None
        assert one.high is not None
        assert one.rho is not None
        assert one.low < one.rho < one.high
    assert found.of("a", "b").low > 0.5 > found.of("a", "c").high > 0.0 > found.of("a", "c").low  # type: ignore[operator]
    wider = correlated(of(returns), confidence=0.99).of("a", "b")
    assert wider.low < found.of("a", "b").low  # type: ignore[operator]


def test_a_sleeve_that_does_not_move_has_no_correlation_and_is_said() -> None:
    returns = noise(100, 3)
    returns[:, 1] = 0.0
    found = correlated(of(returns))
    assert (found.still, found.bets.still, found.bets.streams) == (("b",), 1, 2)
    assert [one.rho is None for one in found.pairs] == [True, False, True]
    assert np.isnan(found.matrix).tolist() == [[False, True, False], [True] * 3, [False, True, False]]
    gates = mirrored(found, 0.99)
    assert [(gate.sleeves, gate.passed, gate.why[:16]) for gate in gates] == [
        (("b",), True, "it does not move"),
        (("a", "b", "c"), True, "no correlation i"),
    ]
    two = correlated(of(returns[:, :2]))
    assert np.isnan(two.matrix).tolist() == [[False, True], [True, True]]
    assert mirrored(two, 0.99)[-1].why == "there are no two that move"
    assert mirrored(correlated(of(returns[:, :1])), 0.99)[-1].why == "there are no two that move"


@pytest.mark.requirement("R-META-10")
def test_sleeves_that_move_as_one_or_as_opposites_keep_from_promotion() -> None:
    returns = noise(300, 4)
    returns[:, 1] = 0.5 * returns[:, 0]
    returns[:, 3] = -returns[:, 2] + 0.05 * returns[:, 1]
    found = mirrored(correlated(of(returns)), 0.99)
    assert [(gate.sleeves, gate.passed, gate.stops) for gate in found] == [
        (("a", "b"), False, Stops.PROMOTION),
        (("c", "d"), False, Stops.PROMOTION),
    ]
    assert "as one: they are one bet, correlated by 1.0000 over 300 rows" in found[0].why
    assert "as opposites" in found[1].why
    exact = correlated(of(returns[:, 2:]), confidence=0.95).pairs[0].rho
    assert exact is not None
    assert mirrored(correlated(of(returns[:, 2:])), abs(exact))[0].passed  # above, not at
    few = mirrored(correlated(of(noise(300, 3))), 0.99)
    assert [(gate.sleeves, gate.passed) for gate in few] == [(("a", "b", "c"), True)]
    assert few[0].entry()["stops"] == "promotion"


@pytest.mark.requirement("R-SYN-09")
def test_streams_of_one_coin_are_one_bet_whatever_their_number_and_side() -> None:
    coins = noise(400, 10)
    three = np.repeat(coins, 3, axis=1)
    three[:, 1::3] *= -1.0
    alone, pool = bets_of(coins), bets_of(three)
    assert (alone.streams, alone.distinct) == (10, 10)
    assert (pool.streams, pool.distinct) == (30, 10)
    assert pool.effective == pytest.approx(alone.effective, rel=1e-9)
    values = np.linalg.eigvalsh(np.corrcoef(three.T))
    assert pool.effective == pytest.approx(values.sum() ** 2 / (values**2).sum(), rel=1e-9)
    assert bets_of(np.repeat(coins[:, :1], 5, axis=1)).effective == pytest.approx(1.0, rel=1e-12)


@pytest.mark.requirement("R-SYN-09")
def test_what_chance_adds_to_correlations_of_few_rows_is_no_dependence() -> None:
    """119 unrelated atoms look like 40 bets on 60 rows: 119^2 / (119 + 119 x 118 / 59)."""
    found = bets_of(noise(60, 119))
    assert found.effective == pytest.approx(119.0 / (1.0 + 118.0 / 59.0), rel=0.05)
    assert 95.0 < found.beyond_noise <= 119.0
    thirds = bets_of(np.repeat(noise(60, 40, seed=1), 3, axis=1))
    assert thirds.effective < 26.0
    assert thirds.beyond_noise == pytest.approx(40.0, rel=0.1)
    market = noise(60, 1, seed=2) * 1.5 + noise(60, 119, seed=3)
    assert bets_of(market).beyond_noise == pytest.approx(bets_of(market).effective, rel=0.05)


def test_streams_with_holes_count_over_the_rows_that_both_have() -> None:
    returns = noise(200, 4)
    returns[:, 1] = returns[:, 0]
    returns[:100, 1] = np.nan
    returns[:185, 2] = np.nan
    returns[:, 3] = np.nan
    found = bets_of(returns)
    assert (found.streams, found.still, found.distinct) == (3, 1, 3)
    rho = 1.0  # of the first two; the third has 15 rows and counts as unrelated
    assert found.effective == pytest.approx(9.0 / (3.0 + 2.0 * rho**2), rel=1e-9)
    assert bets_of(np.full((5, 2), np.nan)).effective == 0.0
    with pytest.raises(ModelError, match="bets: expected a matrix of rows x streams with rows"):
        bets_of(np.empty((0, 2)))
