"""Maintenance margin, by hand."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tvquant.core.books import Convention, CostModel, SimResult
from tvquant.core.panel import Panel

FREE = CostModel(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.0, assumed_funding_bps=0.0)

type Markets = Callable[..., Panel]
type Plays = Callable[..., SimResult]

FALL = [100.0, 80.0, 75.0, 70.0, 60.0, 120.0]
"""Of 2 at 100, with 1 borrowed: equity 1, .6, .5, .4, .2; over gross 2, 1.6, 1.5, 1.4, 1.2: .5, .375, .333, .286."""


@pytest.mark.requirement("R-SIM-09")
def test_a_long_is_closed_at_the_first_mark_below_the_margin(market: Markets, play: Plays) -> None:
    """At .3 the mark of 70 calls it: 1.4 is sold there for 6 bps, and the rise to 120 is missed."""
    costs = replace(FREE, slippage_bps=5.0, commission_bps=1.0)
    panel = market({"A": FALL, "B": [10.0] * 6})
    result = play(panel, {0: {"A": 2.0}}, costs, maintenance_margin=0.3)
    entry = 2.0 * 6e-4
    left = 0.4 - entry - 1.4 * 6e-4
    np.testing.assert_allclose(result.equity, [1.0 - entry, 0.6 - entry, 0.5 - entry, left, left, left], rtol=1e-14)
    assert not result.quantities[3:].any()
    (event,) = result.events
    assert (event.row, event.key, event.kind, event.price) == (3, "X:A", "margin_call", 70.0)
    assert event.value == pytest.approx(1.4 / (0.5 - entry), rel=1e-14)
    assert result.costs["slippage"][3] == pytest.approx(1.4 * 5e-4, rel=1e-14)
    assert play(panel, {0: {"A": 2.0}}, costs, maintenance_margin=0.16).equity[5] == pytest.approx(1.4 - entry)


def test_equity_at_the_margin_itself_is_enough(market: Markets, play: Plays) -> None:
    """Equity 1 of gross 2, from the fill on: in rows that only mark, and in one that decides anew (row 2)."""
    panel = market({"A": [64.0, 64.0, 64.0]})
    for weights, calls in (({0: {"A": 2.0}}, 1), ({0: {"A": 2.0}, 1: {"A": 2.0}, 2: {"A": 2.0}}, 2)):
        assert not play(panel, weights, maintenance_margin=0.5).events
        called = play(panel, weights, maintenance_margin=np.nextafter(0.5, 1.0))
        assert [event.kind for event in called.events] == ["margin_call"] * calls


def test_the_first_row_is_called_at_its_close_after_a_fill_at_its_open(market: Markets, play: Plays) -> None:
    """Two of equity at 100, at the close 80: equity .6 of gross 1.6, called at .4; .6 of cash is left."""
    panel = market({"A": [100.0, 80.0, 160.0]}, open={"A": [100.0, 100.0, 80.0]})
    result = play(panel, {0: {"A": 2.0}}, convention=Convention.NEXT_OPEN, maintenance_margin=0.4)
    assert [(event.row, event.kind, event.price) for event in result.events] == [(1, "margin_call", 80.0)]
    assert result.events[0].value == pytest.approx(1.6, rel=1e-14)
    assert result.equity.tolist() == pytest.approx([0.6, 0.6], rel=1e-14)
    assert not result.quantities.any()


def test_an_order_that_waits_for_the_close_of_a_called_row_lapses(market: Markets, play: Plays) -> None:
    """A is filled at the open and called at the close; B never had an open, and would be bought after the call."""
    prices = {"A": [100.0, 80.0, 80.0], "B": [50.0, 50.0, 50.0]}
    panel = market(prices, open={"A": [100.0, 100.0, 80.0], "B": [np.nan] * 3})
    result = play(panel, {0: {"A": 2.0, "B": 0.25}}, convention=Convention.NEXT_OPEN, maintenance_margin=0.4)
    assert [(event.row, event.key) for event in result.events] == [(1, "X:A")]
    assert not result.quantities.any()
    assert result.cash.tolist() == pytest.approx([0.6, 0.6], rel=1e-14)
    calm = play(panel, {0: {"A": 2.0, "B": 0.25}}, convention=Convention.NEXT_OPEN)
    assert calm.quantities[0].tolist() == pytest.approx([0.02, 0.005], rel=1e-14)


def test_shorts_count_in_gross_and_are_bought_back(market: Markets, play: Plays) -> None:
    """.5 long and .5 short: at 100 and 150 equity is .75 and gross 1.25, of which it is .6."""
    panel = market({"A": [100.0] * 3, "B": [100.0, 150.0, 150.0]})
    result = play(panel, {0: {"A": 0.5, "B": -0.5}}, maintenance_margin=0.7)
    assert [(e.row, e.key, e.kind) for e in result.events] == [(1, "X:A", "margin_call"), (1, "X:B", "margin_call")]
    assert [e.value for e in result.events] == pytest.approx([0.5, -0.75], rel=1e-14)
    assert result.equity.tolist() == pytest.approx([1.0, 0.75, 0.75])
    assert result.cash.tolist() == pytest.approx([1.0, 0.75, 0.75])


@pytest.mark.parametrize("convention", list(Convention))
def test_what_was_ordered_lapses_and_the_next_decision_opens_again(
    market: Markets, play: Plays, convention: Convention
) -> None:
    """Filled at row 2, called at the mark of row 4. The order of row 3, due at 5, lapses; that of row 4 is filled."""
    prices = {"A": [100.0, 100.0, 100.0, 80.0, 70.0, 60.0, 60.0, 60.0]}
    panel = market(prices, open=prices)
    decisions = {0: {"A": 2.0}, 3: {"A": 1.0}, 4: {"A": 0.5}}
    lag = 2 if convention is Convention.SAME_CLOSE else 1
    result = play(panel, decisions, convention=convention, lag=lag, maintenance_margin=0.3)
    assert [(event.row, event.kind) for event in result.events] == [(4, "margin_call")]
    assert result.filled.tolist() == [2, 5, 6]
    assert result.traded[1] == 0.0
    assert result.quantities[:, 0] == pytest.approx([0.02, 0.02, 0.0, 0.0, *[0.5 * 0.4 / 70.0] * 2], rel=1e-14)
