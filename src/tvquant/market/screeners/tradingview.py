"""A scanner as the body of TradingView's screener request: every filter runs there, none is repeated here (R-UNI-10).

Nothing is sent by this module. The screener is unofficial; its columns and operators are those of public clients, and
its figures are its own: ratings are near to ours and not equal, and `Volatility.D` has no published formula. What the
screener serves in another sense than the lake is named in `notes`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

from tvquant.core.errors import ProfileError
from tvquant.core.instruments import Kind
from tvquant.profiles.scanners import AnyOf, Filter, Scanner
from tvquant.symbology import venues

PAGE = 150
"""Rows of one page; whoever asks goes on until there are no more (R-UNI-09)."""
CRYPTO_MARKET, US_MARKET = "crypto", "america"
IDENTITY = ("name", "exchange", "type", "typespecs", "currency", "base_currency", "update_mode")
"""Columns that say what a row is."""
COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "recommend_all": "Recommend.All",
        "recommend_ma": "Recommend.MA",
        "recommend_other": "Recommend.Other",
        "adx_14": "ADX",
        "plus_di_14": "ADX+DI",
        "minus_di_14": "ADX-DI",
        "atr_14": "ATR",
        "rsi_14": "RSI",
        "volatility_d": "Volatility.D",
        "volume_change_24h": "volume_change",
        "roc_9": "ROC",
        "perf_1w": "Perf.W",
        "perf_1m": "Perf.1M",
        "perf_3m": "Perf.3M",
        "perf_6m": "Perf.6M",
        "perf_1y": "Perf.Y",
        "perf_ytd": "Perf.YTD",
    }
)
"""Feature -> column of the daily interval; a week and a month have a suffix of their own."""
INTERVALS: Mapping[str, str] = MappingProxyType({"_1w": "|1W", "_1m": "|1M"})
TRADED: Mapping[str, str] = MappingProxyType({CRYPTO_MARKET: "24h_vol|5", US_MARKET: "Value.Traded"})
"""Market -> column of traded value in dollars."""
BANDS: Mapping[tuple[str, float], tuple[str, str]] = MappingProxyType(
    {("below", 0.0): ("less", "BB.lower"), ("above", 1.0): ("greater", "BB.upper")}
)
"""Comparisons of `bollinger_b_20` that are comparisons of the close with a column."""
OPERATIONS = {"above": "greater", "below": "less", "at_least": "egreater", "at_most": "eless"}
TYPES: Mapping[Kind, Mapping[str, Any]] = MappingProxyType(
    {
        Kind.SPOT: {"left": "type", "operation": "equal", "right": "spot"},
        Kind.SWAP: {"left": "type", "operation": "equal", "right": "swap"},
        Kind.STOCK: {"left": "type", "operation": "equal", "right": "stock"},
        Kind.ETF: {"left": "typespecs", "operation": "has", "right": ["etf"]},
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A request that can be paged.

    Parameters
    ----------
    market : the part of the address that says which market is asked.
    body : request without its range.
    columns : feature -> column, for the features the scanner asks for and those every scan records.
    ceiling : column and number of rows to keep once all have been seen, None for all.
    notes : where the screener's figures mean something else than the lake's.
    """

    market: str
    body: Mapping[str, Any]
    columns: Mapping[str, str]
    ceiling: tuple[str, int] | None
    notes: tuple[str, ...]

    def page(self, start: int) -> dict[str, Any]:
        """Return the body of the page that begins at row `start`."""
        return {**self.body, "range": [start, start + PAGE]}


def compiled(scanner: Scanner, *, day: date) -> Query:
    """Return the scanner as a query; `day` says which members a dated list has.

    Raises
    ------
    ProfileError : the scanner asks for what the screener does not serve.
    """
    market = _market(scanner)
    columns = {TRADED_FEATURE: TRADED[market]} | dict(COLUMNS)
    columns |= {name: column for name in scanner.fields if (column := _column(scanner, name, market)) is not None}
    simple = [_term(scanner, each, market) for each in scanner.filters if isinstance(each, Filter)]
    body: dict[str, Any] = {
        "columns": [*IDENTITY, "close", "volume", *dict.fromkeys(columns.values())],
        "filter": [*_structure(scanner, market, day), *simple],
        "sort": {"sortBy": "name", "sortOrder": "asc"},
        "markets": [market],
        "options": {"lang": "en"},
        "ignore_unknown_fields": True,
    }
    alternatives = [_any_of(scanner, each, market) for each in scanner.filters if isinstance(each, AnyOf)]
    kinds = _kinds(scanner)
    if alternatives or len(kinds) > 1:
        both = [_either(kinds)] if len(kinds) > 1 else []
        body["filter2"] = {"operator": "and", "operands": [*both, *alternatives]}
    ceiling = None
    if scanner.largest is not None:
        column = _column(scanner, scanner.largest.field, market)
        ceiling = None if column is None else (column, scanner.largest.count)
    return Query(market=market, body=body, columns=columns, ceiling=ceiling, notes=_notes(market))


TRADED_FEATURE = "value_traded_last"


def _market(scanner: Scanner) -> str:
    """Return the market that has the scanner's kinds."""
    for kind in scanner.kinds:
        if kind not in TYPES:
            raise ProfileError(f"scanner {scanner.name}: kind {kind} has no place in the live screener")
    markets = {CRYPTO_MARKET if kind in (Kind.SPOT, Kind.SWAP) else US_MARKET for kind in scanner.kinds}
    if len(markets) != 1:
        found = ", ".join(scanner.kinds) or "none"
        raise ProfileError(f"scanner {scanner.name}: a live query is of one market, found kinds: {found}")
    return markets.pop()


def _kinds(scanner: Scanner) -> list[Mapping[str, Any]]:
    return [TYPES[kind] for kind in scanner.kinds]


def _either(terms: list[Mapping[str, Any]]) -> dict[str, Any]:
    return {"operation": {"operator": "or", "operands": [{"expression": dict(term)} for term in terms]}}


def _structure(scanner: Scanner, market: str, day: date) -> list[dict[str, Any]]:
    """Return kind, exchange, quotes, hygiene and members as filters."""
    kinds = _kinds(scanner)
    terms: list[dict[str, Any]] = [dict(kinds[0])] if len(kinds) == 1 else []
    if scanner.exchange is not None:
        terms.append({"left": "exchange", "operation": "equal", "right": scanner.exchange})
    if market == US_MARKET:
        terms.append({"left": "is_primary", "operation": "equal", "right": True})
    if scanner.currency is not None:
        terms.append({"left": "currency", "operation": "in_range", "right": _quotes(scanner, market)})
    bases = sorted(set().union(*(_BASES.get(kind, frozenset()) for kind in scanner.exclude_kinds)))
    if bases and market == CRYPTO_MARKET:
        terms.append({"left": "base_currency", "operation": "not_in_range", "right": bases})
    if scanner.members is not None:
        terms.append({"left": "name", "operation": "in_range", "right": sorted(scanner.members.tickers(day))})
    return terms


_BASES: Mapping[Kind, frozenset[str]] = MappingProxyType(
    {
        Kind.STABLECOIN: (venues.USD_STABLECOINS | venues.OTHER_STABLECOINS) - venues.LOST_PEGS,
        Kind.FIAT: venues.FIAT,
        Kind.TRADFI: venues.TRADFI_BASES,
        Kind.LEVERAGED_TOKEN: frozenset(
            stem + suffix for stem in venues.LEVERAGED_STEMS for suffix in venues.LEVERAGED_SUFFIXES
        )
        | venues.LEVERAGED_ALONE,
    }
)
"""What hygiene excludes by kind, as bases of pairs."""


def _quotes(scanner: Scanner, market: str) -> list[str]:
    """Return quotes that count as the scanner's currency."""
    if scanner.currency != "USD" or market == US_MARKET:
        return [str(scanner.currency)]
    extra = venues.BINANCE_USD_QUOTES if scanner.exchange == "BINANCE" else ()
    return list(dict.fromkeys((*scanner.quotes, *venues.USD_QUOTES, *extra)))


def _column(scanner: Scanner, name: str, market: str) -> str | None:
    """Return the column of a feature; None for a band, whose comparison is one of the close."""
    if name == TRADED_FEATURE:
        return TRADED[market]
    if name == BAND:
        return None
    stem, suffix = next(((name.removesuffix(s), to) for s, to in INTERVALS.items() if name.endswith(s)), (name, ""))
    if name in COLUMNS:
        return COLUMNS[name]
    if stem in COLUMNS and suffix:
        return COLUMNS[stem] + suffix
    raise ProfileError(f"scanner {scanner.name}: the live screener has no column for {name}; scan it with --as-of only")


BAND = "bollinger_b_20"


def _term(scanner: Scanner, each: Filter, market: str) -> dict[str, Any]:
    """Return one comparison."""
    side, bound = each.comparison
    operation = OPERATIONS[side]
    if each.field == BAND:
        if (side, bound) not in BANDS:
            raise ProfileError(
                f"scanner {scanner.name}: of {BAND} the live screener can only be asked for below 0 and above 1, "
                f"found {side} {bound:g}"
            )
        operation, column = BANDS[side, bound]
        return {"left": "close", "operation": operation, "right": column}
    return {"left": _column(scanner, each.field, market), "operation": operation, "right": bound}


def _any_of(scanner: Scanner, each: AnyOf, market: str) -> dict[str, Any]:
    return _either([_term(scanner, one, market) for one in each.any])


def _notes(market: str) -> tuple[str, ...]:
    shared = "ratings are the server's own: near to those of the lake, not equal"
    if market == CRYPTO_MARKET:
        return ("value_traded_last is the rolling value of 24 hours, not that of the last closed day", shared)
    return ("value_traded_last is that of the current session until it has closed", shared)
