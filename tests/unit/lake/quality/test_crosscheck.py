"""Shorter bars against daily ones."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tvquant.lake.quality.crosscheck import disagreements, whole_days
from tvquant.lake.storage.tables import MEASURES

BTC = "BINANCE:BTCUSDT.P"
START = datetime(2021, 1, 1, tzinfo=UTC)


def quarters(days: int = 2, **more: Any) -> pl.DataFrame:
    """Bars of four hours: price k in the k-th, one above and one below, volume k."""
    count = 6 * days
    price = [float(10 + k) for k in range(count)]
    columns = {
        "symbol": [BTC] * count,
        "timestamp": [START + timedelta(hours=4 * k) for k in range(count)],
        "open": price, "high": [p + 1 for p in price], "low": [p - 1 for p in price], "close": [p + 0.5 for p in price],
        "volume": price, "quote_volume": [None] * count,
    }  # fmt: skip
    return pl.DataFrame(columns | more, schema_overrides=dict.fromkeys(MEASURES, pl.Float64))


def test_a_whole_day_is_first_highest_lowest_last_and_sum() -> None:
    found = whole_days(quarters(), "4h")
    assert found.rows() == [
        (BTC, START, 10.0, 16.0, 9.0, 15.5, 75.0, None),
        (BTC, START + timedelta(days=1), 16.0, 22.0, 15.0, 21.5, 111.0, None),
    ]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda rows: rows.filter(pl.col("timestamp") != START + timedelta(hours=8)),
        lambda rows: pl.concat([rows, rows[2:3].with_columns(close=99.0)]),
        lambda rows: rows.with_columns(
            timestamp=pl.when(pl.int_range(pl.len()) == 2)
            .then(pl.col("timestamp") + timedelta(hours=1))
            .otherwise("timestamp")
        ),
    ],
    ids=["a bar is missing", "a bar has two versions", "a bar is off the grid"],
)
def test_a_day_that_is_not_whole_says_nothing(spoil: Any) -> None:
    assert whole_days(spoil(quarters()), "4h")["timestamp"].to_list() == [START + timedelta(days=1)]


def test_an_equal_bar_twice_is_one_bar() -> None:
    rows = quarters()
    assert whole_days(pl.concat([rows, rows[2:3]]), "4h").equals(whole_days(rows, "4h"))


def test_only_what_both_have_is_compared_and_rounding_is_no_difference() -> None:
    one = whole_days(quarters(3), "4h")
    other = one[1:].with_columns(
        high=pl.col("high") * (1 + 1e-13),
        volume=pl.col("volume") * (1 + 1e-7),
        quote_volume=pl.lit(7.0),
        close=pl.when(pl.int_range(pl.len()) == 1).then(pl.col("close") * (1 + 1e-11)).otherwise("close"),
    )
    found = disagreements(one, other)
    assert found.select("symbol", "timestamp", "field").rows() == [(BTC, START + timedelta(days=2), "close")]
    assert disagreements(one, one).is_empty()


def test_real_bars_of_four_hours_make_the_daily_ones_but_for_one_volume(shared_data: Path) -> None:
    daily = pl.read_parquet(shared_data / "crypto_binance_perp_1d.parquet")
    shorter = pl.read_parquet(shared_data / "crypto_binance_perp_4h.parquet")
    made = whole_days(shorter, "4h")
    assert len(made.join(daily, on=["symbol", "timestamp"])) > 10_000
    found = disagreements(daily, made)
    assert set(found["field"]) <= {"volume", "quote_volume"}
    assert found.select("symbol", "timestamp").n_unique() == 1  # the notes on the data say "once"
