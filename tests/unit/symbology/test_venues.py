"""The tables of special tickers cover the market data we test with."""

from pathlib import Path

import polars as pl

from tvquant.core.instruments import Kind
from tvquant.symbology import venues
from tvquant.symbology.kinds import structure


def _kinds(path: Path) -> dict[str, frozenset[Kind]]:
    symbols = pl.read_parquet(path, columns=["symbol"])["symbol"].unique()
    return {symbol: structure(symbol).kinds for symbol in symbols}


def test_every_fund_of_the_etf_files_is_an_etf(shared_data: Path) -> None:
    for name in ("us_etf_1d_long", "us_etf_1d_adjusted_2021_2026"):
        assert set(_kinds(shared_data / f"{name}.parquet").values()) == {frozenset({Kind.ETF})}


def test_shares_and_funds_are_told_apart(shared_data: Path) -> None:
    found = _kinds(shared_data / "us_equities_1d.parquet")
    etfs = {symbol for symbol, kinds in found.items() if kinds == {Kind.ETF}}
    assert etfs == {"AMEX:SPY", "AMEX:DIA", "AMEX:IWM", "AMEX:XLK", "NASDAQ:QQQ", "CBOE:ARKK"}
    assert set(_kinds(shared_data / "us_equities_1d_wide_recent.parquet").values()) == {frozenset({Kind.STOCK})}


def test_special_pairs_of_binance(shared_data: Path) -> None:
    found = _kinds(shared_data / "crypto_binance_spot_1d_2021_2022.parquet")
    leveraged = {symbol for symbol, kinds in found.items() if Kind.LEVERAGED_TOKEN in kinds}
    assert leveraged == {symbol for symbol in found if symbol.endswith(("UPUSDT", "DOWNUSDT"))}
    assert len(leveraged) == 16
    assert found["BINANCE:USDCUSDT"] == {Kind.SPOT, Kind.STABLECOIN}


def test_no_ticker_stands_in_two_tables() -> None:
    assert not venues.ETFS & venues.US_INDICES
    assert not venues.USD_STABLECOINS & venues.FIAT
    assert not venues.CRYPTO_EXCHANGES & venues.US_EXCHANGES
