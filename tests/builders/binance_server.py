"""Binance's public REST interface on loopback: spot under /api/v3 and perpetuals under /fapi/v1, fed from one market.

What it answers, refuses and counts is as Binance documents it: klines and funding oldest first from a start, newest
where only an end is given; errors are `{"code", "msg"}` with HTTP 400; each answer tells the weight used this minute.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from builders.lies import HONEST, Lie
from builders.loopback import Reply, Request
from tvquant.market.providers.simulated.world import World
from tvquant.symbology.kinds import split_pair

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STEP = timedelta(milliseconds=1)
LENGTHS = {"4h": timedelta(hours=4), "1d": timedelta(days=1)}
NEVER = 4133404800000
"""Delivery date of a contract that has none."""
SPOT, PERPETUAL = "/api/v3", "/fapi/v1"
MOST, WEIGHT = {SPOT: 1000, PERPETUAL: 1500}, {SPOT: 6000, PERPETUAL: 2400}


def stamp(time: datetime) -> int:
    return (time - EPOCH) // STEP


def perpetual_weight(limit: int) -> int:
    return next(weight for most, weight in ((99, 1), (499, 2), (1000, 5), (1500, 10)) if limit <= most)


class Refusal(Exception):
    """An error of Binance's own."""

    def __init__(self, code: int, msg: str) -> None:
        self.reply = Reply({"code": code, "msg": msg}, status=400)


@dataclass
class BinanceServer:
    """A handler of requests.

    Parameters
    ----------
    lie : what becomes of bars.
    changed : from a listed instrument as it would be served to how it is; None leaves it out.
    payments : symbol of a perpetual -> payments instead of those of the market.
    rate : pages of bars a second that it allows, where that is more than Binance does.
    used : weight that is said to be used, by product, instead of what has been.
    """

    world: World
    now: datetime
    lie: Lie = HONEST
    changed: Callable[[dict[str, Any]], dict[str, Any] | None] = lambda one: one
    payments: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    rate: float = 0.0
    used: dict[str, int] = field(default_factory=dict)
    weights: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def __call__(self, request: Request) -> Reply:
        product, _, path = request.path.rpartition("/")
        work = {"exchangeInfo": self._listed, "klines": self._klines, "fundingRate": self._funding}.get(path)
        if product not in MOST or work is None or (path, product) == ("fundingRate", SPOT):
            return Reply("<html>404</html>", status=404)
        try:
            reply = Reply(work(product, request.query))
        except Refusal as no:
            reply = no.reply
        limit = int(request.query.get("limit", 500))
        costs = {"exchangeInfo": 20 if product == SPOT else 1, "fundingRate": 1}
        self.weights[product] += costs.get(path, 2 if product == SPOT else perpetual_weight(limit))
        used = self.used.get(product, self.weights[product])
        return replace(reply, headers={"X-MBX-USED-WEIGHT-1M": str(used)})

    def _symbol(self, product: str, query: Mapping[str, str]) -> str:
        if "symbol" not in query:
            raise Refusal(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
        symbol = f"BINANCE:{query['symbol']}" + (".P" if product == PERPETUAL else "")
        if symbol not in self.world.symbols and symbol not in self.payments:
            raise Refusal(-1121, "Invalid symbol.")
        return symbol

    def _span(self, rows: pl.DataFrame, query: Mapping[str, str], most: int) -> pl.DataFrame:
        """The rows of a span, both ends belong to it: the oldest of them from a start, else the newest."""
        limit = int(query.get("limit", 500))
        if not 0 < limit <= most:
            raise Refusal(-1130, "Data sent for parameter 'limit' is not valid.")
        time = pl.col("timestamp")
        if "endTime" in query:
            rows = rows.filter(time <= EPOCH + int(query["endTime"]) * STEP)
        if "startTime" in query:
            return rows.filter(time >= EPOCH + int(query["startTime"]) * STEP).head(limit)
        return rows.tail(limit)

    def _klines(self, product: str, query: Mapping[str, str]) -> list[list[Any]]:
        symbol = self._symbol(product, query)
        if query.get("interval") not in LENGTHS:
            raise Refusal(-1120, "Invalid interval.")
        length = LENGTHS[query["interval"]] // STEP
        rows = self._span(self.world.bars(symbol, query["interval"], now=self.now), query, MOST[product])
        return [
            self.lie.row(
                [stamp(time), *map(repr, prices), stamp(time) + length - 1, repr(quoted), 9, "0.0", "0.0", "0"]
            )
            for _, time, *prices, quoted in self.lie.rows(rows).iter_rows()
        ]

    def _funding(self, product: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        symbol = self._symbol(product, query)
        rows = self.payments.get(symbol)
        rows = self.world.funding(symbol, now=self.now) if rows is None else rows
        name = symbol.removeprefix("BINANCE:").removesuffix(".P")
        return [
            {"symbol": name, "fundingTime": stamp(time), "fundingRate": repr(rate), "markPrice": ""}
            for time, rate in self._span(rows, query, 1000).iter_rows()
        ]

    def _listed(self, product: str, query: Mapping[str, str]) -> dict[str, Any]:
        rows = self.world.instruments(now=self.now).filter(pl.col("symbol").str.starts_with("BINANCE:"))
        newest = rows.unique("symbol", keep="last", maintain_order=True).iter_rows(named=True)
        mine = [one for one in newest if one["symbol"].endswith(".P") == (product == PERPETUAL)]
        made = [_contract(one) if product == PERPETUAL else _pair(one) for one in mine]
        limit = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1}
        weight = max(WEIGHT[product], 60 * self.rate * (2 if product == SPOT else 5))
        served = [changed for one in made if (changed := self.changed(one)) is not None]
        if "symbol" in query and product == SPOT:  # perpetuals have no such parameter
            served = [one for one in served if one["symbol"] == query["symbol"]]
            if not served:
                raise Refusal(-1121, "Invalid symbol.")
        return {
            "timezone": "UTC",
            "serverTime": stamp(self.now),
            "rateLimits": [{**limit, "limit": weight}],
            "symbols": served,
        }


def _steps(one: Mapping[str, Any], smallest: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": repr(one["tick"])},
        {"filterType": "LOT_SIZE", "minQty": "0.01", "maxQty": "9000", "stepSize": repr(one["lot"])},
        {"filterType": "MARKET_LOT_SIZE", "minQty": "0", "maxQty": "900", "stepSize": "0.00000000"},
        smallest,
    ]


def _pair(one: Mapping[str, Any]) -> dict[str, Any]:
    pair = split_pair(one["symbol"])
    return {
        "symbol": one["symbol"].removeprefix("BINANCE:"),
        "status": "TRADING" if one["delisted_at"] is None else "BREAK",
        "baseAsset": pair.base,
        "quoteAsset": pair.quote,
        "isSpotTradingAllowed": True,
        "filters": _steps(one, {"filterType": "NOTIONAL", "minNotional": repr(one["min_notional"])}),
    }


def _contract(one: Mapping[str, Any]) -> dict[str, Any]:
    pair, over = split_pair(one["symbol"]), one["delisted_at"]
    name = one["symbol"].removeprefix("BINANCE:").removesuffix(".P")
    return {
        "symbol": name,
        "pair": name,
        "contractType": "PERPETUAL",
        "deliveryDate": NEVER if over is None else stamp(over),
        "onboardDate": stamp(one["listed_at"]),
        "status": "TRADING" if over is None else "SETTLING",
        "baseAsset": pair.base,
        "quoteAsset": pair.quote,
        "marginAsset": pair.quote,
        "underlyingType": "COIN",
        "filters": _steps(one, {"filterType": "MIN_NOTIONAL", "notional": repr(one["min_notional"])}),
    }
