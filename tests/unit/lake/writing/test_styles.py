"""Files as Yahoo, Stooq and Binance hand them out: read and said so where the user says whose they are."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from tvquant.core.errors import DataError, ProfileError
from tvquant.lake.writing.files import Delivery, read_file
from tvquant.lake.writing.styles import symbol_for
from tvquant.lake.writing.symbol_choice import SymbolChoice

KLINE = "{},1,2,0.5,1.5,10,{},15,4,5,7.5,0"
MS, US = 1735603200000, 1735689600000000
STOOQ = "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>"


def _read(path: Path, text: str, whose: str | None) -> Delivery:
    path.write_text(text)
    return read_file(path, SymbolChoice(whose=whose))


def _bars(delivery: Delivery) -> list[tuple[str, datetime, float, float]]:
    found = delivery.rows.select(pl.col("symbol").cast(pl.String), "timestamp", "close", "volume").rows()
    assert delivery.rejected.is_empty()
    return found


def test_a_file_of_yahoo_is_of_the_symbol_that_is_said(tmp_path: Path) -> None:
    text = "Date,Open,High,Low,Close,Adj Close,Volume\n2024-01-02,1,2,0.5,1.5,1.4,10\n\n"
    found = _read(tmp_path / "x.csv", text, "NASDAQ:AAPL")
    assert _bars(found) == [("NASDAQ:AAPL", datetime(2024, 1, 2, tzinfo=UTC), 1.5, 10.0)]
    assert found.said[-1] == "every row as NASDAQ:AAPL"
    assert "'Adj Close' as adj_close" in found.said[0]


@pytest.mark.parametrize(
    "head", ["", "open_time,open,high,low,close,volume,close_time,quote_volume,count,a,b,ignore\n"]
)
def test_klines_have_times_since_1970_in_milli_or_microseconds(head: str, tmp_path: Path) -> None:
    rows = [KLINE.format(MS, MS + 86_399_999), KLINE.format(US, US + 86_399_999_999)]
    found = _read(tmp_path / "BTCUSDT-1d-2024-12.csv", head + "\n".join(rows), "BINANCE:{name}")
    days = [datetime(2024, 12, 31, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)]
    assert _bars(found) == [("BINANCE:BTCUSDT", day, 1.5, 10.0) for day in days]
    assert found.rows["quote_volume"].to_list() == [15.0, 15.0]
    assert found.said[:-3] == (() if head else ("klines of Binance without a header",))
    assert found.said[-2:] == (
        "times in milli- or microseconds since 1970",
        "every row as BINANCE:BTCUSDT, by the name of the file",
    )


def test_lines_of_klines_are_counted_as_an_editor_counts_them(tmp_path: Path) -> None:
    rows = [KLINE.format(MS, 1), KLINE.format(US, 2).replace("1.5", "x", 1), KLINE.format(17356896, 3)]
    found = _read(tmp_path / "k.csv", "\n".join(rows), "BINANCE:BTCUSDT")
    assert found.rejected.select("row", "column").rows() == [(2, "close"), (3, "timestamp")]
    assert len(found.rows) == 1


def test_numbers_are_no_times_where_no_name_says_what_they_count(tmp_path: Path) -> None:
    found = _read(tmp_path / "n.csv", f"timestamp,close\n{MS},1.5\n", "BINANCE:BTCUSDT")
    assert found.rejected["reason"].to_list()[0].startswith("is no ISO 8601 time")


def test_a_file_of_stooq_has_compact_dates_and_a_ticker_of_its_own(tmp_path: Path) -> None:
    rows = "\n".join(f"BRK-B.US,D,2024010{day},000000,1,2,0.5,1.5,10,0" for day in (2, 3))
    found = _read(tmp_path / "brk-b.us.txt", f"{STOOQ}\n{rows}\n", "NYSE:{name}")
    assert [row[:2] for row in _bars(found)] == [("NYSE:BRK-B", datetime(2024, 1, day, tzinfo=UTC)) for day in (2, 3)]
    assert found.said[-2:] == (
        "dates such as 20240102",
        "every row as NYSE:BRK-B instead of BRK-B.US, by the name of the file",
    )
    assert found.ignored == ("<PER>", "<TIME>", "<OPENINT>")


def test_times_of_day_of_stooq_have_no_zone_and_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'<TIME>' has '153000': the zone of such times is not told"):
        _read(tmp_path / "a.csv", f"{STOOQ}\nA.US,60,20240102,153000,1,2,0.5,1.5,10,0\n", "NYSE:A")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("AAPL,2024-01-02,1\nMSFT,2024-01-02,1", "column 'symbol' has 2 symbols, AAPL and MSFT among them; --as"),
        ("NYSE:A,2024-01-02,1", "column 'symbol' has NYSE:A; --as"),
    ],
)
def test_a_file_that_says_whose_its_bars_are_is_not_renamed(rows: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said):
        _read(tmp_path / "a.csv", f"symbol,timestamp,close\n{rows}\n", "NASDAQ:AAPL")
    same = _read(tmp_path / "a.csv", "symbol,timestamp,close\nNASDAQ:AAPL,2024-01-02,1\n", "NASDAQ:AAPL")
    assert same.said == ("every row as NASDAQ:AAPL",)


def test_parquet_files_may_leave_their_symbol_to_the_user_too(tmp_path: Path) -> None:
    path = tmp_path / "ethusdt.parquet"
    pl.DataFrame({"Date": [datetime(2024, 1, 2, tzinfo=UTC)], "Close": [1.5], "Volume": [10.0]}).write_parquet(path)
    found = read_file(path, SymbolChoice(whose="BINANCE:{name}"))
    assert _bars(found) == [("BINANCE:ETHUSDT", datetime(2024, 1, 2, tzinfo=UTC), 1.5, 10.0)]


@pytest.mark.parametrize(
    ("name", "whose", "symbol"),
    [
        ("BTCUSDT-4h-2025-01-31.csv", "BINANCE:{name}.P", "BINANCE:BTCUSDT.P"),
        ("BTCUSDT-1mo.csv", "BINANCE:{name}", "BINANCE:BTCUSDT"),
        ("aapl.us.txt", "NASDAQ:{name}", "NASDAQ:AAPL"),
        ("BRK-B.csv", "NYSE:{name}", "NYSE:BRK-B"),
        ("anything.csv", "NASDAQ:MSFT", "NASDAQ:MSFT"),
    ],
)
def test_the_name_of_a_file_gives_its_ticker(name: str, whose: str, symbol: str) -> None:
    assert symbol_for(Path(name), whose) == symbol


@pytest.mark.parametrize("whose", ["AAPL", "NASDAQ:", "NASDAQ:{ticker}", "NASDAQ:A B", "A:B:C"])
def test_what_is_no_symbol_is_refused(whose: str) -> None:
    with pytest.raises(ProfileError, match="--as takes EXCHANGE:TICKER"):
        symbol_for(Path("a.csv"), whose)
