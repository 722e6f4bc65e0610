"""Phases and the book that is in all of them, by hand and by the accounts that it stands for."""

import numpy as np
import pytest

from tvquant.core.rates import RiskFree
from tvquant.tournament.timing_luck import timing_luck, tranched

YEAR = 252


@pytest.mark.requirement("R-TRN-08")
def test_the_tranched_book_is_the_mean_of_accounts_that_never_trade_with_each_other() -> None:
    """1 and 1 become 1.2 and 0.9, then 1.2 and 1.8: 2.1 / 2, then 3 / 2; no return is the mean of the returns."""
    returns = np.array([[0.2, -0.1], [0.0, 1.0]])
    assert tranched(returns) == pytest.approx([0.05, 1.5 / 1.05 - 1.0])


def test_an_account_that_is_gone_stays_gone_and_where_all_are_nothing_is_earned() -> None:
    assert tranched(np.array([[-1.0, 0.5], [0.3, 0.2]])) == pytest.approx([-0.25, 0.2])
    assert tranched(np.array([[-1.0, -1.0], [0.3, 0.2]])) == pytest.approx([-1.0, 0.0])


def test_measures_are_of_each_phase_and_of_the_book_over_the_same_rate() -> None:
    draws = np.random.default_rng(3)
    returns = 0.001 + 0.01 * draws.standard_normal((300, 1)) + 0.002 * draws.standard_normal((300, 3))
    rate = RiskFree(per_row=np.full(300, 1e-4))
    luck = timing_luck(returns, periods_per_year=YEAR, risk_free=rate)
    excess = np.column_stack([returns, luck.returns]) - 1e-4
    expected = np.sqrt(YEAR) * excess.mean(axis=0) / excess.std(axis=0, ddof=1)
    assert luck.sharpes == pytest.approx(expected[:3])
    assert luck.tranched.sharpe == pytest.approx(expected[3])
    assert luck.spread == pytest.approx(expected[:3].std(ddof=1))
    assert luck.above == (expected[3] > expected[:3]).sum()
    assert 0 < luck.above < 3
    assert (luck.returns + 1.0).prod() == pytest.approx((1.0 + returns).prod(axis=0).mean())
