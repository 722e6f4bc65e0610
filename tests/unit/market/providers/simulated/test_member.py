import asyncio
from datetime import UTC, datetime

import pytest

from tvquant.core.panel import Basis
from tvquant.market.providers.contract import Malformed, Unavailable
from tvquant.market.providers.simulated.client import SimulatedHttp
from tvquant.market.providers.simulated.exchange import Exchange
from tvquant.market.providers.simulated.faults import Fault, FaultKind, Faults
from tvquant.market.providers.simulated.member import Simulated, SimulatedOptions, open_simulated

COIN = "BINANCE:S001USDT"


@pytest.fixture
def build(world, clock):
    """A member with one fault, and the waits it made."""

    def make(kind, **more):
        waits = []

        async def sleep(seconds):
            waits.append(seconds)

        faults = Faults(faults=(Fault(kind=kind, symbol=COIN, **more),))
        exchange = Exchange(world, clock=clock, faults=faults)
        return Simulated(exchange=exchange, patience=2.0, sleep=sleep), waits

    return make


@pytest.mark.parametrize(
    ("kind", "error", "waited"),
    [
        (FaultKind.TRUNCATED, Malformed, 0.0),
        (FaultKind.DROPPED, Unavailable, 0.0),
        (FaultKind.TIMEOUT, Unavailable, 2.0),
        (FaultKind.SERVER_ERROR, Unavailable, None),
    ],
)
def test_faults_of_delivery_are_errors_once(build, kind, error, waited):
    member, waits = build(kind)
    with pytest.raises(error) as failed:
        asyncio.run(member.bars(COIN, "1d"))
    assert failed.value.retryable
    assert waits == ([] if waited is None else [waited])
    assert asyncio.run(member.bars(COIN, "1d")).equals(asyncio.run(member.bars(COIN, "1d")))


def test_a_drip_is_waited_for_up_to_the_members_patience(build):
    member, waits = build(FaultKind.DRIP, seconds=1.5)
    assert len(asyncio.run(member.bars(COIN, "1d"))) > 100
    assert waits == [1.5]
    member, waits = build(FaultKind.DRIP, seconds=2.5)
    with pytest.raises(Unavailable, match="within 2 s"):
        asyncio.run(member.bars(COIN, "1d"))
    assert waits == [2.0]


def test_the_exchange_sees_how_many_ask_at_once(world, clock):
    member = Simulated(exchange=Exchange(world, clock=clock))

    async def four():
        await asyncio.gather(*(member.bars(COIN, "1d") for _ in range(4)))

    asyncio.run(four())
    assert member.exchange.most_open == 4


def test_opening_gives_a_market_of_the_seed_or_a_client(clock):
    clock.at = datetime(2024, 3, 1, tzinfo=UTC)
    one, same, other = (open_simulated(SimulatedOptions(seed=seed), clock) for seed in (1, 1, 2))
    first, second, third = (asyncio.run(member.bars("BINANCE:BTCUSDT", "1d")) for member in (one, same, other))
    assert first.equals(second)
    assert not first.equals(third)
    assert one.basis is Basis.RAW
    client = open_simulated(SimulatedOptions(url="http://127.0.0.1:9"), clock)
    assert isinstance(client, SimulatedHttp)
    assert client.url == "http://127.0.0.1:9"
