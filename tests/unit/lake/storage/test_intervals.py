"""Days from shorter bars, and where bars of an interval stand."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tvquant.core.errors import DataError
from tvquant.lake import Lake
from tvquant.lake.storage import tables
from tvquant.lake.storage.intervals import LENGTHS, aggregate, off_grid, table_of
from tvquant.lake.storage.tables import MEASURES

BTC = "BINANCE:BTCUSDT"
FIRST = datetime(2021, 1, 1, tzinfo=UTC)


def four_hours(places: list[int], **columns: list[float | None]) -> pl.DataFrame:
    values: dict[str, Any] = {name: [None] * len(places) for name in MEASURES} | columns
    times = [FIRST + timedelta(hours=4 * k) for k in places]
    frame = pl.DataFrame({"symbol": [BTC] * len(places), "timestamp": times, **values})
    return frame.with_columns(pl.col(MEASURES).cast(pl.Float64), pl.col("timestamp").cast(tables.TIME))


def test_a_day_is_its_first_open_extremes_last_close_and_sums() -> None:
    rows = four_hours(
        [2, 0, 1, 6, 7],
        open=[3.0, 1.0, 2.0, 7.0, 8.0], high=[9.0, 4.0, 5.0, 8.0, 9.0], low=[2.0, 0.5, 1.0, 6.0, 7.0],
        close=[8.0, 2.0, 3.0, 8.0, 8.5], volume=[1.0, 2.0, 4.0, 1.0, None],
    )  # fmt: skip
    days = aggregate(rows)
    assert days.select("symbol", "timestamp", *MEASURES[:5], "parts").rows() == [
        (BTC, FIRST, 1.0, 9.0, 0.5, 8.0, 7.0, 3),
        (BTC, FIRST + timedelta(days=1), 7.0, 9.0, 6.0, 8.5, None, 2),
    ]
    assert days["quote_volume"].null_count() == 2


def test_real_bars_of_four_hours_make_the_daily_bars_exactly(lake: Lake, deliver: Any, shared_data: Path) -> None:
    deliver(*(shared_data / f"crypto_binance_perp_{interval}.parquet" for interval in ("1d", "4h")))
    days = aggregate(tables.read(lake.root, "bars_4h")).filter(pl.col("parts") == 6)
    both = days.join(tables.read(lake.root, "bars"), on=["symbol", "timestamp"], suffix="_1d")
    assert len(both) > 9000
    for name in ("open", "high", "low", "close"):
        assert (both[name] == both[f"{name}_1d"]).all()
    odd = (both["volume"] / both["volume_1d"] - 1).abs() > 1e-9
    assert odd.sum() <= 1  # the one that the data are known for


def test_intervals_have_a_table_each() -> None:
    assert {name: table_of(name) for name in LENGTHS} == {"1d": "bars", "4h": "bars_4h"}
    assert set(map(table_of, LENGTHS)) <= set(tables.SCHEMAS)
    with pytest.raises(DataError, match="interval '1h' is not stored; use one of 1d, 4h"):
        table_of("1h")


def test_a_grid_begins_at_midnight() -> None:
    times = [FIRST + timedelta(hours=hours) for hours in (0, 4, 6, 20, 24)]
    frame = pl.DataFrame({"timestamp": pl.Series(times, dtype=tables.TIME)})
    assert frame.select(off_grid("4h")).to_series().to_list() == [False, False, True, False, False]
    assert frame.select(off_grid("1d")).to_series().to_list() == [False, True, True, True, False]


def test_an_import_keeps_intervals_apart(lake: Lake, deliver: Any, bars: Any) -> None:
    hours = [f"2021-01-01T{hour:02}:00:00Z" for hour in range(0, 24, 4)]
    report = deliver(bars(BTC, [1.0, 2.0]), bars(BTC, [1.0] * 6, timestamp=hours))
    assert [one.stored for one in report.files] == [2, 6]
    assert deliver(bars(BTC, [1.0] * 6, timestamp=hours)).duplicates == 6
    assert len(lake.ls(BTC).bars) == 2
    assert lake.ls(BTC).others == {"4h": 6}
    assert lake.panel(lake.pin([BTC])).fields["close"][:, 0].tolist() == [1.0, 2.0]
