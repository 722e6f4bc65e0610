"""A webhook that is told how a command ended: one POST of a small JSON document, asked again within bounds.

1. The address is a secret, for who has it can write there: it comes from the environment alone, and of all of it only
   the host is ever shown.
2. A message has counts, identities and names of conditions; no text of an error, and no path of this machine.
3. Nothing that goes wrong here fails the command: it is one line of warning.
"""

import asyncio
import logging
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tvquant.core.clock import Clock
from tvquant.core.version import VERSION
from tvquant.market.addresses import usable
from tvquant.market.http_client import HttpClient, HttpRefused
from tvquant.market.limiter import Limiter
from tvquant.market.providers.contract import Banned, Malformed, ProviderError, RateLimited, RateLimits, Unavailable
from tvquant.market.retry import Backoff, retried

NOTIFY_URL = "TVQUANT_NOTIFY_URL"
"""Environment: the address of the webhook, `https://` or `http://`."""
PATIENCE = 5.0
"""Seconds for one attempt."""
BACKOFF = Backoff(attempts=3, base=1.0, cap=4.0, longest=10.0)
LONGEST = 30.0
"""Seconds for all attempts together."""
LARGEST = 2**16
"""Bytes of an answer, of which none is looked at."""
TALKATIVE = ("httpx", "httpcore")
"""Loggers that would write the address down."""


def notify(
    address: str, message: Mapping[str, Any], *, clock: Clock, backoff: Backoff = BACKOFF, patience: float = PATIENCE
) -> str:
    """POST a message to a webhook and return what went wrong, in a line without the address; empty where it took it."""
    if not usable(address):
        return f"no notification was sent: {NOTIFY_URL} holds no address that begins with https:// or http://"
    host = urlsplit(address).hostname
    try:
        with _silent():
            asyncio.run(_posted(address, {"tvquant": VERSION, **message}, clock, backoff, patience))
    except ModuleNotFoundError:
        return f"{host} was not notified: this needs httpx, which is not installed; install tvquant[live]"
    except Exception as error:  # noqa: BLE001 - what was computed is not lost for a notification, whatever befalls that
        return f"{host} was not notified: {_reason(error)}"
    return ""


async def _posted(address: str, message: Mapping[str, Any], clock: Clock, backoff: Backoff, patience: float) -> None:
    parts = urlsplit(address)
    limits = RateLimits(requests_per_second=100.0, burst=10, bars_per_request=1, concurrency=1, timeout=patience)
    base = f"{parts.scheme}://{parts.netloc}"
    client = HttpClient(name="webhook", url=base, clock=clock, limits=limits, most=LARGEST)
    draws = random.Random()  # noqa: S311 - spreads waits, guards nothing
    try:
        async with asyncio.timeout(LONGEST):
            await retried(
                lambda: client.post(parts.path or "/", message, dict(parse_qsl(parts.query, keep_blank_values=True))),
                limiter=Limiter(limits),
                backoff=backoff,
                random=draws,
            )
    finally:
        await client.close()


def _reason(error: Exception) -> str:
    """Return why, in words of our own: those of the error have the path."""
    match error:
        case HttpRefused():
            return f"it answered HTTP {error.status}; see whether {NOTIFY_URL} is still right"
        case RateLimited() | Banned():
            return "it asks for fewer messages"
        case Unavailable():
            return "it cannot be reached, did not answer in time, or failed"
        case TimeoutError():
            return f"not within {LONGEST:g} s"
        case Malformed():
            return "its answer cannot be read"
        case ProviderError():
            return f"nothing could be sent; see whether {NOTIFY_URL} is right, and the proxy that the environment names"
    return f"{type(error).__name__}; see whether {NOTIFY_URL} is right"


@contextmanager
def _silent() -> Iterator[None]:
    """Keep the client's library from logging addresses, as it does at the level of INFO."""
    loggers = [logging.getLogger(name) for name in TALKATIVE]
    levels = [one.level for one in loggers]
    for one in loggers:
        one.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for one, level in zip(loggers, levels, strict=True):
            one.setLevel(level)
