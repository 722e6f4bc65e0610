"""Streams of one coin share equally, by every profile that weighs by risk; who is no twin is none."""

import numpy as np
import pytest

from builders.problems import FREE, covariance_of, estimated
from builders.returns import one_factor
from tvquant.allocation.allocate import allocate
from tvquant.allocation.engines.custom import herc
from tvquant.allocation.engines.custom.hrp import hrp_weights
from tvquant.allocation.engines.custom.twins import given_out, together, twins
from tvquant.core.allocations import Status
from tvquant.core.panel import Floats
from tvquant.statistics import Estimates, estimate
from tvquant.statistics.estimators.exponential import HalfLife
from tvquant.statistics.estimators.spectral import Factors


def three_logics(coins: int, rows: int = 120, *, seed: int = 0) -> tuple[Floats, Floats]:
    """Return T x 3N streams, three equal ones for each coin in no order, and the coin of each."""
    coin = np.random.default_rng(seed).permutation(np.repeat(np.arange(coins), 3))
    return one_factor(rows, coins, seed=seed)[:, coin], coin


@pytest.mark.requirement("R-SYN-09")
@pytest.mark.parametrize("profile", ["hrp", "risk_parity", "min_variance", "herc", "nco", "max_diversification"])
@pytest.mark.parametrize("coins", [3, 10, 40])
def test_atoms_of_one_coin_are_the_same_stream_and_get_the_same(profile: str, coins: int) -> None:
    """With more streams than rows too, where nothing but the ridge tells them from one another."""
    returns, coin = three_logics(coins)
    found = allocate(estimated(returns, limits=FREE), engine="custom", risk_profile=profile)
    assert found.status is Status.SOLVED
    weights = np.array(list(found.weights.values()))
    for one in range(coins):
        own = weights[coin == one]
        assert np.ptp(own) <= 1e-9 * own.max()
        assert own.max() > 0.0 or profile in ("min_variance", "nco", "max_diversification")


@pytest.mark.parametrize("shrunk", ["ledoit_wolf", "oas", "exponential", "denoised", "factor"])
def test_they_are_found_by_any_estimate(shrunk: str) -> None:
    returns, coin = three_logics(12)
    groups = twins(estimate(returns, Estimates(covariance=shrunk, options=(HalfLife(), Factors()))).matrix)
    assert len(set(zip(coin.tolist(), groups.tolist(), strict=True))) == 12
    assert groups.max() == 11


def test_a_tree_over_twins_is_that_of_one_each_held_in_equal_parts() -> None:
    returns, coin = three_logics(9)
    matrix = estimate(returns).matrix
    once = np.array([np.flatnonzero(coin == one)[0] for one in range(9)])
    small = np.array([[matrix[np.ix_(coin == a, coin == b)].mean() for b in range(9)] for a in range(9)])
    for weigh in (hrp_weights, lambda m: np.array(herc._split(m).weights)):
        got = weigh(matrix)
        np.testing.assert_allclose(3.0 * got[once], weigh(small), rtol=1e-9)
        assert got.sum() == pytest.approx(1.0, rel=1e-12)


def test_parts_by_hand() -> None:
    matrix = np.array([[4.0, 1.0, 2.0], [1.0, 9.0, 1.0], [2.0, 1.0, 4.0]])
    groups = twins(matrix)
    assert groups.tolist() == [0, 1, 0]
    assert together(matrix, groups).tolist() == [[3.0, 1.0], [1.0, 9.0]]
    assert given_out(np.array([0.6, 0.4]), groups).tolist() == [0.3, 0.4, 0.3]
    assert hrp_weights(np.eye(3)).tolist() == pytest.approx([1 / 3] * 3)
    assert herc.solve(covariance_of(np.eye(3))).weights.tolist() == pytest.approx([1 / 3] * 3)  # type: ignore[union-attr]


def test_who_differs_in_one_covariance_is_no_twin() -> None:
    matrix = np.array([[4.0, 1.0, 2.0], [1.0, 9.0, 1.0], [2.0, 1.0, 4.0]])
    for (i, j), by in {(0, 0): 1e-8, (0, 1): 1e-8}.items():
        odd = matrix.copy()
        odd[i, j] += by
        odd[j, i] = odd[i, j]
        assert twins(odd).tolist() == [0, 1, 2]
    # The same row sums, and not the same rows.
    crossed = np.eye(4) + np.kron(np.eye(2), 0.5 * (1.0 - np.eye(2)))
    assert twins(crossed).tolist() == [0, 0, 1, 1]
    assert twins(np.diag([1.0, 2.0])).tolist() == [0, 1]
    assert twins(np.ones((1, 1))).tolist() == [0]
