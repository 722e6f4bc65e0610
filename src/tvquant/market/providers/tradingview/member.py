"""The provider `tradingview`: bars of coins, perpetuals, US shares, funds and indices, as TradingView charts them.

1. A call opens a chart of its symbol, on the connection that is there or a new one, and asks for the newest bars.
2. Older bars are asked for round by round until the page is full, its start is reached, or a round brings none.
3. The chart stays open until another one is asked for. A call for bars older than all that it has handed over goes on
   from there; any other begins anew, so nothing is told twice from memory, and who asks again hears the server again.

All handshakes, charts and rounds pass one at a time, at the declared rate. Prices of shares and funds are adjusted for
splits; coins have none, so theirs are raw.
"""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated

import numpy as np
import polars as pl
from pydantic import AfterValidator, Field

from tvquant.core.calendars import CRYPTO, calendar
from tvquant.core.clock import Clock
from tvquant.core.errors import DataError
from tvquant.core.instants import instant
from tvquant.core.instruments import Kind
from tvquant.core.panel import Basis
from tvquant.market import terms
from tvquant.market.addresses import usable
from tvquant.market.http_client import host
from tvquant.market.limiter import Limiter
from tvquant.market.probing import Probe
from tvquant.market.providers.contract import (
    BARS,
    INSTRUMENTS,
    INTERVALS,
    Capabilities,
    Offer,
    ProviderError,
    ProviderFactory,
    RateLimits,
    Unavailable,
    UnknownSymbol,
    Unsupported,
    require_library,
)
from tvquant.market.providers.tradingview.answers import ChartBar, tick_of, time_of
from tvquant.market.providers.tradingview.chart import RESOLUTIONS, Chart
from tvquant.market.providers.tradingview.connection import ChartConnection
from tvquant.profiles.fields import broken
from tvquant.profiles.options import Options
from tvquant.symbology.kinds import SHARES_AND_INDICES, structure

URL = "wss://data.tradingview.com/socket.io/websocket?from=chart%2F&type=chart"
LIMITS = RateLimits(
    requests_per_second=1.0, burst=1, bars_per_request=5000, concurrency=1, paced_inside=True, timeout=120.0
)
"""What we keep to; TradingView publishes nothing. 5000 bars a round is what it serves to everyone."""
CAPABILITIES = Capabilities(
    intervals=frozenset(RESOLUTIONS),
    kinds=frozenset({Kind.SPOT, Kind.SWAP, Kind.STOCK, Kind.ETF, Kind.INDEX}),
    actions=False,
    funding=False,
    instruments=False,
    live=True,
    adjusts=SHARES_AND_INDICES,
)
SILENCE, DEADLINE = 10.0, 90.0
"""Seconds without data, and of a whole call, after which it counts as failed."""
IDLE = 10.0
"""Seconds without a call after which a connection is not used again: its heartbeats were not answered meanwhile."""
KNOWN = "BINANCE:BTCUSDT"
"""What is resolved to see whether the server is there."""
ROUNDS = 40
"""Rounds of one call; a history that is longer is not believed."""


class TradingView:
    """A visitor of the chart websocket.

    Parameters
    ----------
    url : its address: `wss://` or `ws://`.
    clock : the present, from which bars are counted back.
    limits : the rate that is kept.
    silence, deadline : seconds without data, and of a whole call, after which it counts as failed.
    """

    name = "tradingview"

    def __init__(
        self,
        *,
        url: str,
        clock: Clock,
        limits: RateLimits = LIMITS,
        silence: float = SILENCE,
        deadline: float = DEADLINE,
    ) -> None:
        self.url = url
        self.limits = limits
        self.silence, self.deadline = silence, deadline
        self.capabilities = CAPABILITIES
        self.basis = Basis.SPLIT
        self._clock = clock
        self._limiter = Limiter(replace(limits, paced_inside=False))
        self._turn = asyncio.Lock()
        self._connection: ChartConnection | None = None
        self._chart: Chart | None = None
        self._handed_over: datetime | None = None
        self._used = 0.0

    async def bars(
        self, symbol: str, interval: str, *, start: datetime | None = None, end: datetime | None = None
    ) -> pl.DataFrame:
        """See `Provider`. `quote_volume` is null; an index, which nobody trades, has volume 0 where none is told."""
        self._check(symbol, interval)
        if start is not None and end is not None and start >= end:
            return _frame(symbol, [])
        async with self._asking():
            chart = self._chart if self._goes_on(symbol, interval, end) else None
            if chart is None:
                chart = await self._opened(symbol, interval)
                async with self._limiter.request():
                    await chart.begin(self._count(chart, start, end))
            await self._fill(chart, start, end)
            return self._page(chart, start, end)

    async def instruments(self, symbol: str | None = None) -> pl.DataFrame:
        """See `Provider`. It lists nothing; of a symbol that is named it knows the price step."""
        known = []
        if symbol is not None:
            self._check(symbol, "1d")
            with suppress(UnknownSymbol):
                async with self._asking():
                    chart = await self._opened(symbol, "1d")
                    async with self._limiter.request():
                        known = [{"symbol": symbol, "tick": tick_of(await chart.resolve())}]
        return pl.DataFrame(known, schema=dict(INSTRUMENTS))

    async def actions(self, symbol: str) -> pl.DataFrame:
        """Raise Unsupported: charts show no dividends and no splits."""
        raise Unsupported(f"TradingView's charts have no corporate actions; those of {symbol} are not served")

    async def funding(self, symbol: str, *, start: datetime | None = None, end: datetime | None = None) -> pl.DataFrame:
        """Raise Unsupported: charts show no funding."""
        raise Unsupported(f"TradingView's charts have no funding; that of {symbol} is not served ({start} to {end})")

    async def offer(self, _interval: str, /) -> Offer | None:
        """See `Provider`; None, for it cannot be listed."""
        return None

    async def probe(self) -> tuple[Probe, ...]:
        """See `Probing`: a handshake, whose hello tells the time, and one symbol resolved, known there or not."""
        async with self._asking():
            await self._hang_up()
            async with self._limiter.request():
                asked = self._clock.now()
                self._connection = await ChartConnection.opened(self.url, silence=self.silence, clock=self._clock)
                time = time_of(await self._connection.greeting())
                answered = self._clock.now()
            self._pause()
            with suppress(UnknownSymbol):
                chart = await self._opened(KNOWN, "1d")
                async with self._limiter.request():
                    await chart.resolve()
        return (Probe(server=host(self.url), asked=asked, answered=answered, time=time),)

    async def close(self) -> None:
        """Hang up; a later call opens a new connection."""
        async with self._turn:
            await self._hang_up()

    def _check(self, symbol: str, interval: str) -> None:
        if interval not in self.capabilities.intervals:
            raise Unsupported(f"TradingView is asked for 1d and 4h bars alone; {interval} of {symbol} is not served")
        try:
            found = structure(symbol)
        except DataError as error:
            raise UnknownSymbol(f"TradingView is not asked for it: {error}") from error
        if interval != "1d" and found.calendar != CRYPTO:
            raise Unsupported(f"bars of a session are daily; {interval} bars of {symbol} are not served")

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[None]:
        """Ask alone and within the deadline; hang up where it fails, for what is still to come would be misread."""
        async with self._turn:
            if asyncio.get_running_loop().time() - self._used > IDLE:
                await self._hang_up()
            try:
                async with asyncio.timeout(self.deadline):
                    yield
            except TimeoutError as error:
                await self._hang_up()
                raise Unavailable(f"TradingView's chart was not done within {self.deadline:g} s") from error
            except BaseException:
                await self._hang_up()
                raise
            self._used = asyncio.get_running_loop().time()

    async def _hang_up(self) -> None:
        connection, self._connection, self._chart, self._handed_over = self._connection, None, None, None
        if connection is not None:
            await connection.close()

    async def _opened(self, symbol: str, interval: str) -> Chart:
        """Return a new chart, on the connection that is there where there is one; the chart before it ends."""
        await self._left()
        if self._connection is None:
            async with self._limiter.request():
                self._connection = await ChartConnection.opened(self.url, silence=self.silence, clock=self._clock)
            self._pause()
        self._chart, self._handed_over = Chart(self._connection, symbol, interval, clock=self._clock), None
        return self._chart

    def _pause(self) -> None:
        """Count a handshake from its end, for it may take long: the next request is not to come close behind it."""
        self._limiter.hold(1.0 / self.limits.requests_per_second)

    async def _left(self) -> None:
        """End the chart that is open; where the server has hung up, so do we."""
        chart, self._chart, self._handed_over = self._chart, None, None
        if chart is None:
            return
        try:
            await chart.end()
        except Unavailable:
            await self._hang_up()

    def _goes_on(self, symbol: str, interval: str, end: datetime | None) -> bool:
        """Say whether the open chart has handed over nothing older than what is asked for now."""
        chart, last = self._chart, self._handed_over
        if chart is None or last is None or end is None:
            return False
        return (chart.symbol, chart.interval) == (symbol, interval) and end <= last

    async def _fill(self, chart: Chart, start: datetime | None, end: datetime | None) -> None:
        """Ask for older bars until the page is full, its start is reached, or there are none."""
        for _ in range(ROUNDS):
            full = len(_within(chart, start, end)) >= self.limits.bars_per_request
            if full or (start is not None and chart.oldest is not None and chart.oldest <= start):
                return
            async with self._limiter.request():
                if not await chart.more(self._count(chart, start, end)):
                    return
        raise ProviderError(f"{chart.symbol}: TradingView's chart has not reached {start} after {ROUNDS} rounds")

    def _count(self, chart: Chart, start: datetime | None, end: datetime | None) -> int:
        """Return how many more bars, counted back from the oldest (or now), fill the page or reach its start."""
        most = self.limits.bars_per_request
        from_, until = chart.oldest or self._clock.now(), end or self._clock.now()
        passed_over = _between(chart, until, from_)
        wanted = most - len(_within(chart, start, end))
        if start is not None:
            wanted = min(wanted, _between(chart, start, min(until, from_)))
        return min(max(passed_over + wanted, 1) + 1, most)

    def _page(self, chart: Chart, start: datetime | None, end: datetime | None) -> pl.DataFrame:
        """Return the newest bars of the span that are not late, and forget all that is not older than them."""
        stamps = _within(chart, start, end)[-self.limits.bars_per_request :]
        reached = stamps[0] if stamps else end
        if reached is not None:
            self._handed_over = min(reached, self._handed_over or reached)
        bars = [bar for stamp in stamps for bar in chart.told[stamp]]
        if self._handed_over is not None:
            chart.forget(self._handed_over)
        return _frame(chart.symbol, _in_time(chart, bars, self._clock.now()))


def _within(chart: Chart, start: datetime | None, end: datetime | None) -> list[datetime]:
    """Return the stamps of a span that the chart holds, ascending."""
    return sorted(stamp for stamp in chart.told if (start is None or start <= stamp) and (end is None or stamp < end))


def _between(chart: Chart, first: datetime, last: datetime) -> int:
    """Return how many bars there may be from one moment to a later one; 0 where it is not later."""
    if last <= first:
        return 0
    if structure(chart.symbol).calendar == CRYPTO:
        return math.ceil((last - first) / INTERVALS[chart.interval])
    return int(np.busday_count(first.date(), last.date())) + 1


def _in_time(chart: Chart, bars: list[ChartBar], now: datetime) -> list[ChartBar]:
    """Return the bars; of delayed prices without those that had not closed so long ago, for their end is not in."""
    if not chart.delay or not bars:
        return bars
    stamps = np.array([instant(bar.stamp) for bar in bars])
    length = np.timedelta64(INTERVALS[chart.interval] // timedelta(microseconds=1), "us")
    known = calendar(structure(chart.symbol).calendar).known_at(stamps, length)
    return [bar for bar, closed in zip(bars, known, strict=True) if closed <= instant(now - chart.delay)]


def _frame(symbol: str, bars: list[ChartBar]) -> pl.DataFrame:
    columns = [*zip(*bars, strict=True)] or [()] * len(ChartBar._fields)
    values = dict(zip(("timestamp", *ChartBar._fields[1:]), columns, strict=True))
    named = {"symbol": [symbol] * len(bars), **values, "quote_volume": [None] * len(bars)}
    return pl.DataFrame(named, schema=dict(BARS))


def _address(url: str) -> str:
    if "@" in url or not usable(url, ("ws", "wss")):
        raise broken("expected an address ws(s)://HOST[:PORT][/PATH], without a user: it is asked as a visitor")
    return url


class TradingViewOptions(Options):
    """Options of the provider `tradingview`.

    Parameters
    ----------
    url : address of the chart websocket.
    """

    url: Annotated[str, Field(strict=True), AfterValidator(_address)] = URL


def open_tradingview(options: TradingViewOptions, clock: Clock) -> TradingView:
    """Return a visitor of the chart websocket; nothing is sent before the first call.

    Raises
    ------
    DataError : the client library is not installed.
    """
    require_library("tradingview", "websockets")
    return TradingView(url=options.url, clock=clock)


TRADINGVIEW = ProviderFactory(
    name="tradingview", options=TradingViewOptions, open=open_tradingview, terms=terms.TRADINGVIEW
)
