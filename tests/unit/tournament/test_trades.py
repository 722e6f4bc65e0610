"""Trades of the simulator's own books: they rebuild holdings, costs and traded value."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.panels import instrument, panel_of
from tvquant.core.books import Convention, CostModel, Execution, Rebalancing, SimResult, WeightPath
from tvquant.core.instruments import Kind
from tvquant.core.panel import Floats, Panel
from tvquant.simulation import SIMULATORS
from tvquant.tournament.trades import Trades, trades

type Markets = Callable[..., Panel]

OPEN, CLOSE = Execution(), Execution(convention=Convention.NEXT_CLOSE)
DAILY = Execution(rebalancing=Rebalancing.DAILY, band=0.05, partial=0.5)
COSTS = CostModel(slippage_bps=5.0, commission_bps=1.0)


def book(panel: Panel, weights: dict[int, tuple[float, ...]], execution: Execution) -> SimResult:
    path = WeightPath(keys=panel.keys, decided=np.array(list(weights)), net=np.array(list(weights.values())))
    return SIMULATORS["custom"].simulate(panel, path, costs=COSTS, execution=execution)


def with_fields(panel: Panel, **fields: Floats) -> Panel:
    kept = {name: block for name, block in panel.fields.items() if name != "total_return"}
    return replace(panel, fields=kept | fields, _first_known=None)


def test_a_purchase_and_a_sale_by_hand(market: Markets) -> None:
    """Half of a capital of 1 at a mark of 100 is .005 units, bought at the next close of 110, sold at 121."""
    panel = market({"A": np.array([100.0, 110.0, 121.0])})
    result = book(panel, {0: (0.5,), 1: (0.0,)}, CLOSE)
    bought, sold = trades(panel, result, CLOSE, COSTS)
    assert (bought.row, bought.fill, bought.key, bought.kind) == (1, 0, "X:A", "fill")
    assert (bought.quantity, bought.price, bought.value) == pytest.approx((0.005, 110.0, 0.55), rel=1e-12)
    assert bought.share == pytest.approx(0.55, rel=1e-12)
    assert (bought.slippage, bought.commission) == pytest.approx((0.55 * 5e-4, 0.55 * 1e-4), rel=1e-12)
    assert (sold.row, sold.fill, sold.quantity, sold.price) == pytest.approx((2, 1, -0.005, 121.0), rel=1e-12)
    assert sold.share == pytest.approx(-0.605 / result.fill_equity[1], rel=1e-12)


def test_a_split_is_no_trade(market: Markets) -> None:
    panel = market({"A": np.array([100.0, 100.0, 50.0, 50.0])})
    panel = with_fields(panel, split=np.array([[1.0], [1.0], [2.0], [1.0]]))
    result = book(panel, {0: (0.5,), 2: (0.0,)}, CLOSE)
    assert [one.quantity for one in trades(panel, result, CLOSE, COSTS)] == pytest.approx([0.005, -0.01], rel=1e-12)


def test_what_nobody_ordered_has_its_own_kind_and_price(market: Markets) -> None:
    halted = market({"A": np.array([100.0, 100.0, np.nan, np.nan, np.nan]), "B": np.full(5, 7.0)})
    rules = Execution(convention=Convention.NEXT_CLOSE, halt_limit=1)
    result = book(halted, {0: (0.5, 0.0)}, rules)
    _, closed = trades(halted, result, rules, COSTS)
    assert (closed.kind, closed.fill, closed.price) == ("closed_out", -1, pytest.approx(70.0))
    assert closed.quantity == pytest.approx(-0.005, rel=1e-12)
    doubled = market({"A": np.array([100.0, 408.0, 900.0])})
    doubled = with_fields(doubled, open=np.array([[100.0], [102.0], [800.0]]))
    sold, lost = sorted(trades(doubled, book(doubled, {0: (-0.1,)}, OPEN), OPEN, COSTS), key=lambda one: one.quantity)
    assert (sold.kind, sold.quantity, sold.price) == ("fill", pytest.approx(-0.001), 102.0)
    assert (lost.kind, lost.quantity, lost.price) == ("collateral_lost", pytest.approx(0.001), 204.0)
    assert (lost.slippage, lost.commission) == (0.0, 0.0)


@settings(max_examples=40)
@given(seed=st.integers(0, 2**31), execution=st.sampled_from([OPEN, CLOSE, DAILY]))
def test_they_rebuild_holdings_costs_and_traded_value(seed: int, execution: Execution) -> None:
    draw, rows = np.random.default_rng(seed), 40
    close = 100.0 * np.exp(draw.normal(0.0, draw.choice([0.03, 0.3]), (rows, 3)).cumsum(axis=0))
    split = np.where(draw.random(close.shape) < 0.02, 2.0, 1.0)
    fields = {"close": close, "open": close * np.exp(draw.normal(0.0, 0.1, close.shape)), "split": split}
    fields["open"][: draw.choice([0, 12, rows]), 2] = np.nan  # C is filled late, until it has an open
    panel = panel_of(fields, names=[instrument(name, kind=Kind.SPOT) for name in "ABC"])
    weights = {row: tuple(draw.uniform(-0.4, 0.4, 3)) for row in (0, 9, 10, 25)}
    result = book(panel, weights, execution)
    made, first = trades(panel, result, execution, COSTS), len(panel.times) - len(result.times)
    assert list(Trades.of(panel.keys, made)) == list(made) == sorted(made, key=lambda one: (one.row, one.key))
    end = next((e.row for e in result.events if e.kind == "liquidated"), rows)
    held, paid = np.zeros(3), np.zeros(len(result.times))
    for row in range(first, end):
        held = held * split[row]
        for one in (one for one in made if one.row == row):
            held[panel.keys.index(one.key)] += one.quantity
            paid[row - first] += one.slippage + one.commission + one.impact
        np.testing.assert_allclose(held, result.quantities[row - first], rtol=1e-9, atol=1e-13)
    alive = slice(0, end - first)
    np.testing.assert_allclose(paid[alive], (result.costs["slippage"] + result.costs["commission"])[alive], rtol=1e-9)
    for k, row in enumerate(result.filled):
        if row < end:
            mine = [abs(one.share) for one in made if one.fill == k]
            assert sum(mine) == pytest.approx(result.traded[k], rel=1e-9)
