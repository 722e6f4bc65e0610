"""What Binance means by a status that is not 200, and by the codes in the bodies of its errors."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from tvquant.market.http_client import seconds_told, words
from tvquant.market.providers.contract import Banned, ProviderError, RateLimited, Unavailable, UnknownSymbol

BAN = 120.0
"""Seconds of a ban that tells no end: the shortest that Binance says it gives."""
TOO_MANY, CLOCK, ILLEGAL, NO_SYMBOL = -1003, -1021, -1100, -1121
_ENDS = re.compile(r"banned until (\d{13})\b")


class Refused(Exception):
    """A status that is not 200 to 299, as it came, on its way through the client library.

    `headers` : by lower-case name.
    """

    def __init__(self, *, status: int, headers: Mapping[str, str], body: str) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.headers = headers
        self.body = body


def refusal(told: Refused, *, what: str, symbol: str, now: datetime) -> ProviderError:
    """Return the error of the contract behind a refusal of `what`, which was asked about `symbol`, if about one."""
    code, text = _coded(told.body)
    wait = seconds_told(told.headers.get("retry-after"), now)
    message = f"{what} answered HTTP {told.status}: {text}"
    ban = _ENDS.search(text)
    if told.status == 418 or ban:
        named = (
            BAN if ban is None else max(0.0, (datetime.fromtimestamp(int(ban[1]) / 1000, UTC) - now).total_seconds())
        )
        seconds = named if wait is None else wait
        until = now + timedelta(seconds=seconds)
        why = f"{what} has banned this address until {until:%Y-%m-%d %H:%M:%S} UTC, for too many requests"
        return Banned(why, until=until, retry_after=seconds)
    if told.status == 429 or code == TOO_MANY:
        return RateLimited(message, retry_after=wait)
    if told.status == 451:
        return ProviderError(
            f"{what} does not serve the country that this address is in (HTTP 451); set the provider's spot_url and "
            "perpetual_url to hosts that do, or take the history from the public archive"
        )
    if told.status == 403:
        return ProviderError(f"{message}; its firewall has turned this address away: ask later, or from elsewhere")
    if told.status >= 500 or told.status == 408:
        return Unavailable(message, retry_after=wait)
    if symbol and (code == NO_SYMBOL or (code == ILLEGAL and "'symbol'" in text)):
        return UnknownSymbol(f"{symbol} is not served: {what} does not know it")
    if code == CLOCK:
        return ProviderError(f"{message}; the clock of this machine differs from Binance's: set it")
    return ProviderError(message)


def _coded(body: str) -> tuple[int | None, str]:
    """Return the code and the text of an error's body; no code and the beginning of the body where it has none."""
    try:
        found = json.loads(body)
        return int(found["code"]), words(str(found["msg"]).encode())
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None, words(body.encode())
