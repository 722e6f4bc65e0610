"""What the chart websocket says, checked: the symbol it resolved, its bars, its refusals, how late its data are."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from tvquant.core.calendars import CRYPTO
from tvquant.core.instruments import Kind
from tvquant.core.quoting import shown
from tvquant.market.providers.contract import Malformed, ProviderError, RateLimited, Unavailable, UnknownSymbol
from tvquant.market.providers.tradingview.connection import ChartMessage
from tvquant.market.strict_json import finite
from tvquant.market.update_modes import seconds_late
from tvquant.symbology.kinds import SHARES, split_pair, structure

TYPES: Mapping[Kind, frozenset[str]] = {
    Kind.SPOT: frozenset({"spot", "crypto"}),
    Kind.SWAP: frozenset({"swap"}),
    Kind.STOCK: frozenset({"stock", "dr", "fund", "structured"}),
    Kind.ETF: frozenset({"stock", "dr", "fund", "structured"}),
    Kind.INDEX: frozenset({"index", "bond"}),
}
"""What TradingView calls each kind; a fund that is not in our table of them is a stock to us, a yield is an index."""
LATE_FEED = re.compile(r"_DLY?$")
"""How the name of an exchange ends whose delayed prices are shown in place of its own."""
NEW_YORK = ZoneInfo("America/New_York")
EVENING = timedelta(hours=7)
"""A session that opens at 17:00 in New York or later belongs to the next day."""
AHEAD = timedelta(minutes=1)
"""A bar may begin so much after now: their clock and ours may differ."""
MINUTE = "%Y-%m-%d %H:%M"
LAST_SECOND = 4_102_444_800
"""2100-01-01."""
ERRORS = frozenset({"symbol_error", "series_error", "critical_error", "protocol_error"})


class ChartBar(NamedTuple):
    """One bar; `stamp` is as the lake has it: of a session, midnight (UTC) of its date."""

    stamp: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float | None


def check_symbol(symbol: str, told: Any) -> None:
    """Refuse what was resolved in place of the symbol that was asked for.

    The ticker must be the same in each name given; the exchange in one of them, for an anonymous visitor gets delayed
    prices, or those of another venue, under the name of the listing.

    Raises
    ------
    Malformed : another ticker, exchange, type or currency.
    """
    if not isinstance(told, dict):
        raise Malformed(f"{symbol}: TradingView described it by {shown(told)}; expected a table", retryable=False)
    exchange, ticker = symbol.split(":")
    names = [told[key] for key in ("pro_name", "full_name") if told.get(key) is not None]
    parts = [str(name).partition(":") for name in names]
    venues = {LATE_FEED.sub("", venue) for venue in (*(part[0] for part in parts), str(told.get("listed_exchange")))}
    if not names or any(part[2] != ticker for part in parts) or exchange not in venues:
        found = shown(str(names[0])) if names else "no name"
        raise Malformed(
            f"{symbol}: TradingView answered for {found}; ask under that name where it is meant", retryable=False
        )
    found_type, allowed = told.get("type"), _types(symbol)
    if not isinstance(found_type, str) or found_type not in allowed:
        wanted = " or ".join(sorted(allowed))
        raise Malformed(f"{symbol}: TradingView says type {shown(found_type)}; expected {wanted}", retryable=False)
    currencies, currency = _currencies(symbol), told.get("currency_code")
    if currencies and (not isinstance(currency, str) or currency not in currencies):
        wanted = " or ".join(sorted(currencies))
        raise Malformed(f"{symbol}: TradingView says currency {shown(currency)}; expected {wanted}", retryable=False)


def _types(symbol: str) -> frozenset[str]:
    return frozenset().union(*(TYPES[kind] for kind in structure(symbol).kinds if kind in TYPES))


def _currencies(symbol: str) -> frozenset[str]:
    """Return what prices of the symbol may be in; none where it is an index, whose points have no currency."""
    found = structure(symbol)
    if found.calendar == CRYPTO:
        return frozenset({split_pair(symbol).quote, found.currency})
    return frozenset({found.currency}) if found.kinds & SHARES else frozenset()


def tick_of(told: Mapping[str, Any]) -> float | None:
    """Return the price step of a symbol that was resolved; None where it has several, or is quoted in fractions."""
    if told.get("fractional") or told.get("minmove2") or told.get("variable_tick_size"):
        return None
    least, scale = (finite(told.get(key)) for key in ("minmov", "pricescale"))
    return least / scale if least and scale and min(least, scale) > 0 else None


def bars_of(symbol: str, update: Any, series: str, *, now: datetime, daily: bool) -> list[ChartBar]:
    """Return the bars of a series in an update (`timescale_update`, `du`), ascending; none where it has none of them.

    A bar that is told twice alike is one; two versions of a bar are both handed over. Bars of the future are left out.

    Raises
    ------
    Malformed : a bar cannot be read, or all of them are of the future.
    """
    part = update.get(series, {}) if isinstance(update, dict) else None
    rows = part.get("s", []) if isinstance(part, dict) else None
    if not isinstance(rows, list):
        raise Malformed(f"{symbol}: TradingView sent an update without a list of bars: {shown(update)}")
    kind = structure(symbol)
    absent = 0.0 if Kind.INDEX in kind.kinds else None
    found: dict[ChartBar, None] = {}
    begins = now
    for row in rows:
        seconds, prices, volume = _values(symbol, row)
        begins = datetime.fromtimestamp(seconds, UTC)
        if begins <= now + AHEAD:
            stamp = session_day(begins) if daily and kind.calendar != CRYPTO else begins
            found[ChartBar(stamp, *prices, absent if volume is None else volume)] = None
    if rows and not found:
        raise Malformed(
            f"{symbol}: TradingView sent bars of the future alone ({begins:{MINUTE}}; it is {now:{MINUTE}})"
        )
    return sorted(found, key=lambda bar: bar.stamp)


def session_day(begins: datetime) -> datetime:
    """Return midnight (UTC) of the date of a session in New York that begins at a moment, summer or winter."""
    local = begins.astimezone(NEW_YORK).replace(tzinfo=None) + EVENING
    return datetime(local.year, local.month, local.day, tzinfo=UTC)


def _values(symbol: str, row: Any) -> tuple[int, tuple[float, float, float, float], float | None]:
    """Return seconds, open, high, low and close, and volume (None where there is none) of a row of a series."""
    values = row.get("v") if isinstance(row, dict) else None
    if isinstance(values, list) and len(values) >= 5:
        told = values[5] if len(values) > 5 else None
        volume = finite(told)
        numbers = [number for one in values[:5] if (number := finite(one)) is not None]
        if len(numbers) == 5 and (volume is None) == (told is None):
            seconds, opens, high, low, close = numbers
            if seconds == int(seconds) and 0 <= seconds < LAST_SECOND:
                return int(seconds), (opens, high, low, close), volume
    raise Malformed(f"{symbol}: TradingView sent what is no bar (time, four prices, volume): {shown(row)}")


def delay_of(mode: Any) -> timedelta:
    """Return how late the prices are, as the end of a round tells ("streaming", "delayed_streaming_900")."""
    return timedelta(seconds=seconds_late(mode) or 0)


def time_of(greeting: Mapping[str, Any]) -> datetime | None:
    """Return the server's time, in whole seconds, of its hello; None where it tells none."""
    seconds = finite(greeting.get("timestamp"))
    if seconds is None or not 0 <= seconds < LAST_SECOND:
        return None
    return datetime.fromtimestamp(int(seconds), UTC)


def refusal(symbol: str, message: ChartMessage) -> ProviderError:
    """Return what an error that the server sent means.

    A symbol that is not known, or not for visitors, and a series that is not served, are refused for good; a critical
    error may pass.
    """
    said = shown(" ".join(str(one) for one in message.params[1:] or message.params))
    text = f"{symbol}: TradingView's chart says {message.method}: {said}"
    if "max sessions" in said.lower():
        return RateLimited(text)
    if message.method == "symbol_error":
        return ProviderError(text) if "permission" in said.lower() else UnknownSymbol(text)
    return Unavailable(text) if message.method == "critical_error" else ProviderError(text)
