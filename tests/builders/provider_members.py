"""Every provider, open on one simulated market: what the contract suite is parametrised with.

A new member adds a server that speaks its protocol (`builders/NAME_server.py`, on `builders.loopback`), fed from
`WORLD`, and one line here. `wired` opens it on a server that a test may tell to lie (`builders.lies`).
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from builders import loopback
from builders.archive_server import ArchiveServer
from builders.binance_server import BinanceServer
from builders.chart_server import chart_server, charts_of, split_adjusted
from builders.clocks import ManualClock
from builders.lies import HONEST, Wire
from builders.simulated_server import LyingExchange, handler_of
from builders.yahoo_server import adjusted, of_world, serve_yahoo
from tvquant.core.instruments import Kind
from tvquant.core.panel import Basis
from tvquant.market.providers.binance.member import Binance, BinanceRates
from tvquant.market.providers.binance_archive.member import BinanceArchive
from tvquant.market.providers.contract import Provider, RateLimits
from tvquant.market.providers.files import LIMITS, Files
from tvquant.market.providers.simulated.client import SimulatedHttp
from tvquant.market.providers.simulated.exchange import Exchange
from tvquant.market.providers.simulated.market import SimulatedMarket
from tvquant.market.providers.simulated.member import Simulated
from tvquant.market.providers.simulated.server import serve
from tvquant.market.providers.simulated.world import World
from tvquant.market.providers.tradingview.member import SILENCE, TradingView
from tvquant.market.providers.yahoo.member import Yahoo

NOW = datetime(2022, 6, 20, 10, 30, tzinfo=UTC)
PAGE = 40
TERMS = RateLimits(requests_per_second=10_000.0, burst=10_000, bars_per_request=PAGE, concurrency=4)
COIN, PERPETUAL, STOCK = "BINANCE:S001USDT", "BINANCE:S001USDT.P", "NASDAQ:T001"
KINDS: Mapping[str, Kind] = {COIN: Kind.SPOT, PERPETUAL: Kind.SWAP, STOCK: Kind.STOCK}
WORLD = World(
    SimulatedMarket(seed=3, start=date(2022, 1, 1), days=300, coins=4, perpetuals=2, stocks=3, late=0.0, splits=1)
)


def truth(symbol: str, interval: str) -> pl.DataFrame:
    """Bars that had closed by now."""
    return WORLD.truth(symbol, interval, now=NOW)


def paid(symbol: str) -> pl.DataFrame:
    """Funding that was paid by now."""
    return WORLD.funding(symbol, now=NOW)


@dataclass(frozen=True)
class ProviderMember:
    """How a member is opened in an empty folder, and what it should tell: bars that have closed, and funding.

    `wired` : the same on a wire of a test, of those that speak a protocol; `labelled` : its answers say whose they are;
    `bans` : its servers ban (HTTP 418). `pace` : requests a second that it is held to where its pace is tested: fewer
    than it sends when nothing holds it, or the test would see nothing.
    """

    opened: Callable[[Path], AbstractAsyncContextManager[Provider]]
    truth: Callable[[str, str], pl.DataFrame] = truth
    wired: Callable[[Path, Wire], AbstractAsyncContextManager[Provider]] | None = None
    labelled: bool = False
    bans: bool = False
    pace: float = 60.0
    paid: Callable[[str], pl.DataFrame] = paid


@asynccontextmanager
async def files(folder: Path) -> AsyncIterator[Files]:
    """The truth in files, without anything that is unfinished."""
    for symbol in WORLD.symbols:
        rows = truth(symbol, "1d")
        for column, kind in (("dividends", "dividend"), ("stock_splits", "split")):
            told = WORLD.actions(symbol, now=NOW).filter(kind=kind).select("timestamp", pl.col("value").alias(column))
            rows = rows.join(told, on="timestamp", how="left").with_columns(pl.col(column).fill_null(0.0))
        rows.write_parquet(folder / f"{symbol.replace(':', '_')}.parquet")
    truth(COIN, "4h").write_parquet(folder / "4h.parquet")
    paid = WORLD.funding(PERPETUAL, now=NOW).select(pl.lit(PERPETUAL).alias("symbol"), pl.all())
    paid.write_parquet(folder / "funding.parquet")
    yield Files(path=folder, basis=Basis.RAW, limits=replace(LIMITS, bars_per_request=PAGE))


@asynccontextmanager
async def simulated(_: Path) -> AsyncIterator[Simulated]:
    yield Simulated(exchange=Exchange(WORLD, clock=ManualClock(NOW), terms=TERMS))


@asynccontextmanager
async def simulated_http(_: Path) -> AsyncIterator[SimulatedHttp]:
    async with serve(Exchange(WORLD, clock=ManualClock(NOW), terms=TERMS)) as url:
        yield SimulatedHttp(url=url, clock=ManualClock(NOW), limits=TERMS)


@asynccontextmanager
async def simulated_wired(_: Path, wire: Wire) -> AsyncIterator[SimulatedHttp]:
    limits = wire.limits or TERMS
    exchange = LyingExchange(WORLD, clock=ManualClock(NOW), terms=limits)
    exchange.wire = wire
    async with loopback.serve(handler_of(exchange), wire) as server:
        yield SimulatedHttp(url=server.url, clock=ManualClock(NOW), limits=limits)


def charted(symbol: str, interval: str) -> pl.DataFrame:
    """Bars that had closed by now as a chart shows them."""
    return split_adjusted(truth(symbol, interval), WORLD.actions(symbol, now=NOW))


@asynccontextmanager
async def tradingview_wired(_: Path, wire: Wire) -> AsyncIterator[TradingView]:
    async with chart_server(*charts_of(WORLD, NOW), wire) as server:
        limits = replace(wire.limits or TERMS, paced_inside=True)
        silence = SILENCE if wire.lie.body is HONEST.body else 0.6  # a body may be nothing at all
        yield TradingView(url=server.url, clock=ManualClock(NOW), limits=limits, silence=silence)


def tradingview(folder: Path) -> AbstractAsyncContextManager[TradingView]:
    return tradingview_wired(folder, Wire())


@asynccontextmanager
async def yahoo(_: Path, wire: Wire | None = None) -> AsyncIterator[Yahoo]:
    wire = wire or Wire()
    limits = replace(wire.limits or TERMS, concurrency=1, paced_inside=True)
    async with serve_yahoo(of_world(WORLD, NOW, wire), wire) as server:
        yield Yahoo(clock=ManualClock(NOW), url=server.url, limits=limits)


def on_yahoo(symbol: str, interval: str) -> pl.DataFrame:
    """The truth as Yahoo tells it."""
    return adjusted(truth(symbol, interval), WORLD.actions(symbol, now=NOW))


@asynccontextmanager
async def binance_wired(_: Path, wire: Wire) -> AsyncIterator[Binance]:
    limits = wire.limits or TERMS
    rate = limits.requests_per_second / 2  # of each market
    async with loopback.serve(BinanceServer(WORLD, now=NOW, lie=wire.lie, rate=rate), wire) as server:
        yield Binance(
            clock=ManualClock(NOW),
            spot_url=server.url,
            perpetual_url=server.url,
            limits=replace(limits, paced_inside=True),
            rates=BinanceRates(spot=rate, perpetual=rate, funding=rate),
        )


def binance(folder: Path) -> AbstractAsyncContextManager[Binance]:
    return binance_wired(folder, Wire())


TODAY = datetime(2022, 6, 20, tzinfo=UTC)
ARCHIVE = ArchiveServer(
    symbols=[symbol for symbol in WORLD.symbols if symbol.startswith("BINANCE:")],
    bars=truth,
    funding=paid,
    published=TODAY,
    micro=datetime(2022, 4, 11, tzinfo=UTC),
)


def published_funding(symbol: str) -> pl.DataFrame:
    """Funding of the months that are over."""
    return paid(symbol).filter(pl.col("timestamp") < TODAY.replace(day=1))


def published_bars(symbol: str, interval: str) -> pl.DataFrame:
    """Bars of the days that are over."""
    return truth(symbol, interval).filter(pl.col("timestamp") < TODAY)


@asynccontextmanager
async def archive_wired(_: Path, wire: Wire) -> AsyncIterator[BinanceArchive]:
    async with replace(ARCHIVE, wire=wire).open() as server:
        limits = replace(wire.limits or TERMS, paced_inside=True)
        yield BinanceArchive(url=server.url, list_url=server.url, clock=ManualClock(NOW), limits=limits)


@asynccontextmanager
async def binance_archive(_: Path) -> AsyncIterator[BinanceArchive]:
    async with ARCHIVE.open() as server:
        limits = replace(TERMS, paced_inside=True)
        yield BinanceArchive(url=server.url, list_url=server.url, clock=ManualClock(NOW), limits=limits)


MEMBERS: Mapping[str, ProviderMember] = {
    "binance_archive": ProviderMember(
        binance_archive, published_bars, archive_wired, labelled=True, paid=published_funding
    ),
    "files": ProviderMember(files),
    "simulated": ProviderMember(simulated),
    "simulated over HTTP": ProviderMember(simulated_http, wired=simulated_wired, bans=True),
    "tradingview": ProviderMember(tradingview, charted, tradingview_wired, labelled=True, pace=120.0),
    "yahoo": ProviderMember(yahoo, on_yahoo, yahoo, labelled=True, pace=12.0),
    "binance": ProviderMember(binance, wired=binance_wired, bans=True),
}
"""By name of the provider; one with several clients has a name for each that begins with it."""

LIBRARIES: Mapping[str, str] = {"binance": "ccxt"}
"""Member -> the library that its tests import; all that need it are on one worker of the suite, for it takes long."""


def marks(name: str) -> tuple[pytest.MarkDecorator, ...]:
    """What a test of the member is marked with."""
    return (pytest.mark.xdist_group(LIBRARIES[name]),) if name in LIBRARIES else ()
