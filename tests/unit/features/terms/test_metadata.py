"""Whether steps were told, per venue."""

import numpy as np
import pytest

from builders.panels import days, instrument, panel_of
from tvquant.core.instruments import Fact, Instrument
from tvquant.core.panel import Panel
from tvquant.features import compute

TOLD = np.datetime64("2021-01-02T12:00", "us")


def _panel() -> Panel:
    def made(symbol: str, *fields: str) -> Instrument:
        return instrument(symbol, facts=tuple(Fact(field=name, value=0.1, known_at=TOLD) for name in fields))

    names = [
        made("BINANCE:AUSDT", "tick", "lot"),
        made("BINANCE:BUSDT", "tick"),
        made("BINANCE:CUSDT"),
        made("KRAKEN:DUSD"),
    ]
    return panel_of({"close": np.ones((2, len(names)))}, names=names, times=days(2, start="2021-01-01"))


@pytest.mark.requirement("R-DAT-24")
def test_a_venue_is_served_from_when_steps_of_one_name_were_told() -> None:
    panel, row = _panel(), ["metadata_known"]
    before = compute(panel.until(TOLD - np.timedelta64(12, "h")), row, rating_min_bars=200)
    assert np.isnan(before.values).all()  # imported files alone never veto
    after = compute(panel.until(np.datetime64("2021-01-03", "us")), row, rating_min_bars=200)
    np.testing.assert_array_equal(after.values[0], [1.0, 0.0, 0.0, np.nan])
