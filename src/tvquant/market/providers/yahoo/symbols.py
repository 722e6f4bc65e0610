"""What Yahoo calls a US share or fund, and whether what it tells of a ticker is what the symbol means."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from tvquant.core.instruments import Kind
from tvquant.core.quoting import shown
from tvquant.market.providers.contract import UnknownSymbol
from tvquant.symbology.kinds import SHARES, structure
from tvquant.symbology.renames import spelled

TICKER = re.compile(r"[A-Z][A-Z0-9]{0,5}(?:\.[A-Z])?")
"""A share, or one class of it (`BRK.B`). Preferred shares, warrants and units are written too differently."""

EXCHANGES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        **dict.fromkeys(("NMS", "NGM", "NCM"), frozenset({"NASDAQ"})),
        "NYQ": frozenset({"NYSE"}),
        "ASE": frozenset({"AMEX"}),
        "PCX": frozenset({"AMEX", "ARCA", "NYSEARCA"}),
        "BTS": frozenset({"BATS", "CBOE"}),
        **dict.fromkeys(("PNK", "OQB", "OQX", "OEM", "OGM"), frozenset({"OTC"})),
    }
)
"""Codes of exchanges at Yahoo, and the names that symbols have for each: funds of NYSE Arca are AMEX at TradingView."""

TYPES: Mapping[str, Kind] = MappingProxyType({"EQUITY": Kind.STOCK, "ETF": Kind.ETF})


def ticker_of(symbol: str) -> str:
    """Return Yahoo's ticker of a symbol: `NASDAQ:AAPL` is AAPL, `NYSE:BRK.B` is BRK-B.

    Raises
    ------
    UnknownSymbol : it is no US share or fund, or a ticker of another form.
    DataError : it is no symbol.
    """
    if not structure(symbol).kinds & SHARES:
        raise UnknownSymbol(f"provider yahoo serves US shares and funds, such as NASDAQ:AAPL; {symbol} is none")
    ticker = spelled(symbol.partition(":")[2])
    if not TICKER.fullmatch(ticker):
        raise UnknownSymbol(f"provider yahoo serves tickers such as AAPL and BRK.B; that of {shown(symbol)} is neither")
    return ticker.replace(".", "-")


def check_identity(symbol: str, *, exchange: str, kind: str) -> None:
    """Refuse a ticker that Yahoo has on another exchange, or of another kind, than the symbol says.

    An exchange that a share has left may have given its ticker to another one, and Yahoo knows only where it is listed
    today. A fund that our table does not have is taken for a stock, so Yahoo's word that it is a fund is no
    contradiction; a stock where the table has a fund is one.

    Raises
    ------
    UnknownSymbol : it is another thing, or may be.
    """
    named, ticker = symbol.split(":")
    known = EXCHANGES.get(exchange)
    if known is None:
        codes = " ".join(sorted(EXCHANGES))
        raise UnknownSymbol(f"{symbol}: Yahoo has it on exchange {shown(exchange)}; US exchanges there are {codes}")
    if named not in known:
        names = " or ".join(f"{name}:{ticker}" for name in sorted(known))
        raise UnknownSymbol(f"{symbol}: Yahoo has this ticker on another exchange ({exchange}); ask for {names}")
    found = TYPES.get(kind)
    if found is None or (found is Kind.STOCK and Kind.ETF in structure(symbol).kinds):
        wanted = " or ".join(sorted(name for name, one in TYPES.items() if one in structure(symbol).kinds))
        raise UnknownSymbol(f"{symbol}: Yahoo has {shown(kind)} under this ticker, where {wanted} was expected")
