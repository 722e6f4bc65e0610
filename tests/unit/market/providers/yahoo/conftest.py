"""Payloads in the shape of Yahoo's chart address, written by hand, served on loopback to the real client."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from builders.clocks import ManualClock
from builders.loopback import Loopback, Reply, Request
from builders.yahoo_server import serve_yahoo
from tvquant.market.providers.contract import RateLimits
from tvquant.market.providers.yahoo.member import Yahoo

NOW = datetime(2024, 3, 13, 15, 30, tzinfo=UTC)
ACME = "NASDAQ:ACME"
PAYLOADS = Path(__file__).parent / "payloads"
FAST = RateLimits(
    requests_per_second=1e4, burst=1000, bars_per_request=100, concurrency=1, paced_inside=True, timeout=5.0
)

type Question = Callable[[Yahoo], Awaitable[Any]]
type Answer = tuple[Any, Loopback]


def reply(name: str, status: int = 200) -> Reply:
    """A recorded payload."""
    return Reply(json.loads((PAYLOADS / f"{name}.json").read_text()), status=status)


async def _acme(member: Yahoo) -> Any:
    return await member.bars(ACME, "1d")


@pytest.fixture
def recorded() -> Callable[..., Reply]:
    return reply


@pytest.fixture
def asked() -> Callable[..., Answer]:
    """Ask the member, before a server that gives each chart the next reply (the last for good): answer or error."""

    def call(
        *replies: Reply, question: Question = _acme, limits: RateLimits = FAST, crumb: Reply | None = None
    ) -> Answer:
        left = list(replies)

        def charted(_: Request) -> Reply:
            return left.pop(0) if len(left) > 1 else left[0]

        async def main() -> Answer:
            async with serve_yahoo(charted, crumb=crumb) as server:
                member = Yahoo(clock=ManualClock(NOW), url=server.url, limits=limits)
                try:
                    found = (await asyncio.gather(question(member), return_exceptions=True))[0]
                finally:
                    await member.close()
                return found, server

        return asyncio.run(main())

    return call
