"""What the simulated exchange and its client say to each other over HTTP: JSON as exchanges commonly have it.

    GET /v1/klines?symbol=BINANCE:S001USDT&interval=1d&startTime=MS&endTime=MS
    [[open ms, "open", "high", "low", "close", "volume", last ms, "quote volume"], ...]

    GET /v1/time
    {"serverTime": MS, "requestsPerSecond": 50.0}

Times are milliseconds since 1970, both ends of a span belong to it, numbers are texts, and the newest bars of the span
are served. An error is `{"code": -1121, "msg": "..."}`; 429 and 418 carry `Retry-After` in whole seconds.
"""

import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from tvquant.market.providers.contract import (
    ACTIONS,
    BARS,
    FUNDING,
    INSTRUMENTS,
    INTERVALS,
    Banned,
    Malformed,
    ProviderError,
    RateLimited,
    Unavailable,
    UnknownSymbol,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STEP = timedelta(milliseconds=1)
NUMBERS = ("open", "high", "low", "close", "volume")
UNKNOWN, TOO_MANY, FAILED = -1121, -1003, -1001
_UNREADABLE = (ValueError, TypeError, KeyError, IndexError, OverflowError, AttributeError, pl.exceptions.PolarsError)


def stamp(time: datetime) -> int:
    """Return milliseconds since 1970, rounded down."""
    return (time - EPOCH) // STEP


def moment(milliseconds: int) -> datetime:
    """Return the time of a stamp."""
    return EPOCH + milliseconds * STEP


def encode_bars(rows: pl.DataFrame, interval: str) -> list[list[Any]]:
    """Return bars as arrays; the last moment of a bar is one millisecond before its interval is over."""
    length = INTERVALS[interval] // STEP
    return [
        [stamp(time), *(repr(value) for value in prices), stamp(time) + length - 1, repr(quote)]
        for _, time, *prices, quote in rows.select(BARS.keys()).iter_rows()
    ]


def encode_instruments(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Return listings as objects."""
    return [
        {
            "symbol": row["symbol"],
            "tickSize": repr(row["tick"]),
            "stepSize": repr(row["lot"]),
            "minNotional": repr(row["min_notional"]),
            "onCoin": row["tradfi"] == 0.0,
            "listedAt": stamp(row["listed_at"]),
            "delistedAt": None if row["delisted_at"] is None else stamp(row["delisted_at"]),
        }
        for row in rows.iter_rows(named=True)
    ]


def encode_actions(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Return corporate actions as objects."""
    return [{"time": stamp(time), "kind": kind, "value": repr(value)} for time, kind, value in rows.iter_rows()]


def encode_funding(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Return funding payments as objects."""
    return [{"fundingTime": stamp(time), "fundingRate": repr(rate)} for time, rate in rows.iter_rows()]


def encode_time(now: datetime, requests_per_second: float) -> dict[str, Any]:
    """Return the exchange's time and its limit as an object."""
    return {"serverTime": stamp(now), "requestsPerSecond": requests_per_second}


def decode_time(body: bytes) -> tuple[datetime, float]:
    """Return the exchange's time and its limit."""
    try:
        told = json.loads(body)
        return moment(told["serverTime"]), float(told["requestsPerSecond"])
    except _UNREADABLE as error:
        raise Malformed(f"the simulated exchange's time cannot be read: {type(error).__name__}: {error}") from error


def decode_bars(body: bytes, symbol: str) -> pl.DataFrame:
    """Return the bars of an answer (`BARS`)."""

    def one(row: Any) -> tuple[Any, ...]:
        return symbol, moment(row[0]), *(float(text) for text in row[1:6]), float(row[7])

    return _decoded(body, "bars", BARS, one)


def decode_instruments(body: bytes) -> pl.DataFrame:
    """Return the listings of an answer (`INSTRUMENTS`)."""

    def one(row: Any) -> tuple[Any, ...]:
        over = row["delistedAt"]
        steps = (float(row[name]) for name in ("tickSize", "stepSize", "minNotional"))
        tradfi = 0.0 if row["onCoin"] else None
        return row["symbol"], *steps, tradfi, moment(row["listedAt"]), None if over is None else moment(over)

    return _decoded(body, "instruments", INSTRUMENTS, one)


def decode_actions(body: bytes) -> pl.DataFrame:
    """Return the corporate actions of an answer (`ACTIONS`)."""
    return _decoded(body, "actions", ACTIONS, lambda row: (moment(row["time"]), row["kind"], float(row["value"])))


def decode_funding(body: bytes) -> pl.DataFrame:
    """Return the funding payments of an answer (`FUNDING`)."""
    return _decoded(body, "funding", FUNDING, lambda row: (moment(row["fundingTime"]), float(row["fundingRate"])))


def _decoded(
    body: bytes, what: str, schema: Mapping[str, pl.DataType], one: Callable[[Any], tuple[Any, ...]]
) -> pl.DataFrame:
    try:
        found = json.loads(body)
        if not isinstance(found, list):
            raise TypeError(f"it is a {type(found).__name__}, not a list")
        return pl.DataFrame([one(row) for row in found], schema=dict(schema), orient="row")
    except _UNREADABLE as error:
        why = " ".join(str(error).split()) or type(error).__name__
        raise Malformed(f"the simulated exchange's answer ({what}, {len(body)} bytes) cannot be read: {why}") from error


def encode_error(error: ProviderError) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Return status, headers and body of a refusal."""
    wait = {} if error.retry_after is None else {"Retry-After": str(max(1, math.ceil(error.retry_after)))}
    body: dict[str, Any] = {"code": FAILED, "msg": str(error)}
    match error:
        case Banned():
            return 418, wait, {**body, "code": TOO_MANY, "until": stamp(error.until)}
        case RateLimited():
            return 429, wait, {**body, "code": TOO_MANY}
        case UnknownSymbol():
            return 400, wait, {**body, "code": UNKNOWN}
        case _:
            return 503, wait, body


def decode_error(status: int, wait: str | None, body: bytes, now: datetime) -> ProviderError:
    """Return the error behind a status that is not 200; bodies of errors are not relied on."""
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    answer = answer if isinstance(answer, dict) else {}
    message = f"{answer.get('msg') or 'the simulated exchange refused'} (HTTP {status})"
    seconds = float(wait) if wait is not None and wait.isdecimal() else None
    if status == 418:
        until = answer.get("until")
        # The body is exact, the header is rounded up to whole seconds.
        end = (
            moment(until) + STEP
            if isinstance(until, int)
            else now + timedelta(seconds=60.0 if seconds is None else seconds)
        )
        return Banned(message, until=end, retry_after=max(0.0, (end - now).total_seconds()))
    if status == 429:
        return RateLimited(message, retry_after=seconds)
    if status >= 500:
        return Unavailable(message, retry_after=seconds)
    if answer.get("code") == UNKNOWN:
        return UnknownSymbol(message)
    return ProviderError(message)
