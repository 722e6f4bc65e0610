"""Steps that are assumed where nobody told any."""

import numpy as np
import pytest

from tvquant.core.errors import DataError
from tvquant.symbology.tick_lot import Steps, assumed_steps


@pytest.mark.requirement("R-DAT-24")
@pytest.mark.parametrize(
    ("symbol", "closes", "steps"),
    [
        ("BINANCE:BTCUSDT", [43000.5, 43001.25], Steps(tick=0.01, lot=1e-5)),
        ("BINANCE:PEPEUSDT", [0.00000123, 0.0000013], Steps(tick=1e-8, lot=1.0)),
        ("BINANCE:XUSDT", [2.0, 7.0], Steps(tick=1.0, lot=0.1)),
        ("NASDAQ:AAPL", [190.123456], Steps(tick=0.01, lot=1.0)),
        ("NASDAQ:PENNY", [0.5], Steps(tick=0.0001, lot=1.0)),
    ],
)
def test_steps_follow_from_venue_and_decimals(symbol: str, closes: list[float], steps: Steps) -> None:
    assert assumed_steps(symbol, np.array([np.nan, *closes])) == steps


def test_without_a_close_there_is_nothing_to_assume_from() -> None:
    with pytest.raises(DataError, match="no close above zero"):
        assumed_steps("BINANCE:BTCUSDT", np.array([np.nan]))
