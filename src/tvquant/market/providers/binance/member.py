"""The provider `binance`: spot pairs `BINANCE:BTCUSDT` and perpetuals `BINANCE:BTCUSDT.P`."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated

import polars as pl
from pydantic import AfterValidator, Field

from tvquant.core.clock import Clock
from tvquant.core.panel import Basis
from tvquant.market.addresses import usable
from tvquant.market.limiter import Limiter
from tvquant.market.probing import Probe
from tvquant.market.providers.binance.answers import EPOCH, read_bars, read_funding, stamp
from tvquant.market.providers.binance.client import PERPETUAL, SPOT, BinanceClient, Product
from tvquant.market.providers.binance.funding import FundingWalk
from tvquant.market.providers.binance.instruments import BROKEN, Instruments, read_instruments
from tvquant.market.providers.binance.look import heard
from tvquant.market.providers.contract import (
    BARS,
    FUNDING,
    INSTRUMENTS,
    INTERVALS,
    Capabilities,
    Offer,
    Provider,
    ProviderFactory,
    RateLimits,
    UnknownSymbol,
    Unsupported,
    require_library,
)
from tvquant.profiles.fields import broken
from tvquant.profiles.options import Options
from tvquant.symbology.kinds import OF_COINS

SPOT_URL, PERPETUAL_URL = "https://api.binance.com", "https://fapi.binance.com"
CAPABILITIES = Capabilities(
    intervals=frozenset(INTERVALS),
    kinds=OF_COINS,
    actions=False,
    funding=True,
    instruments=True,
    live=True,
    ends_by_symbol=True,
)
PATIENCE = 30.0
"""Seconds for one request."""
FIRST_FUNDING = stamp(datetime(2019, 1, 1, tzinfo=EPOCH.tzinfo))
"""Months before Binance had its first perpetual; zero may be taken for no start at all."""
OVER = timedelta(days=30)
"""Without a bar, after which a spot pair that stands has ended: maintenance has never taken as long."""
PAIR = "BTCUSDT"
"""Whose steps are looked at; the list of all pairs has millions of bytes."""
BLINK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class BinanceRates:
    """Requests a second, each below what Binance allows to one address.

    `spot` at two of 6000 a minute for a page; `perpetual` at five of 2400; `funding`, for which 500 in five minutes are
    allowed beside.
    """

    spot: float = 30.0
    perpetual: float = 7.0
    funding: float = 1.6


RATES = BinanceRates()
LIMITS = RateLimits(
    requests_per_second=RATES.spot + RATES.perpetual,
    burst=60,
    bars_per_request=1000,
    concurrency=16,
    paced_inside=True,
    timeout=300.0,
)
"""Of calls, which wait inside for their turn and may send several requests.

Binance counts by the minute; the burst, half of it for each market, catches up with seconds in which bars were stored.
"""


class Binance:
    """A client of both markets.

    Parameters
    ----------
    spot_url, perpetual_url : hosts, of Binance or of a mirror.
    limits : of calls; their rate is that of both markets together.
    rates : of requests.
    """

    name = "binance"
    capabilities = CAPABILITIES
    basis = Basis.RAW

    def __init__(
        self,
        *,
        clock: Clock,
        spot_url: str = SPOT_URL,
        perpetual_url: str = PERPETUAL_URL,
        limits: RateLimits = LIMITS,
        rates: BinanceRates = RATES,
    ) -> None:
        self.limits = replace(limits, requests_per_second=rates.spot + rates.perpetual)
        self._clock = clock
        each = replace(limits, paced_inside=False, timeout=PATIENCE, burst=max(1, limits.burst // 2))
        spot, perpetual, funding = (
            replace(each, requests_per_second=rate) for rate in (rates.spot, rates.perpetual, rates.funding)
        )
        self._clients = {
            SPOT: BinanceClient(SPOT, url=spot_url, clock=clock, limits=spot),
            PERPETUAL: BinanceClient(PERPETUAL, url=perpetual_url, clock=clock, limits=perpetual),
        }
        self._funding_turn = Limiter(funding)
        self._walks: dict[str, FundingWalk] = {}
        self._listed: dict[Product, Instruments] = {}
        self._listing = {product: asyncio.Lock() for product in self._clients}

    @property
    def findings(self) -> tuple[str, ...]:
        """What the lists of instruments said that is not understood."""
        return tuple(text for each in self._listed.values() for text in each.findings)

    async def bars(
        self, symbol: str, interval: str, *, start: datetime | None = None, end: datetime | None = None
    ) -> pl.DataFrame:
        """See `Provider`; Binance serves the newest bars before an end only where no start is sent beside it."""
        if interval not in INTERVALS:
            raise Unsupported(f"binance: {interval} bars of {symbol} are not served; only {' '.join(INTERVALS)} are")
        _market(symbol)
        length, most = INTERVALS[interval], self.limits.bars_per_request
        if start is not None:
            until = self._clock.now() + length if end is None else end
            most = min(most, -((start - until) // length))
        if most < 1 or (end is not None and end <= EPOCH):
            return pl.DataFrame(schema=dict(BARS))
        before = None if end is None else stamp(end - BLINK) + 1
        rows = await self._newest(symbol, interval, most, before)
        return rows if start is None else rows.filter(pl.col("timestamp") >= start)

    async def instruments(self, symbol: str | None = None) -> pl.DataFrame:
        """See `Provider`; each list is asked for once, and an end of a spot pair is looked for in its bars."""
        if symbol is None:
            return pl.concat([(await self._list(product)).rows for product in self._clients])
        try:
            product, _ = _market(symbol)
        except UnknownSymbol:
            return pl.DataFrame(schema=dict(INSTRUMENTS))
        told = await self._list(product)
        rows = told.rows.filter(pl.col("symbol") == symbol)
        if product is SPOT and told.states.get(symbol) == BROKEN:
            rows = rows.with_columns(delisted_at=pl.lit(await self._end_of(symbol), INSTRUMENTS["delisted_at"]))
        return rows

    async def actions(self, symbol: str) -> pl.DataFrame:
        """See `Provider`."""
        raise Unsupported(f"binance has no corporate actions; those of {symbol} are not served")

    async def funding(self, symbol: str, *, start: datetime | None = None, end: datetime | None = None) -> pl.DataFrame:
        """See `Provider`; none of a spot pair."""
        product, ticker = _market(symbol)
        first = FIRST_FUNDING if start is None else max(FIRST_FUNDING, stamp(start - BLINK) + 1)
        before = None if end is None else stamp(end - BLINK) + 1
        if product is SPOT or (before is not None and before <= first):
            return pl.DataFrame(schema=dict(FUNDING))
        page = self.limits.bars_per_request

        async def ask(since: int, until: int | None) -> pl.DataFrame:
            query: dict[str, object] = {"symbol": ticker, "startTime": since, "limit": page}
            if until is not None:
                query["endTime"] = until - 1
            async with self._funding_turn.request():
                answer = await self._clients[PERPETUAL].ask("fundingRate", query, symbol=symbol)
            return read_funding(answer, symbol=symbol, ticker=ticker, most=page, start=since, end=until)

        walk = self._walks.get(symbol)
        if walk is None or walk.start != first:
            walk = self._walks[symbol] = FundingWalk(ask, start=first, page=page)
        rows = (await walk.before(before, self._clock.now())).tail(page)
        if len(rows) < page:  # it was the last of this history
            self._walks.pop(symbol, None)
        return rows

    async def offer(self, _interval: str, /) -> Offer | None:
        """See `Provider`; None: only asking for bars shows them."""
        return None

    def load(self) -> None:
        """See `Loading`; it loads all of its exchanges."""
        import ccxt.async_support  # noqa: F401

    async def probe(self) -> tuple[Probe, ...]:
        """See `Probing`; one request to each market, of spot about one pair where it has that."""
        return tuple([await self._looked_at(client) for client in self._clients.values()])

    async def _looked_at(self, client: BinanceClient, pair: str = PAIR) -> Probe:
        query = {"symbol": pair} if pair and client.product is SPOT else {}
        asked = self._clock.now()
        try:
            answer = await client.ask("exchangeInfo", query, symbol=f"BINANCE:{pair}")
        except UnknownSymbol:
            if not query:
                raise
            return await self._looked_at(client, "")
        now = self._clock.now()
        return heard(answer, read_instruments(answer, client.product, now=now), client, asked=asked, answered=now)

    async def close(self) -> None:
        """See `Provider`."""
        await asyncio.gather(*(client.close() for client in self._clients.values()))

    async def _list(self, product: Product) -> Instruments:
        """Return what a product lists, asked for at first need."""
        async with self._listing[product]:
            if product not in self._listed:
                answer = await self._clients[product].ask("exchangeInfo", {})
                self._listed[product] = read_instruments(answer, product, now=self._clock.now())
            return self._listed[product]

    async def _end_of(self, symbol: str) -> datetime | None:
        """Return the close of the last bar of a pair that stands, where it is long ago; None of one with no bar."""
        rows = await self._newest(symbol, "1d", 1, None)
        closed = [last + INTERVALS["1d"] for last in rows["timestamp"]]
        return closed[0] if closed and self._clock.now() - closed[0] > OVER else None

    async def _newest(self, symbol: str, interval: str, most: int, before: int | None) -> pl.DataFrame:
        """Return the newest so many bars that open before so many milliseconds since 1970; before now, when None."""
        product, ticker = _market(symbol)
        query: dict[str, object] = {"symbol": ticker, "interval": interval, "limit": most}
        if before is not None:
            query["endTime"] = before - 1
        answer = await self._clients[product].ask("klines", query, symbol=symbol)
        self._clients[product].check_clock()
        return read_bars(answer, symbol=symbol, length=INTERVALS[interval])


def _market(symbol: str) -> tuple[Product, str]:
    """Return the product that a symbol is of, and its name there.

    Raises
    ------
    UnknownSymbol : it is of another exchange, or of none.
    """
    exchange, _, ticker = symbol.partition(":")
    if exchange != "BINANCE" or not ticker.removesuffix(".P"):
        raise UnknownSymbol(f"{symbol} is not served: binance has BINANCE:BTCUSDT and perpetuals BINANCE:BTCUSDT.P")
    return (PERPETUAL, ticker.removesuffix(".P")) if ticker.endswith(".P") else (SPOT, ticker)


def _host(url: str) -> str:
    """Return the address; the words of a refusal leave it out, for a key may stand in it."""
    if "@" in url or "?" in url or not usable(url):
        raise broken("expected an address http(s)://HOST[/PATH] without user, query or key")
    return url


type Host = Annotated[str, Field(strict=True), AfterValidator(_host)]


class BinanceOptions(Options):
    """Options of the provider `binance`.

    Parameters
    ----------
    spot_url : address of the spot market; a mirror has the same paths.
    perpetual_url : address of the market of perpetuals; a mirror has the same paths.
    """

    spot_url: Host = SPOT_URL
    perpetual_url: Host = PERPETUAL_URL


def open_binance(options: BinanceOptions, clock: Clock) -> Provider:
    """Return a client; nothing is sent before it is asked.

    Raises
    ------
    DataError : the client library is not installed.
    """
    require_library("binance", "ccxt")
    return Binance(clock=clock, spot_url=options.spot_url, perpetual_url=options.perpetual_url)


BINANCE = ProviderFactory(name="binance", options=BinanceOptions, open=open_binance)
