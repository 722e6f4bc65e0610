"""What a symbol says about itself: kinds, currency and calendar, by rule and by the tables of `venues`."""

import functools
import re
from dataclasses import dataclass

from tvquant.core.calendars import CRYPTO, NEW_YORK
from tvquant.core.errors import DataError
from tvquant.core.instruments import Kind
from tvquant.lake import venues

PATTERN = re.compile(r"[A-Z0-9_]{1,20}:[A-Z0-9][A-Z0-9._&!/-]{0,39}")
PERPETUAL = ".P"
ROUND_THE_CLOCK = frozenset({Kind.SPOT, Kind.SWAP})
SHARES = frozenset({Kind.STOCK, Kind.ETF})
"""What pays dividends and is split."""
EQUITIES = SHARES | {Kind.INDEX}
"""What dividends matter to: an index is made of shares."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """What the symbol alone fixes; it has no date."""

    kinds: frozenset[Kind]
    currency: str
    calendar: str


@functools.cache
def structure(symbol: str) -> Structure:
    """Kinds, currency and calendar of `EXCHANGE:TICKER`.

    Raises
    ------
    DataError : not of that form, an exchange or a quote currency that is not in the tables.
    """
    if not PATTERN.fullmatch(symbol):
        raise DataError(f"symbol {symbol!r} is not EXCHANGE:TICKER in capitals, such as BINANCE:BTCUSDT or NASDAQ:AAPL")
    exchange, ticker = symbol.split(":")
    if exchange in venues.CRYPTO_EXCHANGES:
        return _crypto(symbol, exchange, ticker)
    if exchange in venues.INDEX_EXCHANGES:
        if exchange in ("TVC", "INDEX") and ticker not in venues.US_INDICES:
            raise DataError(f"index {symbol!r} is unknown; of {exchange} only US indices are, such as {exchange}:SPX")
        return _listed(Kind.INDEX)
    if exchange in venues.US_EXCHANGES:
        if ticker in venues.US_INDICES:
            return _listed(Kind.INDEX)
        return _listed(Kind.ETF if ticker in venues.ETFS else Kind.STOCK)
    known = " ".join(sorted(venues.CRYPTO_EXCHANGES | venues.US_EXCHANGES | venues.INDEX_EXCHANGES))
    raise DataError(f"exchange {exchange!r} of symbol {symbol!r} is unknown; known are {known}")


def _listed(kind: Kind) -> Structure:
    return Structure(kinds=frozenset({kind}), currency="USD", calendar=NEW_YORK)


def _crypto(symbol: str, exchange: str, ticker: str) -> Structure:
    """A spot pair, or a perpetual swap when `.P` stands behind it."""
    pair = ticker.removesuffix(PERPETUAL)
    base, quote = split_pair(symbol)
    kinds = {Kind.SPOT if pair == ticker else Kind.SWAP}
    if base in venues.USD_STABLECOINS or base in venues.OTHER_STABLECOINS:
        kinds.add(Kind.STABLECOIN)
    elif base in venues.FIAT:
        kinds.add(Kind.FIAT)
    elif pair == ticker and _leveraged(base):
        kinds.add(Kind.LEVERAGED_TOKEN)
    return Structure(kinds=frozenset(kinds), currency="USD" if quote in _dollars(exchange) else quote, calendar=CRYPTO)


def split_pair(symbol: str) -> tuple[str, str]:
    """Base and quote of a symbol of a crypto exchange, as they stand in its ticker.

    Raises
    ------
    DataError : the quote currency is not in the tables.
    """
    exchange, ticker = symbol.split(":")
    pair = ticker.removesuffix(PERPETUAL)
    quotes = sorted((*_dollars(exchange), *venues.OTHER_QUOTES), key=len, reverse=True)
    quote = next((q for q in quotes if pair.endswith(q) and pair != q), None)
    if quote is None:
        raise DataError(f"quote currency of {symbol!r} is unknown; known are {' '.join(sorted(quotes))}")
    return pair.removesuffix(quote), quote


def _dollars(exchange: str) -> tuple[str, ...]:
    """Quotes that count as dollars there."""
    return venues.USD_QUOTES + (venues.BINANCE_USD_QUOTES if exchange == "BINANCE" else ())


def _leveraged(base: str) -> bool:
    stems = (base.removesuffix(suffix) for suffix in venues.LEVERAGED_SUFFIXES if base.endswith(suffix))
    return base in venues.LEVERAGED_ALONE or any(stem in venues.LEVERAGED_STEMS for stem in stems)
