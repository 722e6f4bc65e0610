"""Books computed by hand: every figure here can be checked on paper."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from tvquant.core.books import Convention, CostModel, Execution, WeightPath
from tvquant.core.errors import ModelError, ProfileError
from tvquant.core.instruments import Kind
from tvquant.core.stamps import Stamp
from tvquant.simulation import SIMULATORS

FREE = CostModel(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.0, assumed_funding_bps=0.0)
HOUSE = CostModel(borrow_rate=0.0)
NEXT_OPEN, NEXT_CLOSE, SAME_CLOSE = Convention
NAN = np.nan
exactly = {"rtol": 0, "atol": 1e-15}


@pytest.mark.requirement("R-SIM-04")
@pytest.mark.parametrize(
    ("convention", "lag", "equity", "filled"),
    [
        (SAME_CLOSE, 0, [0.9994, 1.0994, 1.2094], 0),  # 0.01 units at 100, cost 0.0006
        (SAME_CLOSE, 1, [0.99934, 1.10934], 1),  # 0.01 units at 110: 0.10 is borrowed, cost 0.00066
        (NEXT_CLOSE, 0, [0.99934, 1.10934], 1),
        (NEXT_CLOSE, 1, [0.999274], 2),  # at 121, cost 0.000726
        (NEXT_OPEN, 0, [1.04937, 1.15937], 1),  # at 105, cost 0.00063: earns 105 to 110 on the fill row
        (NEXT_OPEN, 1, [1.05931], 2),  # at 115, cost 0.00069
    ],
)
def test_three_days_of_every_convention(market, play, convention, lag, equity, filled):
    panel = market({"A": [100, 110, 121]}, open={"A": [99, 105, 115]})
    result = play(panel, {0: {"A": 1.0}}, HOUSE, convention=convention, lag=lag)
    np.testing.assert_allclose(result.equity, equity, **exactly)
    np.testing.assert_allclose(result.returns, np.array(equity) / [1.0, *equity[:-1]] - 1.0, **exactly)
    assert result.filled.tolist() == [filled]
    assert result.times.tolist() == panel.times[filled:].tolist()
    assert (result.quantities == 0.01).all()
    assert (Stamp.OPTIMISTIC_EXECUTION in result.stamps) == (convention is SAME_CLOSE)


def test_rates_in_whole_numbers_compile_nothing_anew(market, play):
    from tvquant.simulation import kernel

    panel, decided = market({"A": [100, 110]}), {0: {"A": 1.0}}
    plain = play(panel, decided, FREE)
    known = len(kernel._play.signatures)
    whole = CostModel(slippage_bps=0, commission_bps=0, borrow_rate=0, assumed_funding_bps=0)
    assert (play(panel, decided, whole, delisting_haircut=0, maintenance_margin=0).equity == plain.equity).all()
    lent = CostModel(slippage_bps=0, commission_bps=0, borrow_rate=1, borrow_rates=(("X:A", 2),))
    play(panel, decided, lent, delisting_haircut=1)
    assert len(kernel._play.signatures) == known


@pytest.mark.requirement("R-SIM-05")
def test_a_buy_in_costs_six_points_and_a_full_switch_twelve(market, play):
    panel = market({"A": [100] * 3, "B": [20] * 3})
    result = play(panel, {0: {"A": 1.0}, 1: {"B": 1.0}}, HOUSE)
    np.testing.assert_allclose(result.traded, [1.0, 1.9994 / 0.9994], **exactly)
    np.testing.assert_allclose(result.turnover, [1.0, 1.0 / 0.9994], **exactly)
    np.testing.assert_allclose(result.costs["slippage"], [0.0005, 0.0005 * 1.9994, 0.0], **exactly)
    np.testing.assert_allclose(result.costs["commission"], [0.0001, 0.0001 * 1.9994, 0.0], **exactly)
    assert 1.0 - result.equity[0] == pytest.approx(6e-4, abs=1e-15)
    assert Stamp.OVERDRAFT in play(panel, {0: {"A": 1.0}}, HOUSE).stamps, (
        "the cost is borrowed, six points of the equity"
    )
    assert 1.0 - result.equity[1] / result.equity[0] == pytest.approx(12e-4, rel=1e-3)


def test_a_switch_without_cash_left_over_is_exactly_two_traded_and_one_way_one(market, play):
    result = play(market({"A": [100] * 2, "B": [20] * 2}), {0: {"A": 1.0}, 1: {"B": 1.0}})
    assert result.traded.tolist() == [1.0, 2.0]
    assert result.turnover.tolist() == [1.0, 1.0]


@pytest.mark.requirement("R-SIM-07")
@pytest.mark.requirement("R-SIM-08")
def test_three_days_long_and_short_drift_with_their_holdings(market, play):
    panel = market({"A": [100, 110, 99], "B": [50, 55, 44]})
    result = play(panel, {0: {"A": 0.5, "B": -0.5}})
    assert result.quantities.tolist() == [[0.005, -0.01]] * 3
    np.testing.assert_allclose(result.cash, 1.0, **exactly)
    np.testing.assert_allclose(result.equity, [1.0, 1.0, 1.055], **exactly)  # 1 + .495 - .440
    weights = result.quantities * result.marks / result.equity[:, None]
    contributions = np.abs(weights[:-1]) * np.abs(result.marks[1:] / result.marks[:-1] - 1.0)
    assert (np.abs(result.returns[1:]) <= contributions.sum(axis=1) + 1e-15).all()


@pytest.mark.requirement("R-SIM-11")
@pytest.mark.parametrize("convention", list(Convention))
def test_every_fill_ends_at_the_ordered_quantities_and_closes_absent_names(market, play, convention):
    panel = market(
        {"A": [100, 104, 99, 98], "B": [20, 21, 23, 19], "C": [5, 4, 6, 5]},
        open={"A": [99, 101, 103, 97], "B": [20, 22, 21, 20], "C": [5, 5, 5, 4]},
    )
    result = play(panel, {0: {"A": 0.6, "B": 0.4}, 1: {"B": 0.5, "C": -0.3}}, HOUSE, convention=convention)
    first = result.filled[0]
    equity = result.fill_equity[1] if convention is SAME_CLOSE else result.equity[1 - first]
    ordered = [0.0, 0.5 * equity / 21, -0.3 * equity / 4]
    np.testing.assert_allclose(result.quantities[result.filled[1] - first], ordered, rtol=1e-14)


@pytest.mark.requirement("R-SIM-17")
def test_borrowed_shorts_pay_by_the_calendar_day_and_swaps_do_not(market, play):
    days, prices = [0, 1, 4], {"A": [50, 60, 55]}
    fees = [0.0, 0.5 * 0.02 / 365, 0.6 * 0.02 * 3 / 365]  # on the previous row's value, over the weekend too
    for kind, expected in ((Kind.SPOT, fees), (Kind.STOCK, fees), (Kind.ETF, fees), (Kind.SWAP, [0.0] * 3)):
        result = play(market(prices, kind=kind, days=days), {0: {"A": -0.5}}, replace(FREE, borrow_rate=0.02))
        np.testing.assert_allclose(result.costs["borrow"], expected, **exactly)
        np.testing.assert_allclose(result.cash, 1.5 - np.cumsum(expected), **exactly)
        assert (Stamp.RESEARCH_ONLY in result.stamps) == (kind is Kind.SPOT)
    bought = play(market(prices, kind=Kind.SPOT), {0: {"A": 0.5}, 1: {"A": 0.0}})
    assert Stamp.RESEARCH_ONLY not in bought.stamps, "a purchase that is sold again is no short"
    literal = play(market(prices, kind=Kind.SPOT), {0: {"A": -0.5}})
    assert not literal.costs["borrow"].any()
    assert Stamp.RESEARCH_ONLY in literal.stamps


def test_a_perpetual_on_a_stock_is_not_borrowed(market, play):
    panel = market({"A": [50, 60]})
    perpetual = replace(panel.instruments[0], kinds=frozenset({Kind.SWAP, Kind.STOCK, Kind.SPOT}))
    result = play(replace(panel, instruments=(perpetual,)), {0: {"A": -0.5}}, CostModel())
    assert not result.costs["borrow"].any()
    assert Stamp.RESEARCH_ONLY not in result.stamps


def test_cash_below_zero_is_charged_and_stamped(market, play):
    result = play(market({"A": [100, 100, 100]}), {0: {"A": 1.5}}, replace(FREE, borrow_rate=0.0365))
    np.testing.assert_allclose(result.costs["overdraft"], [0.0, 0.5e-4, 0.50005e-4], **exactly)
    assert result.stamps == {Stamp.OVERDRAFT, Stamp.OPTIMISTIC_EXECUTION}


def test_the_overdraft_is_charged_on_cash_as_it_was_before_the_days_dividend(market, play):
    panel = market({"A": [100, 100]}, dividend={"A": [0, 50]})
    result = play(panel, {0: {"A": 1.5}}, replace(FREE, borrow_rate=0.0365))
    assert result.costs["overdraft"][1] == pytest.approx(0.5e-4, abs=1e-15)
    assert result.cash[1] == pytest.approx(-0.5 + 0.75 - 0.5e-4, abs=1e-15)


@pytest.mark.requirement("R-SIM-09")
def test_the_loss_of_everything_ends_the_book(market, play):
    panel = market({"A": [100, 90, 220, 50, 60]})
    result = play(panel, {0: {"A": -1.0}, 3: {"A": 1.0}})
    np.testing.assert_allclose(result.equity, [1.0, 1.1, 0.0, 0.0, 0.0], **exactly)
    np.testing.assert_allclose(result.returns, [0.0, 0.1, -1.0, 0.0, 0.0], **exactly)
    assert result.failure == "liquidated"
    assert result.filled.tolist() == [0]
    assert not result.quantities[2:].any()
    assert not result.cash[2:].any()
    told = [(e.row, e.key, e.kind, e.value, e.price) for e in result.events]
    assert told == [(2, "X:A", "collateral_lost", -2.0 / 1.1, 200.0), (2, "", "liquidated", 0.0, 0.0)]


@pytest.mark.requirement("R-SIM-09")
@pytest.mark.parametrize("convention", [NEXT_OPEN, SAME_CLOSE])
def test_a_long_beyond_everything_is_cut_at_zero(market, play, convention):
    """Two shares of capital fall by three fifths: what is missing is cut off and told."""
    panel = market({"A": [100, 100, 40, 50]}, open={"A": [100, 100, 40, 50]})
    result = play(panel, {0: {"A": 2.0}, 2: {"A": 0.5}}, convention=convention)
    ended = 2 - int(result.filled[0])
    assert result.equity[:ended].tolist() == [1.0] * ended
    assert not result.equity[ended:].any()
    (event,) = result.events
    assert (event.row, event.key, event.kind) == (2, "", "liquidated")
    assert event.value == pytest.approx(-0.2, abs=1e-15)


@pytest.mark.requirement("R-SIM-05")
@pytest.mark.parametrize(
    ("weights", "owed"),
    [
        ({"S": 1.5}, 0.0),  # no cash is taken for a swap
        ({"S": -1.0, "A": 1.5}, 0.5),  # and none is got for one sold short
        ({"A": 1.5, "B": -0.25}, 0.25),  # a share sold short brings cash
        ({"S": 1.0, "A": 1.0}, 0.0),
        ({"S": 2.0, "A": -1.0}, 0.0),
    ],
)
def test_cash_is_borrowed_for_what_is_paid_for(market, weights, owed):
    panel = market({"S": [100.0] * 3, "A": [50.0] * 3, "B": [20.0] * 3})
    swap = replace(panel.instruments[0], kinds=frozenset({Kind.SWAP}))
    panel = replace(panel, instruments=(swap, *panel.instruments[1:]))
    names = [key.removeprefix("X:") for key in panel.keys]
    net = np.array([[weights.get(name, 0.0) for name in names]])
    path = WeightPath(keys=panel.keys, decided=np.array([0]), net=net)
    costs = replace(FREE, borrow_rate=0.0365)
    result = SIMULATORS["custom"].simulate(panel, path, costs=costs, execution=Execution(convention=SAME_CLOSE))
    np.testing.assert_allclose(result.costs["overdraft"][:2], [0.0, owed * 1e-4], rtol=0, atol=1e-15)
    assert (Stamp.OVERDRAFT in result.stamps) == (owed > 0.0)


def test_windows_are_owned_from_fill_to_fill(market, play):
    panel = market({"A": [100, 110, 121, 100]}, open={"A": [99, 104, 117, 120]})
    result = play(panel, {0: {"A": 0.5}, 1: {"A": -0.5}}, HOUSE, convention=NEXT_OPEN)
    bought = 0.005 * 104
    at_second = 1.0 - bought - bought * 6e-4 + 0.005 * 117
    np.testing.assert_allclose(result.fill_equity, [1.0, at_second], **exactly)


@pytest.mark.parametrize("halted", [False, True])
def test_a_split_leaves_equity_and_orders_as_they_are(market, play, halted):
    close = [100, NAN if halted else 50, 50, 50]
    panel = market(
        {"A": close, "B": [10] * 4}, split={"A": [1, 2, 1, 1]}, open={"A": [100, NAN, 50, 50], "B": [10] * 4}
    )
    held = play(panel, {0: {"A": 1.0}})
    assert held.equity.tolist() == [1.0] * 4
    assert held.quantities[:, 0].tolist() == [0.01, 0.02, 0.02, 0.02]
    assert held.marks[:, 0].tolist() == [100, 50, 50, 50]
    ordered = play(panel, {0: {"A": 1.0}}, convention=NEXT_CLOSE, lag=1)
    assert ordered.quantities[:, 0].tolist() == [0.02, 0.02]
    lapsed = play(panel, {0: {"A": 1.0}}, convention=NEXT_OPEN)
    assert [(e.row, e.key, e.kind, e.value) for e in lapsed.events] == [(1, "X:A", "unfilled", 1.0)]
    assert lapsed.equity.tolist() == [1.0] * 3


def test_longs_earn_dividends_and_shorts_pay_them(market, play):
    panel = market({"A": [100, 50, 48]}, dividend={"A": [9, 0, 2]}, split={"A": [1, 2, 1]})
    for weight in (0.5, -0.5):
        result = play(panel, {0: {"A": weight}})
        assert result.cash.tolist() == pytest.approx([1 - weight, 1 - weight, 1 - weight + weight * 0.04], abs=1e-15)
        np.testing.assert_allclose(result.equity, 1.0, **exactly)


def test_a_long_halt_is_closed_out_on_the_bad_side(market, play):
    panel = market({"A": [100, 100, NAN, NAN, NAN, 120], "B": [10] * 6})
    for weight, price in ((0.5, 70.0), (-0.5, 130.0)):
        result = play(panel, {0: {"A": weight}}, HOUSE, halt_limit=2)
        units, equity = weight / 100, 1.0 - 0.0003
        assert result.quantities[:, 0].tolist() == [units] * 4 + [0.0] * 2
        np.testing.assert_allclose(result.equity[:4], equity, **exactly)
        loss = 0.5 * 0.3 + abs(units) * price * 6e-4
        np.testing.assert_allclose(result.equity[4:], equity - loss, **exactly)
        (event,) = result.events
        assert (event.row, event.key, event.kind) == (4, "X:A", "closed_out")
        assert event.value == pytest.approx(units * price / equity, abs=1e-15)
        assert result.traded.tolist() == [0.5]


def test_a_delisted_name_is_closed_out_and_cannot_be_bought_again(market, play):
    panel = market({"A": [100, 100, 90, 90], "B": [10] * 4}, delisted={"A": 2})
    result = play(panel, {0: {"A": 0.5}, 1: {"A": 0.5}}, convention=NEXT_CLOSE)
    assert [(e.row, e.kind) for e in result.events] == [(2, "closed_out"), (2, "unfilled")]
    np.testing.assert_allclose(result.equity, [1.0, 0.85, 0.85], **exactly)
    assert result.marks[:, 0].tolist() == [100, 100, 100]


def test_an_order_without_a_bar_lapses_and_the_rest_is_filled(market, play):
    panel = market({"A": [100, NAN, 100], "B": [10, 10, 10]})
    result = play(panel, {0: {"A": 0.5, "B": 0.25}}, convention=NEXT_CLOSE)
    assert result.quantities.tolist() == [[0.0, 0.025]] * 2
    assert [(e.row, e.key, e.kind, e.value) for e in result.events] == [(1, "X:A", "unfilled", 0.5)]
    assert result.traded.tolist() == [0.25]


def test_cash_stays_cash(market, play):
    result = play(market({"A": [100, 50, 500]}), {0: {}, 1: {}}, CostModel(), convention=NEXT_CLOSE)
    assert result.equity.tolist() == [1.0, 1.0]
    assert result.traded.tolist() == result.turnover.tolist() == [0.0, 0.0]
    assert not result.events
    assert not result.stamps


def test_a_fill_after_the_end_is_left_out(market, play):
    panel = market({"A": [100, 110, 121]})
    result = play(panel, {0: {"A": 1.0}, 2: {"A": 0.0}}, convention=NEXT_CLOSE)
    assert result.filled.tolist() == [1]
    with pytest.raises(
        ModelError, match=r"no decision is filled: fills are due at rows \[3\] and the panel has 3 rows"
    ):
        play(panel, {2: {"A": 1.0}}, convention=NEXT_CLOSE)


def test_names_may_be_some_of_the_panel_in_any_order(market):
    panel = market({"A": [100, 110], "B": [10, 12], "C": [NAN, 7]})
    path = WeightPath(keys=("X:B", "X:A"), decided=np.array([0]), net=np.array([[0.25, 0.5]]))
    result = SIMULATORS["custom"].simulate(panel, path, costs=FREE, execution=Execution(convention=SAME_CLOSE))
    assert result.quantities.tolist() == [[0.025, 0.005]] * 2
    assert result.marks.tolist() == [[10, 100], [12, 110]]


def test_a_mark_before_the_first_bar_is_not_a_number_and_the_book_is_read_only(market, play):
    result = play(market({"A": [100, 110], "C": [NAN, 7]}), {0: {"A": 1.0}})
    np.testing.assert_array_equal(result.marks, [[100, NAN], [110, 7]])
    for array in (result.equity, result.quantities, result.marks, result.returns, *result.costs.values()):
        assert not array.flags.writeable


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({0: {"A": NAN}}, r"X:A: weight at decision 0 \(row 0\) is nan, expected a finite number"),
        ({0: {}, 1: {"A": -np.inf}}, r"X:A: weight at decision 1 \(row 1\) is -inf"),
        ({0: {"C": 0.5}}, r"X:C: weight 0.5 at decision 0 \(row 0\) comes before its first bar"),
    ],
)
def test_weights_that_cannot_be_traded_are_refused(market, play, weights, message):
    with pytest.raises(ModelError, match=message):
        play(market({"A": [100, 110], "C": [NAN, 7]}), weights)


def test_unknown_and_repeated_names_are_refused(market):
    panel = market({"A": [100, 110]})
    for keys, told in ((("X:Z",), r"unknown: \['X:Z'\]"), (("X:A", "X:A"), "unknown: none")):
        path = WeightPath(keys=keys, decided=np.array([0]), net=np.zeros((1, len(keys))))
        with pytest.raises(ModelError, match=told):
            SIMULATORS["custom"].simulate(panel, path, costs=FREE, execution=Execution(convention=SAME_CLOSE))


@pytest.mark.parametrize("rows", [[1, 0], [0, 0], [-1, 0], [0, 3]])
def test_decisions_out_of_order_or_range_are_a_bug(market, rows):
    panel = market({"A": [100, 110, 120]})
    path = WeightPath(keys=panel.keys, decided=np.array(rows), net=np.zeros((2, 1)))
    with pytest.raises(ValueError, match=r"decision rows must increase within 0\.\.2"):
        SIMULATORS["custom"].simulate(panel, path, costs=FREE, execution=Execution())


@pytest.mark.parametrize(
    ("costs", "rules", "message"),
    [
        ({"slippage_bps": -1.0}, {}, "costs.slippage_bps must be a number from 0 to 10000, found -1.0"),
        ({"commission_bps": NAN}, {}, "costs.commission_bps must be"),
        ({"borrow_rate": np.inf}, {}, "costs.borrow_rate must be"),
        ({}, {"lag": -1}, "execution.lag must be"),
        ({}, {"halt_limit": -1}, "execution.halt_limit must be"),
        ({}, {"delisting_haircut": 1.5}, "execution.delisting_haircut must be a number from 0 to 1, found 1.5"),
        ({}, {"convention": NEXT_OPEN}, "next_open needs the field 'open' and this panel has none: use next_close"),
    ],
)
def test_rules_that_cannot_be_meant_are_refused(market, play, costs, rules, message):
    with pytest.raises(ProfileError, match=message):
        play(market({"A": [100, 110]}), {0: {"A": 1.0}}, replace(FREE, **costs), **rules)


def test_libraries_are_imported_when_a_book_is_played_and_not_before():
    heavy = ("numba", "pandas", *(one.needs[0] for one in SIMULATORS.values() if one.needs))
    code = (
        f"import sys, tvquant.simulation as s; print([name for name in {heavy} if name in sys.modules])\n"
        "import tvquant.simulation.compiling, numba.core.registry, numba.np.linalg as linalg\n"
        "asks = linalg.ensure_blas\n"
        "numba.core.registry.cpu_target.target_context.refresh()  # as the first call of a kernel does\n"
        "print('numba.np.arraymath' in sys.modules, 'scipy.linalg' in sys.modules)\n"
        "asks(); print('scipy.linalg' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "True False", "True"]


def test_the_catalogue_is_consistent_and_read_only():
    assert all(simulator.name == name for name, simulator in SIMULATORS.items())
    with pytest.raises(TypeError):
        SIMULATORS["another"] = None
