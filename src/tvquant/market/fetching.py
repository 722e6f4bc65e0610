"""Getting bars from a provider: pages newest first, to the wanted depth or the asset's genesis; twice where odd."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from tvquant.core.instants import instant, moment
from tvquant.core.instruments import Instant
from tvquant.lake.storage.tables import MEASURES, TIME
from tvquant.market.coverage import Grid, Hole
from tvquant.market.limiter import Limiter
from tvquant.market.providers.contract import Malformed, Provider
from tvquant.market.retry import Backoff, retried
from tvquant.market.validation import Page, agreed, judged, suspects

SECOND_LOOKS = 2
"""Times that pages with unlikely bars are asked for again; two, for what one answer has wrong the next may too."""
EMPTY_ANSWERS = 2
"""Answers without a bar after which nothing is there; one alone may be a gap that heals."""

NO_ROWS = pl.DataFrame(schema={"timestamp": TIME, **dict.fromkeys(MEASURES, pl.Float64())})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fetched:
    """What a provider told of some spans.

    Parameters
    ----------
    rows : believed bars by time.
    genesis : the first bar the provider has, or the first stored one where it has none before it; None where that was
        not found out.
    rejected : reason -> rows dropped.
    notes : what a reader of the summary should know.
    """

    rows: pl.DataFrame
    genesis: Instant | None = None
    rejected: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Fetcher:
    """Asks one provider for the bars of one asset at a time; counts what it asked.

    Parameters
    ----------
    seed : of the jitter between attempts.
    """

    def __init__(self, provider: Provider, limiter: Limiter, backoff: Backoff, *, seed: str) -> None:
        self.provider = provider
        self.limiter = limiter
        self.backoff = backoff
        self.random = random.Random(seed)  # noqa: S311 - spreads waits, guards nothing
        self.requests = 0

    async def fetch(self, symbol: str, grid: Grid, spans: Sequence[Hole], stored: pl.DataFrame) -> Fetched:
        """All bars of the spans, the newest span first, unlikely ones confirmed.

        Raises
        ------
        ProviderError : it did not deliver.
        """
        pages: list[Page] = []
        genesis, held = None, None if stored.is_empty() else instant(stored["timestamp"][0])
        for first, last in sorted(spans, reverse=True):
            behind = held if held is not None and last < held else None
            genesis = await self._back(symbol, grid, (first, last), pages, behind)
        return await self._confirmed(symbol, grid, pages, stored, genesis)

    async def actions(self, symbol: str) -> pl.DataFrame:
        """Corporate actions of an asset so far.

        Raises
        ------
        ProviderError : it did not deliver.
        """

        async def ask() -> pl.DataFrame:
            self.requests += 1
            return await self.provider.actions(symbol)

        return await retried(ask, limiter=self.limiter, backoff=self.backoff, random=self.random)

    async def funding(self, symbol: str, since: datetime | None) -> pl.DataFrame:
        """Payments of a swap from `since` on (all, when None): symbol, timestamp, funding_rate; pages newest first.

        Raises
        ------
        ProviderError : it did not deliver.
        """
        pages: list[pl.DataFrame] = []
        end: datetime | None = None
        while True:

            async def ask(end: datetime | None = end) -> pl.DataFrame:
                self.requests += 1
                return await self.provider.funding(symbol, start=since, end=end)

            page = await retried(ask, limiter=self.limiter, backoff=self.backoff, random=self.random)
            pages.append(page)
            oldest = page["timestamp"].min()
            if len(page) < self.provider.limits.bars_per_request or not isinstance(oldest, datetime):
                break
            if end is not None and oldest >= end:
                raise Malformed(f"{symbol}: funding from before {end} was asked for, and {oldest} came")
            end = oldest
        return pl.concat(pages).select(pl.lit(symbol).alias("symbol"), "timestamp", "funding_rate")

    async def _page(self, symbol: str, grid: Grid, first: Instant, last: Instant) -> Page:
        async def ask() -> Page:
            self.requests += 1
            end = moment(last + grid.step)
            answer = await self.provider.bars(symbol, grid.interval, start=moment(first), end=end)
            try:
                return judged(answer, symbol=symbol, grid=grid, first=first, last=last)
            except Malformed as error:  # what is not live says the same again
                raise Malformed(str(error), retryable=self.provider.capabilities.live) from error

        return await retried(ask, limiter=self.limiter, backoff=self.backoff, random=self.random)

    async def _back(
        self, symbol: str, grid: Grid, span: Hole, pages: list[Page], behind: Instant | None
    ) -> Instant | None:
        """Pages of one span, newest first; the genesis where requests for older bars bring none.

        `behind` : the first stored bar, where the span is before it.
        """
        (first, until), oldest, empty = span, behind, 0
        while until >= first:
            page = await self._page(symbol, grid, first, until)
            pages.append(page)
            if page.oldest is None:
                empty += 1
                if oldest is None or empty == EMPTY_ANSWERS:
                    return oldest
            else:
                oldest, until = page.oldest, grid.back(page.oldest, 2)
        return None

    async def _confirmed(
        self, symbol: str, grid: Grid, pages: list[Page], stored: pl.DataFrame, genesis: Instant | None
    ) -> Fetched:
        """The rows of all pages; those that stay unlikely are believed where every answer said them alike."""
        told = {(page.first, page.last): page.rows for page in pages}
        steady = await self._looked_again(symbol, grid, told, stored)
        rows, rejected, notes = _all(told), Counter[str](), []
        for page in pages:
            rejected.update(page.rejected)
        odd = suspects(rows, stored)
        sure = odd.join(steady, on="timestamp", how="semi")
        unsure = odd.join(steady, on="timestamp", how="anti")
        if len(sure):
            notes.append(f"{len(sure)} unlikely bars told thrice alike, the first of {_day(sure)}")
        if len(unsure):
            notes.append(f"{len(unsure)} unlikely bars held back, the first of {_day(unsure)}")
            rejected["unlikely"] += len(unsure)
            rows = rows.join(unsure, on="timestamp", how="anti").sort("timestamp")
        return Fetched(rows=rows, genesis=genesis, rejected=dict(rejected), notes=tuple(notes))

    async def _looked_again(
        self, symbol: str, grid: Grid, told: dict[Hole, pl.DataFrame], stored: pl.DataFrame
    ) -> pl.DataFrame:
        """Ask again for pages with unlikely bars; the last answer replaces the ones before, bar by bar.

        Returns the timestamps of the bars that every answer said alike.
        """
        steady = _all(told).select("timestamp")
        for _ in range(SECOND_LOOKS):
            odd = suspects(_all(told), stored)
            for (first, last), rows in list(told.items()):
                if rows.join(odd, on="timestamp", how="semi").is_empty():
                    continue
                again = (await self._page(symbol, grid, first, last)).rows
                changed = rows.join(agreed(rows, again), on="timestamp", how="anti")
                steady = steady.join(changed, on="timestamp", how="anti")
                only_once = rows.join(again, on="timestamp", how="anti")
                told[first, last] = pl.concat([again, only_once]).sort("timestamp")
        return steady


def _all(told: dict[Hole, pl.DataFrame]) -> pl.DataFrame:
    """Rows of all answers by time; where spans overlap, the last answer counts."""
    return pl.concat([NO_ROWS, *told.values()]).unique("timestamp", keep="last", maintain_order=True).sort("timestamp")


def _day(stamps: pl.DataFrame) -> str:
    return str(stamps["timestamp"].min())[:10]
