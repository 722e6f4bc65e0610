"""Not asking faster than a provider allows: one token bucket and one count of open requests per provider.

Time is the event loop's. The bucket is a little smaller and slower than the declared one, because requests do not
arrive as evenly as they are sent.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tvquant.market.providers.contract import RateLimited, RateLimits

SHARE = 0.95
"""Of the declared rate; the rest is for what the way of a request adds or takes."""
UNBOUND = 1e9
"""Requests a second that nobody sends."""
MOST_HELD = 600.0
"""Seconds for which a request waits on the provider's word; where it is longer, the request is refused instead."""


class Limiter:
    """Lets requests pass in order of asking, none above the declared rate.

    Of a provider that is paced inside it only bounds how many calls are open.

    Parameters
    ----------
    limits : what the provider declares.
    """

    def __init__(self, limits: RateLimits) -> None:
        self.timeout = limits.timeout
        self.rate = UNBOUND if limits.paced_inside else SHARE * limits.requests_per_second
        self.burst = float(max(limits.burst - 1, 1))
        self._open = asyncio.Semaphore(limits.concurrency)
        self._turn = asyncio.Lock()
        self._tokens = self.burst
        self._filled: float | None = None
        self._held_until = 0.0

    @asynccontextmanager
    async def request(self) -> AsyncIterator[None]:
        """Wait for the right to send one request, and count it as open inside.

        Raises
        ------
        RateLimited : the provider asked to be left alone for longer than anybody waits.
        """
        async with self._open:
            async with self._turn:
                await self._take()
            yield

    def hold(self, seconds: float) -> None:
        """Send nothing for so long: the provider asked for it."""
        self._held_until = max(self._held_until, asyncio.get_running_loop().time() + seconds)

    async def _take(self) -> None:
        """Take a token; who sleeps looks again when awake, for a busy loop wakes late."""
        loop = asyncio.get_running_loop()
        while True:
            now = loop.time()
            if (held := self._held_until - now) > MOST_HELD:
                why = f"nothing is sent for another {held:.0f} s, for the provider asked to be left alone: ask later"
                raise RateLimited(why, retry_after=held)
            since = now if self._filled is None else self._filled
            self._tokens = min(self.burst, self._tokens + (now - since) * self.rate)
            self._filled = now
            wait = max(self._held_until - now, (1.0 - self._tokens) / self.rate)
            if wait <= 1e-9:
                self._tokens -= 1.0
                return
            await asyncio.sleep(wait)
