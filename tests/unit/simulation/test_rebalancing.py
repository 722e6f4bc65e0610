"""Daily rebalancing and the buffer: books by hand, and what follows from restoring weights at every row."""

from dataclasses import replace

import numpy as np
import pytest

from tvquant.core.books import Convention, CostModel, Execution, Rebalancing, WeightPath
from tvquant.core.errors import ProfileError
from tvquant.simulation.preflight import decisions_filled, fill_rows, ordered

FREE = CostModel(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.0, assumed_funding_bps=0.0)
NEXT_OPEN, NEXT_CLOSE, SAME_CLOSE = Convention
DAILY = Rebalancing.DAILY
exactly = {"rtol": 0, "atol": 1e-15}


@pytest.mark.requirement("R-SIM-07")
@pytest.mark.requirement("R-SIM-11")
def test_half_in_a_share_is_restored_at_every_close(market, play):
    """Half of 1 at 100; 1.05 at 110 and half of that again; at 99 it is .525 x .9 + .525 = .9975."""
    panel = market({"A": [100, 110, 99]})
    result = play(panel, {0: {"A": 0.5}}, rebalancing=DAILY)
    np.testing.assert_allclose(result.equity, [1.0, 1.05, 0.9975], **exactly)
    np.testing.assert_allclose(result.quantities[:, 0], [0.005, 0.525 / 110, 0.49875 / 99], **exactly)
    assert result.filled.tolist() == [0, 1, 2]
    np.testing.assert_allclose(result.traded, [0.5, 0.025 / 1.05, (0.49875 - 0.4725) / 0.9975], **exactly)
    drifted = play(panel, {0: {"A": 0.5}})
    np.testing.assert_allclose(drifted.equity, [1.0, 1.05, 0.995], **exactly)


@pytest.mark.requirement("R-SIM-11")
def test_a_later_decision_takes_over_and_the_next_open_fills_it(market, play):
    """Decided at rows 0 and 2, filled at the opens behind every row: weights of row 0 at 1 and 2, of row 2 at 3."""
    panel = market({"A": [100, 110, 121, 121]}, open={"A": [99, 100, 110, 121]})
    result = play(panel, {0: {"A": 0.5}, 2: {"A": 0.0}}, convention=NEXT_OPEN, rebalancing=DAILY)
    first = 0.5 / 100  # .05 is earned from 100 to 110
    second = 0.5 * 1.05 / 110
    np.testing.assert_allclose(result.quantities[:, 0], [first, second, 0.0], **exactly)
    np.testing.assert_allclose(result.equity, [1.05, 1.05 + second * 11, 1.05 + second * 11], **exactly)
    assert result.filled.tolist() == [1, 2, 3]
    decided, execution = np.array([0, 2]), Execution(convention=NEXT_OPEN, rebalancing=DAILY)
    assert decisions_filled(decided, result.filled, execution).tolist() == [0, 0, 1]


@pytest.mark.requirement("R-SYN-02")
@pytest.mark.requirement("R-SIM-08")
def test_a_short_that_is_reset_daily_earns_the_inverted_return_with_its_floor(market, play):
    """-min(r, 1) row by row, .5/-.5 and -.5/-.5 alike: no row earns more than its parts, whatever the weights' sum."""
    a, b = [100, 110, 99, 120, 250], [50, 55, 44, 60, 54]
    r = np.column_stack([np.divide(c[1:], c[:-1]) - 1.0 for c in (a, b)])
    panel = market({"A": a, "B": b})
    for net, sign in ({"A": -0.5, "B": 0.5}, (-1, 1)), ({"A": -0.5, "B": -0.5}, (-1, -1)):
        result = play(panel, {0: net}, rebalancing=DAILY)
        streams = np.where(np.array(sign) < 0, -np.minimum(r, 1.0), r)
        np.testing.assert_allclose(result.returns[1:], streams @ [0.5, 0.5], rtol=0, atol=1e-14)
        np.testing.assert_allclose(result.quantities[1] * [110, 55], np.array(sign) * 0.5 * result.equity[1], **exactly)
    assert [event.kind for event in result.events] == ["collateral_lost"]


@pytest.mark.parametrize("convention", list(Convention))
def test_daily_with_a_decision_at_every_row_is_the_window_mode(market, play, convention):
    panel = market({"A": [100, 110, 99, 120]}, open={"A": [100, 101, 102, 103]})
    weights = {row: {"A": 0.2 * (row + 1)} for row in range(4)}
    one, other = (play(panel, weights, convention=convention, rebalancing=mode) for mode in Rebalancing)
    np.testing.assert_array_equal(one.equity, other.equity)
    np.testing.assert_array_equal(one.filled, other.filled)


def test_the_buffer_is_kept_out_of_every_weight(market, play):
    panel = market({"A": [100, 110], "B": [20, 30]})
    result = play(panel, {0: {"A": 0.5, "B": -0.25}}, buffer=0.2)
    np.testing.assert_allclose(result.quantities[0], [0.4 / 100, -0.2 / 20], **exactly)


def test_orders_are_the_decisions_where_nothing_else_is_asked_for():
    path = WeightPath(keys=("A",), decided=np.array([2, 5]), net=np.array([[0.5], [1.0]]))
    assert ordered(path, Execution(), 9) is path
    daily = ordered(path, Execution(rebalancing=DAILY, buffer=0.5), 8)
    assert daily.decided.tolist() == [2, 3, 4, 5, 6, 7]
    assert daily.net[:, 0].tolist() == [0.25, 0.25, 0.25, 0.5, 0.5, 0.5]
    for lag in (0, 1):
        rules = Execution(rebalancing=DAILY, lag=lag)
        filled = fill_rows(daily.decided, rules, 8)
        assert filled.tolist() == list(range(3 + lag, 8))
        assert decisions_filled(path.decided, filled, rules).tolist() == [0, 0, 0, 1, 1, 1][: len(filled)]


@pytest.mark.parametrize(
    ("rule", "value"),
    [("band", -0.1), ("partial", 0.0), ("partial", 1.1), ("buffer", 2.0), ("nav", 0.0), ("nav", -1.0),
     ("participation", 0.0), ("participation", 1.5)],
)  # fmt: skip
def test_a_rule_out_of_range_is_refused_by_its_key(market, play, rule, value):
    with pytest.raises(ProfileError, match=f"execution.{rule} must be"):
        play(market({"A": [100, 110]}), {0: {"A": 0.5}}, replace(FREE), **{rule: value})
