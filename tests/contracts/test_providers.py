"""The contract of every provider, and of the simulated exchange's two clients."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from builders.clocks import ManualClock
from tvquant.core.errors import ProfileError
from tvquant.core.instruments import Kind
from tvquant.core.panel import Basis
from tvquant.market.providers.catalogue import PROVIDERS
from tvquant.market.providers.contract import (
    ACTIONS,
    BARS,
    FUNDING,
    INSTRUMENTS,
    INTERVALS,
    ProviderError,
    RateLimits,
    UnknownSymbol,
    Unsupported,
)
from tvquant.market.providers.files import LIMITS, Files
from tvquant.market.providers.simulated.client import SimulatedHttp
from tvquant.market.providers.simulated.exchange import Exchange
from tvquant.market.providers.simulated.market import SimulatedMarket
from tvquant.market.providers.simulated.member import Simulated
from tvquant.market.providers.simulated.server import serve
from tvquant.market.providers.simulated.world import World

NOW = datetime(2022, 6, 20, 10, 30, tzinfo=UTC)
TERMS = RateLimits(requests_per_second=10_000.0, burst=10_000, bars_per_request=40, concurrency=4)
COIN, PERPETUAL, STOCK = "BINANCE:S001USDT", "BINANCE:S001USDT.P", "NASDAQ:T001"
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def world():
    return World(
        SimulatedMarket(seed=3, start=date(2022, 1, 1), days=300, coins=4, perpetuals=2, stocks=3, late=0.0, splits=1)
    )


@asynccontextmanager
async def files(world, folder):
    """The truth in files, without anything that is unfinished."""
    for symbol in world.symbols:
        rows = world.truth(symbol, now=NOW)
        for column, kind in (("dividends", "dividend"), ("stock_splits", "split")):
            told = world.actions(symbol, now=NOW).filter(kind=kind).select("timestamp", pl.col("value").alias(column))
            rows = rows.join(told, on="timestamp", how="left").with_columns(pl.col(column).fill_null(0.0))
        rows.write_parquet(folder / f"{symbol.replace(':', '_')}.parquet")
    world.truth(COIN, "4h", now=NOW).write_parquet(folder / "4h.parquet")
    paid = world.funding(PERPETUAL, now=NOW).select(pl.lit(PERPETUAL).alias("symbol"), pl.all())
    paid.write_parquet(folder / "funding.parquet")
    yield Files(path=folder, basis=Basis.RAW, limits=replace(LIMITS, bars_per_request=40))


@asynccontextmanager
async def simulated(world, folder):
    yield Simulated(exchange=Exchange(world, clock=ManualClock(NOW), terms=TERMS))


@asynccontextmanager
async def simulated_http(world, folder):
    async with serve(Exchange(world, clock=ManualClock(NOW), terms=TERMS)) as url:
        yield SimulatedHttp(url=url, clock=ManualClock(NOW), limits=TERMS)


@pytest.fixture(params=[files, simulated, simulated_http], ids=lambda member: member.__name__)
def within(request, world, tmp_path):
    """Do something with an open member."""

    def run(work):
        async def main():
            async with request.param(world, tmp_path) as member:
                try:
                    return await work(member)
                finally:
                    await member.close()

        return asyncio.run(main())

    return run


def finished(rows):
    """Without the bar of the moment: only its time tells it from the others."""
    return rows.filter(pl.col("timestamp") + DAY <= NOW)


def test_the_catalogue_opens_every_member_under_its_name(world, tmp_path):
    (tmp_path / "bars.csv").write_text("symbol,timestamp,close\nBINANCE:BTCUSDT,2022-01-01,1\n")
    for name, factory in PROVIDERS.items():
        given = {"path": tmp_path} if name == "files" else {}
        assert factory.opened(given, ManualClock(NOW)).name == factory.name == name
    assert set(PROVIDERS) == {"files", "simulated"}
    with pytest.raises(TypeError):
        PROVIDERS["another"] = None


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("simulated", {"sed": 1}, "provider simulated: unknown option 'sed' - did you mean seed? (known: seed, url)"),
        ("files", {"url": "http://x"}, "provider files: unknown option 'url' (known: basis, path)"),
        ("simulated", {"seed": -1}, "provider simulated: option seed: expected greater than or equal to 0, found -1"),
        ("files", {"basis": "rwa"}, "provider files: option basis: unknown name 'rwa' - did you mean raw?"),
    ],
)
def test_an_option_that_a_provider_does_not_take_is_refused(name, given, said):
    with pytest.raises(ProfileError) as caught:
        PROVIDERS[name].opened(given, ManualClock(NOW))
    assert str(caught.value).startswith(said)


def test_what_is_declared_makes_sense(within):
    async def work(member):
        can, limits = member.capabilities, member.limits
        assert can.intervals
        assert can.intervals <= set(INTERVALS)
        assert can.kinds <= set(Kind)
        assert isinstance(member.basis, Basis)
        assert min(limits.requests_per_second, limits.burst, limits.bars_per_request, limits.concurrency) > 0

    within(work)


@pytest.mark.parametrize("symbol", [COIN, PERPETUAL, STOCK])
def test_bars_are_of_the_schema_ascending_and_true(within, world, symbol):
    async def work(member):
        rows = await member.bars(symbol, "1d")
        truth = world.truth(symbol, now=NOW)
        assert rows.schema == pl.Schema(dict(BARS))
        assert rows["symbol"].unique().to_list() == [symbol]
        assert rows["timestamp"].is_sorted()
        assert len(rows) == 40
        assert finished(rows).equals(truth.filter(pl.col("timestamp") >= rows["timestamp"][0]))

    within(work)


@pytest.mark.parametrize("interval", sorted(INTERVALS))
def test_paging_backwards_meets_every_bar_once_and_ends_at_the_genesis(within, world, interval):
    async def work(member):
        if interval not in member.capabilities.intervals:
            with pytest.raises(Unsupported):
                await member.bars(COIN, interval)
            return
        pages, end = [], None
        while not (rows := await member.bars(COIN, interval, end=end)).is_empty():
            pages.append(rows)
            end = rows["timestamp"][0]
        truth = world.truth(COIN, interval, now=NOW)
        told = pl.concat(reversed(pages))
        assert told.head(len(truth)).equals(truth)
        assert len(told) - len(truth) == member.capabilities.live
        assert all(len(page) == 40 for page in pages[:-1])

    within(work)


def test_a_span_holds_its_start_and_not_its_end(within):
    async def work(member):
        first, last = datetime(2022, 3, 1, tzinfo=UTC), datetime(2022, 3, 11, tzinfo=UTC)

        async def stamps(start, end):
            return (await member.bars(COIN, "1d", start=start, end=end))["timestamp"].to_list()

        assert await stamps(first, last) == [first + i * DAY for i in range(10)]
        assert await stamps(first + timedelta(microseconds=1), last) == [first + i * DAY for i in range(1, 10)]
        assert await stamps(first, last + timedelta(microseconds=1)) == [first + i * DAY for i in range(11)]
        assert await stamps(first, first) == []
        assert await stamps(last, first) == []
        newest = [last - i * DAY for i in range(40, 0, -1)]
        assert await stamps(datetime(2022, 1, 1, tzinfo=UTC), last) == newest
        assert await stamps(None, datetime(2022, 1, 1, tzinfo=UTC)) == []
        elsewhere = first.astimezone(tz=None)
        assert await stamps(elsewhere, last) == [first + i * DAY for i in range(10)]

    within(work)


def test_the_unfinished_bar_is_told_by_its_time_only(within, world):
    async def work(member):
        last = (await member.bars(COIN, "1d"))["timestamp"][-1]
        today = NOW.replace(hour=0, minute=0)
        assert last == (today if member.capabilities.live else today - DAY)

    within(work)


def test_unknown_symbols_are_refused_for_good(within):
    async def work(member):
        with pytest.raises(UnknownSymbol, match="BINANCE:NONEUSDT") as refused:
            await member.bars("BINANCE:NONEUSDT", "1d")
        assert not refused.value.retryable
        with pytest.raises(UnknownSymbol):
            await member.actions("BINANCE:NONEUSDT")
        with pytest.raises(ProviderError):
            await member.bars(COIN, "7m")

    within(work)


def test_instruments(within, world):
    async def work(member):
        rows = await member.instruments()
        assert rows.schema == pl.Schema(dict(INSTRUMENTS))
        assert set(rows["symbol"]) == {one.symbol for one in world.listings}
        known = rows.drop("symbol", "delisted_at", "tradfi").null_count().sum_horizontal().item() == 0
        assert known == member.capabilities.instruments

    within(work)


def test_actions(within, world):
    async def work(member):
        assert member.capabilities.actions
        for symbol in (STOCK, COIN):
            rows = await member.actions(symbol)
            assert rows.schema == pl.Schema(dict(ACTIONS))
            assert rows.equals(world.actions(symbol, now=NOW))

    within(work)


def test_funding(within, world):
    async def work(member):
        if not member.capabilities.funding:
            with pytest.raises(Unsupported):
                await member.funding(PERPETUAL)
            return
        rows = await member.funding(PERPETUAL)
        assert rows.schema == pl.Schema(dict(FUNDING))
        assert rows.equals(world.funding(PERPETUAL, now=NOW).tail(40))
        assert (await member.funding(COIN)).is_empty()

    within(work)


def test_many_may_ask_at_once(within, world):
    async def work(member):
        symbols = world.symbols * 4
        together = await asyncio.gather(*(member.bars(symbol, "1d") for symbol in symbols))
        for symbol, rows in zip(symbols, together, strict=True):
            assert rows.equals(await member.bars(symbol, "1d"))

    within(work)


def test_closing_twice_is_closing(within):
    async def work(member):
        await member.bars(COIN, "1d")
        await member.close()
        await member.close()

    within(work)
