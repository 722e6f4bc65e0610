"""Several names of one thing."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from tvquant.core.errors import DataError
from tvquant.symbology.identities import Identity, Link, chain, identity
from tvquant.symbology.renames import RENAMES, Change, share_names


@pytest.mark.requirement("R-DAT-16")
@pytest.mark.parametrize(
    ("symbol", "base", "factor"),
    [
        ("BINANCE:BTCUSDT", "BTC", 1.0),
        ("BINANCE:BTCUSDC", "BTC", 1.0),
        ("COINBASE:BTCUSD", "BTC", 1.0),
        ("BYBIT:BTCUSDT.P", "BTC", 1.0),
        ("BINANCE:1000PEPEUSDT.P", "PEPE", 1000.0),
        ("BYBIT:10000SATSUSDT.P", "SATS", 10000.0),
        ("BINANCE:1000SATSUSDT.P", "SATS", 1000.0),
        ("BYBIT:SHIB1000USDT.P", "SHIB", 1000.0),
        ("BINANCE:1000SHIBUSDT.P", "SHIB", 1000.0),
        ("BINANCE:1000000BOBUSDT.P", "BOB", 1e6),
        ("BINANCE:1MBABYDOGEUSDT.P", "BABYDOGE", 1e6),
        ("BINANCE:1000LUNCUSDT.P", "LUNC", 1000.0),
        ("BINANCE:1INCHUSDT", "1INCH", 1.0),
        ("BINANCE:4USDT.P", "4", 1.0),
        ("BINANCE:0GUSDT.P", "0G", 1.0),
        ("BINANCE:C98USDT.P", "C98", 1.0),
        ("BINANCE:BROCCOLI714USDT.P", "BROCCOLI714", 1.0),
        ("BYBIT:HPOS10IUSDT.P", "HPOS10I", 1.0),
        ("NYSE:T", "US:T", 1.0),
        ("NYSE:BRK.B", "US:BRK.B", 1.0),
        ("NYSE:BRK-B", "US:BRK.B", 1.0),
        ("BINANCE:TUSDT", "T", 1.0),
    ],
)
def test_a_symbol_is_so_many_of_a_coin(symbol: str, base: str, factor: float) -> None:
    assert identity(symbol) == Identity(base, factor)


def test_scaled_contracts_of_two_venues_are_one_coin(shared_data: Path) -> None:
    closes = {}
    for file, symbol in (("binance", "BINANCE:1000SHIBUSDT.P"), ("bybit", "BYBIT:SHIB1000USDT.P")):
        rows = pl.read_parquet(shared_data / f"crypto_{file}_perp_1d.parquet").filter(pl.col("symbol") == symbol)
        base, factor = identity(symbol)
        assert base == "SHIB"
        closes[file] = rows.select("timestamp", pl.col("close") / factor)
    both = closes["binance"].join(closes["bybit"], on="timestamp")
    assert len(both) > 100
    assert ((both["close"] / both["close_right"] - 1).abs() < 0.02).all()


def test_a_renamed_coin_is_a_chain_on_its_venue() -> None:
    expected = (
        Link(symbol="BINANCE:MATICUSDT", since=None, units=1.0),
        Link(symbol="BINANCE:POLUSDT", since=date(2024, 9, 13), units=1.0),
    )
    assert chain("BINANCE:MATICUSDT") == chain("BINANCE:POLUSDT") == expected
    assert [one.symbol for one in chain("BYBIT:POLUSDT.P")] == ["BYBIT:MATICUSDT.P", "BYBIT:POLUSDT.P"]


def test_what_merged_into_another_thing_is_no_earlier_name_of_it() -> None:
    assert [one.symbol for one in chain("BINANCE:AGIXUSDT")] == ["BINANCE:AGIXUSDT", "BINANCE:FETUSDT"]
    assert chain("BINANCE:AGIXUSDT")[1].units == 0.43335
    assert [one.symbol for one in chain("BINANCE:FETUSDT")] == ["BINANCE:FETUSDT"]


def test_shares_and_coins_of_one_name_are_apart() -> None:
    assert [one.symbol for one in chain("NASDAQ:META")] == ["NASDAQ:FB", "NASDAQ:META"]
    assert [one.symbol for one in chain("NYSE:S")] == ["NYSE:S"]
    assert [one.symbol for one in chain("BINANCE:SUSDT")] == ["BINANCE:FTMUSDT", "BINANCE:SUSDT"]
    assert [one.symbol for one in chain("NASDAQ:AAPL")] == ["NASDAQ:AAPL"]


def test_a_scaled_contract_keeps_its_scale_along_the_chain() -> None:
    assert [one.symbol for one in chain("BYBIT:1000FTMUSDT.P")] == ["BYBIT:1000FTMUSDT.P", "BYBIT:1000SUSDT.P"]
    assert [one.symbol for one in chain("BYBIT:SHIB1000USDT.P")] == ["BYBIT:SHIB1000USDT.P"]


def test_the_table_leads_forward_and_says_where_it_is_from() -> None:
    olds = [(one.market, one.old) for one in RENAMES]
    news = [(one.market, one.new) for one in RENAMES if one.change is Change.RENAMED]
    assert len(set(olds)) == len(olds)
    assert len(set(news)) == len(news)
    later = {(one.market, one.old): one.on for one in RENAMES}
    assert all(one.on < later.get((one.market, one.new), date.max) for one in RENAMES)
    assert all(one.source and one.ratio > 0 and one.old != one.new for one in RENAMES)


def test_what_is_no_symbol_has_no_identity() -> None:
    for ask in (identity, chain):
        with pytest.raises(DataError, match="unknown"):
            ask("NOWHERE:X")


def test_real_data_end_where_the_rename_says(shared_data: Path) -> None:
    rows = pl.read_parquet(shared_data / "crypto_binance_spot_1d_2022_2025.parquet")
    last = rows.filter(pl.col("symbol") == "BINANCE:MATICUSDT")["timestamp"].max()
    renamed = chain("BINANCE:MATICUSDT")[1].since
    assert isinstance(renamed, date)
    assert 0 < (renamed - last.date()).days <= 7  # type: ignore[union-attr]


def test_a_share_has_its_other_names_before_the_day_on_which_they_changed() -> None:
    """From the packaged lists: HCP until 2019-11-04, PEAK until 2024-03-03, then DOC."""
    peak, doc = date(2019, 11, 5), date(2024, 3, 4)
    assert share_names("DOC") == (("PEAK", doc), ("HCP", peak))
    assert share_names("PEAK") == (("HCP", peak), ("DOC", doc))
    assert share_names("HCP") == (("PEAK", peak), ("DOC", peak))
    assert share_names("AAPL") == ()
