"""One market of Binance over ccxt: paced twice, its weight watched, and every failure a `ProviderError`.

ccxt sends, paces by weight, and decodes; its raw methods are used, because what it makes of bars drops their quote
volume. It gets no key, reads no proxy from anywhere, and asks nothing by itself.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

from tvquant.core.clock import Clock
from tvquant.market.http_client import host
from tvquant.market.limiter import Limiter
from tvquant.market.probing import APART, time_told
from tvquant.market.providers.binance.refusals import Refused, refusal
from tvquant.market.providers.contract import Banned, Malformed, ProviderError, RateLimited, RateLimits, Unavailable

if TYPE_CHECKING:
    import aiohttp

LARGEST = 64 * 2**20
"""Bytes of an answer that are taken; the longest true one, all of spot's instruments, has some 15 million."""
ENOUGH = 0.9
"""Share of a minute's weight after which nothing is sent until the next one: the rest is for what is on its way."""
USED = "x-mbx-used-weight-1m"
MINUTE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One of Binance's markets.

    Parameters
    ----------
    name : in messages.
    section : of ccxt's addresses and methods; `path` : in front of each request's own.
    weight : that one address may use up in a minute.
    page_weight : of a full page of bars; `page` : what ccxt's throttle counts for one.
    """

    name: str
    section: str
    path: str
    weight: int
    page_weight: int
    page: float


SPOT = Product(name="Binance spot", section="public", path="/api/v3", weight=6000, page_weight=2, page=0.4)
PERPETUAL = Product(
    name="Binance perpetuals", section="fapiPublic", path="/fapi/v1", weight=2400, page_weight=5, page=5.0
)


class BinanceClient:
    """Requests to one product; the connection is opened at the first and kept.

    Parameters
    ----------
    url : host that the product's paths are behind.
    clock : the present, from which bans and waits are counted.
    limits : what is declared for this product; every request waits here for its turn.
    most : bytes of an answer that are taken.
    """

    def __init__(self, product: Product, *, url: str, clock: Clock, limits: RateLimits, most: int = LARGEST) -> None:
        self.product = product
        self.url = url.rstrip("/")
        self.limits = limits
        self._clock = clock
        self._most = most
        self._limiter = Limiter(limits)
        self._session: aiohttp.ClientSession | None = None
        self._exchange: Any = None
        self._ahead = timedelta()

    async def ask(self, path: str, query: Mapping[str, object], *, symbol: str = "") -> Any:
        """Return the decoded answer to a request for public data; `symbol` is named where it is not known.

        Raises
        ------
        ProviderError : no answer of status 200 to 299 came, or it is no JSON.
        """
        import ccxt.async_support as ccxt

        what = f"{self.product.name} ({host(self.url)}{self.product.path}/{path})"
        try:
            async with self._limiter.request():
                exchange = self._opened()
                method = getattr(exchange, f"{self.product.section}Get{path[0].upper()}{path[1:]}")
                answer = await method(dict(query))
        except Refused as no:
            error = refusal(no, what=what, symbol=symbol, now=self._clock.now())
            if isinstance(error, RateLimited | Banned) and error.retry_after:  # it means all requests
                self._limiter.hold(error.retry_after)
            raise error from None
        except ccxt.RequestTimeout as error:
            raise Unavailable(f"{what} did not answer within {self.limits.timeout:g} s") from error
        except ccxt.ExchangeNotAvailable as error:
            raise Unavailable(f"{what} cannot be reached: {_cause(error)}") from error
        except (ccxt.BaseError, RecursionError) as error:
            raise Malformed(f"the answer of {what} cannot be read: {_cause(error)}") from error
        if not isinstance(answer, list | dict):
            raise Malformed(f"the answer of {what} is no JSON; is something between here and there?")
        return answer

    def check_clock(self) -> None:
        """Refuse an answer that came while this machine's clock was ahead: a bar would be closed that is not.

        Raises
        ------
        ProviderError : naming by how much.
        """
        if self._ahead > APART:
            seconds = round(self._ahead.total_seconds())
            raise ProviderError(
                f"the clock of this machine is {seconds:,} s ahead of {self.product.name} ({host(self.url)}), where "
                "bars that seem to have closed have not: set it"
            )

    async def close(self) -> None:
        """Close the connection; a later request opens a new one."""
        exchange, self._exchange = self._exchange, None
        session, self._session = self._session, None
        if exchange is not None:
            await exchange.close()
        if session is not None:
            await session.close()

    def _opened(self) -> Any:
        """Return ccxt's exchange, made at first use: it belongs to the running loop."""
        if self._exchange is not None:
            return self._exchange
        from ccxt.async_support import binance

        self._session = _session(self._most, self.limits.concurrency)
        exchange = binance(
            {
                "session": self._session,
                "asyncio_loop": asyncio.get_running_loop(),
                "aiohttp_trust_env": False,
                "enableRateLimit": True,
                # Milliseconds for one unit of cost, so that full pages come at the declared rate at most.
                "rateLimit": 1000 / (self.limits.requests_per_second * self.product.page),
                "tokenBucket": {"capacity": self.limits.burst * self.product.page},
                "timeout": int(1000 * self.limits.timeout),
                "enableLastHttpResponse": False,
                "enableLastJsonResponse": False,
                "enableLastResponseHeaders": False,
            }
        )
        exchange.urls["api"] = {self.product.section: self.url + self.product.path}
        exchange.on_rest_response = self._heard
        exchange.timeout_on_exit = 0  # what it waits for is its own connection
        self._exchange = exchange
        return exchange

    def _heard(
        self, status: int, _reason: str, _url: str, _method: str, headers: Mapping[str, str], body: str, *_sent: object
    ) -> str:
        """Look at an answer before ccxt does: its errors keep neither status nor headers.

        Raises
        ------
        Refused : a status that is not 200 to 299.
        """
        told = {name.lower(): value for name, value in headers.items()}
        time = time_told(told)
        self._ahead = timedelta() if time is None else self._clock.now() - time
        used = told.get(USED, "")
        if used.isdecimal() and int(used) >= ENOUGH * self.product.weight:
            self._limiter.hold(self._rest_of_minute(told))
        if not 200 <= status < 300:
            raise Refused(status=status, headers=told, body=body)
        return body.strip()

    def _rest_of_minute(self, headers: Mapping[str, str]) -> float:
        """Return seconds until the server's next minute, by its own clock where it tells the time."""
        now = time_told(headers) or self._clock.now()
        now = now.astimezone(UTC)
        return MINUTE - now.second - now.microsecond / 1e6


def _session(most: int, concurrency: int) -> "aiohttp.ClientSession":
    """Return connections that take answers of so many bytes."""
    import aiohttp

    class Bounded(aiohttp.ClientResponse):
        async def read(self) -> bytes:
            if self._body is None:
                parts, size = [], 0
                async for part in self.content.iter_any():
                    size += len(part)
                    if size > most:
                        self.close()
                        raise aiohttp.ClientPayloadError(f"it has more than {most:,} bytes")
                    parts.append(part)
                self._body = b"".join(parts)
            return self._body

    room = aiohttp.TCPConnector(limit=concurrency)
    return aiohttp.ClientSession(connector=room, response_class=Bounded, trust_env=False)


def _cause(error: BaseException) -> str:
    """Return what is behind an error of ccxt, whose own words of one that has a cause are the address and its query."""
    found = error.__cause__ or error
    return " ".join(str(found).split())[:200] or type(found).__name__
