"""What Yahoo's chart address answers, judged before the client library reads it: failures by name, lies refused."""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from tvquant.core.quoting import shown, visible
from tvquant.market.providers.contract import (
    Malformed,
    ProviderError,
    RateLimited,
    Unavailable,
    UnknownSymbol,
    Unsupported,
)
from tvquant.market.providers.yahoo.symbols import check_identity, ticker_of
from tvquant.market.strict_json import finite, parsed

ZONE = "America/New_York"
PRICES = ("open", "high", "low", "close")


SPLIT, NEAR = 1.45, 0.25
"""Smallest factor of a split that is looked at, and how near to it, in shares of its logarithm, a move must be."""


class NothingThere(Exception):
    """Yahoo knows the symbol, and has no bar of it in the span."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """What was read of an answer beside the bars: the sessions whose volume Yahoo does not tell."""

    without_volume: frozenset[date] = frozenset()


def judged(symbol: str, *, status: int, retry_after: float | None, body: bytes) -> Chart:
    """Return what there is to know of an answer beside its bars.

    Raises
    ------
    NothingThere : there is no bar in the span.
    RateLimited, Unavailable, UnknownSymbol, ProviderError : it is a refusal.
    Malformed : it is no answer, or one that speaks of something else.
    Unsupported : prices in another currency.
    """
    if status == 429:
        raise RateLimited(f"{symbol}: Yahoo answered HTTP 429, too many requests", retry_after=retry_after)
    if status >= 500:
        raise Unavailable(f"{symbol}: Yahoo answered HTTP {status}", retry_after=retry_after)
    chart = _chart(symbol, status, body)
    if chart.get("error"):
        raise _refusal(symbol, status, chart["error"])
    if status != 200:
        raise ProviderError(f"{symbol}: Yahoo answered HTTP {status} without a reason")
    results = chart.get("result")
    if not isinstance(results, list) or len(results) != 1 or not isinstance(results[0], dict):
        raise Malformed(f"{symbol}: Yahoo's answer has no single result")
    result = results[0]
    _check_meta(symbol, result.get("meta"))
    return _bars(symbol, result)


def _chart(symbol: str, status: int, body: bytes) -> Mapping[str, Any]:
    try:
        found = parsed(body)
    except ValueError as error:
        begins = visible(" ".join(body[:400].decode("utf-8", "replace").split())[:60])
        raise Malformed(f"{symbol}: Yahoo answered HTTP {status} with no JSON; it begins {begins!r}") from error
    chart = found.get("chart", found.get("finance")) if isinstance(found, dict) else None
    if not isinstance(chart, dict):
        raise Malformed(f"{symbol}: Yahoo answered HTTP {status} with JSON that is no chart")
    return chart


def _refusal(symbol: str, status: int, error: Any) -> Exception:
    """Return what Yahoo means by an error: code and description."""
    told = error if isinstance(error, dict) else {}
    why = str(told.get("description") or told.get("code") or "no reason")
    if why.startswith("Data doesn't exist"):  # there are bars, but not in this span
        return NothingThere(symbol)
    if status == 404 or told.get("code") == "Not Found":
        return UnknownSymbol(f"{symbol}: Yahoo does not know {ticker_of(symbol)}: {shown(why)}")
    return ProviderError(f"{symbol}: Yahoo answered HTTP {status}: {shown(why)}")


def _check_meta(symbol: str, meta: Any) -> None:
    """Refuse an answer that is not of this share, in dollars, on New York's clock and of daily bars."""
    if not isinstance(meta, dict):
        raise Malformed(f"{symbol}: Yahoo's answer does not say what it is about")
    if meta.get("symbol") != ticker_of(symbol):
        raise Malformed(f"{symbol}: {ticker_of(symbol)} was asked for, Yahoo answered for {shown(meta.get('symbol'))}")
    check_identity(symbol, exchange=str(meta.get("exchangeName")), kind=str(meta.get("instrumentType")))
    if meta.get("currency") != "USD":
        raise Unsupported(f"{symbol}: Yahoo's prices are in {shown(meta.get('currency'))}; USD was expected")
    for name, wanted in (("exchangeTimezoneName", ZONE), ("dataGranularity", "1d")):
        if meta.get(name) != wanted:
            raise Malformed(f"{symbol}: {name} of Yahoo's answer is {shown(meta.get(name))}; {wanted} was expected")


def _bars(symbol: str, result: Mapping[str, Any]) -> Chart:
    """Check that every column has a value or null for every time; return what stands beside the bars."""
    quotes = (result.get("indicators") or {}).get("quote") or [{}]
    times, quote = result.get("timestamp") or [], quotes[0] or {}
    if not times:
        raise NothingThere(symbol)
    if not all(type(one) is int and abs(one) < 2**33 for one in times):
        raise Malformed(f"{symbol}: times of Yahoo's answer are not seconds since 1970")
    for name in (*PRICES, "volume"):
        column = quote.get(name)
        if not isinstance(column, list) or len(column) != len(times):
            found = len(column) if isinstance(column, list) else "none"
            raise Malformed(f"{symbol}: Yahoo's answer has {len(times)} times, and of {name} {found}")
        if not all(one is None or finite(one) is not None for one in column):
            raise Malformed(f"{symbol}: {name} of Yahoo's answer are not all finite numbers")
    days = [_day(one) for one in times]
    told = sorted(days)
    twice = next((a for a, b in pairwise(told[:-1]) if a == b), None)  # the last may be the price of the moment
    if twice is not None:
        raise Malformed(f"{symbol}: Yahoo's answer has two bars of {twice}")
    _check_splits(symbol, result, zip(days, quote["close"], strict=True))
    return Chart(
        without_volume=frozenset(day for day, volume in zip(days, quote["volume"], strict=True) if volume is None)
    )


def _check_splits(symbol: str, result: Mapping[str, Any], closes: Iterable[tuple[date, float | None]]) -> None:
    """Refuse a history that was adjusted for a split which never was: its close moves by the factor, the wrong way.

    Of a split that was, the adjusted close does not move; prices that were not adjusted for it are seen by the lake.
    """
    known = sorted((day, close) for day, close in closes if close is not None and close > 0)
    try:
        events = ((result.get("events") or {}).get("splits") or {}).values()
        told = [(_day(one["date"]), one["numerator"] / one["denominator"]) for one in events]
        steps = [(day, ratio, math.log(ratio)) for day, ratio in told]
    except (AttributeError, LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise Malformed(f"{symbol}: the splits of Yahoo's answer cannot be read ({type(error).__name__})") from error
    for day, ratio, step in steps:
        place = bisect_left(known, day, key=lambda one: one[0])
        if not 0 < place < len(known) or abs(step) < math.log(SPLIT):
            continue
        before, after = known[place - 1][1], known[place][1]
        if abs(math.log(after / before) - step) < NEAR * abs(step):
            moved = f"its adjusted close moves by it, from {before:.6g} to {after:.6g}"
            said = f"Yahoo has a split of {ratio:g} for 1, and {moved}: history was adjusted for a split that never was"
            raise Malformed(f"{symbol}: {day}: {said}", retryable=False)


def _day(seconds: float) -> date:
    return datetime.fromtimestamp(seconds, UTC).astimezone(ZoneInfo(ZONE)).date()
