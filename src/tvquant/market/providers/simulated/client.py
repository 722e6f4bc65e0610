"""The simulated exchange, asked over HTTP as a real one would be."""

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from tvquant.core.clock import Clock
from tvquant.core.panel import Basis
from tvquant.market.http_client import host
from tvquant.market.probing import Probe, Rate
from tvquant.market.providers.contract import Capabilities, Offer, RateLimits, Unavailable, Unsupported, of_symbol
from tvquant.market.providers.simulated import protocol
from tvquant.market.providers.simulated.exchange import CAPABILITIES, TERMS

if TYPE_CHECKING:
    import httpx

BLINK = timedelta(microseconds=1)


class SimulatedHttp:
    """A client over the wire; connections are opened at the first request and kept.

    Parameters
    ----------
    url : the exchange's address.
    clock : the present, from which waits are counted.
    limits : the exchange's declared terms.
    patience : seconds for one request from beginning to end, a body that drips included.
    """

    name = "simulated"

    def __init__(self, *, url: str, clock: Clock, limits: RateLimits = TERMS, patience: float = 10.0) -> None:
        self.url = url
        self.limits = limits
        self.capabilities: Capabilities = CAPABILITIES
        self.basis = Basis.RAW
        self._clock = clock
        self._patience = patience
        self._client: httpx.AsyncClient | None = None

    async def bars(
        self, symbol: str, interval: str, *, start: datetime | None = None, end: datetime | None = None
    ) -> pl.DataFrame:
        """See `Provider`."""
        if interval not in self.capabilities.intervals:
            raise Unsupported(f"the simulated exchange has no {interval} bars; that of {symbol} is not served")
        query = {"symbol": symbol, "interval": interval, **_span(start, end)}
        return protocol.decode_bars(await self._get("/v1/klines", query), symbol)

    async def instruments(self, symbol: str | None = None) -> pl.DataFrame:
        """See `Provider`."""
        return of_symbol(protocol.decode_instruments(await self._get("/v1/instruments", {})), symbol)

    async def actions(self, symbol: str) -> pl.DataFrame:
        """See `Provider`."""
        return protocol.decode_actions(await self._get("/v1/actions", {"symbol": symbol}))

    async def funding(self, symbol: str, *, start: datetime | None = None, end: datetime | None = None) -> pl.DataFrame:
        """See `Provider`."""
        return protocol.decode_funding(await self._get("/v1/funding", {"symbol": symbol, **_span(start, end)}))

    async def offer(self, _interval: str, /) -> Offer | None:
        """See `Provider`; None, as of a real exchange."""
        return None

    async def probe(self) -> tuple[Probe, ...]:
        """See `Probing`; one request."""
        asked = self._clock.now()
        now, rate = protocol.decode_time(await self._get("/v1/time", {}))
        answered = self._clock.now()
        kept = Rate(what="requests", told=rate, kept=self.limits.requests_per_second)
        return (
            Probe(server=host(self.url), asked=asked, answered=answered, time=now, exact=protocol.STEP, rates=(kept,)),
        )

    async def close(self) -> None:
        """Close the connections; a later request opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _get(self, path: str, query: dict[str, str]) -> bytes:
        import httpx

        if self._client is None:
            # Not through a proxy of the environment: the address is on this machine.
            room = httpx.Limits(max_connections=self.limits.concurrency)
            self._client = httpx.AsyncClient(base_url=self.url, timeout=None, limits=room, trust_env=False)  # noqa: S113
        try:
            async with asyncio.timeout(self._patience):
                answer = await self._client.get(path, params=query)
        except TimeoutError as error:
            raise Unavailable(f"the simulated exchange did not answer within {self._patience:g} s") from error
        except httpx.TransportError as error:
            why = str(error) or type(error).__name__
            raise Unavailable(f"the simulated exchange at {host(self.url)} cannot be reached: {why}") from error
        if answer.status_code != 200:
            wait = answer.headers.get("Retry-After")
            raise protocol.decode_error(answer.status_code, wait, answer.content, self._clock.now())
        return answer.content


def _span(start: datetime | None, end: datetime | None) -> dict[str, str]:
    """Return a span as the exchange wants it: both ends belong to it.

    A start within a millisecond begins at the next.
    """
    query = {}
    if start is not None:
        query["startTime"] = str(protocol.stamp(start - BLINK) + 1)
    if end is not None:
        query["endTime"] = str(protocol.stamp(end - BLINK))
    return query
