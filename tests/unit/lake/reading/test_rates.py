"""Rates that the lake holds."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tvquant.core.panel import Basis
from tvquant.lake import Lake, Snapshot, import_files
from tvquant.lake.reading.rates import KnownRates, known_rates

BILL, COIN = "TVC:US03MY", "BINANCE:BTCUSDT"
CLOSES = [0.01, 0.0, -0.05, 5.0, 5.25]
"""Of 6 to 10 January 2020: a rate may be 0, below it, and five hundred times that of the day before."""


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    found, days = Lake(tmp_path / "lakehouse"), [datetime(2020, 1, 6, tzinfo=UTC) + timedelta(days=k) for k in range(5)]
    for name, symbol, closes in (("rate", BILL, CLOSES), ("coin", COIN, [1.0] * 5)):
        file = tmp_path / f"{name}.parquet"
        pl.DataFrame({"symbol": symbol, "timestamp": days, "close": closes}).write_parquet(file)
        import_files(found, [file], basis=Basis.RAW, recorded_at=datetime(2026, 1, 1, tzinfo=UTC))
    return found


def test_every_value_is_known_at_its_close_and_holds_until_the_next(lake: Lake) -> None:
    found = known_rates(lake.bars([BILL, COIN]), BILL)
    assert found.values.tolist() == CLOSES
    assert str(found.known_at[0])[:16] == "2020-01-06T21:00"
    moments = np.array(["2020-01-06T20:59", "2020-01-06T21:00", "2020-01-07T20:59", "2021-01-01"], "datetime64[us]")
    values, known = found.before(moments)
    assert np.array_equal(values, [np.nan, 0.01, 0.01, 5.25], equal_nan=True)
    assert np.isnat(known[0])
    assert (known[1:] == found.known_at[[0, 0, 4]]).all()


def test_a_series_without_a_value_has_none_at_any_moment() -> None:
    values, known = KnownRates(known_at=np.array([], "datetime64[us]"), values=np.array([])).before(
        np.array(["2020-01-06"], "datetime64[us]")
    )
    assert np.isnan(values).all()
    assert np.isnat(known).all()


def test_versions_of_a_day_that_differ_are_no_value(lake: Lake, tmp_path: Path) -> None:
    file = tmp_path / "other.parquet"
    pl.DataFrame({"symbol": BILL, "timestamp": [datetime(2020, 1, 9, tzinfo=UTC)], "close": [6.0]}).write_parquet(file)
    import_files(lake, [file], basis=Basis.RAW, recorded_at=datetime(2026, 1, 2, tzinfo=UTC))
    assert known_rates(lake.bars([BILL, COIN]), BILL).values.tolist() == [0.01, 0.0, -0.05, 5.25]


def test_what_is_beside_a_panel_is_pinned_and_is_none_of_its_columns(lake: Lake) -> None:
    pinned = lake.contents().pinned([COIN], beside=[BILL])
    text, alone = pinned.snapshot.to_json(), lake.pin([COIN])
    assert set(pinned.snapshot.symbols) == {BILL, COIN}
    assert pinned.snapshot.digest not in (alone.digest, lake.pin([BILL]).digest)
    assert (pinned.snapshot.columns, Snapshot.from_json(alone.to_json())) == ((COIN,), alone)
    again = lake.pinned(Snapshot.from_json(text))
    for one in (pinned, again):
        assert one.panel.keys == (COIN,)
        assert known_rates(one.beside, BILL).values.tolist() == CLOSES
    assert again.snapshot == pinned.snapshot
