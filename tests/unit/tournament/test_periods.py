"""Periods of a book that is kept on more rows than it is measured at."""

import numpy as np

from tvquant.tournament.periods import Periods

BOOK = Periods(ends=np.array([0, 2, 4]), first=7)
EQUITY = np.array([1.1, 0.9, 1.2, 0.6, 0.3, 0.2])


def test_returns_are_of_the_levels_at_their_ends() -> None:
    np.testing.assert_allclose(BOOK.returns(EQUITY), [0.1, 1.2 / 1.1 - 1.0, -0.75], rtol=1e-14)
    assert BOOK.rows.tolist() == [7, 9, 11]
    assert BOOK.returns(np.array([1.0, 0.0, 0.0, 0.0, 0.0, 0.0])).tolist() == [0.0, -1.0, 0.0]


def test_amounts_add_up_and_parts_are_of_the_equity_before_the_period() -> None:
    assert BOOK.summed(np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])).tolist() == [1.0, 6.0, 24.0]
    returns = EQUITY / np.concatenate([[1.0], EQUITY[:-1]]) - 1.0
    np.testing.assert_allclose(BOOK.parts(returns, EQUITY), BOOK.returns(EQUITY), rtol=1e-13)
    gone = np.array([1.0, 0.5, 0.0, 0.0, 0.0, 0.0])
    lost = np.array([0.0, -0.5, -1.0, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(BOOK.parts(lost, gone), [0.0, -1.0, np.nan])
