"""A scanner as the body of TradingView's screener request: every filter runs there, none is repeated here (R-UNI-10).

Nothing is sent by this module; `client` sends. The screener is unofficial; its columns and operators are those of
public clients, and its figures are its own: ratings are near to ours and not equal, and `Volatility.D` has no published
formula. What the screener serves in another sense than the lake is named in `notes`.

The ceiling of a pool is a rank among all that the structure leaves, and filters are applied behind it (as in
`universe.screening`). So it is asked for by a request of its own, `ranks`: the first value that is beyond it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from types import MappingProxyType
from typing import Any

from tvquant.core.errors import ProfileError
from tvquant.core.instruments import Kind
from tvquant.market.providers.contract import Unsupported
from tvquant.profiles.scanners import AnyOf, Filter, Scanner
from tvquant.symbology import venues

PAGE = 150
"""Rows of one page; whoever asks goes on until there are no more (R-UNI-09)."""
CRYPTO_MARKET, US_MARKET = "crypto", "america"
IDENTITY = ("name", "exchange", "type", "typespecs", "currency", "base_currency", "update_mode")
"""Columns that say what a row is."""
PRICES = ("close", "volume")
"""Columns that every row has beside them."""
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
UNITS: Mapping[str, tuple[int | None, str]] = MappingProxyType(
    {
        "value_traded_last": (None, "USD"),
        "recommend_": (None, "1"),
        "adx_14": (14, "1"),
        "plus_di_14": (14, "1"),
        "minus_di_14": (14, "1"),
        "atr_14": (14, "price"),
        "rsi_14": (14, "1"),
        "volatility_d": (1, "%"),
        "volume_change_24h": (1, "%"),
        "roc_9": (9, "%"),
        "perf_": (None, "%"),
    }
)
"""Feature, or the start of several -> bars that it looks back on (None where that is no number of bars), and unit."""
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
    ranks : kind -> request whose one row is the first that the ceiling leaves out; empty where all rows come anyway.
    """

    market: str
    body: Mapping[str, Any]
    columns: Mapping[str, str]
    ceiling: tuple[str, int] | None
    notes: tuple[str, ...]
    ranks: Mapping[Kind, Mapping[str, Any]] = field(default_factory=dict)

    def page(self, start: int) -> dict[str, Any]:
        """Return the body of the page that begins at row `start`."""
        return {**self.body, "range": [start, start + PAGE]}

    def of(self, symbols: Sequence[str]) -> "Query":
        """Return the request for these symbols' columns, whatever the filters."""
        body = {name: value for name, value in self.body.items() if name not in ("filter", "filter2")}
        return replace(self, body=body | {"symbols": {"tickers": list(symbols)}}, ranks={})

    def within(self, edge: float | None) -> "Query":
        """Return the query of the rows that are within a ceiling, by the first value beyond it; None where it is far.

        Each kind has a ceiling of its own, so the query is of one kind.
        """
        if self.ceiling is None or edge is None:
            return self
        term = {"left": self.ceiling[0], "operation": "greater", "right": edge}
        return replace(self, body={**self.body, "filter": [*self.body["filter"], term]})

    def described(self) -> dict[str, dict[str, Any]]:
        """Return feature -> its column, interval, length in bars and unit, as they are recorded with the values."""
        found = {}
        for name, column in self.columns.items():
            bars, unit = next(known for start, known in UNITS.items() if name.startswith(start))
            interval = next((to[1:] for end, to in INTERVALS.items() if column.endswith(to)), "1D")
            found[name] = {"column": column, "interval": interval, "bars": bars, "unit": unit}
        return found

    def listed(self, fields: frozenset[str]) -> "Query":
        """Return the query without the columns that the server does not list; its notes name them.

        Raises
        ------
        Unsupported : a filter, the order or the ceiling needs a column that is not listed.
        """

        def there(column: str) -> bool:
            return column in fields or column.partition("|")[0] in fields

        asked = [column for column in self.body["columns"] if there(column)]
        gone = [column for column in self.body["columns"] if not there(column)]
        notes = [f"the screener lists no column {column}, which is only recorded" for column in gone]
        body, ranks = {**self.body, "columns": asked}, dict(self.ranks)
        if not there(BASE) and any(each["left"] == BASE for each in self.body.get("filter", ())):
            body["filter"] = _but_bases(body["filter"])
            ranks = {kind: {**rank, "filter": _but_bases(rank["filter"])} for kind, rank in ranks.items()}
            notes.append(f"the screener lists no column {BASE}: kinds are left out by symbol alone")
        for column in _needed(body, self.ceiling):
            if not there(column):
                raise Unsupported(
                    f"the screener's list of columns for {self.market} has no {column}, which this scanner needs; scan "
                    "it on the lake, without --live"
                )
        columns = {name: column for name, column in self.columns.items() if there(column)}
        return replace(self, body=body, ranks=ranks, columns=columns, notes=(*self.notes, *notes))


def _but_bases(terms: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [each for each in terms if each["left"] != BASE]


def _needed(body: Mapping[str, Any], ceiling: tuple[str, int] | None) -> Iterator[str]:
    """Yield the columns without which the request means something else."""
    terms = list(body.get("filter", ()))
    for either in body.get("filter2", {}).get("operands", ()):
        terms += [one["expression"] for one in either["operation"]["operands"]]
    for each in terms:
        yield each["left"]
        if each["right"] in BAND_COLUMNS:
            yield each["right"]
    yield body["sort"]["sortBy"]
    if ceiling is not None:
        yield ceiling[0]


def compiled(scanner: Scanner, *, day: date, extra: Sequence[str] = ()) -> Query:
    """Return the scanner as a query; `day` says which members a dated list has, `extra` columns come as well.

    Raises
    ------
    ProfileError : the scanner asks for what the screener does not serve.
    """
    market = _market(scanner)
    columns = {TRADED_FEATURE: TRADED[market]} | dict(COLUMNS)
    columns |= {name: column for name in scanner.fields if (column := _column(scanner, name, market)) is not None}
    bands = BAND_COLUMNS if BAND in scanner.fields else ()
    simple = [_term(scanner, each, market) for each in scanner.filters if isinstance(each, Filter)]
    body: dict[str, Any] = {
        "columns": [*dict.fromkeys((*IDENTITY, *PRICES, *columns.values(), *bands, *extra))],
        "filter": [*_structure(scanner, scanner.kinds, market, day), *simple],
        "sort": {"sortBy": "name", "sortOrder": "asc"},
        **_shared(market),
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
    ranks = {} if ceiling is None or not scanner.filters else _ranks(scanner, market, day, ceiling)
    return Query(market=market, body=body, columns=columns, ceiling=ceiling, notes=_notes(market), ranks=ranks)


def _shared(market: str) -> dict[str, Any]:
    """Return what every request has; an unknown column is an error, for a filter that is ignored lets all pass."""
    return {"markets": [market], "options": {"lang": "en"}, "ignore_unknown_fields": False}


def _ranks(scanner: Scanner, market: str, day: date, ceiling: tuple[str, int]) -> dict[Kind, dict[str, Any]]:
    """Return for each kind the request of the row behind the ceiling, among all that the structure leaves."""
    column, count = ceiling
    return {
        kind: {
            "columns": ["name", column],
            "filter": _structure(scanner, (kind,), market, day),
            "sort": {"sortBy": column, "sortOrder": "desc", "nullsFirst": False},
            "range": [count, count + 1],
            **_shared(market),
        }
        for kind in scanner.kinds
    }


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


def _structure(scanner: Scanner, of: Sequence[Kind], market: str, day: date) -> list[dict[str, Any]]:
    """Return kind, exchange, quotes, hygiene and members as filters."""
    terms: list[dict[str, Any]] = [dict(TYPES[of[0]])] if len(of) == 1 else []
    if scanner.exchange is not None:
        terms.append({"left": "exchange", "operation": "equal", "right": scanner.exchange})
    if market == US_MARKET:
        terms.append({"left": "is_primary", "operation": "equal", "right": True})
    if scanner.currency is not None:
        terms.append({"left": "currency", "operation": "in_range", "right": _quotes(scanner, market)})
    bases = sorted(set().union(*(_BASES.get(kind, frozenset()) for kind in scanner.exclude_kinds)))
    if bases and market == CRYPTO_MARKET:
        terms.append({"left": BASE, "operation": "not_in_range", "right": bases})
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
BAND_COLUMNS = ("BB.lower", "BB.upper")
"""The foot and the top of the band, of which its feature is made."""
BASE = "base_currency"


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
