"""A coin is stable by name until its own price says otherwise."""

from typing import Any

import numpy as np
import pytest

from tvquant.core.instruments import Kind
from tvquant.lake import FindingKind, Lake, audit

FRAX, USDC, EURC = "BINANCE:FRAXUSDT", "BINANCE:USDCUSDT", "BINANCE:EURCUSDT"


def kinds(lake: Lake, symbol: str, day: str) -> frozenset[Kind]:
    """As they were known at the beginning of a day."""
    panel = lake.panel(lake.pin([symbol]))
    t = np.datetime64(day, "us")
    (seen,) = panel.until(t).instruments
    assert seen.kinds_at(t) == panel.instruments[0].kinds_at(t)  # a whole panel knows no more of that day
    return seen.kinds_at(t)


@pytest.mark.parametrize("away", [0.94, 1.06, 8.0])
def test_a_coin_that_strays_for_thirty_bars_is_none_from_then_on(
    lake: Lake, deliver: Any, bars: Any, away: float
) -> None:
    """Near for 5 bars, away for 29, near, away for 30, near for good: lost at the close of 2021-03-06, the 65th day."""
    closes = [1.0] * 5 + [away] * 29 + [1.04] + [away] * 30 + [1.0] * 5
    deliver(bars(FRAX, closes))
    assert Kind.STABLECOIN in kinds(lake, FRAX, "2021-03-06")
    assert kinds(lake, FRAX, "2021-03-07") == {Kind.SPOT}
    assert kinds(lake, FRAX, "2021-03-11") == {Kind.SPOT}
    (found,) = [one for one in audit(lake) if one.kind is FindingKind.LOST_PEG]
    assert (found.symbol, str(found.first)[:10]) == (FRAX, "2021-02-05")
    assert found.kind.note


def test_what_keeps_near_or_has_another_peg_stays_stable(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(USDC, [0.96, 1.04] * 40), bars(EURC, [1.17] * 80))
    for symbol in (USDC, EURC):
        assert Kind.STABLECOIN in kinds(lake, symbol, "2021-03-20")
    assert not [one for one in audit(lake) if one.kind is FindingKind.LOST_PEG]
