"""Files that are not what they should be: refused by name, with nothing changed."""

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tvquant.core.errors import DataError
from tvquant.lake import Lake
from tvquant.lake.writing.files import FUNDING, read_file
from tvquant.lake.writing.symbol_choice import SymbolChoice

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
    "a field too many": ("BINANCE:BTCUSDT,2024-01-02,1,2,0.5,1.5,10,99", "has 8 fields; the header has 7"),
    "a torn line": ("BINANCE:BTCUSDT,2024-01-02,1,2,0.5,1.5", "has 6 fields; the header has 7"),
    "a day before the first": ("BINANCE:BTCUSDT,0001-01-01T00:00:00+05:30,1,2,0.5,1.5,10", "is outside of the years"),
    "a day behind the last": ("BINANCE:BTCUSDT,9999-12-31T23:00:00-05:00,1,2,0.5,1.5,10", "is outside of the years"),
    "the first nanosecond": ("BINANCE:BTCUSDT,1677-09-21,1,2,0.5,1.5,10", "is outside of the years 1900 to 2100"),
    "the last nanosecond": ("BINANCE:BTCUSDT,2262-04-11,1,2,0.5,1.5,10", "is outside of the years 1900 to 2100"),
    "a clock that was never set": ("BINANCE:BTCUSDT,1970-01-01,1,2,0.5,1.5,10", "is where a clock starts"),
    "a spreadsheet's zero": ("BINANCE:BTCUSDT,1900-01-01T00:00:00Z,1,2,0.5,1.5,10", "is where a clock starts"),
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
    "times as numbers": ({"timestamp": [1704067200]}, "column 'timestamp': 1704067200 is of type int64"),
    "times as text": ({"timestamp": ["2024-01-01T00:00:00Z"]}, "column 'timestamp'.* is of type string"),
    "prices as text": ({"close": ["1.0"]}, "column 'close': '1.0' is of type string, expected numbers"),
    "volume as flags": ({"volume": [True]}, "column 'volume': True is of type bool"),
    "symbols as numbers": ({"symbol": [7]}, "column 'symbol': 7 is of type int64, expected text"),
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
        ("bars.csv", b"\xff\xfe\x00" * 20, "no header in its first lines"),
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


BTC, ETH, AAPL = "BINANCE:BTCUSDT", "BINANCE:ETHUSDT", "NASDAQ:AAPL"
SHORTER = "only bars of 1d and 4h are stored"


def _every(step: str, symbol: str = BTC, start: str = "2024-01-01", count: int = 12) -> pl.DataFrame:
    """Bars of a symbol at every step."""
    first = pl.Series([datetime.fromisoformat(start)]).dt.replace_time_zone("UTC")
    times = [first.dt.offset_by(f"{int(step[:-1]) * k}{step[-1:].replace('M', 'mo')}")[0] for k in range(count)]
    return pl.DataFrame({"symbol": [symbol] * count, "timestamp": times, "close": [1.0] * count})


INTERVALS = {
    "twelve hours": (_every("12h"), f"its bars are of 12h; {SHORTER}"),
    "eight hours": (_every("8h"), f"its bars are of 8h; {SHORTER}"),
    "two hours": (_every("2h"), f"its bars are of 2h; {SHORTER}"),
    "half an hour": (_every("30m", count=100), f"its bars are of 30m; {SHORTER}"),
    "two of twelve hours": (_every("12h", count=2), f"its bars are of 12h; {SHORTER}"),
    "weeks": (_every("7d"), f"its bars are of 1w; {SHORTER}"),
    "three days": (_every("3d"), f"its bars are of 3d; {SHORTER}"),
    "months": (_every("1M"), f"its bars are of 1M; {SHORTER}"),
    "weeks of sessions": (_every("7d", AAPL), "its bars are of 1w; only bars of 1d are stored, of what trades in sess"),
    "four hours of sessions": (_every("4h", AAPL), "its bars are of 4h; only bars of 1d are stored, of what trades"),
    "hours of sessions": (_every("1h", AAPL, "2024-01-02T14:30", 6), "its bars are of 1h; only bars of 1d are stored"),
    "off the grid": (_every("4h", start="2024-01-01T01:00"), "its bars are of 4h, but 2024-01-01 01:00 opens none"),
    "days, then hours": (
        pl.concat([_every("1d", count=90), _every("1h", start="2024-04-01", count=48)]),
        "its bars are of 1d, mixed with others of 1h",
    ),
    "days, then four hours": (
        pl.concat([_every("1d", count=90), _every("4h", start="2024-04-01", count=30)]),
        "its bars are of 1d, mixed with others of 4h",
    ),
}


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize("name", INTERVALS)
def test_bars_of_an_interval_that_is_not_stored_are_refused_by_its_name(name: str, form: str, tmp_path: Path) -> None:
    frame, why = INTERVALS[name]
    path = tmp_path / f"bars.{form}"
    others = _every("1d" if "4h" not in why else "4h", ETH)
    pl.concat([frame, others]).write_parquet(path) if form == "parquet" else _to_csv(pl.concat([frame, others]), path)
    found = read_file(path)
    assert why in found.rejected["reason"][0]
    assert found.rejected["symbol"].unique().to_list() == [frame["symbol"][0]]
    assert len(found.rejected) == len(frame)
    assert found.rows["symbol"].unique().to_list() == [ETH]


def _to_csv(frame: pl.DataFrame, path: Path) -> None:
    frame.write_csv(path, datetime_format="%Y-%m-%dT%H:%M:%SZ")


def test_days_with_holes_and_days_told_twice_are_daily(tmp_path: Path) -> None:
    told = {"holes": (0, 72, 240, 264), "twice": (0, 14, *range(24, 192, 24)), "few": (0, 72, 144), "one": (0,)}
    for name, hours in told.items():
        times = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for hour in hours]
        path = tmp_path / f"{name}.parquet"
        pl.DataFrame({"timestamp": times}).with_columns(symbol=pl.lit(BTC), close=1.0).write_parquet(path)
        found = read_file(path)
        assert (found.interval, len(found.rows)) == ("1d", len(times)), name


def test_two_intervals_do_not_share_a_file(tmp_path: Path) -> None:
    pl.concat([_every("1d"), _every("4h", ETH)]).write_parquet(tmp_path / "two.parquet")
    with pytest.raises(DataError, match=f"bars of 1d of {BTC} and 4h of {ETH}; put each interval into a file"):
        read_file(tmp_path / "two.parquet")
    chosen = read_file(tmp_path / "two.parquet", SymbolChoice(only=frozenset({ETH})))
    assert (chosen.interval, len(chosen.rows), len(chosen.rejected)) == ("4h", 12, 0)
    assert chosen.symbols == {BTC, ETH}


def test_a_bar_alone_is_of_the_interval_of_the_others(tmp_path: Path) -> None:
    pl.concat([_every("4h"), _every("1d", ETH, count=1), _every("1d", AAPL, count=1)]).write_parquet(
        tmp_path / "a.parquet"
    )
    found = read_file(tmp_path / "a.parquet")
    assert (found.interval, len(found.rows)) == ("4h", 13)
    assert found.rejected["symbol"].to_list() == [AAPL]


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


def test_symbols_that_are_none_are_rejected_and_quoted_short(tmp_path: Path) -> None:
    names = ("BTC/USDT", "XETRA:SAP", "X" * 5_000, "BINANCE:\u202eTDSUCTB")
    found = read_file(_csv(tmp_path, GOOD, *(f"{name},2024-01-02,1,2,0.5,1.5,10" for name in names)))
    assert found.rejected["symbol"].to_list() == list(names)
    for reason in found.rejected["reason"]:
        assert "is refused" in reason
        assert len(reason) < 400
        assert reason.isprintable()


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
