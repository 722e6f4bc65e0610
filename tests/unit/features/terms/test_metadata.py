"""Whether steps were told, per venue."""

import numpy as np
import pytest

from tvquant.core.instruments import Fact, Instrument, Kind
from tvquant.core.panel import Basis, Panel
from tvquant.features import compute

TOLD = np.datetime64("2021-01-02T12:00", "us")


def _panel() -> Panel:
    def made(symbol: str, *fields: str) -> Instrument:
        facts = tuple(Fact(field=name, value=0.1, known_at=TOLD) for name in fields)
        return Instrument(symbol=symbol, kinds=frozenset({Kind.SPOT}), currency="USD", calendar="24x7", facts=facts)

    instruments = (
        made("BINANCE:AUSDT", "tick", "lot"),
        made("BINANCE:BUSDT", "tick"),
        made("BINANCE:CUSDT"),
        made("KRAKEN:DUSD"),
    )
    times = np.array(["2021-01-01", "2021-01-02"], dtype="datetime64[us]")
    shape = (2, len(instruments))
    return Panel(
        times=times,
        instruments=instruments,
        fields={"close": np.ones(shape)},
        known_at=np.broadcast_to((times + np.timedelta64(1, "D"))[:, None], shape),
        tradable=np.ones(shape, bool),
        bases=(Basis.RAW,) * shape[1],
        stamps=(frozenset(),) * shape[1],
        calendar="24x7",
    )


@pytest.mark.requirement("R-DAT-24")
def test_a_venue_is_served_from_when_steps_of_one_name_were_told() -> None:
    panel, row = _panel(), ["metadata_known"]
    before = compute(panel.until(TOLD - np.timedelta64(12, "h")), row, rating_min_bars=200)
    assert np.isnan(before.values).all()  # imported files alone never veto
    after = compute(panel.until(np.datetime64("2021-01-03", "us")), row, rating_min_bars=200)
    np.testing.assert_array_equal(after.values[0], [1.0, 0.0, 0.0, np.nan])
