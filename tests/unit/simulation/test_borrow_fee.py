"""Which shorts pay a borrow fee, and how much."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from builders.panels import instrument
from tvquant.core.books import CostModel, SimResult
from tvquant.core.errors import ProfileError
from tvquant.core.instruments import Instrument, Kind
from tvquant.core.panel import Panel
from tvquant.simulation.borrow_fee import loans_of, pays_borrow_fee

FREE = CostModel(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.0, assumed_funding_bps=0.0)


@pytest.mark.requirement("R-SIM-17")
@pytest.mark.parametrize(
    ("kinds", "pays"),
    [
        ({Kind.SPOT}, True),
        ({Kind.STOCK}, True),
        ({Kind.ETF}, True),
        ({Kind.SWAP}, False),
        ({Kind.SWAP, Kind.STOCK}, False),
        ({Kind.INDEX}, False),
    ],
)
def test_shorts_of_spot_and_shares_pay_a_fee_and_swaps_do_not(kinds: set[Kind], pays: bool) -> None:
    one = Instrument(symbol="X:A", kinds=frozenset(kinds), currency="USD", calendar="crypto")
    assert pays_borrow_fee(one.kinds) is pays


@pytest.mark.requirement("R-SIM-17")
@pytest.mark.parametrize("busy", [False, True])
def test_a_name_with_a_rate_of_its_own_pays_that_and_the_others_the_common_one(
    market: Callable[..., Panel], play: Callable[..., SimResult], busy: bool
) -> None:
    """Shorts of .2 and .3 for 10 days of 365: .2 x 36.5 % and .3 x 7.3 %; borrowed cash pays the common rate still."""
    panel = market({"A": [10.0, 10.0], "B": [10.0, 10.0], "C": [10.0, 10.0]}, days=[0, 10])
    costs = replace(FREE, borrow_rate=0.073, borrow_rates=(("X:A", 0.365), ("X:ELSEWHERE", 0.9)))
    decisions = {row: {"A": -0.2, "B": -0.3} for row in ((0, 1) if busy else (0,))}
    result = play(panel, decisions, costs)
    assert result.costs["borrow"] == pytest.approx([0.0, 0.2 * 0.01 + 0.3 * 0.002], rel=1e-12)
    assert play(panel, {0: {"C": 1.5}}, costs).costs["overdraft"] == pytest.approx([0.0, 0.5 * 0.002], rel=1e-12)
    alone = replace(FREE, borrow_rates=(("X:A", 0.365),))
    assert play(panel, decisions, alone).costs["borrow"] == pytest.approx([0.0, 0.002], rel=1e-12)


def test_a_rate_of_what_is_not_borrowed_is_refused() -> None:
    costs = replace(FREE, borrow_rates=(("X:A.P", 0.1),))
    with pytest.raises(ProfileError, match=r"costs\.borrow_rates names X:A.P, a short of which is not borrowed"):
        loans_of(costs, [instrument("A.P", kind=Kind.SWAP)])
