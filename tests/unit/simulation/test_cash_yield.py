"""What idle cash earns, by hand and in closed form."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tvquant.core.books import CostModel, SimResult
from tvquant.core.errors import ProfileError
from tvquant.core.instruments import Kind
from tvquant.core.panel import Panel

FREE = CostModel(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.0, assumed_funding_bps=0.0)

type Markets = Callable[..., Panel]
type Plays = Callable[..., SimResult]


def test_a_book_of_cash_grows_by_simple_interest_row_by_row(market: Markets, play: Plays) -> None:
    """Rows at days 0, 1, 4, 5, 12: 5 % per 365 days on what the row before ended with, and nothing else."""
    panel = market({"A": [10.0, 11.0, 9.0, 12.0, 10.0]}, days=[0, 1, 4, 5, 12])
    result = play(panel, {0: {"A": 0.0}}, replace(FREE, cash_yield=0.05))
    growth = np.cumprod([1.0, *(1.0 + 0.05 * days / 365.0 for days in (1, 3, 1, 7))])
    np.testing.assert_allclose(result.equity, growth, rtol=1e-15)
    np.testing.assert_allclose(result.costs["cash_yield"], -np.diff(growth, prepend=1.0), rtol=1e-12, atol=1e-18)


@pytest.mark.parametrize("busy", [False, True])
def test_a_rate_of_each_row_holds_for_the_days_before_it(market: Markets, play: Plays, busy: bool) -> None:
    """The rate of the first row, and of rows before the first fill, is never read; a busy row earns like a calm one."""
    panel = market({"A": [10.0] * 4}, days=[0, 1, 2, 5])
    rates = np.array([np.nan, 0.365, 0.0, -0.073])
    book = {0: {}, 1: {}, 3: {}} if busy else {0: {}}
    result = play(panel, book, replace(FREE, cash_yield=rates))
    np.testing.assert_allclose(result.equity, [1.0, 1.001, 1.001, 1.001 * (1.0 - 0.0006)], rtol=1e-14)


@pytest.mark.parametrize("busy", [False, True])
def test_the_base_is_equity_less_longs_of_the_cash_market(market: Markets, play: Plays, busy: bool) -> None:
    """Of 1: .5 in a stock leaves .5, a short of .3 adds nothing, a swap takes nothing; one day at 36.5 % is .001."""
    kinds = {"long": (0.5, Kind.STOCK), "short": (-0.3, Kind.STOCK), "swap": (0.4, Kind.SWAP)}
    for name, (weight, kind) in kinds.items():
        panel = market({"A": [10.0] * 3, "B": [10.0] * 3}, kind=kind)
        decisions = {row: {"A": weight} for row in ((0, 1, 2) if busy else (0,))}
        result = play(panel, decisions, replace(FREE, cash_yield=0.365))
        base = 0.5 if name == "long" else 1.0
        second = base + base * 1e-3 * (0.5 if busy and name == "long" else 1.0)  # weights are restored, or drift
        assert -result.costs["cash_yield"][1:] == pytest.approx([base * 1e-3, second * 1e-3], rel=1e-12)
    levered = market({"A": [10.0] * 3, "B": [10.0] * 3})
    result = play(levered, {0: {"A": 1.5, "B": -0.5}}, replace(FREE, cash_yield=0.365))
    assert not result.costs["cash_yield"].any()


def test_what_is_no_rate_is_refused(market: Markets, play: Plays) -> None:
    panel = market({"A": [10.0] * 3})
    with pytest.raises(ProfileError, match=r"has the shape \(2,\), expected one rate or one of 3 rows"):
        play(panel, {0: {}}, replace(FREE, cash_yield=np.zeros(2)))
    with pytest.raises(ProfileError, match=r"costs\.cash_yield is nan at 2024-01-02T.*, expected"):
        play(panel, {0: {}}, replace(FREE, cash_yield=np.array([0.0, np.nan, 0.0])))
    for wrong in (-1.0, np.inf):
        with pytest.raises(ProfileError, match=rf"costs\.cash_yield is {wrong} at .* above -1"):
            play(panel, {0: {}}, replace(FREE, cash_yield=wrong))
