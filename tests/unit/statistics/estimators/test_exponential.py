"""Exponential weights: pandas is the referee, and the ends of the scale."""

import numpy as np
import pytest

from builders.returns import one_factor
from tvquant.statistics.estimators.exponential import Exponential, HalfLife

RETURNS = one_factor(60, 7)


def estimate(half_life):
    return Exponential().estimate(RETURNS - RETURNS.mean(axis=0), 1.0, (HalfLife(half_life=half_life),))


@pytest.mark.parametrize("half_life", [1.0, 11.5, 60.0])
def test_it_equals_that_of_pandas(half_life):
    import pandas as pd

    expected = pd.DataFrame(RETURNS).ewm(halflife=half_life).cov(bias=True).loc[59].to_numpy()
    found = estimate(half_life)
    np.testing.assert_allclose(found.matrix, expected, rtol=1e-10)
    values = np.linalg.eigvalsh(expected)
    assert found.extremes == pytest.approx((values[0], values[-1]), rel=1e-6, abs=1e-18)


def test_effective_rows_are_all_where_nothing_is_forgotten_and_three_where_half_is_a_row_ago():
    assert estimate(10000.0).rows == pytest.approx(60.0, rel=1e-4)
    assert estimate(1.0).rows == pytest.approx(3.0, rel=1e-12)  # (1 + 1/2) / (1 - 1/2)
    np.testing.assert_allclose(estimate(10000.0).matrix, np.cov(RETURNS.T, ddof=0), rtol=0.02, atol=1e-7)
