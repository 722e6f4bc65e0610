"""What symbols say about themselves."""

import pytest

from tvquant.core.errors import DataError
from tvquant.core.instruments import Kind
from tvquant.symbology.identities import identity
from tvquant.symbology.kinds import split_pair, structure


@pytest.mark.parametrize(
    ("symbol", "kinds", "calendar"),
    [
        ("BINANCE:BTCUSDT", {Kind.SPOT}, "24x7"),
        ("BINANCE:JUPUSDT", {Kind.SPOT}, "24x7"),
        ("BINANCE:SYRUPUSDT", {Kind.SPOT}, "24x7"),
        ("BINANCE:BTCUSDT.P", {Kind.SWAP}, "24x7"),
        ("BYBIT:TUSDT.P", {Kind.SWAP}, "24x7"),
        ("BYBIT:USDCUSDT.P", {Kind.SWAP, Kind.STABLECOIN}, "24x7"),
        ("BINANCE:ADAUPUSDT", {Kind.SPOT, Kind.LEVERAGED_TOKEN}, "24x7"),
        ("BINANCE:1INCHDOWNUSDT", {Kind.SPOT, Kind.LEVERAGED_TOKEN}, "24x7"),
        ("BINANCE:USDCUSDT", {Kind.SPOT, Kind.STABLECOIN}, "24x7"),
        ("BINANCE:TUSDUSDT", {Kind.SPOT, Kind.STABLECOIN}, "24x7"),
        ("COINBASE:USDTUSD", {Kind.SPOT, Kind.STABLECOIN}, "24x7"),
        ("BINANCE:PAXGUSDT", {Kind.SPOT}, "24x7"),
        ("BINANCE:EURUSDT", {Kind.SPOT, Kind.FIAT}, "24x7"),
        ("COINBASE:DOTUSD", {Kind.SPOT}, "24x7"),
        ("BINANCE:BTC/USDT", {Kind.SPOT}, "24x7"),
        ("BINANCE:USDC/USDT", {Kind.SPOT, Kind.STABLECOIN}, "24x7"),
        ("BINANCE:USDC-USDT", {Kind.SPOT, Kind.STABLECOIN}, "24x7"),
        ("BINANCE:ETHDOWN_USDT", {Kind.SPOT, Kind.LEVERAGED_TOKEN}, "24x7"),
        ("COINBASE:DOT-USD", {Kind.SPOT}, "24x7"),
        ("KRAKEN:EUR/USD", {Kind.SPOT, Kind.FIAT}, "24x7"),
        ("BINANCE:BTCUSDT_PERP", {Kind.SWAP}, "24x7"),
        ("OKX:BTC-USDT-SWAP", {Kind.SWAP}, "24x7"),
        ("OKX:USDC-USDT-SWAP", {Kind.SWAP, Kind.STABLECOIN}, "24x7"),
        ("DERIBIT:BTC-PERPETUAL", {Kind.SWAP}, "24x7"),
        ("BYBIT:BTCPERP", {Kind.SWAP}, "24x7"),
        ("BINANCE:PERPUSDT", {Kind.SPOT}, "24x7"),
        ("BINANCE:A_BUSDT", {Kind.SPOT}, "24x7"),
        ("BINANCE:A_BUSD", {Kind.SPOT}, "24x7"),
        ("BINANCE:币安人生USDT", {Kind.SPOT}, "24x7"),
        ("BINANCE:币安人生USDT.P", {Kind.SWAP}, "24x7"),
        ("BINANCE:XAUUSDT.P", {Kind.SWAP, Kind.TRADFI}, "24x7"),
        ("BINANCE:TSLAUSDT.P", {Kind.SWAP, Kind.TRADFI}, "24x7"),
        ("NASDAQ:AAPL", {Kind.STOCK}, "XNYS"),
        ("NYSE:BRK.B", {Kind.STOCK}, "XNYS"),
        ("NYSE:T", {Kind.STOCK}, "XNYS"),
        ("AMEX:SPY", {Kind.ETF}, "XNYS"),
        ("CBOE:ARKK", {Kind.ETF}, "XNYS"),
        ("SP:SPX", {Kind.INDEX}, "XNYS"),
        ("TVC:SPX", {Kind.INDEX}, "XNYS"),
        ("CBOE:VIX", {Kind.INDEX}, "XNYS"),
        ("NASDAQ:NDX", {Kind.INDEX}, "XNYS"),
    ],
)
def test_kinds_and_calendar(symbol: str, kinds: set[Kind], calendar: str) -> None:
    found = structure(symbol)
    assert (found.kinds, found.calendar, found.currency) == (kinds, calendar, "USD")


def test_a_pair_in_euro_is_not_in_dollars() -> None:
    assert structure("BINANCE:BTCEUR").currency == "EUR"
    assert structure("BINANCE:ETHBTC").currency == "BTC"


@pytest.mark.parametrize(
    ("symbol", "named"),
    [
        ("FOREX:EURUSD", "exchange 'FOREX'"),
        ("TVC:NI225", "only US indices"),
        ("BINANCE:BTCXYZ", "quote currency"),
        ("BINANCE:USDT", "quote currency"),
        ("BINANCE:BTC/XYZ", "quote currency"),
        ("BINANCE:BTC//USDT", "quote currency"),
        ("BINANCE:BTCUSDT_240329", "future that ends"),
        ("BINANCE:BTCUSDTH2024", "future that ends"),
        ("DERIBIT:BTC-29MAR24", "future that ends"),
        ("BINANCE:BTC1!", "future that ends"),
        ("BINANCE:ＢＴＣUSDT", "EXCHANGE:TICKER"),
        ("BINANCE:btcUSDT", "EXCHANGE:TICKER"),
        ("BINANCE:BTC\u202eUSDT", "EXCHANGE:TICKER"),
        ("BINANCE:BTC/USDT:USDT", "EXCHANGE:TICKER"),
        ("AAPL", "EXCHANGE:TICKER"),
        ("nasdaq:aapl", "EXCHANGE:TICKER"),
        ("BINANCE:LUNAUSDT#2", "EXCHANGE:TICKER"),
        ("NASDAQ:AA PL", "EXCHANGE:TICKER"),
        ("../etc:A", "EXCHANGE:TICKER"),
    ],
)
def test_what_is_unknown_is_refused(symbol: str, named: str) -> None:
    with pytest.raises(DataError, match=named) as caught:
        structure(symbol)
    assert "\n" not in str(caught.value)


def test_an_unknown_exchange_names_those_that_are_known() -> None:
    with pytest.raises(DataError, match=r"known are .*BINANCE.*NASDAQ"):
        structure("XETRA:SAP")


@pytest.mark.parametrize("written", ["BTC/USDT", "BTC-USDT", "BTC_USDT", "BTCUSDT_PERP", "BTC-USDT-SWAP", "BTCUSDT.P"])
def test_however_a_pair_is_written_it_is_a_price_of_one_coin(written: str) -> None:
    assert identity(f"OKX:{written}") == identity("OKX:BTCUSDT")


def test_a_base_may_have_an_underline_and_a_quote_decides_what_parts_them() -> None:
    assert split_pair("BINANCE:A_BUSDT") == ("A_B", "USDT", False)
    assert split_pair("BINANCE:A_BUSD") == ("A", "BUSD", False)
    assert split_pair("DERIBIT:BTC-PERPETUAL") == ("BTC", "USD", True)
