"""Alignment: returns on common dates, by hand and by pandas."""

import numpy as np
import pytest

from tvquant.core.panel import total_returns
from tvquant.statistics import common_returns


@pytest.mark.requirement("R-DAT-06")
def test_a_hole_of_one_name_makes_one_longer_return_for_all():
    close = np.array([[100.0, 50.0], [110.0, 60.0], [121.0, np.nan], [133.1, 66.0]])
    got = common_returns(~np.isnan(close), total_returns(close))
    np.testing.assert_allclose(got, [[0.1, 0.2], [0.21, 0.1]], rtol=1e-12)


def test_without_holes_the_returns_are_untouched():
    close = np.array([[100.0, 50.0], [110.0, 60.0], [121.0, 66.0]])
    returns = total_returns(close)
    np.testing.assert_array_equal(common_returns(~np.isnan(close), returns), returns[1:])


@pytest.mark.xdist_group("quantstats")
def test_equal_to_joining_prices_first():
    import pandas as pd

    rng = np.random.default_rng(0)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, (80, 4)), axis=0))
    close[rng.random(close.shape) < 0.05] = np.nan
    expected = pd.DataFrame(close).dropna().pct_change().iloc[1:]
    got = common_returns(~np.isnan(close), total_returns(close))
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)


def test_an_infinite_return_stays_infinite():
    have = np.array([[True, True], [True, False], [True, True]])
    moves = np.array([[np.nan, np.nan], [0.1, np.nan], [np.inf, 0.2]])
    np.testing.assert_allclose(common_returns(have, moves), [[np.inf, 0.2]], rtol=1e-12)
