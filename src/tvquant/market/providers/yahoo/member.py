"""Daily bars, dividends and splits of US shares and funds from Yahoo Finance, through yfinance.

One thread holds the client: it blocks, and one call is open at a time. Prices, volumes and dividends are adjusted for
splits, whatever yfinance is told: the basis is `split`.
"""

import asyncio
import logging
import os
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from tvquant.core.clock import Clock
from tvquant.core.instruments import Kind
from tvquant.core.panel import Basis
from tvquant.core.quoting import visible
from tvquant.market.addresses import HttpAddress
from tvquant.market.limiter import Limiter
from tvquant.market.probing import Probe
from tvquant.market.providers.contract import (
    ACTIONS,
    BARS,
    INSTRUMENTS,
    Capabilities,
    Malformed,
    Offer,
    ProviderFactory,
    RateLimits,
    Unavailable,
    UnknownSymbol,
    Unsupported,
    require_library,
)
from tvquant.market.providers.yahoo.answers import ZONE, NothingThere
from tvquant.market.providers.yahoo.frames import COLUMNS, actions_of, bars_of
from tvquant.market.providers.yahoo.session import Rules, new_session
from tvquant.market.providers.yahoo.symbols import ticker_of
from tvquant.market.terms import YAHOO
from tvquant.profiles.options import Options

LIMITS = RateLimits(
    requests_per_second=2.0, burst=2, bars_per_request=20_000, concurrency=1, paced_inside=True, timeout=60.0
)
"""Ours: Yahoo publishes none. A share's whole history is one answer."""
CAPABILITIES = Capabilities(
    intervals=frozenset({"1d"}),
    kinds=frozenset({Kind.STOCK, Kind.ETF}),
    actions=True,
    funding=False,
    instruments=False,
    live=True,
)
PROBED = "NASDAQ:AAPL"
"""Asked for to see whether Yahoo answers."""
LOOK = 5.0
"""Seconds for a request of a look at Yahoo; the program ends no sooner, for its thread cannot be stopped."""
EARLIEST = date(1960, 1, 1)
"""Before the first bar that Yahoo has of any share."""


class Yahoo:
    """A client of Yahoo Finance; nothing is sent before the first question.

    Parameters
    ----------
    clock : the present.
    url : address that stands in for all hosts of Yahoo.
    limits : kept inside, for one call sends several requests.
    """

    name = "yahoo"
    capabilities = CAPABILITIES
    basis = Basis.SPLIT

    def __init__(self, *, clock: Clock, url: str | None = None, limits: RateLimits = LIMITS) -> None:
        self.limits = limits
        self._url = url
        self._clock = clock
        self._limiter = Limiter(replace(limits, paced_inside=False))
        self._thread: ThreadPoolExecutor | None = None
        self._client: _Client | None = None

    async def bars(
        self, symbol: str, interval: str, *, start: datetime | None = None, end: datetime | None = None
    ) -> pl.DataFrame:
        """See `Provider`."""
        if interval not in self.capabilities.intervals:
            raise Unsupported(f"provider yahoo has bars of 1d; {interval} bars of {symbol} are not served")
        first = EARLIEST if start is None else start.astimezone(UTC).date()
        until = (self._clock.now() if end is None else end.astimezone(UTC)).date() + timedelta(days=2)
        ticker = ticker_of(symbol)
        if first >= until:
            return pl.DataFrame(schema=dict(BARS))
        rows = await self._asked(lambda client: client.bars(symbol, ticker, first, until))
        if rows is None:
            return pl.DataFrame(schema=dict(BARS))
        day = pl.col("timestamp").dt.date()
        lies = (day < first) | (day >= until)  # whoever asked sees them, and says so
        wanted = ~lies
        if start is not None:
            wanted &= pl.col("timestamp") >= start
        if end is not None:
            wanted &= pl.col("timestamp") < end
        return pl.concat([rows.filter(wanted).tail(self.limits.bars_per_request), rows.filter(lies)])

    async def instruments(self, symbol: str | None = None) -> pl.DataFrame:  # noqa: ARG002 (Yahoo lists nothing)
        """See `Provider`; no row: Yahoo has no list of what it serves, and tells no tick, lot or end."""
        return pl.DataFrame(schema=dict(INSTRUMENTS))

    async def actions(self, symbol: str) -> pl.DataFrame:
        """See `Provider`. Dividends are in units after all splits so far, as the prices are."""
        ticker = ticker_of(symbol)
        rows = await self._asked(lambda client: client.actions(symbol, ticker))
        if rows is None:
            return pl.DataFrame(schema=dict(ACTIONS))
        return rows.filter(pl.col("timestamp") <= self._clock.now())

    async def funding(self, symbol: str, *, start: datetime | None = None, end: datetime | None = None) -> pl.DataFrame:  # noqa: ARG002 (refused for any span)
        """See `Provider`; always refused."""
        raise Unsupported(f"provider yahoo has no funding; that of {symbol} is not served")

    async def offer(self, _interval: str, /) -> Offer | None:
        """See `Provider`; None: only asking shows what there is."""
        return None

    def load(self) -> None:
        """See `Loading`."""
        import yfinance  # noqa: F401 (the loading is what is wanted)

    async def probe(self) -> tuple[Probe, ...]:
        """Ask for the last days of one share, whose answer is judged as any other; see `Probing`."""
        now = self._clock.now().date()
        return await self._told(lambda client: client.probe(now - timedelta(days=7), now + timedelta(days=2)))

    async def close(self) -> None:
        """Close the connections; a later question opens new ones."""
        thread, client = self._thread, self._client
        self._thread = self._client = None
        if thread is None:
            return
        if client is not None:
            await asyncio.get_running_loop().run_in_executor(thread, client.close)
        thread.shutdown(wait=False)

    async def _asked(self, question: "Callable[[_Client], pl.DataFrame]") -> pl.DataFrame | None:
        """Return what the client answers; None where nothing is there."""
        try:
            return await self._told(question)
        except NothingThere:
            return None

    async def _told[T](self, question: "Callable[[_Client], T]") -> T:
        """Return what the client answers, in its thread."""
        loop = asyncio.get_running_loop()
        if self._thread is None:
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="yahoo")

        def turn() -> None:
            if self._thread is None:  # whoever asked has given up
                raise Unavailable("provider yahoo was closed while it was asked")
            waiting = asyncio.run_coroutine_threadsafe(self._turn(), loop)
            try:
                waiting.result(self.limits.timeout)
            except TimeoutError as error:
                waiting.cancel()
                raise Unavailable("provider yahoo: a request had no turn in time") from error

        def hold(wait: float) -> None:
            loop.call_soon_threadsafe(self._limiter.hold, wait)

        def work() -> T:
            if self._client is None:
                self._client = _Client(url=self._url, clock=self._clock)
            self._client.turn, self._client.hold = turn, hold
            return question(self._client)

        return await loop.run_in_executor(self._thread, work)

    async def _turn(self) -> None:
        async with self._limiter.request():
            pass


class _Client:
    """yfinance, in one thread: silent, with nothing kept on disk, each answer asked for anew."""

    def __init__(self, *, url: str | None, clock: Clock) -> None:
        import yfinance
        from yfinance.data import YfData
        from yfinance.scrapers.history import PriceHistory

        class Fresh(YfData):  # type: ignore[misc] # yfinance has no types
            """Without the memory of answers, which would keep a bad one for good."""

            def cache_get(self, url: str, params: Any = None, timeout: float = 30) -> Any:
                return self.get(url, params, timeout)

        logging.getLogger("yfinance").disabled = True  # it prints failures, which are raised here, and a crumb
        warnings.filterwarnings("ignore", module=r"yfinance\b")  # of pandas, about the code of yfinance
        yfinance.config.debug.hide_exceptions = False
        yfinance.set_tz_cache_location(os.path.join(os.devnull, "none"))
        self.turn: Callable[[], None] = lambda: None
        self.hold: Callable[[float], None] = lambda _: None
        self._rules = Rules(url=url, turn=lambda: self.turn(), hold=lambda wait: self.hold(wait), clock=clock)
        self._session = new_session(self._rules)
        self._data = type.__call__(Fresh, self._session)  # one of its own: that of the library is shared by all
        self._history = PriceHistory

    def bars(self, symbol: str, ticker: str, first: date, until: date) -> pl.DataFrame:
        def read() -> pl.DataFrame:
            frame = self._of(ticker).history(
                interval="1d",
                start=first,
                end=until,
                auto_adjust=False,
                back_adjust=False,
                repair=False,
                actions=True,
                keepna=True,
            )
            return bars_of(symbol, frame, self._rules.chart.without_volume)

        return self._read(symbol, read)

    def actions(self, symbol: str, ticker: str) -> pl.DataFrame:
        def read() -> pl.DataFrame:
            history = self._of(ticker)
            return actions_of(
                symbol,
                dividends=history.get_dividends(),
                splits=history.get_splits(),
                capital_gains=history.get_capital_gains(),
            )

        return self._read(symbol, read)

    def probe(self, first: date, until: date) -> tuple[Probe, ...]:
        fields, usual = len(COLUMNS), self._rules.patience
        self._rules.patience = LOOK
        try:
            self.bars(PROBED, ticker_of(PROBED), first, until)
        except (UnknownSymbol, NothingThere):  # a mirror that does not have it answers well all the same
            fields = 0
        finally:
            self._rules.patience = usual
        heard = self._rules.probe
        return () if heard is None else (replace(heard, fields=fields),)

    def close(self) -> None:
        self._session.close()

    def _of(self, ticker: str) -> Any:
        return self._history(self._data, ticker, ZONE, session=self._session)

    def _read(self, symbol: str, read: Callable[[], pl.DataFrame]) -> pl.DataFrame:
        """Return what is read; whatever yfinance makes of an answer that it cannot read is `Malformed`."""
        from yfinance.exceptions import YFException

        self._rules.for_symbol(symbol)
        try:
            return read()
        except (YFException, LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            why = f"{type(error).__name__}: {visible(str(error)[:120])}"
            raise Malformed(f"{symbol}: yfinance could not read Yahoo's answer ({why})") from error


class YahooOptions(Options):
    """Options of the provider `yahoo`.

    Parameters
    ----------
    url : address that stands in for the hosts of Yahoo, such as a mirror; null is Yahoo itself.
    """

    url: HttpAddress | None = None


def open_yahoo(options: YahooOptions, clock: Clock) -> Yahoo:
    """Return a client; nothing is sent yet.

    Raises
    ------
    DataError : the client library is not installed.
    """
    require_library("yahoo", "yfinance")
    return Yahoo(clock=clock, url=options.url)


YAHOO_FINANCE = ProviderFactory(name="yahoo", options=YahooOptions, open=open_yahoo, terms=YAHOO)
