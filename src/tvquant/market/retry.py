"""Asking again: how often, how long after, and when to give up."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tvquant.market.limiter import Limiter
from tvquant.market.providers.contract import Banned, ProviderError, RateLimited, Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Waits between attempts: exponential, jittered, never shorter than the provider asks for.

    Parameters
    ----------
    attempts : requests until giving up.
    base, factor, cap : seconds before the second attempt, growth from one to the next, and the most.
    longest : seconds a provider may ask to be left alone for; who asks for more is given up.
    """

    attempts: int = 6
    base: float = 0.5
    factor: float = 2.0
    cap: float = 30.0
    longest: float = 300.0

    def wait(self, attempt: int, draw: float, retry_after: float | None) -> float:
        """Return seconds after the failure of an attempt (1, 2, ...).

        `draw` in [0, 1) spreads those who failed together.

        Half of the wait is certain and half is drawn ("equal jitter").
        """
        most = min(self.cap, self.base * self.factor ** (attempt - 1))
        return (retry_after or 0.0) + most * (0.5 + 0.5 * draw)


async def retried[T](
    ask: Callable[[], Awaitable[T]], *, limiter: Limiter, backoff: Backoff, random: random.Random
) -> T:
    """Return the answer of `ask`, within the provider's limits, asked again as long as that may help.

    Raises
    ------
    ProviderError : the last failure.
    """
    attempt = 0
    while True:
        attempt += 1
        try:
            async with limiter.request():
                return await _answered(ask, limiter.timeout)
        except ProviderError as error:
            alone = error.retry_after or 0.0
            if not error.retryable or attempt == backoff.attempts or alone > backoff.longest:
                raise
            wait = backoff.wait(attempt, random.random(), error.retry_after)
            if isinstance(error, RateLimited | Banned):  # it means all of us
                limiter.hold(wait)
        await asyncio.sleep(wait)


async def _answered[T](ask: Callable[[], Awaitable[T]], timeout: float) -> T:
    try:
        async with asyncio.timeout(timeout):
            return await ask()
    except TimeoutError as error:
        raise Unavailable(f"no answer within {timeout:g} s") from error
