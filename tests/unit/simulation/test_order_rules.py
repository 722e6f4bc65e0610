"""Bands, partial steps, lots, participation and late fills, by hand; prices, weights and lots are binary fractions."""

from dataclasses import replace

import numpy as np
import pytest

from builders.panels import instrument, market_of
from tvquant.core.books import Convention, CostModel, Execution, Rebalancing, SimResult, WeightPath
from tvquant.core.errors import ProfileError
from tvquant.core.instruments import Fact, Kind
from tvquant.core.panel import Panel
from tvquant.core.stamps import Stamp
from tvquant.simulation import SIMULATORS

NAN = np.nan
NEXT_OPEN, NEXT_CLOSE, SAME_CLOSE = Convention
FREE = CostModel(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.0, assumed_funding_bps=0.0)
DAY = np.timedelta64(1, "D")


def held(result: SimResult, name: int = 0) -> list[float]:
    return result.quantities[:, name].tolist()


@pytest.mark.requirement("R-SIM-11")
@pytest.mark.parametrize(
    ("band", "second", "quantity"),
    [
        (0.25, 0.5, 0.25),  # .25 is held and .5 is asked for: a distance of the band itself is left alone
        (0.25, 0.0, 0.0),  # an exit
        (0.5, -0.125, -0.125),  # a flip, though within the band
        (0.1875, 0.5, 0.5),  # beyond the band all of the way is gone
    ],
)
def test_a_band_is_left_alone_but_for_exits_and_flips(market, play, band, second, quantity):
    result = play(market({"A": [1, 1, 1]}), {0: {"A": 0.25}, 1: {"A": second}}, band=band)
    assert held(result) == [0.25, quantity, quantity]  # the entry, within the band of .25 too, is not held back
    assert result.traded.tolist() == [0.25, abs(quantity - 0.25)]


def test_the_band_is_judged_by_the_drifted_weight_at_the_decision_mark(market, play):
    """.5 of 1 at 1, then 3: 1.5 of 2 is held, .75, a quarter from .5; at the fill the price is back, and not asked."""
    panel = market({"A": [1, 1, 3, 1]})
    weights = {0: {"A": 0.5}, 2: {"A": 0.5}}
    assert held(play(panel, weights, convention=NEXT_CLOSE, band=0.25)) == [0.5, 0.5, 0.5]
    traded = play(panel, weights, convention=NEXT_CLOSE, band=0.24)
    assert held(traded) == pytest.approx([0.5, 0.5, 1 / 3], abs=1e-15)  # .5 of 2 at 3


def test_a_short_within_its_band_keeps_its_collateral_as_posted(market, play):
    """Sold at 4: it is lost at 8, although a decision at 6 asked for the same again and ordered nothing."""
    panel = market({"A": [4, 6, 8, 8]})
    weights = {0: {"A": -0.25}, 1: {"A": -0.5}}
    kept = play(panel, weights, band=0.5)
    assert [(e.row, e.kind, e.price) for e in kept.events] == [(2, "collateral_lost", 8.0)]
    assert not play(panel, weights).events  # posted again at 6


@pytest.mark.requirement("R-SIM-11")
def test_a_partial_step_goes_its_share_and_an_exit_all_of_the_way(market, play):
    weights = {0: {"A": 0.5}, 1: {"A": 0.5}, 2: {"A": -0.5}, 3: {"A": 0.0}}
    result = play(market({"A": [1] * 4}), weights, partial=0.5)
    assert held(result) == [0.25, 0.375, -0.0625, 0.0]


def test_with_a_lag_a_step_starts_from_what_waits_for_its_fill(market, play):
    """Decided at rows 0 and 1, filled at 1 and 2: the second half step starts from the .25 that the first will make."""
    result = play(market({"A": [1] * 4}), {0: {"A": 0.5}, 1: {"A": 0.5}}, partial=0.5, lag=1)
    assert held(result) == [0.25, 0.375, 0.375]
    kept = play(market({"A": [1] * 4}), {0: {"A": 0.5}, 1: {"A": 0.5}}, band=0.25, lag=1)
    assert held(kept) == [0.5, 0.5, 0.5]
    assert kept.traded.tolist() == [0.5, 0.0]


def with_facts(panel: Panel, *told: tuple[str, float, int]) -> Panel:
    """The first name with facts (field, value), each known when the row closes."""
    facts = tuple(Fact(field=field, value=value, known_at=panel.times[row] + DAY) for field, value, row in told)
    return replace(panel, instruments=(replace(panel.instruments[0], facts=facts), *panel.instruments[1:]))


def test_quantities_are_cut_toward_zero_to_the_lot_that_was_known(market, play):
    """Of 1024, .7 is 716.8 units at 1: 716 of lots of 4 (716.8 / 4 = 179.2), from row 1 on 704 of lots of 64 (11.2)."""
    panel = with_facts(market({"A": [1] * 4}), ("lot", 4.0, 0), ("lot", 64.0, 1))
    for sign in (1.0, -1.0):
        result = play(panel, {0: {"A": 0.7 * sign}, 1: {"A": 0.7 * sign}}, lots=True, nav=1024.0)
        assert (np.array(held(result)) * 1024).tolist() == [sign * 716.0, sign * 704.0, sign * 704.0, sign * 704.0]
        assert Stamp.ASSUMED_METADATA not in result.stamps
    # the lot of row 1 is not known to a decision at row 0 that is filled at row 1
    early = play(panel, {0: {"A": 0.7}}, lots=True, nav=1024.0, convention=NEXT_CLOSE)
    assert held(early)[0] * 1024 == 716.0


def test_a_whole_number_of_lots_loses_none_to_rounding(market, play):
    """.3 of 1000 at 1 is 300 units, of lots of .1 it is 2999.9999999999995 by division: 3000 lots are ordered."""
    panel = with_facts(market({"A": [1] * 2}), ("lot", 0.1, 0))
    assert held(play(panel, {0: {"A": 0.3}}, lots=True, nav=1000.0))[0] == pytest.approx(0.3, abs=1e-15)


def test_orders_below_the_least_notional_are_left_out_but_exits(market, play):
    """The least is an eighth of the account: an eighth more is bought, less than it is not, and all of it is sold."""
    panel = with_facts(market({"A": [1] * 6}), ("lot", 1.0, 0), ("min_notional", 128.0, 0))
    weights = {0: {"A": 0.0625}, 1: {"A": 0.25}, 2: {"A": 0.25 + 0.125}, 3: {"A": 0.375 - 0.0625}, 4: {"A": 0.0}}
    assert held(play(panel, weights, lots=True, nav=1024.0)) == [0.0, 0.25, 0.375, 0.375, 0.0, 0.0]
    small = with_facts(market({"A": [1, 0.25, 0.25]}), ("lot", 1.0, 0), ("min_notional", 128.0, 0))
    assert held(play(small, {0: {"A": 0.25}, 1: {"A": 0.0}}, lots=True, nav=1024.0)) == [0.25, 0.0, 0.0]  # worth .0625


def test_a_lot_that_nobody_told_is_assumed_and_said(market, play):
    """A share is whole: .7 of 64 at 3 is 14.93 shares; a coin at 300 trades in thousandths: 149.333 of 64,000."""
    share = play(market({"A": [3.0] * 2}), {0: {"A": 0.7}}, lots=True, nav=64.0)
    assert held(share)[0] * 64 == 14.0
    coin = play(market({"A": [300.0] * 2}, kind=Kind.SPOT), {0: {"A": 0.7}}, lots=True, nav=64_000.0)
    assert held(coin)[0] * 64_000 == pytest.approx(149.333, abs=1e-12)
    assert Stamp.ASSUMED_METADATA in share.stamps & coin.stamps
    unheld = play(market({"A": [3.0] * 2, "B": [3.0] * 2}), {0: {"A": 0.0}}, lots=True, nav=64.0)
    assert Stamp.ASSUMED_METADATA not in unheld.stamps


def volumes(rows: int, **values: list[float]) -> Panel:
    """A at a price of 1 with the given fields."""
    name = instrument("A", kind=Kind.STOCK)
    return market_of({name: [1.0] * rows}, **{field: {name: column} for field, column in values.items()})


def test_a_fill_is_cut_to_its_share_of_recent_traded_value_and_the_rest_lapses(play):
    """A quarter of (128 + 384) / 2 is 64 of 1024, a sixteenth; then of (128 + 384 + 256) / 3 the same."""
    panel = volumes(4, volume=[128.0, 384.0, 256.0, 1e9])
    result = play(panel, {1: {"A": 0.25}, 2: {"A": -0.25}}, participation=0.25, nav=1024.0)
    assert held(result) == [0.0625, 0.0, 0.0]
    assert [(e.row, e.kind, e.value) for e in result.events] == [
        (1, "partly_filled", 0.1875),
        (2, "partly_filled", -0.25),
    ]
    assert result.traded.tolist() == [0.0625, 0.0625]
    least = play(panel, {1: {"A": 0.0625}}, participation=0.25, nav=1024.0)  # all that is admitted is no cut
    assert held(least) == [0.0625] * 3
    assert not least.events


def test_the_volume_of_the_fill_itself_is_not_known_to_it(play):
    panel = volumes(3, volume=[256.0, 1e9, 1e9])
    assert held(play(panel, {0: {"A": 0.5}}, participation=0.25, nav=1024.0, convention=NEXT_CLOSE)) == [0.0625] * 2


def test_twenty_bars_are_looked_at_and_quote_volume_goes_first(play):
    """The first of 21 bars is not: 20 of 256. A quote volume of 512 in half of them makes it 384."""
    values = [1e9] + [256.0] * 21
    result = play(volumes(22, volume=values), {20: {"A": 0.5}}, participation=0.25, nav=1024.0)
    assert held(result)[0] == 0.0625
    quoted = [512.0] * 11 + [NAN] * 11
    both = play(volumes(22, volume=values, quote_volume=quoted), {20: {"A": 0.5}}, participation=0.25, nav=1024.0)
    assert held(both)[0] == 0.25 * (10 * 512 + 10 * 256) / 20 / 1024


def test_what_is_admitted_is_cut_to_lots_toward_what_is_held_and_to_the_least_notional(play):
    """Of 1024, 160 are admitted: of lots of 64 that is 128; where an order must be 256 nothing is left of it."""
    panel = with_facts(volumes(3, volume=[640.0] * 3), ("lot", 64.0, 0))
    rules = {"participation": 0.25, "nav": 1024.0, "lots": True}
    assert held(play(panel, {0: {"A": 0.75}, 1: {"A": 0.0}}, **rules)) == [0.125, 0.0, 0.0]
    assert held(play(panel, {0: {"A": -0.75}, 1: {"A": -0.75}}, **rules)) == [-0.125, -0.25, -0.25]
    for least, bought in ((128.0, 0.125), (256.0, 0.0)):
        strict = with_facts(panel, ("lot", 64.0, 0), ("min_notional", least, 0))
        assert held(play(strict, {0: {"A": 0.75}}, **rules)) == [bought] * 3


def test_a_part_of_an_exit_knows_no_least_notional(play):
    """At row 2 a quarter of 2048 / 3 is admitted, 128 of lots of 64, where an order must be 256."""
    panel = with_facts(volumes(3, volume=[2048.0, 0.0, 0.0]), ("lot", 64.0, 0), ("min_notional", 256.0, 0))
    for asked, left in ((0.0, 0.375), (0.125, 0.5)):
        result = play(panel, {0: {"A": 0.5}, 2: {"A": asked}}, participation=0.25, nav=1024.0, lots=True)
        assert held(result) == [0.5, 0.5, left]


def test_what_is_admitted_loses_no_lot_to_rounding(play):
    """A quarter of 1200 are 300 units of 1000, that is 3000 lots of .1, and 2999.9999999999995 by division."""
    panel = with_facts(volumes(2, volume=[1200.0] * 2), ("lot", 0.1, 0))
    for sign in (1.0, -1.0):
        result = play(panel, {0: {"A": 0.75 * sign}}, participation=0.25, nav=1000.0, lots=True)
        assert held(result)[0] == pytest.approx(0.3 * sign, abs=1e-15)


@pytest.mark.parametrize(
    ("rules", "named"),
    [
        ({"lots": True}, r"execution\.lots needs execution\.nav"),
        ({"participation": 0.1}, r"execution\.participation needs execution\.nav"),
        (
            {"participation": 0.1, "nav": 1e6},
            r"execution\.participation is measured of volumes",
        ),
    ],
)
def test_a_rule_that_lacks_what_it_measures_is_refused_by_its_key(market, play, rules, named):
    with pytest.raises(ProfileError, match=named):
        play(market({"A": [1, 1]}), {0: {"A": 0.5}}, **rules)


@pytest.mark.requirement("R-SIM-04")
def test_a_name_that_never_had_an_open_is_filled_at_the_close(market, play):
    """A is bought at its open of 2, B at its close of 8; the fill's equity is that at the open, of both fills."""
    opens = {"A": [2, 2, 2, 2], "B": [NAN] * 4}
    panel = market({"A": [1, 4, 4, 4], "B": [4, 8, 8, 16]}, open=opens)
    result = play(panel, {0: {"A": 0.5, "B": 0.25}, 2: {"B": 0.5}}, convention=NEXT_OPEN)
    assert held(result)[0] == 0.5  # .5 of 1 at 1
    assert held(result, 1)[0] == 0.0625  # .25 of 1 at 4
    assert result.cash[0] == 1.0 - 0.5 * 2 - 0.0625 * 8
    assert result.equity.tolist()[:2] == [2.0, 2.0]  # .5 x 4 + .5 - .5 of cash
    assert result.fill_equity.tolist() == [1.0, 1.0]  # of the second A is at 2 and B at its last mark of 8
    assert result.traded[0] == 0.5 * 2 + 0.0625 * 8
    assert held(result, 1)[2] == 0.125  # .5 of 2 at 8, bought at 16
    assert result.cash[2] == -0.5 + 0.5 * 2 - 0.0625 * 16
    assert (result.traded[1], result.turnover[1]) == (2.0, 1.0)  # sold for 1 and bought for 1: a switch
    assert Stamp.LATE_FILL in result.stamps


def test_a_missing_open_of_a_name_that_had_one_is_no_late_fill(market, play):
    panel = market({"A": [1, 1, 1], "B": [1, 1, 1]}, open={"A": [1, NAN, 1], "B": [1, 1, 1]})
    result = play(panel, {0: {"A": 0.5, "B": 0.25}}, convention=NEXT_OPEN)
    assert [(e.row, e.key, e.kind) for e in result.events] == [(1, "X:A", "unfilled")]
    assert Stamp.LATE_FILL not in result.stamps


@pytest.mark.parametrize("rules", [{}, {"band": 0.01, "partial": 0.5}, {"rebalancing": Rebalancing.DAILY}])
def test_without_lots_the_account_has_no_size(rules):
    """The same path at a hundred and at a billion, and lots make it another one, whole at every fill."""
    rng = np.random.default_rng(5)
    close = 20 * np.exp(rng.normal(0, 0.02, (40, 3)).cumsum(axis=0))
    names = [instrument(name, kind=Kind.STOCK) for name in "ABC"]
    panel = market_of(dict(zip(names, close.T, strict=True)))
    path = WeightPath(keys=panel.keys, decided=np.arange(0, 40, 8), net=rng.uniform(-0.4, 0.4, (5, 3)))

    def played(**more) -> SimResult:
        execution = Execution(convention=SAME_CLOSE, **rules, **more)
        return SIMULATORS["custom"].simulate(panel, path, (), costs=FREE, execution=execution)

    small, large = played(nav=100.0), played(nav=1e9)
    np.testing.assert_array_equal(small.equity, large.equity)
    whole = played(nav=1e3, lots=True)
    units = whole.quantities * 1e3
    np.testing.assert_allclose(units, np.round(units), rtol=0, atol=1e-9)
    assert np.abs(whole.equity - small.equity).max() > 1e-4
    fine = played(nav=1e9, lots=True)
    np.testing.assert_allclose(fine.equity, small.equity, rtol=1e-6)
