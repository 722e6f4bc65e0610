"""A short loses at most what it posted: books computed by hand."""

import numpy as np
import pytest

from tvquant.core.books import Convention, CostModel

FREE = CostModel(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.0)
HOUSE = CostModel(borrow_rate=0.0)
NEXT_OPEN, NEXT_CLOSE, SAME_CLOSE = Convention
NAN = np.nan
exactly = {"rtol": 0, "atol": 1e-15}


@pytest.mark.requirement("R-SIM-09")
def test_a_gap_at_the_open_takes_the_collateral_before_the_fill(market, play):
    panel = market({"A": [100, 100, 100]}, open={"A": [100, 100, 210]})
    result = play(panel, {0: {"A": -1.0}, 1: {"A": 0.5}}, convention=NEXT_OPEN)
    assert result.equity.tolist() == [1.0, 0.0]
    assert result.filled.tolist() == [1]
    assert result.failure == "liquidated"
    half = play(panel, {0: {"A": -0.5}, 1: {"A": -0.21}}, HOUSE, convention=NEXT_OPEN)
    at_open = 1.0 - 0.5 * 6e-4 - 0.5  # closed at 200 for nothing, then sold anew at 210
    sold = 0.21 * (1.0 - 0.5 * 6e-4) / 100
    assert half.fill_equity[1] == pytest.approx(at_open, abs=1e-15)
    assert half.quantities[1, 0] == pytest.approx(-sold, abs=1e-18)
    assert half.traded[1] == pytest.approx(sold * 210 / at_open, abs=1e-15)
    assert half.equity[1] == pytest.approx(at_open + sold * 110 - sold * 210 * 6e-4, abs=1e-15)
    assert [(e.row, e.kind, e.price) for e in half.events] == [(2, "collateral_lost", 200.0)]


@pytest.mark.requirement("R-SIM-09")
def test_a_short_loses_its_collateral_and_no_more(market, play):
    """Decided at 100, sold at 102: .408 is posted. 204 takes it; what is ordered again at 150 stands until 300."""
    closes, opens = [100, 408, 150, 290, 301, 250], [99, 102, 400, 150, 290, 300]
    panel = market({"A": closes}, open={"A": opens})
    result = play(panel, {0: {"A": -0.4}, 2: {"A": -0.4}}, HOUSE, convention=NEXT_OPEN)
    lost = 1.0 - 0.408 - 0.408 * 6e-4
    units = 0.4 * lost / 150
    fee = units * 150 * 6e-4
    expected = [lost, lost, lost - fee - units * 140, lost - fee - units * 150, lost - fee - units * 150]
    np.testing.assert_allclose(result.equity, expected, **exactly)
    np.testing.assert_allclose(result.cash[[0, 1, 3, 4]], np.array(expected)[[0, 1, 3, 4]], **exactly)
    np.testing.assert_allclose(result.quantities[:, 0], [0.0, 0.0, -units, 0.0, 0.0], **exactly)
    assert [(e.row, e.key, e.kind, e.price) for e in result.events] == [
        (1, "X:A", "collateral_lost", 204.0),
        (4, "X:A", "collateral_lost", 300.0),
    ]
    assert result.events[0].value == pytest.approx(-0.816, abs=1e-15)  # of what there was before the row
    assert result.traded.tolist() == pytest.approx([0.408, units * 150 / lost], abs=1e-15)
    assert result.failure is None


@pytest.mark.requirement("R-SIM-09")
def test_every_fill_that_orders_a_short_posts_anew(market, play):
    """Sold at 100 and ordered again at 150: 250 is below twice that, and 300 is not."""
    panel = market({"A": [100, 150, 250, 300]})
    assert [e.row for e in play(panel, {0: {"A": -0.1}, 1: {"A": -0.1}}).events] == [3]
    assert [e.row for e in play(panel, {0: {"A": -0.1}}).events] == [2]
    lapsed = market({"A": [100, NAN, 190, 250]})
    told = [(e.row, e.kind) for e in play(lapsed, {0: {"A": -0.1}, 1: {"A": -0.2}}).events]
    assert told == [(1, "unfilled"), (3, "collateral_lost")]


@pytest.mark.requirement("R-SIM-09")
def test_collateral_is_split_and_bounds_a_close_out_too(market, play):
    panel = market({"A": [100, 45, 95, 101]}, split={"A": [1, 2, 1, 1]})
    assert [(e.row, e.price) for e in play(panel, {0: {"A": -0.1}}).events] == [(3, 100.0)]
    delisted = market({"A": [100, 190, 190], "B": [1] * 3}, delisted={"A": 2})
    result = play(delisted, {0: {"A": -0.5}}, HOUSE)
    assert [(e.kind, e.price) for e in result.events] == [("closed_out", 200.0)]  # not at 1.3 x 190
    assert result.equity[-1] == pytest.approx(1.0 - 0.0003 - 0.5 - 1.0 * 6e-4, abs=1e-15)


@pytest.mark.requirement("R-SIM-09")
@pytest.mark.requirement("R-SYN-02")
def test_a_short_set_anew_every_day_earns_its_stream(market, play):
    """-min(r, 1) of each day's return, as the synthetic long of a short atom has it."""
    closes = np.array([100.0, 130.0, 65.0, 129.9, 400.0, 360.0, 720.0, 700.0])
    result = play(market({"A": closes}), {row: {"A": -0.25} for row in range(7)})
    stream = -np.minimum(closes[1:] / closes[:-1] - 1.0, 1.0)
    np.testing.assert_allclose(result.returns[1:], 0.25 * stream, rtol=0, atol=2e-15)
    whole = play(market({"A": closes}), {row: {"A": -1.0} for row in range(7)})
    np.testing.assert_allclose(whole.returns, [0.0, -0.3, 0.5, *stream[2:4], 0.0, 0.0, 0.0], rtol=0, atol=1e-15)
    assert whole.equity[-4:].tolist() == [0.0] * 4
