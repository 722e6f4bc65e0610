"""A small simulated market, built once, and clocks that stand still."""

from datetime import UTC, date, datetime

import pytest

from builders.clocks import ManualClock
from tvquant.market.providers.simulated.market import SimulatedMarket
from tvquant.market.providers.simulated.world import World

MARKET = SimulatedMarket(
    seed=7,
    start=date(2021, 1, 1),
    days=900,
    coins=12,
    perpetuals=3,
    stocks=6,
    sectors=3,
    splits=1.0,
    planted=(("BINANCE:S004USDT", 2.5), ("BINANCE:S005USDT", -1.5), ("NASDAQ:T002", 1.5)),
)


@pytest.fixture(scope="session")
def market() -> SimulatedMarket:
    return MARKET


@pytest.fixture(scope="session")
def world(market: SimulatedMarket) -> World:
    return World(market)


@pytest.fixture
def clock() -> ManualClock:
    """Ten in the morning, in the middle of a four-hour bar."""
    return ManualClock(datetime(2022, 9, 15, 10, 0, tzinfo=UTC))


@pytest.fixture(scope="session")
def over() -> datetime:
    """When all is over."""
    return datetime(2023, 12, 31, tzinfo=UTC)
