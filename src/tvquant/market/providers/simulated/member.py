"""The simulated exchange, asked in process."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import polars as pl
from pydantic import Field

from tvquant.core.clock import Clock
from tvquant.core.panel import Basis
from tvquant.market.addresses import HttpAddress
from tvquant.market.providers.contract import (
    Capabilities,
    Malformed,
    Offer,
    Provider,
    ProviderFactory,
    RateLimits,
    Unavailable,
    of_symbol,
    require_library,
)
from tvquant.market.providers.simulated.client import SimulatedHttp
from tvquant.market.providers.simulated.exchange import CAPABILITIES, Exchange, ExchangeReply, Manner
from tvquant.market.providers.simulated.market import SimulatedMarket
from tvquant.market.providers.simulated.world import World
from tvquant.profiles.options import Options


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Simulated:
    """A client without a wire: what would happen to an answer on its way is done to it here.

    Parameters
    ----------
    exchange : the exchange, which may have other clients.
    patience : seconds that the client waits for an answer.
    sleep : how it waits; another one lets tests live in a time of their own.
    """

    exchange: Exchange
    patience: float = 1.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    name: str = "simulated"
    capabilities: Capabilities = CAPABILITIES
    basis: Basis = Basis.RAW

    @property
    def limits(self) -> RateLimits:
        """The exchange's terms."""
        return self.exchange.terms

    async def bars(
        self, symbol: str, interval: str, *, start: datetime | None = None, end: datetime | None = None
    ) -> pl.DataFrame:
        """See `Provider`."""
        with self.exchange.being_asked():
            return await self._delivered(self.exchange.bars(symbol, interval, start=start, end=end))

    async def instruments(self, symbol: str | None = None) -> pl.DataFrame:
        """See `Provider`."""
        with self.exchange.being_asked():
            return of_symbol(await self._delivered(self.exchange.instruments()), symbol)

    async def actions(self, symbol: str) -> pl.DataFrame:
        """See `Provider`."""
        with self.exchange.being_asked():
            return await self._delivered(self.exchange.actions(symbol))

    async def funding(self, symbol: str, *, start: datetime | None = None, end: datetime | None = None) -> pl.DataFrame:
        """See `Provider`."""
        with self.exchange.being_asked():
            return await self._delivered(self.exchange.funding(symbol, start=start, end=end))

    async def offer(self, _interval: str, /) -> Offer | None:
        """See `Provider`; None, as of a real exchange."""
        return None

    async def close(self) -> None:
        """Do nothing: no connection is held."""

    async def _delivered(self, answer: ExchangeReply) -> pl.DataFrame:
        late = answer.manner is Manner.SILENT or (answer.manner is Manner.DRIPPING and answer.seconds > self.patience)
        if late:
            await self.sleep(self.patience)
            raise Unavailable(f"the simulated exchange did not answer within {self.patience:g} s")
        await self.sleep(answer.seconds if answer.manner is Manner.DRIPPING else 0.0)
        if answer.manner is Manner.CUT:
            raise Malformed("the simulated exchange's answer is cut off")
        if answer.manner is Manner.DROPPED:
            raise Unavailable("the simulated exchange closed the connection without an answer")
        return answer.rows


LEADER = "BINANCE:BTCUSDT"
"""First coin of the exchange in process: what the packaged crypto profiles are compared with."""


class SimulatedOptions(Options):
    """Options of the provider `simulated`.

    Parameters
    ----------
    url : where the exchange is reached over HTTP; null is one in process.
    seed : of the exchange in process.
    """

    url: HttpAddress | None = None
    seed: int = Field(default=0, strict=True, ge=0)


def open_simulated(options: SimulatedOptions, clock: Clock) -> Provider:
    """Return a client of the exchange at the address, or a whole exchange in process from its seed.

    Raises
    ------
    DataError : the library that speaks to an address is not installed.
    """
    if options.url is not None:
        require_library("simulated", "httpx")
        return SimulatedHttp(url=options.url, clock=clock)
    return Simulated(exchange=Exchange(World(SimulatedMarket(seed=options.seed, leader=LEADER)), clock=clock))


SIMULATED = ProviderFactory(name="simulated", options=SimulatedOptions, open=open_simulated)
