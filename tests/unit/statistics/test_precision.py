import numpy as np

from tvquant.statistics.precision import ROUNDED, without_variance


def test_a_column_is_held_against_its_own_largest_return_not_against_that_of_others() -> None:
    up = np.array([[1.0], [-1.0]] * 4)
    returns = np.hstack([500.0 * up, 20.0 * ROUNDED * up, 0.5 * ROUNDED * up, 400.0 + 300.0 * ROUNDED * up])
    assert without_variance(returns).tolist() == [False, False, True, True]
    assert without_variance(returns[:, :2] / 500.0).tolist() == [False, True]
    assert without_variance(0.01 * np.hstack([up, 2.0 * up])).tolist() == [False, False]


def test_no_column_is_none_and_what_is_not_finite_has_no_verdict() -> None:
    assert without_variance(np.empty((5, 0))).shape == (0,)
    assert without_variance(np.array([[np.nan, 0.0], [0.0, 0.0]])).tolist() == [False, True]
