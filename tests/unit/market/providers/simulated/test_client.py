import asyncio
from datetime import timedelta

import polars as pl
import pytest

from tvquant.market.providers.contract import (
    Banned,
    Malformed,
    RateLimited,
    RateLimits,
    Unavailable,
    UnknownSymbol,
    Unsupported,
)
from tvquant.market.providers.simulated.client import SimulatedHttp
from tvquant.market.providers.simulated.exchange import Exchange
from tvquant.market.providers.simulated.faults import Fault, FaultKind, Faults
from tvquant.market.providers.simulated.server import serve

COIN, STOCK = "BINANCE:S001USDT", "NASDAQ:T002"


@pytest.fixture
def talk(world, clock):
    """Serve an exchange with one fault to a client, and do something with both."""

    def make(work, kind=None, *, patience=5.0, **more):
        faults = Faults(faults=() if kind is None else (Fault(kind=kind, symbol=COIN, **more),))
        exchange = Exchange(world, clock=clock, faults=faults)

        async def run():
            async with serve(exchange) as url:
                client = SimulatedHttp(url=url, clock=clock, patience=patience)
                try:
                    return await work(client, exchange)
                finally:
                    await client.close()

        return asyncio.run(run())

    return make


def test_answers_equal_those_of_the_exchange_itself(talk, world, clock):
    async def work(client, _):
        now = clock.now()
        end = now - timedelta(days=100, hours=3)
        start = end - timedelta(days=20, microseconds=1)
        span = pl.col("timestamp").is_between(start, end, closed="left")
        whole = world.bars(COIN, "4h", now=now)
        assert (await client.bars(COIN, "4h", start=start, end=end)).equals(whole.filter(span))
        assert (await client.bars(STOCK, "1d")).equals(world.bars(STOCK, "1d", now=now))
        assert (await client.instruments()).equals(world.instruments(now=now))
        assert (await client.actions(STOCK)).equals(world.actions(STOCK, now=now))
        paid = world.funding(f"{COIN}.P", now=now).filter(span)
        assert (await client.funding(f"{COIN}.P", start=start, end=end)).equals(paid)

    talk(work)


def test_a_span_within_a_millisecond_of_a_bar(talk, clock):
    async def work(client, _):
        midnight = clock.now().replace(hour=0)
        blink = timedelta(microseconds=1)
        sizes = []
        for start, end in ((0, 1), (1, 2), (0, 0), (-1, 0), (-1, 1)):
            sizes.append(len(await client.bars(COIN, "1d", start=midnight + start * blink, end=midnight + end * blink)))
        return sizes

    assert talk(work) == [1, 0, 0, 0, 1]


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.TRUNCATED, Malformed),
        (FaultKind.DROPPED, Unavailable),
        (FaultKind.TIMEOUT, Unavailable),
        (FaultKind.SERVER_ERROR, Unavailable),
        (FaultKind.RATE_LIMIT, RateLimited),
        (FaultKind.UNKNOWN, UnknownSymbol),
    ],
)
def test_what_goes_wrong_on_the_wire_heals(talk, kind, error):
    async def work(client, _):
        with pytest.raises(error) as failed:
            await client.bars(COIN, "1d")
        assert failed.value.retryable == (error is not UnknownSymbol)
        return len(await client.bars(COIN, "1d"))

    assert talk(work, kind, patience=1.0) > 100


def test_a_drip_is_waited_for_up_to_the_clients_patience(talk, world, clock):
    async def slow(client, _):
        return await client.bars(COIN, "1d")

    whole = world.bars(COIN, "1d", now=clock.now())
    assert talk(slow, FaultKind.DRIP, seconds=0.1).equals(whole)

    async def too_slow(client, _):
        with pytest.raises(Unavailable, match=r"within 1 s"):
            await client.bars(COIN, "1d")
        return await client.bars(COIN, "1d")

    assert talk(too_slow, FaultKind.DRIP, seconds=20.0, patience=1.0).equals(whole)


def test_a_ban_says_when_it_ends(talk, clock):
    async def work(client, exchange):
        for _ in range(2):
            with pytest.raises(Banned) as banned:
                await client.bars(COIN, "1d")
            assert 0 < banned.value.retry_after <= 40.002
            assert banned.value.until <= clock.now() + timedelta(seconds=40.002)
        assert exchange.knocks == 1

    talk(work, FaultKind.BAN, seconds=40.0)


def test_nobody_at_the_address_is_unavailable(clock):
    async def work():
        client = SimulatedHttp(url="http://127.0.0.1:9", clock=clock)
        with pytest.raises(Unavailable, match="cannot be reached"):
            await client.bars(COIN, "1d")
        await client.close()

    asyncio.run(work())


def test_an_interval_that_is_never_served_costs_no_request(talk):
    async def work(client, exchange):
        with pytest.raises(Unsupported):
            await client.bars(COIN, "7m")
        assert exchange.requests == ()

    talk(work)


def test_no_more_connections_than_the_terms_allow(world, clock):
    terms = RateLimits(requests_per_second=1000.0, burst=1000, bars_per_request=50, concurrency=3)
    faults = Faults(faults=(Fault(kind=FaultKind.DRIP, symbol=COIN, requests=12, seconds=0.05),))
    exchange = Exchange(world, clock=clock, terms=terms, faults=faults)

    async def work():
        async with serve(exchange) as url:
            client = SimulatedHttp(url=url, clock=clock, limits=terms)
            await asyncio.gather(*(client.bars(COIN, "1d") for _ in range(12)))
            await client.close()

    asyncio.run(work())
    assert len(exchange.requests) == 12
    assert exchange.most_open == 3
