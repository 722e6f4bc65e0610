"""Yahoo's chart address on loopback, with the shares of a simulated world: split-adjusted, stamped with their open.

Its cookie and crumb are as Yahoo gives them; a chart that is asked for with another crumb is refused.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from builders.lies import Wire
from builders.loopback import Loopback, Reply, Request, serve
from tvquant.market.providers.contract import BARS
from tvquant.market.providers.simulated.world import World

NEW_YORK = ZoneInfo("America/New_York")
CRUMB = "kept.secret"
COOKIE = "d=also-kept-secret"
CHART = "/v8/finance/chart/"
EXCHANGES = {"NASDAQ": ("NMS", "NasdaqGS"), "NYSE": ("NYQ", "NYSE"), "AMEX": ("PCX", "NYSEArca")}
REFUSALS = {
    "unknown": (404, "Not Found", "No data found, symbol may be delisted"),
    "empty": (400, "Bad Request", "Data doesn't exist for startDate = 1, endDate = 2"),
    "crumb": (401, "Unauthorized", "Invalid Crumb"),
}


def adjusted(rows: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Bars as Yahoo has them: prices and volumes in units after all splits, volumes whole, no traded value."""
    factor = pl.lit(1.0)
    for day, ratio in actions.filter(kind="split").select("timestamp", "value").rows():
        factor = factor * pl.when(pl.col("timestamp") < day).then(ratio).otherwise(1.0)
    prices = [(pl.col(name) / factor).alias(name) for name in ("open", "high", "low", "close")]
    volume = (pl.col("volume") * factor).round()
    return rows.with_columns(*prices, volume, pl.lit(None, pl.Float64).alias("quote_volume")).select(BARS.keys())


def opened(session: datetime) -> int:
    """When a session opens in New York, in seconds since 1970."""
    return int(datetime.combine(session.date(), time(9, 30), NEW_YORK).timestamp())


def meta(symbol: str, /, **changed: Any) -> dict[str, Any]:
    """What an answer says of itself."""
    exchange, ticker = symbol.split(":")
    code, name = EXCHANGES[exchange]
    told = {
        "currency": "USD",
        "symbol": ticker.replace(".", "-"),
        "exchangeName": code,
        "fullExchangeName": name,
        "instrumentType": "EQUITY",
        "exchangeTimezoneName": "America/New_York",
        "timezone": "EST",
        "gmtoffset": -18000,
        "priceHint": 2,
        "dataGranularity": "1d",
        "range": "",
        "validRanges": ["1d", "5d", "1mo", "max"],
    }
    return told | changed


def chart(
    symbol: str,
    rows: pl.DataFrame,
    actions: pl.DataFrame | None = None,
    /,
    *,
    encoded: Callable[[list[Any]], list[Any]] = list,
    **changed: Any,
) -> dict[str, Any]:
    """One answer with these bars and actions, as they are; `changed` are fields of its meta, `encoded` is each bar."""
    result: dict[str, Any] = {"meta": meta(symbol, **changed), "indicators": {"quote": [{}]}}
    if len(rows):
        whole = [None if one is None else round(one) for one in rows["volume"].to_list()]
        told = rows.select("timestamp", "open", "high", "low", "close").with_columns(pl.Series("volume", whole))
        bars = [encoded([opened(day), *values]) for day, *values in told.rows()]
        columns = [[bar[place] for bar in bars if len(bar) > place] for place in range(6)]
        quote = dict(zip(("open", "high", "low", "close", "volume"), columns[1:], strict=True))
        result["timestamp"] = columns[0]
        total = [close if close is None else 0.97 * close for close in quote["close"]]  # as if a dividend came later
        result["indicators"] = {"quote": [quote], "adjclose": [{"adjclose": total}]}
    if actions is not None and len(actions):
        result["events"] = _events(actions.rows())
    return {"chart": {"result": [result], "error": None}}


def _events(actions: Sequence[tuple[datetime, str, float]]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for day, kind, value in actions:
        at = opened(day)
        if kind == "split":
            over, under = (value, 1.0) if value >= 1 else (1.0, 1 / value)
            event = {"date": at, "numerator": over, "denominator": under, "splitRatio": f"{over:g}:{under:g}"}
        else:
            event = {"date": at, "amount": value}
        told.setdefault({"split": "splits", "dividend": "dividends"}[kind], {})[str(at)] = event
    return told


def refused(why: str) -> Reply:
    status, code, description = REFUSALS[why]
    return Reply({"chart": {"result": None, "error": {"code": code, "description": description}}}, status=status)


def answers(charted: Callable[[Request], Reply], crumb: Reply | None = None) -> Callable[[Request], Reply]:
    """The handler of all that yfinance asks for; `charted` answers for charts, `crumb` in the place of a good one."""

    def handler(request: Request) -> Reply:
        if request.path == "/v1/test/getcrumb":
            return crumb or Reply(CRUMB, headers={"Content-Type": "text/plain"})
        if request.path == "/":  # the host of the cookie has no page
            return Reply("", status=404, headers={"Set-Cookie": f"A3={COOKIE}; Path=/"})
        if not request.path.startswith(CHART):
            return Reply("no such page", status=404)
        return charted(request) if request.query.get("crumb", CRUMB) == CRUMB else refused("crumb")

    return handler


def of_world(world: World, now: datetime, wire: Wire | None = None) -> Callable[[Request], Reply]:
    """Charts of a world's shares as they stand now, with the lie of a wire in them."""
    symbols: Mapping[str, str] = {name.partition(":")[2]: name for name in world.symbols if name.startswith("NASDAQ:")}

    def charted(request: Request) -> Reply:
        symbol = symbols.get(request.path.removeprefix(CHART))
        if symbol is None:
            return refused("unknown")
        actions = world.actions(symbol, now=now)
        rows = adjusted(world.bars(symbol, "1d", now=now), actions)
        first, until = (int(request.query[name]) for name in ("period1", "period2"))
        times = pl.Series([opened(day) for day in rows["timestamp"]])
        rows = rows.filter((times >= first) & (times < until))
        if rows.is_empty():
            return refused("empty")
        inside = [first <= opened(day) < until for day in actions["timestamp"]]
        actions = actions.filter(pl.Series(inside, dtype=pl.Boolean))
        lie = (wire or Wire()).lie
        rows = lie.rows(rows)
        label = rows["symbol"][0].partition(":")[2]
        return Reply(chart(symbol, rows, actions, encoded=lie.row, symbol=label))

    return charted


@asynccontextmanager
async def serve_yahoo(
    charted: Callable[[Request], Reply], wire: Wire | None = None, crumb: Reply | None = None
) -> AsyncIterator[Loopback]:
    """Serve charts, the cookie and the crumb."""
    async with serve(answers(charted, crumb), wire) as server:
        yield server


def utc(text: str) -> datetime:
    """A day as its midnight in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
