import numpy as np
import pytest

from tvquant.core.errors import ModelError
from tvquant.statistics.drawdowns import Drawdown, drawdowns
from tvquant.statistics.metrics import drawdown_series, performance


def test_each_fall_has_its_peak_trough_recovery_and_length() -> None:
    # wealth: .9 (a loss on the first day), 1.08, .54, .81, 1.08, 1.296, 1.2312
    returns = np.array([-0.1, 0.2, -0.5, 0.5, 1 / 3, 0.2, -0.05])
    assert [(d.peak, d.trough, d.recovery, d.rows) for d in drawdowns(returns)] == [
        (1, 2, 4, 3), (-1, 0, 1, 2), (5, 6, None, 1),
    ]  # fmt: skip
    np.testing.assert_allclose([d.depth for d in drawdowns(returns)], [-0.5, -0.1, -0.05], rtol=1e-12)


def test_a_series_that_only_rises_has_none_and_one_that_only_falls_has_one() -> None:
    assert drawdowns(np.full(5, 0.01)) == ()
    (one,) = drawdowns(np.full(5, -0.01))
    assert (one.peak, one.trough, one.recovery, one.rows) == (-1, 4, None, 5)
    (ruin,) = drawdowns(np.array([0.5, -1.0, 0.0, 0.2]))
    assert ruin == Drawdown(peak=0, trough=1, recovery=None, depth=-1.0, rows=3)


def test_they_part_the_rows_under_water_and_the_deepest_is_that_of_the_performance() -> None:
    returns = np.random.default_rng(3).normal(0.0005, 0.01, 2000)
    found, falls = drawdowns(returns), drawdown_series(returns)
    deepest, of = found[0], performance(returns, periods_per_year=252)
    assert (deepest.depth, deepest.peak + 1, deepest.trough) == (of.max_drawdown, of.drawdown_start, of.drawdown_trough)
    assert deepest.recovery == of.drawdown_recovery
    assert list(found) == sorted(found, key=lambda d: d.depth)
    under = np.zeros(2000, bool)
    for one in found:
        rows = slice(one.peak + 1, one.recovery)
        assert not under[rows].any()
        under[rows] = True
        assert one.depth == falls[rows].min()
    np.testing.assert_array_equal(under, falls < 0)


def test_a_hole_is_refused() -> None:
    with pytest.raises(ModelError, match="row 1"):
        drawdowns(np.array([0.1, np.nan]))
