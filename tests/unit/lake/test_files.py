"""Files that are not what they should be: refused by name, with nothing changed."""

from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tvquant.core.errors import DataError
from tvquant.lake import Lake
from tvquant.lake.files import FUNDING, read_file

HEADER = "symbol,timestamp,open,high,low,close,volume"
GOOD = "BINANCE:BTCUSDT,2024-01-01T00:00:00Z,1,2,0.5,1.5,10"


def _csv(folder: Path, *lines: str, header: str = HEADER) -> Path:
    path = folder / "bars.csv"
    path.write_text("\n".join((header, *lines)) + "\n", "utf-8")
    return path


MALFORMED_ROWS = {
    "time without zone": ("BINANCE:BTCUSDT,2024-01-02T00:00:00,1,2,0.5,1.5,10", "'timestamp'.*has no zone"),
    "no time": ("BINANCE:BTCUSDT,yesterday,1,2,0.5,1.5,10", "'timestamp': 'yesterday' is no ISO 8601 time"),
    "impossible date": ("BINANCE:BTCUSDT,2024-02-30,1,2,0.5,1.5,10", "'2024-02-30' is no ISO 8601 time"),
    "seconds since 1970": ("BINANCE:BTCUSDT,1704153600,1,2,0.5,1.5,10", "'timestamp': '1704153600' is no"),
    "wrong century": ("BINANCE:BTCUSDT,0204-01-02,1,2,0.5,1.5,10", "is outside of the years 1900 to 2100"),
    "no timestamp": ("BINANCE:BTCUSDT,,1,2,0.5,1.5,10", "'timestamp': '' is empty"),
    "text for a price": ("BINANCE:BTCUSDT,2024-01-02T00:00:00Z,1,2,0.5,abc,10", "'close': 'abc' is not a number"),
    "NaN close": ("BINANCE:BTCUSDT,2024-01-02T00:00:00Z,1,2,0.5,NaN,10", "'close': 'NaN' is not a finite number"),
    "infinite high": ("BINANCE:BTCUSDT,2024-01-02T00:00:00Z,1,inf,0.5,1.5,10", "'high': 'inf' is not a finite number"),
    "no close": ("BINANCE:BTCUSDT,2024-01-02T00:00:00Z,1,2,0.5,,10", "'close': '' is empty"),
    "no open where others have one": ("BINANCE:BTCUSDT,2024-01-02T00:00:00Z,,2,0.5,1.5,10", "'open': '' is empty"),
    "negative volume": ("BINANCE:BTCUSDT,2024-01-02T00:00:00Z,1,2,0.5,1.5,-10", "'volume': '-10' is negative"),
    "bad symbol": ("BTC/USDT,2024-01-02T00:00:00Z,1,2,0.5,1.5,10", "'symbol': 'BTC/USDT' is refused"),
    "unknown exchange": ("XETRA:SAP,2024-01-02,1,2,0.5,1.5,10", "exchange 'XETRA'"),
    "no symbol": (",2024-01-02T00:00:00Z,1,2,0.5,1.5,10", "'symbol': '' is empty"),
}


@pytest.mark.parametrize("name", MALFORMED_ROWS)
def test_a_bad_row_refuses_the_file_and_changes_nothing(name: str, tmp_path: Path, lake: Lake, deliver: Any) -> None:
    row, expected = MALFORMED_ROWS[name]
    path = _csv(tmp_path, GOOD, row)
    with pytest.raises(DataError, match=expected) as caught:
        deliver(path)
    message = str(caught.value)
    assert message.startswith("bars.csv: row 3, column ")
    assert "\n" not in message
    assert not lake.root.exists()


def _parquet(folder: Path, **columns: Any) -> Path:
    utc = pl.Series([datetime(2024, 1, 1)]).dt.replace_time_zone("UTC")
    frame = pl.DataFrame({"symbol": ["BINANCE:BTCUSDT"], "timestamp": utc, "close": [1.0]} | columns)
    path = folder / "bars.parquet"
    frame.write_parquet(path)
    return path


MALFORMED_COLUMNS: dict[str, tuple[dict[str, Any], str]] = {
    "naive times": ({"timestamp": [datetime(2024, 1, 1)]}, r"row 0, column 'timestamp': 2024-01-01 .*has no zone"),
    "times as numbers": ({"timestamp": [1704067200]}, "column 'timestamp': 1704067200 is of type Int64"),
    "times as text": ({"timestamp": ["2024-01-01T00:00:00Z"]}, "column 'timestamp'.* is of type String"),
    "prices as text": ({"close": ["1.0"]}, "column 'close': '1.0' is of type String, expected numbers"),
    "volume as flags": ({"volume": [True]}, "column 'volume': True is of type Boolean"),
    "symbols as numbers": ({"symbol": [7]}, "column 'symbol': 7 is of type Int64, expected text"),
    "NaN close": ({"close": [float("nan")]}, "row 0, column 'close': 'NaN' is not a finite number"),
    "null close": ({"close": pl.Series([None], dtype=pl.Float64)}, "row 0, column 'close': '' is empty"),
    "NaN low": ({"low": [float("nan")]}, "row 0, column 'low': 'NaN' is not a finite number"),
    "negative dividend": ({"dividends": [-0.1]}, "row 0, column 'dividends': '-0.1' is negative"),
    "funding": ({"funding_rate": [1e-4]}, "column 'funding_rate' stands beside others"),
}


@pytest.mark.parametrize("name", MALFORMED_COLUMNS)
def test_a_bad_column_refuses_the_file(name: str, tmp_path: Path, lake: Lake, deliver: Any) -> None:
    columns, expected = MALFORMED_COLUMNS[name]
    with pytest.raises(DataError, match=expected) as caught:
        deliver(_parquet(tmp_path, **columns))
    assert "\n" not in str(caught.value)
    assert not lake.root.exists()


def _written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("bars.csv", b"", "has no rows"),
        ("bars.csv", HEADER.encode(), "has no rows"),
        (
            "bars.csv",
            b"symbol,timestamp,open\nA:B,2024-01-01,1\n",
            "column 'close' is missing; found symbol, timestamp, open",
        ),
        ("bars.csv", f"{HEADER},close\n{GOOD},2\n".encode(), "column 'close' stands there twice"),
        ("bars.csv", f"{HEADER}\n{GOOD},9,9\n".encode(), "is not a readable csv file"),
        ("bars.csv", b"\xff\xfe\x00" * 20, "csv file|has no rows|is missing"),
        ("bars.parquet", HEADER.encode(), "is not a readable parquet file"),
        ("bars.parquet", b"PAR1", "is not a readable parquet file"),
        ("bars.parquet", b"PAR1" + bytes(40) + b"PAR1", "is not a readable parquet file"),
        ("bars.xlsx", b"PK", "cannot import a xlsx file; use .parquet or .csv"),
        ("bars", b"x", "cannot import a suffixless file"),
    ],
)
def test_a_file_that_is_no_table_of_bars(name: str, content: bytes, expected: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=expected) as caught:
        read_file(_written(tmp_path, name, content))
    assert "\n" not in str(caught.value)


def test_an_absent_file_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(DataError, match="no such file"):
            read_file(path)


def test_bars_of_four_hours_are_told_from_daily_ones(tmp_path: Path, shared_data: Path) -> None:
    assert read_file(shared_data / "crypto_binance_perp_1d.parquet").interval == "1d"
    assert read_file(shared_data / "crypto_binance_perp_4h.parquet").interval == "4h"


def test_other_shorter_bars_pose_as_neither(tmp_path: Path, shared_data: Path) -> None:
    four = pl.read_parquet(shared_data / "crypto_binance_perp_4h.parquet").head(60)
    later = four.with_columns(pl.col("timestamp") + pl.duration(hours=1))
    listed = four.with_columns(symbol=pl.lit("NASDAQ:AAPL"))
    for name, frame, why in (
        ("hourly", later, r"bars a day, and .* 21:00 is no bar of 4h"),
        ("listed", listed, r"NASDAQ:AAPL trades in sessions"),
    ):
        frame.write_parquet(tmp_path / f"{name}.parquet")
        with pytest.raises(DataError, match=why):
            read_file(tmp_path / f"{name}.parquet")


def test_a_file_of_rates_is_one_of_funding(tmp_path: Path) -> None:
    path = tmp_path / "paid.csv"
    path.write_text(
        "symbol,timestamp,funding_rate\n"
        "BINANCE:BTCUSDT.P,2024-01-01T08:00:00.013Z,0.0001\n"
        "BINANCE:BTCUSDT,2024-01-01T08:00:00Z,0.0001\n"
        "BINANCE:BTCUSDT.P,2024-01-01T16:00:00Z,1.5\n"
        "BINANCE:BTCUSDT.P,2024-01-02T00:00:00Z,inf\n"
        "BINANCE:BTCUSDT.P,2024-01-02T08:00:00Z,\n"
    )
    found = read_file(path)
    assert (found.interval, found.rows.columns, len(found.rows)) == (
        FUNDING,
        ["symbol", "timestamp", "funding_rate"],
        1,
    )
    assert found.rejected.select("row", "column", "reason").rows() == [
        (3, "symbol", "is refused: it is no perpetual swap, and has no funding"),
        (4, "funding_rate", "is no fraction from -1 to 1"),
        (5, "funding_rate", "is not a finite number"),
        (6, "funding_rate", "is empty"),
    ]


def test_times_mean_the_same_instant_however_they_are_written(tmp_path: Path) -> None:
    texts = ("2024-01-02", "2024-01-03T00:00:00Z", "2024-01-04 00:00:00+00:00", "2024-01-05T05:30:00.000+05:30")
    path = _csv(tmp_path, *(f"BINANCE:BTCUSDT,{text},1,2,0.5,1.5,10" for text in texts))
    found = read_file(path).rows["timestamp"]
    assert found.dt.date().to_list() == [date(2024, 1, day) for day in (2, 3, 4, 5)]
    assert (found == found.dt.truncate("1d")).all()
    tokyo = pl.Series(
        [datetime(2024, 1, 1, 9, tzinfo=timezone(timedelta(hours=9)))], dtype=pl.Datetime("ns", "Asia/Tokyo")
    )
    same = read_file(_parquet(tmp_path, timestamp=tokyo)).rows["timestamp"]
    assert same.to_list()[0].isoformat() == "2024-01-01T00:00:00+00:00"
    dates = read_file(_parquet(tmp_path, timestamp=[date(2024, 1, 1)])).rows["timestamp"]
    assert dates.to_list() == same.to_list()


def test_closes_alone_are_enough_and_other_columns_are_named(tmp_path: Path) -> None:
    path = _csv(
        tmp_path, "NASDAQ:AAPL,2024-01-02,,7,185.5,,", header="symbol,timestamp,open,trades,close,volume,funding_rate"
    )
    found = read_file(path)
    assert found.ignored == ("trades",)
    assert found.rows.select("open", "high", "low", "close", "volume").row(0) == (None, None, None, 185.5, None)


def test_symbols_with_and_without_opens_share_a_file(tmp_path: Path) -> None:
    found = read_file(_csv(tmp_path, GOOD, "SP:SPX,2024-01-02,,,,4742.83,"))
    assert found.rejected.is_empty()
    assert found.rows["open"].to_list() == [1.0, None]


def test_blank_lines_are_no_rows_but_lines(tmp_path: Path, deliver: Any) -> None:
    path = _csv(tmp_path, "", GOOD, "", "")
    found = read_file(path)
    assert (len(found.rows), len(found.rejected)) == (1, 0)
    with pytest.raises(DataError, match="row 4, column 'close'"):
        deliver(_csv(tmp_path, "", GOOD, "BINANCE:BTCUSDT,2024-01-02,1,2,0.5,,10", ""))
    with pytest.raises(DataError, match="has no rows"):
        read_file(_csv(tmp_path, "", ""))


def test_the_first_bad_row_is_named_and_the_others_counted(tmp_path: Path, deliver: Any) -> None:
    bad = "BINANCE:BTCUSDT,2024-01-0{},1,2,0.5,,-1"
    with pytest.raises(DataError, match=r"row 3, column 'close'.*; 1 more bad rows; nothing was imported"):
        deliver(_csv(tmp_path, GOOD, bad.format(2), bad.format(3)))
