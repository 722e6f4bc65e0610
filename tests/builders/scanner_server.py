"""A screener on loopback: it evaluates the filters of real requests over a table, and may be told to go wrong.

`crypto` has 720 spot pairs of Binance in name order, perpetuals, pairs in euros, a stablecoin, a leveraged token and
pairs of another exchange; `america` has shares and funds. An unknown field is an error unless the request says
otherwise; a null passes no filter.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from builders.loopback import Reply, Request

COINS = 720
RANK = 2
"""Columns of a request that only asks for a rank: no lies are told to it."""
TEXT = ("name", "exchange", "type", "currency", "base_currency", "update_mode")
NUMBERS = (
    "close", "volume", "24h_vol|5", "Value.Traded", "Recommend.All", "Recommend.MA", "Recommend.Other", "ADX", "ADX+DI",
    "ADX-DI", "ATR", "RSI", "Volatility.D", "volume_change", "ROC", "Perf.W", "Perf.1M", "Perf.3M", "Perf.6M", "Perf.Y",
    "Perf.YTD", "BB.lower", "BB.upper", "Rec.Ichimoku", "Rec.VWMA", "Rec.HullMA9", "Rec.Stoch.RSI", "Rec.WR",
    "Rec.BBPower", "Rec.UO",
)  # fmt: skip
FIELDS = (*TEXT, "typespecs", "is_primary", *NUMBERS)
COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "greater": operator.gt, "egreater": operator.ge, "less": operator.lt, "eless": operator.le, "equal": operator.eq,
    "in_range": lambda value, right: value in right, "not_in_range": lambda value, right: value not in right,
    "has": lambda value, right: bool(set(value) & set(right)),
}  # fmt: skip


def row(symbol: str, kind: str = "spot", quote: str = "USDT", **values: Any) -> dict[str, Any]:
    """One row; what is not given is a plain figure that no filter of the presets minds but ratings."""
    exchange, ticker = symbol.split(":")
    plain: dict[str, Any] = dict.fromkeys(NUMBERS, 0.0) | {
        "close": 10.0, "volume": 1e7, "24h_vol|5": 1e8, "Value.Traded": 1e8, "ADX": 25.0, "ATR": 0.5, "RSI": 50.0,
        "Volatility.D": 3.0, "BB.lower": 8.0, "BB.upper": 12.0,
    }  # fmt: skip
    base = ticker.removesuffix(".P").removesuffix(quote)
    told = {
        "s": symbol, "name": ticker, "exchange": exchange, "type": kind, "typespecs": [], "currency": quote,
        "base_currency": base, "is_primary": True, "update_mode": "streaming",
    }  # fmt: skip
    return plain | told | values


def crypto() -> list[dict[str, Any]]:
    """The market of coins: traded values and ratings differ from pair to pair, and go round in steps of their own."""
    coins = [
        row(
            f"BINANCE:C{k:03d}USDT",
            **{
                "24h_vol|5": 1e6 * (1 + 37 * k % COINS),
                "Recommend.All": ((k * 8) % 21 - 10) / 10.0,
                "ROC": float(k % 9),
            },
        )
        for k in range(COINS)
    ]
    others = [
        row("BINANCE:BTCUSDT.P", "swap", **{"Recommend.All": 0.6}),
        row("BINANCE:BTCEUR", quote="EUR", **{"Recommend.All": 0.6}),
        row("BINANCE:USDCUSDT", **{"Recommend.All": 0.6, "close": 1.0}),
        row("BINANCE:BTCUPUSDT", **{"Recommend.All": 0.6}),
        row("BYBIT:BTCUSDT", **{"Recommend.All": 0.6}),
    ]
    return [*coins, *others]


def america() -> list[dict[str, Any]]:
    share = {"kind": "stock", "quote": "USD"}
    return [
        row("NASDAQ:AAPL", **share, **{"update_mode": "delayed_streaming_900", "Recommend.All": 0.6}),
        row("NYSE:IBM", **share, **{"update_mode": "endofday", "Recommend.All": 0.6}),
        row("AMEX:SPY", kind="fund", quote="USD", typespecs=["etf"], **{"Recommend.All": 0.6}),
        row("AMEX:QZZQ", kind="fund", quote="USD", typespecs=["etf"], **{"Recommend.All": 0.6}),
    ]


@dataclass
class ScannerServer:
    """The handler of `loopback.serve`.

    `cap` : most rows of a page, whatever is asked; `stuck` : every page is the first; `lies` : rows that pass all
    filters; `unlisted` : fields that it neither lists nor knows; `extra_count` : by how much it counts wrong;
    `before` : called with the server and the request before each page; `asked` : the requests.
    """

    markets: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {"crypto": crypto(), "america": america()})
    cap: int = 10_000
    stuck: bool = False
    lies: list[dict[str, Any]] = field(default_factory=list)
    unlisted: tuple[str, ...] = ()
    extra_count: int = 0
    before: Callable[["ScannerServer", dict[str, Any]], None] | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, request: Request) -> Reply:
        _, market, what = request.path.split("/")
        if market not in self.markets:
            return Reply("<html>not found</html>", status=404)
        if (request.method, what) == ("GET", "metainfo"):
            return Reply({"fields": [{"n": name, "t": "number", "r": None} for name in self.fields]})
        if (request.method, what) != ("POST", "scan"):
            return Reply("<html>no</html>", status=405)
        body = request.json
        if self.before is not None:
            self.before(self, body)
        self.asked.append(body)
        unknown = [name for name in self._named(body) if not self._knows(name)]
        if unknown and not body.get("ignore_unknown_fields"):
            error = f'Unknown field "{unknown[0]}"'
            return Reply({"totalCount": 0, "error": error, "data": None}, status=400)
        found = self._sorted(self._passing(self.markets[market], body), body)
        first, last = (0, body["range"][1] - body["range"][0]) if self.stuck else body["range"]
        shown = found[first : min(last, first + self.cap)]
        cells = [{"s": one["s"], "d": [one.get(self._stored(name)) for name in body["columns"]]} for one in shown]
        return Reply({"totalCount": len(found) + self.extra_count, "data": cells})

    @property
    def fields(self) -> list[str]:
        return [name for name in FIELDS if name not in self.unlisted]

    def _knows(self, name: str) -> bool:
        return self._stored(name) in self.fields

    def _stored(self, name: str) -> str:
        """The field of the table; weeks and months are those of the day here."""
        return name if name in FIELDS else name.partition("|")[0]

    def _named(self, body: Mapping[str, Any]) -> Iterable[str]:
        yield from body["columns"]
        yield body["sort"]["sortBy"]
        yield from (each["left"] for each in self._terms(body))

    def _terms(self, body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        either = [one["expression"] for each in self._either(body) for one in each]
        return [*body.get("filter", ()), *either]

    def _either(self, body: Mapping[str, Any]) -> list[list[Mapping[str, Any]]]:
        return [each["operation"]["operands"] for each in body.get("filter2", {}).get("operands", ())]

    def _passing(self, rows: list[dict[str, Any]], body: Mapping[str, Any]) -> list[dict[str, Any]]:
        wanted = body.get("symbols", {}).get("tickers")
        mine = [one for one in rows if not wanted or one["s"] in wanted]
        mine = [one for one in mine if all(self._passes(one, term) for term in body.get("filter", ()))]
        for either in self._either(body):
            mine = [one for one in mine if any(self._passes(one, term["expression"]) for term in either)]
        return [*mine, *self.lies] if len(body["columns"]) > RANK else mine

    def _passes(self, one: Mapping[str, Any], term: Mapping[str, Any]) -> bool:
        value, right = one.get(self._stored(term["left"])), term["right"]
        if isinstance(right, str) and right in NUMBERS:
            right = one[right]
        return value is not None and right is not None and COMPARE[term["operation"]](value, right)

    def _sorted(self, rows: list[dict[str, Any]], body: Mapping[str, Any]) -> list[dict[str, Any]]:
        by, down = self._stored(body["sort"]["sortBy"]), body["sort"]["sortOrder"] == "desc"
        known = sorted((one for one in rows if one.get(by) is not None), key=lambda one: one[by], reverse=down)
        return [*known, *(one for one in rows if one.get(by) is None)]
