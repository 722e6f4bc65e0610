"""Funding of one contract, walked forward: of a span Binance serves the oldest payments, and callers want the newest.

Payments come every hour, four or eight, and a contract changes between them, so no span holds a known number of them.
1. Ask for what follows the last known payment, a page at a time.
2. Stop at a page with nothing, or at one that is not full where, by the last two payments, the next is not due yet.
3. Serve older pages of the same history from what is known.
A walk that was broken off goes on where it stood.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import polars as pl

from tvquant.market.providers.binance.answers import EPOCH, STEP, stamp
from tvquant.market.providers.contract import FUNDING

type Ask = Callable[[int, int | None], Awaitable[pl.DataFrame]]
"""From a start and an end (milliseconds since 1970, the end outside) to the oldest payments between them."""


class FundingWalk:
    """The payments of one contract from a moment on, as far as they are known.

    Parameters
    ----------
    start : milliseconds since 1970 of the first that counts.
    page : payments that an answer has at most.
    """

    def __init__(self, ask: Ask, *, start: int, page: int) -> None:
        self.start = start
        self._ask = ask
        self._page = page
        self._next = start
        self._known = [pl.DataFrame(schema=dict(FUNDING))]
        self._one = asyncio.Lock()

    async def before(self, end: int | None, now: datetime) -> pl.DataFrame:
        """Return all payments before `end` (now, when None), asking for those that are not known yet.

        Raises
        ------
        ProviderError : Binance did not deliver; what it delivered before is kept.
        """
        async with self._one:
            while end is None or self._next < end:
                rows = await self._ask(self._next, end)
                if rows.is_empty():
                    break
                self._known.append(rows)
                last: datetime = rows["timestamp"][-1]
                self._next = stamp(last) + 1
                if end is None and len(rows) < self._page and not self._due(now):
                    break
            self._known = [pl.concat(self._known)]
        (known,) = self._known
        return known if end is None else known.filter(pl.col("timestamp") < EPOCH + end * STEP)

    def _due(self, now: datetime) -> bool:
        """Return whether a payment may have come behind the last one; after a single one it may."""
        times = pl.concat([rows.tail(2) for rows in self._known[-2:]])["timestamp"].tail(2).to_list()
        return len(times) < 2 or now - times[1] >= times[1] - times[0]
