import asyncio
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from tvquant.core.clock import Clock
from tvquant.core.errors import DataError
from tvquant.core.panel import Basis
from tvquant.market.providers.contract import (
    BARS,
    INSTRUMENTS,
    Malformed,
    RateLimits,
    UnknownSymbol,
    Unsupported,
)
from tvquant.market.providers.files import Files, FilesOptions, open_files

DAY = datetime(2022, 1, 1, tzinfo=UTC)
COIN, STOCK = "BINANCE:BTCUSDT", "NASDAQ:AAPL"


class Never(Clock):
    def now(self):
        raise AssertionError("files need no clock")


def rows(symbol, first, closes, **more):
    stamps = [DAY + timedelta(days=first + i) for i in range(len(closes))]
    return pl.DataFrame({"symbol": [symbol] * len(closes), "timestamp": stamps, "close": closes, **more})


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "bars"
    place.mkdir()
    rows(COIN, 0, [1.0, 2.0, 3.0]).write_parquet(place / "a.parquet")
    rows(COIN, 2, [3.0, 4.0]).write_csv(place / "b.csv")
    shares = {"dividends": [0.0, 0.5, 0.0], "stock_splits": [0.0, 0.0, 4.0]}
    rows(STOCK, 2, [5.0, 6.0, 7.0], **shares).write_parquet(place / "c.parquet")
    (place / "notes.txt").write_text("not bars")
    return place


def bars(member, symbol=COIN, interval="1d", **span):
    return asyncio.run(member.bars(symbol, interval, **span))


def test_bars_of_several_files_are_one_line_of_bars(folder):
    got = bars(Files(path=folder, basis=Basis.RAW))
    assert got.schema == pl.Schema(dict(BARS))
    assert got["close"].to_list() == [1.0, 2.0, 3.0, 4.0]
    assert got["timestamp"].to_list() == [DAY + timedelta(days=i) for i in range(4)]
    assert got["quote_volume"].null_count() == 4


def test_one_file_is_enough(folder):
    assert bars(Files(path=folder / "b.csv", basis=Basis.RAW))["close"].to_list() == [3.0, 4.0]


def test_versions_of_a_bar_that_differ_are_handed_over_and_not_parted(folder):
    rows(COIN, 2, [3.5]).write_parquet(folder / "d.parquet")
    limits = RateLimits(requests_per_second=1.0, burst=1, bars_per_request=2, concurrency=1)
    member = Files(path=folder, basis=Basis.RAW, limits=limits)
    assert bars(member)["close"].to_list() == [4.0]
    assert bars(member, end=DAY + timedelta(days=3))["close"].to_list() == [3.0, 3.5]
    assert bars(member, end=DAY + timedelta(days=2))["close"].to_list() == [1.0, 2.0]


def test_more_versions_of_one_bar_than_a_page_holds_are_refused(folder):
    for place, close in enumerate((3.1, 3.2)):
        rows(COIN, 2, [close]).write_parquet(folder / f"d{place}.parquet")
    limits = RateLimits(requests_per_second=1.0, burst=1, bars_per_request=2, concurrency=1)
    with pytest.raises(Malformed, match="3 versions"):
        bars(Files(path=folder, basis=Basis.RAW, limits=limits), end=DAY + timedelta(days=3))


def test_actions_are_those_of_the_columns(folder):
    member = Files(path=folder, basis=Basis.RAW)
    got = asyncio.run(member.actions(STOCK))
    assert got.rows() == [(DAY + timedelta(days=3), "dividend", 0.5), (DAY + timedelta(days=4), "split", 4.0)]
    assert asyncio.run(member.actions(COIN)).is_empty()


def test_files_without_dividends_do_not_say_that_none_was_paid(tmp_path):
    (tmp_path / "share.csv").write_text(
        "symbol,timestamp,close\nNASDAQ:AAPL,2022-01-03,180\nNASDAQ:AAPL,2022-01-04,181\n"
    )
    with pytest.raises(Unsupported, match="have no dividends of NASDAQ:AAPL"):
        asyncio.run(Files(path=tmp_path, basis=Basis.SPLIT).actions("NASDAQ:AAPL"))


def test_instruments_are_symbols_of_which_nothing_is_known(folder):
    got = asyncio.run(Files(path=folder, basis=Basis.RAW).instruments())
    assert got.schema == pl.Schema(dict(INSTRUMENTS))
    assert got["symbol"].to_list() == [COIN, STOCK]
    assert got.drop("symbol").null_count().row(0) == (2,) * (len(INSTRUMENTS) - 1)


def test_rows_that_cannot_be_read_are_named(folder):
    bad = folder / "bad.csv"
    bad.write_text("symbol,timestamp,close\nBINANCE:BTCUSDT,2022-01-09,9\nBINANCE:BTCUSDT,2022-01-10,nine\n")
    member = Files(path=folder, basis=Basis.RAW)
    assert bars(member)["close"].to_list()[-1] == 9.0
    assert member.rejected.select("file", "row", "column", "value").rows() == [("bad.csv", 3, "close", "nine")]


def test_a_file_that_cannot_be_read_stops_everything(folder):
    (folder / "torn.parquet").write_bytes(b"PAR1")
    with pytest.raises(Malformed, match=r"torn\.parquet") as found:
        bars(Files(path=folder, basis=Basis.RAW))
    assert not found.value.retryable


def test_bars_of_another_interval_are_never_served_as_days(folder):
    half = pl.concat([rows("BINANCE:ETHUSDT", 0, [1.0] * 9), rows("BINANCE:ETHUSDT", 0, [1.0] * 9)])
    shift = pl.when(pl.int_range(pl.len()) > 8).then(pl.duration(hours=12)).otherwise(pl.duration())
    half.with_columns(pl.col("timestamp") + shift).write_parquet(folder / "half.parquet")
    four = [DAY + timedelta(hours=4 * k) for k in range(12)]
    sol = pl.DataFrame({"symbol": ["BINANCE:SOLUSDT"] * 12, "timestamp": four, "close": [1.0] * 12})
    sol.write_parquet(folder / "four.parquet")
    member = Files(path=folder, basis=Basis.RAW)
    with pytest.raises(Malformed, match=r"half\.parquet: row 0: BINANCE:ETHUSDT is refused: its bars are of 12h"):
        bars(member, "BINANCE:ETHUSDT")
    with pytest.raises(UnknownSymbol, match="1d bars of 'BINANCE:SOLUSDT'"):
        bars(member, "BINANCE:SOLUSDT")
    assert len(bars(member)) == 4


def test_what_files_do_not_have(folder):
    member = Files(path=folder, basis=Basis.RAW)
    with pytest.raises(UnknownSymbol, match="BINANCE:ETHUSDT"):
        bars(member, "BINANCE:ETHUSDT")
    with pytest.raises(UnknownSymbol, match="has 4h bars"):
        bars(member, interval="4h")
    with pytest.raises(Unsupported, match="1h"):
        bars(member, interval="1h")
    assert asyncio.run(member.funding(COIN)).is_empty()
    with pytest.raises(UnknownSymbol, match="BINANCE:ETHUSDT"):
        asyncio.run(member.funding("BINANCE:ETHUSDT"))


def test_files_of_another_interval_are_not_taken_for_daily_ones(folder):
    """The bar from midnight to four would pose as the day's."""
    hours = [DAY + timedelta(days=9, hours=4 * k) for k in range(6)]
    pl.DataFrame({"symbol": [COIN] * 6, "timestamp": hours, "close": [9.0] * 6}).write_csv(folder / "4h.csv")
    member = Files(path=folder, basis=Basis.RAW)
    assert bars(member)["close"].to_list() == [1.0, 2.0, 3.0, 4.0]
    assert bars(member, interval="4h")["timestamp"].to_list() == hours


def test_files_tell_all_that_they_have_and_what_could_not_be_read(folder):
    (folder / "d.csv").write_text(
        "symbol,timestamp,close\nBINANCE:BTCUSDT,2022-01-09,x\nBINANCE:BTCUSDT,2022-01-10,5\n"
    )
    offer = asyncio.run(Files(path=folder, basis=Basis.RAW).offer("1d"))
    assert {name: len(times) for name, times in offer.times.items()} == {COIN: 5, STOCK: 3}
    assert offer.unread == {COIN: (1, "d.csv: row 2, column 'close': 'x' is not a number")}
    assert (offer.to({COIN}).unread, offer.to({STOCK}).unread) == (offer.unread, {})
    assert asyncio.run(Files(path=folder, basis=Basis.RAW).offer("4h")).times == {}


def test_a_folder_of_funding_alone_has_nothing_to_sync(tmp_path):
    (tmp_path / "paid.csv").write_text("symbol,timestamp,funding_rate\nBINANCE:BTCUSDT.P,2022-01-09T08:00:00Z,1e-4\n")
    with pytest.raises(DataError, match="funding alone"):
        bars(Files(path=tmp_path, basis=Basis.RAW))


def test_opening_needs_a_place(folder, tmp_path):
    with pytest.raises(DataError, match="was not given"):
        open_files(FilesOptions(), Never())
    with pytest.raises(DataError, match="does not exist"):
        open_files(FilesOptions(path=tmp_path / "nowhere"), Never())
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="has no"):
        bars(open_files(FilesOptions(path=tmp_path / "empty"), Never()))
    member = open_files(FilesOptions(path=folder, basis=Basis.SPLIT), Never())
    assert member.basis is Basis.SPLIT
    assert len(bars(member)) == 4


def test_real_files(shared_data):
    member = Files(path=shared_data / "crypto_binance_spot_1d_2021_2022.parquet", basis=Basis.RAW)
    page = bars(member, "BINANCE:JUVUSDT")
    assert page["timestamp"].n_unique() == len(page)  # its fourfold month is equal in every column
    assert page["timestamp"].is_sorted()
    assert len(asyncio.run(member.instruments())) == 131
