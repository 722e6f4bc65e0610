"""What a fill is charged where rates are measured of bars: by hand."""

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from statistics import stdev

import numpy as np
import pytest

from builders.panels import instrument, panel_of
from tvquant.core.books import CostModel, FeeTier, SimResult, Spread, WeightPath
from tvquant.core.errors import ModelError, ProfileError
from tvquant.core.panel import Floats, Panel
from tvquant.simulation.fill_rates import name_rates, recent
from tvquant.simulation.spreads import two_day_spreads

FREE = CostModel(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.0, assumed_funding_bps=0.0)
TIERS = (
    FeeTier(traded=0.0, maker_bps=2.0, taker_bps=10.0),
    FeeTier(traded=600.0, maker_bps=-1.0, taker_bps=4.0),
)

type Markets = Callable[..., Panel]
type Plays = Callable[..., SimResult]


def thirty(**more: Floats) -> Panel:
    """Thirty bars of two names, the second one halted for rows 10 to 14."""
    rng = np.random.default_rng(5)
    close = 100.0 * np.exp(rng.normal(0.0, 0.02, (30, 2)).cumsum(axis=0))
    close[10:15, 1] = np.nan
    fields = {"close": close, "high": close * 1.01, "low": close * 0.985, "volume": rng.uniform(1e3, 1e4, (30, 2))}
    return panel_of(fields | more, names=[instrument("A"), instrument("B")])


def decided(panel: Panel, *rows: int, weight: float = 0.5) -> WeightPath:
    return WeightPath(keys=panel.keys, decided=np.array(rows), net=np.full((len(rows), 2), weight))


def test_impact_is_the_square_root_law_of_the_twenty_bars_to_the_decision() -> None:
    """Of B these are rows 5 to 9 and 15 to 29; a fill of v in starting capitals of 1,000 is of v x 1,000 there."""
    panel = thirty()
    slippage, impact = name_rates(panel, None, decided(panel, 24, 29), replace(FREE, impact=0.7, slippage_bps=5.0), 1e3)
    bars = [*range(5, 10), *range(15, 30)]
    close, volume = (panel.fields[name][bars, 1].tolist() for name in ("close", "volume"))
    sigma = stdev(after / before - 1.0 for before, after in pairwise(close))
    adv = sum(c * v for c, v in zip(close, volume, strict=True)) / 20
    value = 0.25
    assert impact[1, 1] * value**1.5 == pytest.approx(0.7 * sigma * math.sqrt(value * 1e3 / adv) * value, rel=1e-12)
    assert (slippage == 5e-4).all()
    assert impact[0, 1] != impact[1, 1]


def test_it_is_charged_beside_flat_costs_under_its_own_name(market: Markets, play: Plays) -> None:
    """10, 11, 10, 11 with 1,000 traded a day: half of a capital of 1,000 is bought, half of a day's value."""
    panel = market({"A": [10.0, 11.0, 10.0, 11.0]}, volume={"A": [100.0, 1000.0 / 11.0, 100.0, 1000.0 / 11.0]})
    costs = replace(FREE, slippage_bps=5.0, commission_bps=1.0, impact=1.0)
    result = play(panel, {2: {"A": 0.5}, 3: {}}, costs, nav=1000.0)
    sigma = stdev([0.1, 10.0 / 11.0 - 1.0])
    assert result.costs["impact"][0] == pytest.approx(sigma * math.sqrt(0.5) * 0.5, rel=1e-12)
    sold, later = 0.55, stdev([0.1, 10.0 / 11.0 - 1.0, 0.1])
    assert result.costs["impact"][1] == pytest.approx(later * math.sqrt(0.55) * sold, rel=1e-12)
    assert result.costs["slippage"].tolist() == pytest.approx([0.5 * 5e-4, sold * 5e-4], rel=1e-12)
    paid = sum(amounts.sum() for amounts in result.costs.values())
    assert result.equity[-1] == pytest.approx(1.05 - paid, rel=1e-14)


@pytest.mark.parametrize("estimator", [Spread.CORWIN_SCHULTZ, Spread.ABDI_RANALDO])
def test_half_of_the_mean_spread_takes_the_place_of_slippage(estimator: Spread) -> None:
    """Nineteen pairs within the last twenty bars; a bar later, another mean."""
    panel = thirty()
    path = decided(panel, 24, 29)
    slippage, impact = name_rates(panel, None, path, replace(FREE, slippage_bps=99.0, spread=estimator), None)
    bars = [*range(5, 10), *range(15, 30)]
    high, low, close = (panel.fields[name][bars, 1] for name in ("high", "low", "close"))
    assert slippage[1, 1] == pytest.approx(0.5 * two_day_spreads(high, low, close, estimator)[1:].mean(), rel=1e-12)
    assert not impact.any()
    assert slippage[0, 0] != slippage[1, 0]


def test_splits_are_no_moves() -> None:
    """The same market with a split of 4 for 1 in row 20: prices are a quarter from then on, volumes four times."""
    plain, rows = thirty(), np.arange(30)[:, None] >= 20
    turned = {name: np.where(rows, plain.fields[name] / 4.0, plain.fields[name]) for name in ("close", "high", "low")}
    split = np.where(np.arange(30)[:, None] == 20, 4.0, 1.0) * np.ones((1, 2))
    turned["volume"] = np.where(rows, plain.fields["volume"] * 4.0, plain.fields["volume"])
    panel = thirty(**turned, split=split)
    costs = replace(FREE, impact=1.0, spread=Spread.CORWIN_SCHULTZ)
    found, expected = (name_rates(one, None, decided(one, 18, 25), costs, 1e6) for one in (panel, plain))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_what_a_decision_cannot_know_is_refused() -> None:
    panel = thirty()
    impact, spread = replace(FREE, impact=1.0), replace(FREE, spread=Spread.ABDI_RANALDO)
    with pytest.raises(ProfileError, match=r"costs\.impact needs execution\.nav"):
        name_rates(panel, None, decided(panel, 9), impact, None)
    with pytest.raises(ModelError, match=r"X:A: costs\.impact needs three bars, .* by decision 0 \(row 1\)"):
        name_rates(panel, None, decided(panel, 1), impact, 1e6)
    with pytest.raises(ModelError, match=r"X:A: costs\.spread abdi_ranaldo needs two bars .* by decision 0 \(row 0\)"):
        name_rates(panel, None, decided(panel, 0, 5), spread, None)
    assert np.isfinite(name_rates(panel, None, decided(panel, 0, weight=0.0), spread, None)).all()
    bare = panel_of({"close": panel.fields["close"]}, names=list(panel.instruments))
    with pytest.raises(ProfileError, match=r"costs\.impact is measured of volumes, and this panel has none"):
        name_rates(bare, None, decided(bare, 9), impact, 1e6)
    with pytest.raises(ProfileError, match=r"highs and lows, and this panel has no 'high'; set it to flat"):
        name_rates(bare, None, decided(bare, 9), spread, None)
    quoted = panel_of(
        {"close": panel.fields["close"], "quote_volume": panel.fields["close"] * panel.fields["volume"]},
        names=list(panel.instruments),
    )
    known = name_rates(panel, None, decided(panel, 29), impact, 1e6)
    np.testing.assert_allclose(name_rates(quoted, None, decided(quoted, 29), impact, 1e6), known, rtol=1e-12)


def test_a_window_is_of_the_last_values() -> None:
    values = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(recent(values, np.array([3, 1, 0]), 2), [[3, 2], [1, np.nan], [np.nan, np.nan]])


@pytest.mark.parametrize(("last", "bps"), [(30, 4.0), (31, 10.0)])
def test_a_tier_is_reached_by_what_was_traded_in_the_thirty_days_before_the_fill(
    market: Markets, play: Plays, last: int, bps: float
) -> None:
    """Of 1,000, 500 on day 0 and 250 on day 10: the third fill has 750 behind it on day 30, and 250 on day 31.

    The second one has 500: its own 250 are not before it.
    """
    panel = market({"A": [100.0] * 4}, days=[0, 9, 10, last])
    decisions = {0: {"A": 0.5}, 2: {"A": 0.25}, 3: {"A": 0.5}}
    result = play(panel, decisions, replace(FREE, tiers=TIERS), nav=1000.0)
    paid, value = result.costs["commission"][[0, 2, 3]], result.traded * result.fill_equity
    assert paid.tolist() == pytest.approx((value * [10e-4, 10e-4, bps * 1e-4]).tolist(), rel=1e-12)
    assert value.tolist() == pytest.approx([0.5, 0.25, 0.25], rel=2e-3)


def test_a_tier_begins_at_its_own_value_and_counts_no_trade_of_the_same_row(market: Markets, play: Plays) -> None:
    """500 of 1,000 was traded: a tier from 500 is reached, one from 512 is not.

    A is delisted in the row of the second fill and closed out for another 250 before B is bought: that comes after.
    """
    panel = market({"A": [100.0] * 3, "B": [50.0] * 3}, delisted={"A": 2})
    decisions, halves = {0: {"A": 0.5}, 2: {"B": 0.25}}, {"nav": 1000.0, "delisting_haircut": 0.5}
    for traded, bps in ((500.0, 4.0), (512.0, 10.0)):
        costs = replace(FREE, tiers=(TIERS[0], replace(TIERS[1], traded=traded)))
        result = play(panel, decisions, costs, **halves)
        assert result.rates is not None
        assert result.rates.commission.tolist() == pytest.approx([10e-4, bps * 1e-4], rel=1e-12)
    assert [(event.row, event.kind) for event in result.events] == [(2, "closed_out")]
    assert result.costs["commission"][2] == pytest.approx((0.25 + result.traded[1] * result.fill_equity[1]) * 10e-4)


@pytest.mark.parametrize(("from_", "bps"), [(512.0, 4.0), (np.nextafter(512.0, 513.0), 10.0)])
def test_a_tier_begins_at_its_very_value(market: Markets, play: Plays, from_: float, bps: float) -> None:
    """Half of 1,024 was bought, and is sold."""
    tiers = (TIERS[0], replace(TIERS[1], traded=float(from_)))
    result = play(market({"A": [64.0] * 2}), {0: {"A": 0.5}, 1: {}}, replace(FREE, tiers=tiers), nav=1024.0)
    assert result.costs["commission"].tolist() == pytest.approx([0.5 * 10e-4, 0.5 * bps * 1e-4], rel=1e-12)


def test_makers_are_paid_where_a_tier_has_a_rebate(market: Markets, play: Plays) -> None:
    """All of it by makers: 2 bps of the first .5, then, 700 of 600 traded, -1 bp."""
    panel = market({"A": [100.0] * 3})
    made = replace(FREE, tiers=TIERS, maker_share=1.0)
    result = play(panel, {0: {"A": 0.7}, 1: {"A": 0.0}}, made, nav=1000.0)
    assert result.costs["commission"].tolist() == pytest.approx([0.7 * 2e-4, -0.7 * 1e-4, 0.0], rel=1e-12)
    half = play(panel, {0: {"A": 0.7}}, replace(made, maker_share=0.5), nav=1000.0)
    assert half.costs["commission"][0] == pytest.approx(0.7 * 6e-4, rel=1e-12)


def test_tiers_need_a_size_and_a_makers_share_needs_tiers(market: Markets, play: Plays) -> None:
    panel = market({"A": [100.0] * 3})
    with pytest.raises(ProfileError, match=r"costs\.tiers needs execution\.nav"):
        play(panel, {0: {"A": 0.7}}, replace(FREE, tiers=TIERS))
    with pytest.raises(ProfileError, match=r"costs\.maker_share is 0\.5 and costs\.tiers is empty"):
        play(panel, {0: {"A": 0.7}}, replace(FREE, maker_share=0.5))


@pytest.mark.parametrize(
    ("costs", "named"),
    [
        ({"impact": -1.0}, r"costs\.impact must be a number from 0 to inf, found -1"),
        ({"impact": math.inf}, r"costs\.impact"),
        ({"tiers": TIERS, "maker_share": math.nan}, r"costs\.maker_share must be a number from 0 to 1, found nan"),
        ({"tiers": TIERS[1:]}, r"costs\.tiers must have `traded` from 0 upwards"),
        ({"tiers": (*TIERS, TIERS[1])}, r"costs\.tiers must have `traded` from 0 upwards"),
        ({"tiers": (FeeTier(traded=0.0, maker_bps=1.0, taker_bps=math.nan),)}, r"costs\.tiers: taker_bps"),
        ({"tiers": (FeeTier(traded="0", maker_bps=1.0, taker_bps=2.0),)}, r"costs\.tiers: traded must be a number"),
        ({"spread": "roll"}, r"costs\.spread must be a Spread: flat, corwin_schultz, abdi_ranaldo; found 'roll'"),
        ({"borrow_rates": (("X:A", 0.1), ("X:A", 0.9))}, r"costs\.borrow_rates must name a symbol once"),
    ],
)
def test_a_cost_that_makes_no_sense_is_refused_by_its_key(market: Markets, play: Plays, costs, named) -> None:
    with pytest.raises(ProfileError, match=named):
        play(market({"A": [100.0] * 3}), {0: {"A": 0.5}}, replace(FREE, **costs), nav=1000.0)


@pytest.mark.parametrize(("key", "value"), [("convention", "same_close"), ("rebalancing", "weekly")])
def test_a_choice_in_plain_letters_is_refused_and_not_played_as_another(market: Markets, play: Plays, key, value):
    with pytest.raises(ProfileError, match=rf"execution\.{key} must be a"):
        play(market({"A": [100.0] * 3}), {0: {"A": 0.5}}, **{key: value})
