"""Which assets a provider has ended: asked once per sync, and only when an asset stays behind."""

import asyncio
import random
from datetime import datetime, timedelta

import polars as pl

from tvquant.core.instants import instant
from tvquant.core.instruments import Instant
from tvquant.lake import Lake
from tvquant.lake.storage.tables import DAILY
from tvquant.market.limiter import Limiter
from tvquant.market.providers.contract import INSTRUMENTS, Provider, ProviderError
from tvquant.market.registry import RegistryManager
from tvquant.market.retry import Backoff, retried

LATE = timedelta(minutes=1)
"""What is stamped so little after an end belongs to it."""


class Listings:
    """A provider's instruments, remembered while a sync lasts; a provider that does not tell has ended nothing."""

    def __init__(self, provider: Provider, limiter: Limiter, backoff: Backoff, *, seed: int) -> None:
        self.provider = provider
        self.limiter = limiter
        self.backoff = backoff
        self.random = random.Random(seed)  # noqa: S311 - spreads waits, guards nothing
        self._once = asyncio.Lock()
        self._known: pl.DataFrame | None = None
        self._refused: ProviderError | None = None

    async def table(self) -> pl.DataFrame:
        """All instruments, one row per listing.

        Raises
        ------
        ProviderError : the provider did not deliver.
        """
        async with self._once:
            if self._refused is not None:
                raise self._refused
            if self._known is None:
                self._known = await retried(
                    self.provider.instruments, limiter=self.limiter, backoff=self.backoff, random=self.random
                )
            return self._known

    async def _of(self, symbol: str) -> pl.DataFrame:
        """Listings of one symbol."""
        if not self.provider.capabilities.ends_by_symbol:
            return (await self.table()).filter(pl.col("symbol") == symbol)
        return await retried(
            lambda: self.provider.instruments(symbol), limiter=self.limiter, backoff=self.backoff, random=self.random
        )

    async def ended(
        self, symbol: str, *, gone: datetime | None = None, untold: datetime | None = None
    ) -> datetime | None:
        """When the last listing of a symbol ended; None where it goes on.

        `gone` is returned of one that is listed no more: lists shrink. `untold` : where the provider does not tell.
        """
        if not self.provider.capabilities.instruments:
            return untold
        try:
            rows = await self._of(symbol)
        except ProviderError as error:  # assets are then judged by their bars alone; one failure is enough to ask
            if not self.provider.capabilities.ends_by_symbol:
                self._refused = error
            return untold
        if rows.is_empty():
            return gone
        found: datetime | None = rows.sort("listed_at")["delisted_at"].cast(INSTRUMENTS["delisted_at"])[-1]
        return found

    async def living(self, symbol: str, rows: pl.DataFrame) -> pl.DataFrame:
        """Return rows by `timestamp` without those between the end of a listing and the beginning of the next.

        All of them where no one knows of an end.
        """
        if rows.is_empty() or not self.provider.capabilities.instruments:
            return rows
        try:
            lives = (await self._of(symbol)).sort("listed_at", nulls_last=False)
        except ProviderError:
            return rows
        begins = lives["listed_at"].shift(-1)
        stamp, gone = pl.col("timestamp"), pl.lit(value=False)
        for ended, begun in zip(lives["delisted_at"], begins, strict=True):
            if ended is not None:
                gone |= (stamp > ended + LATE) & (stamp < begun if begun is not None else pl.lit(value=True))
        return rows.filter(~gone)


def delistings(lake: Lake) -> dict[str, Instant]:
    """Symbol -> when its provider ended it, of the daily assets that the lake's register says so of.

    Raises
    ------
    DataError : the register cannot be read.
    """
    records = RegistryManager(lake.folder).read().records
    return {
        name: instant(one.delisted) for (name, interval), one in records.items() if interval == DAILY and one.delisted
    }
