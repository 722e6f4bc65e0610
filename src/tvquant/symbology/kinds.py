"""Structure of symbols: kinds, currency and calendar, by rule and by the tables of `venues`."""

import functools
import re
import unicodedata
from dataclasses import dataclass
from typing import NamedTuple

from tvquant.core.calendars import CRYPTO, NEW_YORK
from tvquant.core.errors import DataError
from tvquant.core.instruments import Kind
from tvquant.core.quoting import shown
from tvquant.symbology import venues

PATTERN = re.compile(r"[A-Z0-9_]{1,20}:[^\W_][\w.&!/-]{0,39}")
"""`EXCHANGE:TICKER`; a ticker may be of letters of any script, in capitals where they have any."""
PERPETUAL = re.compile(r"(?P<pair>.+?)(?:\.P|[-_/]?PERP|[-_/](?:SWAP|PERPETUAL))")
"""A perpetual swap as TradingView and several exchanges write it: `BTCUSDT.P`, `BTC-PERP`, `BTC-USDT-SWAP`."""
DATED = re.compile(r".+(?:[-_]\d{6}|[-_]\d{1,2}[A-Z]{3}\d{2}|\d!|(?:USD[TC]?)[FGHJKMNQUVXZ]20\d\d)")
"""A future that ends, or a chain of such: `BTCUSDT_240329`, `BTC-29MAR24`, `BTC1!`, `BTCUSDTH2024`."""
SEPARATORS = "/-_"
ROUND_THE_CLOCK = frozenset({Kind.SPOT, Kind.SWAP})
OF_COINS = ROUND_THE_CLOCK | {Kind.STABLECOIN, Kind.FIAT, Kind.LEVERAGED_TOKEN, Kind.TRADFI}
"""What an exchange of coins lists."""
SHARES = frozenset({Kind.STOCK, Kind.ETF})
"""What pays dividends and is split."""
SHARES_AND_INDICES = SHARES | {Kind.INDEX}
"""Whose prices leave dividends out, those of an index for good: it has none to deliver."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """What the symbol alone fixes; it has no date."""

    kinds: frozenset[Kind]
    currency: str
    calendar: str


@functools.cache
def structure(symbol: str) -> Structure:
    """Return kinds, currency and calendar of `EXCHANGE:TICKER`.

    Raises
    ------
    DataError : not of that form, an exchange or a quote currency that is not in the tables.
    """
    if not PATTERN.fullmatch(symbol) or symbol != unicodedata.normalize("NFKC", symbol).upper():
        wanted = "EXCHANGE:TICKER in capitals, such as BINANCE:BTCUSDT or NASDAQ:AAPL"
        raise DataError(f"symbol {shown(symbol)} is not {wanted}")
    exchange, ticker = symbol.split(":")
    if exchange in venues.CRYPTO_EXCHANGES:
        return _crypto(symbol, exchange)
    if exchange in venues.INDEX_EXCHANGES:
        if exchange in ("TVC", "INDEX") and ticker not in venues.US_INDICES:
            raise DataError(f"index {shown(symbol)} is unknown; of {exchange} only US indices are: {exchange}:SPX")
        return _listed(Kind.INDEX)
    if exchange in venues.US_EXCHANGES:
        if ticker in venues.US_INDICES:
            return _listed(Kind.INDEX)
        return _listed(Kind.ETF if ticker in venues.ETFS else Kind.STOCK)
    known = " ".join(sorted(venues.CRYPTO_EXCHANGES | venues.US_EXCHANGES | venues.INDEX_EXCHANGES))
    raise DataError(f"exchange {shown(exchange)} of symbol {shown(symbol)} is unknown; known are {known}")


def kinds_of(symbol: str) -> frozenset[Kind]:
    """Return the kinds of a symbol; none where it is not understood: providers list many things."""
    try:
        return structure(symbol).kinds
    except DataError:
        return frozenset()


def _listed(kind: Kind) -> Structure:
    return Structure(kinds=frozenset({kind}), currency="USD", calendar=NEW_YORK)


def _crypto(symbol: str, exchange: str) -> Structure:
    """Return a spot pair or a perpetual swap."""
    base, quote, perpetual = split_pair(symbol)
    kinds = {Kind.SWAP if perpetual else Kind.SPOT}
    if base in venues.USD_STABLECOINS or base in venues.OTHER_STABLECOINS:
        kinds.add(Kind.STABLECOIN)
    elif base in venues.FIAT:
        kinds.add(Kind.FIAT)
    elif base in venues.TRADFI_BASES:
        kinds.add(Kind.TRADFI)
    elif not perpetual and _leveraged(base):
        kinds.add(Kind.LEVERAGED_TOKEN)
    return Structure(kinds=frozenset(kinds), currency="USD" if quote in _dollars(exchange) else quote, calendar=CRYPTO)


class Pair(NamedTuple):
    """What a symbol of a crypto exchange is a price of, and in what; `BTC/USDT` and `BTCUSDT` are one."""

    base: str
    quote: str
    perpetual: bool


def split_pair(symbol: str) -> Pair:
    """Return base and quote of a symbol of a crypto exchange, and whether it is a perpetual swap.

    Raises
    ------
    DataError : the quote currency is not in the tables, or it is a future that ends.
    """
    exchange, ticker = symbol.split(":")
    swap = PERPETUAL.fullmatch(ticker)
    pair = swap["pair"] if swap else ticker
    quotes = sorted((*_dollars(exchange), *venues.OTHER_QUOTES), key=len, reverse=True)
    base, quote = _parted(pair)
    if quote not in quotes:  # no separator, or one within the base
        inverse = "USD" if swap and not ticker.endswith(".P") else ""
        quote = next((one for one in quotes if pair.endswith(one) and pair != one), inverse)
        base = pair.removesuffix(quote)
    if DATED.fullmatch(ticker) and not quote:
        raise DataError(f"{shown(symbol)} is a future that ends; only spot pairs and perpetual swaps (BTCUSDT.P) are")
    if not quote or not base or base[-1] in SEPARATORS or "/" in base or "-" in base:
        raise DataError(f"quote currency of {shown(symbol)} is unknown; known are {' '.join(sorted(quotes))}")
    return Pair(base, quote, swap is not None)


def _parted(pair: str) -> tuple[str, str]:
    """Return the parts before and behind the last separator of a pair; nothing behind where there is none."""
    at = max(map(pair.rfind, SEPARATORS))
    return (pair[:at], pair[at + 1 :]) if at >= 0 else (pair, "")


def _dollars(exchange: str) -> tuple[str, ...]:
    """Return quotes that count as dollars there."""
    return venues.USD_QUOTES + (venues.BINANCE_USD_QUOTES if exchange == "BINANCE" else ())


def _leveraged(base: str) -> bool:
    stems = (base.removesuffix(suffix) for suffix in venues.LEVERAGED_SUFFIXES if base.endswith(suffix))
    return base in venues.LEVERAGED_ALONE or any(stem in venues.LEVERAGED_STEMS for stem in stems)
