"""TradingView's chart websocket on the loopback address: its own reading of the protocol, and troubles on demand."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from http import HTTPStatus
from typing import Any

import polars as pl
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request as Handshake
from websockets.http11 import Response

from builders.lies import HONEST, Lie, Wire
from builders.loopback import Request
from tvquant.market.providers.simulated.world import World

HELLO = {"session_id": "<0.1.2>_loopback", "protocol": "json", "release": "loopback"}
COUNTED = ("create_series", "request_more_data")
"""Messages that are requests, beside handshakes and symbols that are only resolved."""


class Trouble(StrEnum):
    """What goes wrong with every session while it is set."""

    NONE = "none"
    SERIES_ERROR = "series_error"
    CRITICAL_ERROR = "critical_error"
    PROTOCOL_ERROR = "protocol_error"
    MAX_SESSIONS = "max sessions"
    PERMISSION = "symbol for paying users"
    TORN = "each frame in pieces of one to seven letters"
    JOINED = "all of an answer in one message"
    SILENT = "no answer, no heartbeat"
    BEATS = "heartbeats alone"
    STUCK = "a series that is never completed, and updated all the time"
    WRONG_SYMBOL = "another symbol resolved"
    VERSIONS = "two versions of the last bar"
    TWICE = "the last bar twice alike"
    CORRECTED = "the last bar told again by an update"
    BUSY = "429 at the handshake"
    DOWN = "503 at the handshake"
    MOVED = "a redirection to the sign-in page of a network"
    DROPPED = "connection closed before the answer is complete"
    GARBAGE = "no JSON"
    UNFRAMED = "no frame"
    BYTES = "bytes instead of text"
    NAN = "a price that is no number"


type Rows = Callable[[str, str, str], list[list[float]] | None]
"""From symbol, resolution and adjustment to all bars so far [t, o, h, l, c, v], ascending; None where unknown."""
type Described = Callable[[str], dict[str, Any]]


@dataclass
class ChartServer:
    """A running server and what it saw: `asked` are (second, method, params).

    `most` bars go into one round; a handshake takes `wait` seconds; `mode` says how late prices are.
    """

    rows: Rows
    described: Described
    wire: Wire = field(default_factory=Wire)
    url: str = ""
    trouble: Trouble = Trouble.NONE
    most: int = 1_000_000
    wait: float = 0.0
    mode: str = "streaming"
    asked: list[tuple[float, str, list[Any]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    beats: list[str] = field(default_factory=list)
    echoed: list[str] = field(default_factory=list)
    open_now: int = 0
    most_open: int = 0

    def note(self, method: str, params: list[Any]) -> None:
        """Write down what was asked; handshakes and requests for bars are told to the wire too."""
        at = time.monotonic()
        self.asked.append((at, method, params))
        if method in ("handshake", *COUNTED):
            self.wire.requests.append(Request(at, "GET", f"/{method}", {}, {}))
            self.wire.heard(len(self.wire.requests))

    def count(self, method: str) -> int:
        return sum(one[1] == method for one in self.asked)

    def most_within(self, seconds: float) -> int:
        """Most handshakes and requests in any span of so many seconds."""
        times = [at for at, method, _ in self.asked if method in ("handshake", *COUNTED)]
        return max((sum(start <= at < start + seconds for at in times) for start in times), default=0)


@asynccontextmanager
async def chart_server(rows: Rows, described: Described, wire: Wire | None = None) -> AsyncIterator[ChartServer]:
    """Serve in the running loop while the block runs; the first replies of the wire are given to handshakes."""
    server = ChartServer(rows, described, wire or Wire())

    async def handshake(_: ServerConnection, request: Handshake) -> Response | None:
        server.note("handshake", [request.path])
        server.headers.append({name.lower(): value for name, value in request.headers.raw_items()})
        await asyncio.sleep(server.wait)
        if server.wire.first:
            reply = server.wire.first.pop(0)
            await asyncio.sleep(3600.0 if reply.silent else reply.pause)
            status = HTTPStatus(reply.status if reply.status != 200 else 502)
            return _turned_away(status, reply.headers.get("Retry-After", ""))
        if server.trouble is Trouble.BUSY:
            return _turned_away(HTTPStatus.TOO_MANY_REQUESTS, "17")
        if server.trouble is Trouble.MOVED:
            return _turned_away(HTTPStatus.FOUND, "", Location="https://127.0.0.1:9/login")
        return _turned_away(HTTPStatus.SERVICE_UNAVAILABLE, "3") if server.trouble is Trouble.DOWN else None

    async def talk(socket: ServerConnection) -> None:
        server.open_now += 1
        server.most_open = max(server.most_open, server.open_now)
        try:
            await Talk(server, socket).held()
        except ConnectionClosed:
            pass
        finally:
            server.open_now -= 1

    async with serve(talk, "127.0.0.1", 0, process_request=handshake, ping_interval=None, close_timeout=0.2) as running:
        port = next(iter(running.sockets)).getsockname()[1]
        server.url = server.wire.url = f"ws://127.0.0.1:{port}/socket.io/websocket?from=chart%2F&type=chart"
        yield server


def _turned_away(status: HTTPStatus, wait: str, **headers: str) -> Response:
    from websockets.datastructures import Headers

    return Response(status.value, status.phrase, Headers({"Retry-After": wait, "Content-Length": "0"} | headers), b"")


def frame(payload: str) -> str:
    """Frame a payload: its length is that of a JavaScript string, where a letter beyond the first plane is two."""
    return f"~m~{sum(2 if ord(letter) > 0xFFFF else 1 for letter in payload)}~m~{payload}"


def payloads(message: str) -> list[str]:
    """Unframe a client's message, which is to be of ASCII letters."""
    assert message.isascii(), message
    found = []
    while message:
        head = re.match(r"~m~(\d+)~m~", message)
        assert head is not None, message
        last = head.end() + int(head[1])
        assert last <= len(message), message
        found.append(message[head.end() : last])
        message = message[last:]
    return found


class Talk:
    """One connection: chart sessions by name, each with its symbol and how many of its newest bars it has sent."""

    def __init__(self, server: ChartServer, socket: ServerConnection) -> None:
        self.server = server
        self.socket = socket
        self.token: str | None = None
        self.charts: dict[str, dict[str, Any]] = {}

    async def held(self) -> None:
        if self.server.trouble is not Trouble.SILENT:
            at = (self.server.wire.date or datetime.now(UTC)).timestamp()
            hello = frame(json.dumps(HELLO | {"timestamp": int(at)}))
            await self.socket.send(self.server.wire.lie.body(hello.encode()).decode())
        async for message in self.socket:
            assert isinstance(message, str)
            for payload in payloads(message):
                if payload.startswith("~h~"):
                    self.server.echoed.append(payload)
                    continue
                called = json.loads(payload)
                self.server.note(called["m"], called["p"])
                await self.answer(called["m"], called["p"])

    async def answer(self, method: str, params: list[Any]) -> None:
        if method == "set_auth_token":
            (self.token,) = params
            return
        if self.token != "unauthorized_user_token" or self.server.trouble is Trouble.PROTOCOL_ERROR:
            await self.say({"m": "protocol_error", "p": ["wrong data"]})
            await self.socket.close()
            return
        if self.server.trouble is Trouble.SILENT:
            return
        if self.server.trouble is Trouble.BEATS:
            await self.beat()
            return
        if method == "chart_create_session":
            self.charts[params[0]] = {}
        elif method == "chart_delete_session":
            del self.charts[params[0]]
        elif method == "resolve_symbol":
            await self.resolve(*params)
        elif method == "create_series":
            await self.create(*params)
        elif method == "request_more_data":
            await self.more(*params)
        else:
            raise AssertionError(method)

    async def resolve(self, chart: str, name: str, asked: str) -> None:
        assert asked[0] == "="
        wanted = json.loads(asked[1:])
        symbol, trouble = wanted["symbol"], self.server.trouble
        if trouble is Trouble.PERMISSION or self.server.rows(symbol, "1D", "splits") is None:
            reason = "permission denied" if trouble is Trouble.PERMISSION else "invalid symbol"
            await self.say({"m": "symbol_error", "p": [chart, name, reason], "t": 1})
            return
        self.charts[chart] |= {"symbol": symbol, "adjustment": wanted["adjustment"], "name": name}
        of_whom = lied(self.server.wire.lie, symbol, [[0.0] * 6])[0]
        described = self.server.described("NASDAQ:OTHER" if trouble is Trouble.WRONG_SYMBOL else of_whom)
        await self.say({"m": "symbol_resolved", "p": [chart, name, described], "t": 1})

    async def create(
        self, chart: str, series: str, turn: str, name: str, resolution: str, count: int, span: str
    ) -> None:
        mine = self.charts[chart]
        assert (mine["name"], span) == (name, "")
        errors = {
            Trouble.SERIES_ERROR: ("series_error", [chart, series, turn, "resolution is not permitted"]),
            Trouble.CRITICAL_ERROR: ("critical_error", [chart, "invalid_state", "the study engine restarts"]),
            Trouble.MAX_SESSIONS: ("critical_error", [chart, "max_sessions", "Max sessions rate reached"]),
        }
        if self.server.trouble in errors:
            method, params = errors[self.server.trouble]
            await self.say({"m": method, "p": params})
            return
        rows = self.server.rows(mine["symbol"], resolution, mine["adjustment"]) or []
        mine |= {"rows": rows, "sent": 0, "turn": turn}
        await self.round(chart, series, count)

    async def more(self, chart: str, series: str, count: int) -> None:
        await self.round(chart, series, count)

    async def round(self, chart: str, series: str, count: int) -> None:
        """Send the next older bars, at most `count`, and say that the round is over."""
        mine, trouble = self.charts[chart], self.server.trouble
        last = len(mine["rows"]) - mine["sent"]
        first = max(last - min(count, self.server.most), 0)
        mine["sent"] += last - first
        rows = [list(row) for row in mine["rows"][first:last]]
        rows = [self.server.wire.lie.row(row) for row in lied(self.server.wire.lie, mine["symbol"], rows)[1]]
        spoil(rows, trouble)
        points = [{"i": first + at, "v": values} for at, values in enumerate(rows)]
        content = {series: {"node": "loopback", "s": points, "ns": {"d": "", "indexes": []}, "t": mine["turn"]}}
        parts = [{"m": "series_loading", "p": [chart, series, mine["turn"]]}]
        if points:
            parts.append({"m": "timescale_update", "p": [chart, content, {"index": 0, "zoffset": 0}]})
        if trouble is Trouble.CORRECTED and points:
            values = [*rows[-1][:4], rows[-1][2], rows[-1][5]]
            parts.append({"m": "du", "p": [chart, {series: {"s": [{"i": 0, "v": values}]}}]})
        other = {series: {"s": [{"i": 0, "v": [1, 1, 1, 1, 1]}]}}
        parts.append({"m": "timescale_update", "p": ["cs_of_another", other]})
        if trouble is Trouble.DROPPED:
            await self.say(*parts)
            await self.socket.close()
            return
        while trouble is Trouble.STUCK:
            await self.say(*parts)
            await asyncio.sleep(0.02)
        await self.beat()
        await self.say(*parts, {"m": "series_completed", "p": [chart, series, self.server.mode, mine["turn"]]})

    async def beat(self) -> None:
        self.server.beats.append(f"~h~{len(self.server.beats) + 1}")
        await self.socket.send(frame(self.server.beats[-1]))

    async def say(self, *messages: dict[str, Any]) -> None:
        trouble = self.server.trouble
        texts = [frame(json.dumps(one, ensure_ascii=False)) for one in messages]
        texts = [self.server.wire.lie.body(text.encode()).decode() for text in texts]
        if trouble in GIBBERISH:
            await self.socket.send(GIBBERISH[trouble])
        elif trouble is Trouble.TORN:
            whole, at, size = "".join(texts), 0, 1
            while at < len(whole):
                await self.socket.send(whole[at : at + size])
                at, size = at + size, size % 7 + 1
        elif trouble is Trouble.JOINED:
            await self.socket.send("".join(texts))
        else:
            for text in texts:
                await self.socket.send(text)


GIBBERISH: dict[Trouble, str | bytes] = {
    Trouble.GARBAGE: frame("{not json"),
    Trouble.UNFRAMED: "<html>down for maintenance</html>",
    Trouble.BYTES: b"~m~2~m~{}",
}


def lied(lie: Lie, symbol: str, rows: list[list[float]]) -> tuple[str, list[list[float]]]:
    """Return what a lie makes of bars: whose they are said to be, and the bars."""
    if lie.rows is HONEST.rows or not rows:
        return symbol, rows
    names = ("open", "high", "low", "close", "volume")
    told = pl.DataFrame(rows, schema=["timestamp", *names], orient="row", infer_schema_length=None)
    told = told.with_columns(pl.lit(symbol).alias("symbol"), pl.from_epoch(pl.col("timestamp").cast(pl.Int64)))
    told = lie.rows(told)
    return told["symbol"][0], told.select(pl.col("timestamp").dt.epoch("s"), *names).rows()


def spoil(rows: list[list[Any]], trouble: Trouble) -> None:
    """Make the rows of a round lie."""
    if not rows:
        return
    last = rows[-1]
    if trouble is Trouble.VERSIONS:
        rows.append([*last[:4], last[2], *last[5:]])
    elif trouble is Trouble.TWICE:
        rows.append(last)
    elif trouble is Trouble.NAN:
        last[4] = float("nan")


def split_adjusted(rows: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Return raw bars as a chart shows them: those before a split in units after it; no value traded."""
    for day, kind, ratio in actions.iter_rows():
        if kind == "split":
            factor = pl.when(pl.col("timestamp") < day).then(ratio).otherwise(1.0)
            rows = rows.with_columns(pl.col("open", "high", "low", "close") / factor, pl.col("volume") * factor)
    return rows.with_columns(quote_volume=pl.lit(None, pl.Float64))


def charts_of(world: World, now: datetime) -> tuple[Rows, Described]:
    """Return what the server tells of a simulated market at a moment."""

    @cache
    def rows(symbol: str, resolution: str, adjustment: str) -> list[list[float]] | None:
        assert adjustment == "splits"
        if symbol not in world.symbols:
            return None
        bars = world.bars(symbol, {"240": "4h", "1D": "1d"}[resolution], now=now)
        told = split_adjusted(bars, world.actions(symbol, now=now))
        stamps = told["timestamp"]
        if symbol.startswith("NASDAQ:"):  # a session's bar begins with its session
            opens = stamps.dt.replace_time_zone(None) + timedelta(hours=9, minutes=30)
            stamps = opens.dt.replace_time_zone("America/New_York")
        values = told.select("open", "high", "low", "close", "volume").rows()
        return [[at, *row] for at, row in zip(stamps.dt.epoch("s"), values, strict=True)]

    steps = {row["symbol"]: row["tick"] for row in world.instruments(now=now).iter_rows(named=True)}

    def described(symbol: str) -> dict[str, Any]:
        return described_symbol(symbol, scale=round(1 / steps.get(symbol, 0.01)))

    return rows, described


def described_symbol(symbol: str, *, scale: int = 100) -> dict[str, Any]:
    """Return what TradingView says of a symbol, in the fields that it has for one; letters of all planes among them."""
    exchange, ticker = symbol.split(":")
    share = exchange == "NASDAQ"
    kind = "stock" if share else "swap" if ticker.endswith(".P") else "spot"
    return {
        "name": ticker,
        "full_name": symbol,
        "pro_name": symbol,
        "base_name": [symbol],
        "description": f"\N{ROCKET} {ticker}: \N{BITCOIN SIGN} \N{CJK UNIFIED IDEOGRAPH-5E01}",
        "exchange": "Nasdaq Stock Market" if share else exchange.title(),
        "listed_exchange": exchange,
        "currency_code": "USD" if share else "USDT",
        "type": kind,
        "typespecs": ["common"] if share else ["crypto"],
        "pricescale": scale,
        "minmov": 1,
        "minmove2": 0,
        "fractional": False,
        "variable_tick_size": "",
        "session": "0930-1600" if share else "24x7",
        "timezone": "America/New_York" if share else "Etc/UTC",
        "has_adjustment": share,
    }
