"""Funding of swaps: books computed by hand."""

from dataclasses import replace

import numpy as np
import pytest

from tvquant.core.books import Convention, CostModel
from tvquant.core.instruments import Kind
from tvquant.core.stamps import Stamp

FREE = CostModel(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.0)
HOUSE = CostModel(borrow_rate=0.0)
NEXT_OPEN, NEXT_CLOSE, SAME_CLOSE = Convention
NAN = np.nan
exactly = {"rtol": 0, "atol": 1e-15}


def funded(market, play, weight, rates, hours, **rules):
    """A swap at 100 on row 0, bought or sold at 100 at the open of row 1, with the row's rates and covered hours."""
    fields = {"funding": {"A": rates}, "funding_hours": {"A": hours}} if rates else {}
    closes = [100.0] * (len(rates) or 3)
    panel = market({"A": closes}, kind=Kind.SWAP, open={"A": closes}, **fields)
    return play(panel, {0: {"A": weight}}, replace(FREE, assumed_funding_bps=1.0), convention=NEXT_OPEN, **rules)


@pytest.mark.requirement("R-SIM-17")
def test_a_swap_pays_the_payments_behind_its_fill_and_a_short_receives_them(market, play):
    """+1, +2 and -.5 bp at hours 32, 40 and 48 are 2.5 bp; that of hour 24 stood in the row before."""
    for weight in (1.0, -1.0):
        result = funded(market, play, weight, [9e-4, 2.5e-4, 0.0], [8, 24, 24])
        np.testing.assert_allclose(result.costs["funding"], [weight * 2.5e-4, 0.0], **exactly)
        np.testing.assert_allclose(result.equity, 1.0 - weight * 2.5e-4, **exactly)
        assert not result.assumed_funding.any()
        assert result.stamps == frozenset()


@pytest.mark.requirement("R-SIM-17")
def test_bare_hours_cost_either_side_and_are_stamped(market, play):
    """Payments at hours 32 and 80 alone leave (32, 72] bare: sixteen hours of row 1 and all of row 2."""
    for weight in (1.0, -1.0):
        result = funded(market, play, weight, [0.0, 1e-4, NAN, 2e-4], [24, 8, NAN, 8])
        paid = weight * np.array([1e-4, 0.0, 2e-4])
        np.testing.assert_allclose(result.assumed_funding, [2e-4, 3e-4, 2e-4], **exactly)
        np.testing.assert_allclose(result.costs["funding"], paid + np.array([2e-4, 3e-4, 2e-4]), **exactly)
        assert result.stamps == {Stamp.ASSUMED_FUNDING}
    silent = funded(market, play, 0.5, [], [])
    np.testing.assert_allclose(silent.costs["funding"], [1.5e-4, 1.5e-4], **exactly)
    assert Stamp.ASSUMED_FUNDING in silent.stamps


@pytest.mark.requirement("R-SIM-04")
@pytest.mark.requirement("R-SIM-17")
@pytest.mark.parametrize(
    ("convention", "weight", "paid"),
    [
        (SAME_CLOSE, 1.0, [0.0, 1e-3 * 1.0 + 2e-3 * 1.2, 3e-3 * 1.5]),
        (NEXT_CLOSE, 1.0, [0.0, 1e-3 * 1.2 + 3e-3 * 1.5]),
        (NEXT_OPEN, 1.0, [2e-3 * 1.2, 1e-3 * 1.2 + 3e-3 * 1.5]),
    ],
)
def test_payments_until_the_open_fall_on_the_old_quantity_at_the_old_mark(market, play, convention, weight, paid):
    """Rows 0, 2 and 4: each opens a day after the last one closed; .01 units at 100, 120 and 150."""
    closes = [100.0, 120.0, 150.0]
    panel = market(
        {"A": closes}, kind=Kind.SWAP, days=[0, 2, 4], open={"A": [99.0, 110.0, 140.0]},
        funding={"A": [0.0, 3e-3, 4e-3]}, funding_hours={"A": [24, 48, 48]},
        funding_early={"A": [NAN, 1e-3, 1e-3]}, funding_early_hours={"A": [NAN, 24, 24]},
    )  # fmt: skip
    result = play(panel, {0: {"A": weight}}, replace(FREE, assumed_funding_bps=1.0), convention=convention)
    expected = np.array(paid)
    if convention is SAME_CLOSE:
        expected[2] += 1e-3 * 1.2
    np.testing.assert_allclose(result.costs["funding"], expected, **exactly)
    assert not result.assumed_funding.any()
    np.testing.assert_allclose(np.diff(result.cash, prepend=result.cash[0] + paid[0]), -expected, **exactly)


@pytest.mark.requirement("R-SIM-17")
def test_hours_until_the_open_are_bare_too_and_a_holding_of_another_kind_has_none(market, play):
    panel = market({"A": [100.0] * 3}, kind=Kind.SWAP, days=[0, 1, 4])
    result = play(panel, {0: {"A": -1.0}}, CostModel())
    np.testing.assert_allclose(result.assumed_funding, [0.0, 3e-4, 9e-4], **exactly)
    assert not result.costs["borrow"].any()
    told = {"funding": {"A": [NAN, NAN, 0.0]}, "funding_hours": {"A": [NAN, NAN, 50]},
            "funding_early": {"A": [NAN, NAN, 0.0]}, "funding_early_hours": {"A": [NAN, NAN, 40]}}  # fmt: skip
    some = market({"A": [100.0] * 3}, kind=Kind.SWAP, days=[0, 1, 4], **told)
    parts = play(some, {0: {"A": -1.0}}, CostModel()).assumed_funding
    np.testing.assert_allclose(parts, [0.0, 3e-4, (48 - 40 + 24 - 10) / 8 * 1e-4], **exactly)
    stock = replace(panel, instruments=(replace(panel.instruments[0], kinds=frozenset({Kind.STOCK})),))
    assert not play(stock, {0: {"A": 1.0}}, CostModel()).costs["funding"].any()


@pytest.mark.requirement("R-SIM-09")
@pytest.mark.requirement("R-SIM-17")
def test_a_short_that_loses_its_collateral_at_a_mark_has_paid_until_then(market, play):
    panel = market(
        {"A": [100.0, 300.0, 300.0]}, kind=Kind.SWAP,
        funding={"A": [0.0, -1e-3, -1e-3]}, funding_hours={"A": [24, 24, 24]},
    )  # fmt: skip
    result = play(panel, {0: {"A": -0.1}})
    np.testing.assert_allclose(result.costs["funding"], [0.0, 0.3e-3, 0.0], **exactly)
    np.testing.assert_allclose(result.equity[1:], 1.0 - 0.1 - 0.3e-3, **exactly)
