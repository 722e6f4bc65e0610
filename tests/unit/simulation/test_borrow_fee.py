import pytest

from tvquant.core.instruments import Instrument, Kind
from tvquant.simulation.borrow_fee import pays_borrow_fee


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
def test_shorts_of_spot_and_shares_pay_a_fee_and_swaps_do_not(kinds, pays):
    one = Instrument(symbol="X:A", kinds=frozenset(kinds), currency="USD", calendar="crypto")
    assert pays_borrow_fee(one) is pays
