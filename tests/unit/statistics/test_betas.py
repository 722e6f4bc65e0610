"""Betas: Vasicek's by hand, shorts turned back, and what says nothing is refused."""

import numpy as np
import pytest

from tvquant.core.errors import ModelError
from tvquant.statistics.betas import shrunk_betas

MARKET = np.tile([0.01, -0.02, 0.015, -0.005], 6)
NOISE = np.tile([0.008, 0.008, -0.008, -0.008], 6)


def test_a_beta_is_drawn_to_the_mean_by_the_share_of_its_own_error() -> None:
    returns = np.column_stack((0.5 * MARKET, 1.5 * MARKET + NOISE, 1.3 * MARKET))
    got = shrunk_betas(returns, MARKET, np.ones(3))
    own = np.array([np.cov(each, MARKET)[0, 1] / MARKET.var(ddof=1) for each in returns.T])
    left = returns[:, 1] - returns[:, 1].mean() - own[1] * (MARKET - MARKET.mean())
    error = (left @ left) / (24 - 2) / ((MARKET - MARKET.mean()) ** 2).sum()
    share = error / (error + own.var(ddof=1))
    assert 0.005 < share < 0.5
    assert got == pytest.approx([0.5, own[1] + share * (own.mean() - own[1]), 1.3], abs=1e-12)


def test_a_short_is_the_same_name_turned_over() -> None:
    returns = np.column_stack((0.5 * MARKET + NOISE, 1.5 * MARKET - NOISE, 1.3 * MARKET))
    signs = np.array([1.0, -1.0, 1.0])
    turned = shrunk_betas(returns * signs, MARKET, signs)
    np.testing.assert_allclose(turned, signs * shrunk_betas(returns, MARKET, np.ones(3)), rtol=1e-14)
    assert turned[1] < -1.0


def test_one_name_and_names_alike_are_left_as_they_are() -> None:
    assert shrunk_betas(0.7 * MARKET[:, None], MARKET, np.ones(1)) == pytest.approx([0.7])
    alike = np.column_stack((0.7 * MARKET, 0.7 * MARKET))
    assert shrunk_betas(alike, MARKET, np.ones(2)) == pytest.approx([0.7, 0.7])


def test_too_few_rows_and_a_still_benchmark_are_refused() -> None:
    with pytest.raises(ModelError, match="expected 20 rows that all names and the benchmark have, found 19"):
        shrunk_betas(MARKET[:19, None], MARKET[:19], np.ones(1))
    assert shrunk_betas(MARKET[:20, None], MARKET[:20], np.ones(1)) == pytest.approx([1.0])
    with pytest.raises(ModelError, match="the benchmark does not vary on the 24 training rows"):
        shrunk_betas(MARKET[:, None], np.full(24, 0.001), np.ones(1))
