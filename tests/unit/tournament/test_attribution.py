"""What longs, shorts and costs brought, against days counted by hand."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.panels import instrument, panel_of
from tvquant.core.books import Convention, CostModel, Execution, SimResult, WeightPath
from tvquant.core.instruments import Kind
from tvquant.core.panel import Floats, Panel
from tvquant.simulation import SIMULATORS
from tvquant.tournament import attribution
from tvquant.tournament.trades import Trades, trades

type Markets = Callable[..., Panel]

OPEN, CLOSE = Execution(), Execution(convention=Convention.NEXT_CLOSE)
FREE = CostModel(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.0, assumed_funding_bps=0.0)


def book(
    panel: Panel, weights: dict[int, tuple[float, ...]], execution: Execution, costs: CostModel = FREE
) -> SimResult:
    """The simulator's own book of weights by decision row."""
    path = WeightPath(keys=panel.keys, decided=np.array(list(weights)), net=np.array(list(weights.values())))
    return SIMULATORS["custom"].simulate(panel, path, costs=costs, execution=execution)


def contributions(panel: Panel, result: SimResult, execution: Execution) -> Mapping[str, Floats]:
    return attribution.contributions(result, attribution.earnings(panel, result, execution))


def with_fields(panel: Panel, **fields: Floats) -> Panel:
    """The panel with other or further fields, its total returns made anew."""
    kept = {name: block for name, block in panel.fields.items() if name != "total_return"}
    return replace(panel, fields=kept | fields, _first_known=None)


def test_a_long_and_a_short_by_hand(market: Markets) -> None:
    """Half long in A (100, then 110 at the open, 121, 121), half short in B (50, then 45 at the open, 40, 44).

    Units are .5/100 and -.5/50. Row 1: .005 x 11 = .055 and -.01 x -5 = .05. Row 2 is on an equity of 1.105.
    """
    panel = market({"A": np.array([100.0, 121.0, 121.0]), "B": np.array([50.0, 40.0, 44.0])})
    panel = with_fields(panel, open=np.array([[100.0, 50.0], [110.0, 45.0], [121.0, 40.0]]))
    found = contributions(panel, book(panel, {0: (0.5, -0.5)}, OPEN), OPEN)
    assert found["long"] == pytest.approx([0.055, 0.0], abs=1e-15)
    assert found["short"] == pytest.approx([0.05, -0.04 / 1.105], abs=1e-15)
    assert found["costs"] == pytest.approx([0.0, 0.0], abs=1e-18)
    assert found["other"] == pytest.approx([0.0, 0.0], abs=1e-15)


def test_a_fill_at_the_open_parts_the_day_between_two_sides(market: Markets) -> None:
    """Long one unit until the open at 110, short from there to the close at 99: ten for one, eleven for the other."""
    panel = market({"A": np.array([100.0, 100.0, 99.0])})
    panel = with_fields(panel, open=np.array([[100.0], [100.0], [110.0]]))
    result = book(panel, {0: (1.0,), 1: (-1.0,)}, OPEN)
    found = contributions(panel, result, OPEN)
    assert found["long"] == pytest.approx([0.0, 0.10], abs=1e-15)
    assert found["short"] == pytest.approx([0.0, 0.11], abs=1e-15)
    assert result.returns == pytest.approx([0.0, 0.21], abs=1e-15)
    assert found["other"] == pytest.approx([0.0, 0.0], abs=1e-15)


def test_a_fill_at_the_close_earns_from_the_next_row_on(market: Markets) -> None:
    """A hundredth of a unit per unit of capital, fixed at the mark of 100: from 110 to 99 it loses .11."""
    panel = market({"A": np.array([100.0, 110.0, 99.0])})
    found = contributions(panel, book(panel, {0: (1.0,)}, CLOSE), CLOSE)
    assert found["long"] == pytest.approx([0.0, -0.11], abs=1e-15)
    assert found["other"] == pytest.approx([0.0, 0.0], abs=1e-15)


def test_a_cost_is_taken_in_the_row_of_its_fill(market: Markets) -> None:
    panel = market({"A": np.array([100.0, 100.0, 100.0])})
    result = book(panel, {0: (0.5,)}, OPEN, CostModel(slippage_bps=5.0, commission_bps=1.0, borrow_rate=0.0))
    found = contributions(panel, result, OPEN)
    assert found["costs"] == pytest.approx([0.5 * 6e-4, 0.0], abs=1e-15)
    assert result.returns == pytest.approx(-found["costs"], abs=1e-15)


def test_dividends_and_splits_are_earned_by_who_holds(market: Markets) -> None:
    """100 -> 50 on a 2:1 split is nothing; 50 -> 49 with a dividend of 2 per unit is +2 %, for the short -2 %."""
    panel = market({"A": np.array([100.0, 100.0, 50.0, 49.0])})
    panel = with_fields(
        panel, split=np.array([[1.0], [1.0], [2.0], [1.0]]), dividend=np.array([[0.0], [0.0], [0.0], [2.0]])
    )
    for weight, side, other in ((1.0, "long", "short"), (-1.0, "short", "long")):
        found = contributions(panel, book(panel, {0: (weight,)}, CLOSE), CLOSE)
        assert found[side] == pytest.approx([0.0, 0.0, weight * 0.02], abs=1e-15)
        assert found[other] == pytest.approx([0.0, 0.0, 0.0], abs=1e-15)
        assert found["other"] == pytest.approx([0.0, 0.0, 0.0], abs=1e-15)


def test_a_close_out_below_the_last_price_is_other(market: Markets) -> None:
    """No bar for more than a row: the holding is sold 30 % below its last price, and no price move says so."""
    panel = market({"A": np.array([100.0, 100.0, np.nan, np.nan, np.nan]), "B": np.full(5, 7.0)})
    execution = Execution(convention=Convention.NEXT_CLOSE, halt_limit=1)
    result = book(panel, {0: (0.5, 0.0)}, execution)
    assert [event.kind for event in result.events] == ["closed_out"]
    found = contributions(panel, result, execution)
    assert found["long"] == pytest.approx([0.0] * 4, abs=1e-15)
    assert found["other"] == pytest.approx([0.0, 0.0, -0.15, 0.0], abs=1e-15)


def test_after_ruin_nothing_is_attributed(market: Markets) -> None:
    panel = market({"A": np.array([100.0, 100.0, 40.0, 40.0])})
    result = book(panel, {0: (2.0,)}, CLOSE)
    assert result.failure == "liquidated"
    found = contributions(panel, result, CLOSE)
    assert found["long"][1] == pytest.approx(-1.2)
    assert found["other"][1] == pytest.approx(0.2)  # equity stops at zero
    assert np.isnan(found["long"][2])


@pytest.mark.requirement("R-SIM-09")
@pytest.mark.parametrize("execution", [OPEN, CLOSE])
def test_a_short_is_charged_with_its_collateral_and_no_more(market: Markets, execution: Execution) -> None:
    """Sold at 102 or, at the close, at 408; closed at 204 or 816; the dividend of the day is its own."""
    panel = market({"A": np.array([100.0, 408.0, 900.0])})
    opens, dividend = np.array([[100.0], [102.0], [800.0]]), np.array([[0.0], [0.0], [10.0]])
    panel = with_fields(panel, open=opens, dividend=dividend)
    found = contributions(panel, book(panel, {0: (-0.1,)}, execution), execution)
    lost = [-0.102, 0.0] if execution is OPEN else [0.0, -0.001 * (408.0 + 10.0)]
    assert found["short"] == pytest.approx(lost, abs=1e-15)
    assert found["other"] == pytest.approx([0.0, 0.0], abs=1e-15)


@pytest.mark.requirement("R-SIM-17")
def test_funding_stands_apart_and_may_be_received(market: Markets) -> None:
    panel = market({"A": np.array([100.0, 100.0, 100.0])}, kind=Kind.SWAP)
    panel = with_fields(panel, funding=np.full((3, 1), 2e-4), funding_hours=np.full((3, 1), 24.0))
    for weight in (0.5, -0.5):
        result = book(panel, {0: (weight,)}, OPEN)
        found = contributions(panel, result, OPEN)
        assert found["funding"] == pytest.approx(result.costs["funding"] / [1.0, result.equity[0]], abs=1e-18)
        assert np.sign(found["funding"]).tolist() == [np.sign(weight)] * 2
        assert found["costs"].tolist() == [0.0, 0.0]
        assert result.returns == pytest.approx(-found["funding"], abs=1e-15)


@settings(max_examples=40)
@given(seed=st.integers(0, 2**31), execution=st.sampled_from([OPEN, CLOSE]))
def test_without_accidents_the_parts_make_the_return(seed: int, execution: Execution) -> None:
    """Any weights of both sides, of shares and swaps, on prices that at times double or halve within days.

    Row by row, long + short - costs - funding is what the account earned.
    """
    from tvquant.core.instruments import Kind

    draw, rows = np.random.default_rng(seed), 40
    close = 100.0 * np.exp(draw.normal(0.0, draw.choice([0.03, 0.3]), (rows, 3)).cumsum(axis=0))
    fields = {
        "close": close,
        "open": close * np.exp(draw.normal(0.0, draw.choice([0.01, 0.3]), close.shape)),
        "funding": draw.normal(0.0, 1e-3, close.shape),
        "funding_hours": draw.choice([8.0, 24.0], close.shape),
    }
    kinds = {"A": Kind.SPOT, "B": Kind.SWAP, "C": Kind.SWAP}
    fields["open"][: draw.choice([0, 12, rows]), 2] = np.nan  # C is filled late, until it has an open
    panel = panel_of(fields, names=[instrument(name, kind=kind) for name, kind in kinds.items()])
    weights = {row: tuple(draw.uniform(-0.4, 0.4, 3)) for row in (0, 9, 10, 25)}
    result = book(panel, weights, execution, CostModel())
    found = contributions(panel, result, execution)
    alive = result.equity > 0.0
    spared = found["other"][alive] / (1.0 + np.abs(found["short"][alive]) + np.abs(found["long"][alive]))
    assert np.abs(spared).max(initial=0.0) < 1e-13
    assert (found["costs"][alive] >= 0.0).all()
    made = trades(panel, result, execution, CostModel())
    brought = attribution.by_name(panel, result, attribution.earnings(panel, result, execution), made, result.filled)
    for side in ("long", "short"):
        assert sum(brought[side]) == pytest.approx(np.nansum(found[side]), abs=1e-12)
    paid = result.costs["slippage"] + result.costs["commission"]
    before = np.concatenate([[1.0], result.equity[:-1]])
    assert sum(brought["costs"]) == pytest.approx(np.sum(paid[before > 0] / before[before > 0]), abs=1e-12)


def test_what_a_name_brings_is_of_the_fill_that_holds_it(market: Markets) -> None:
    """A rises a tenth before the second fill, B a fifth after it, both bought for half the equity."""
    panel = market({"A": np.array([100.0, 100.0, 110.0, 110.0]), "B": np.array([50.0, 50.0, 50.0, 60.0])})
    result = book(panel, {0: (0.5, 0.0), 1: (0.0, 0.5)}, CLOSE, CostModel(slippage_bps=9.0, commission_bps=1.0))
    made = trades(panel, result, CLOSE, CostModel(slippage_bps=9.0, commission_bps=1.0))
    found = attribution.by_name(panel, result, attribution.earnings(panel, result, CLOSE), made, result.filled)
    lines = list(zip(found["fill"].tolist(), found["symbol"], strict=True))
    assert lines == [(0, "X:A"), (1, "X:A"), (1, "X:B")]
    assert found["long"] == pytest.approx(
        [0.0, 0.05 / result.equity[0], 0.1 * result.equity[0] / result.equity[1]], rel=1e-6
    )
    assert (found["costs"] > 0).all()
    assert found["short"].tolist() == [0.0, 0.0, 0.0]
    dear = [one._replace(slippage=0.001, commission=0.002, impact=0.004) for one in made]
    paid = Trades.of(panel.keys, dear)
    costs = attribution.by_name(panel, result, attribution.earnings(panel, result, CLOSE), paid, result.filled)["costs"]
    assert costs == pytest.approx([0.007, 0.007 / result.equity[0], 0.007 / result.equity[0]], rel=1e-12)
