"""Tickers of Yahoo, and what it must tell of them."""

import pytest

from tvquant.market.providers.contract import UnknownSymbol
from tvquant.market.providers.yahoo.symbols import check_identity, ticker_of


@pytest.mark.parametrize(
    ("symbol", "ticker"),
    [("NASDAQ:AAPL", "AAPL"), ("NYSE:BRK.B", "BRK-B"), ("NYSE:BRK/B", "BRK-B"), ("AMEX:SPY", "SPY"), ("NYSE:F", "F")],
)
def test_a_class_of_shares_is_behind_a_dash(symbol: str, ticker: str) -> None:
    assert ticker_of(symbol) == ticker


@pytest.mark.parametrize(
    ("symbol", "said"),
    [
        ("BINANCE:BTCUSDT", "serves US shares and funds"),
        ("SP:SPX", "serves US shares and funds"),
        ("NASDAQ:NDX", "serves US shares and funds"),
        ("NYSE:BAC.PL", "is neither"),
        ("NYSE:ACME/WS", "is neither"),
        ("NYSE:TOOLONGX", "is neither"),
    ],
)
def test_what_yahoo_does_not_have_or_spells_otherwise_is_refused(symbol: str, said: str) -> None:
    with pytest.raises(UnknownSymbol, match=said):
        ticker_of(symbol)


@pytest.mark.parametrize(
    ("symbol", "exchange", "kind", "said"),
    [
        ("NASDAQ:AAPL", "NMS", "EQUITY", ""),
        ("NASDAQ:AAPL", "NCM", "EQUITY", ""),
        ("AMEX:SPY", "PCX", "ETF", ""),
        ("NYSEARCA:SPY", "PCX", "ETF", ""),
        ("CBOE:ARKK", "BTS", "ETF", ""),
        ("NASDAQ:NEWF", "NGM", "ETF", ""),  # a fund that our table does not have
        ("OTC:ACMEQ", "PNK", "EQUITY", ""),
        ("NASDAQ:ACME", "NYQ", "EQUITY", r"another exchange \(NYQ\); ask for NYSE:ACME$"),
        ("NYSE:SPY", "PCX", "ETF", "ask for AMEX:SPY or ARCA:SPY or NYSEARCA:SPY"),
        ("NASDAQ:ACME", "PNK", "EQUITY", "ask for OTC:ACME"),
        ("NASDAQ:ACME", "TOR", "EQUITY", "'TOR'; US exchanges there are"),
        ("AMEX:SPY", "PCX", "EQUITY", "'EQUITY' under this ticker, where ETF was expected"),
        ("NASDAQ:ACME", "NMS", "MUTUALFUND", "'MUTUALFUND' under this ticker, where EQUITY was expected"),
    ],
)
def test_a_ticker_is_what_the_symbol_says(symbol: str, exchange: str, kind: str, said: str) -> None:
    if not said:
        check_identity(symbol, exchange=exchange, kind=kind)
        return
    with pytest.raises(UnknownSymbol, match=said):
        check_identity(symbol, exchange=exchange, kind=kind)
