"""Asking TradingView's screener: one request at a time, at most one a second, every page until there are no more.

Pages come in order of names and are counted twice: by `totalCount` and by themselves. What does not agree (rows that
are missing, that come twice, a count that moves while paging, a count that is just a limit) is a warning of the scan:
nothing is cut by name in silence (R-UNI-09).
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tvquant.core.clock import Clock
from tvquant.core.quoting import several, shown, visible
from tvquant.market.http_client import HttpAnswer, HttpClient, HttpRefused
from tvquant.market.limiter import Limiter
from tvquant.market.probing import Probe
from tvquant.market.providers.contract import Malformed, ProviderError, RateLimits
from tvquant.market.retry import Backoff, retried
from tvquant.market.screeners.answers import Page, Row, fields_of, page_of
from tvquant.market.screeners.tradingview import BAND_COLUMNS, COLUMNS, IDENTITY, PAGE, PRICES, TRADED, Query
from tvquant.market.strict_json import parsed

URL = "https://scanner.tradingview.com"
LIMITS = RateLimits(requests_per_second=1.0, burst=1, bars_per_request=PAGE, concurrency=1, timeout=30.0)
"""No figures are published; this is what the user agreed to."""
LARGEST = 16 * 2**20
"""Bytes of an answer that are taken."""
MOST = 20_000
"""Rows of one scan; no market has as many past a filter."""
PAGES = 400
"""Pages of one scan: three times as many as such rows fill. Whoever deals them out one by one is left."""
SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """All rows that a query brought: symbol -> its cells, as they came first.

    `total` : how many the screener counted last; `pages` : requests that brought them; `warnings` : where they do not
    agree.
    """

    query: Query
    rows: Mapping[str, Row]
    total: int
    pages: int
    warnings: tuple[str, ...]


class TradingViewScreener:
    """The screener at one address; nothing is sent before the first question.

    Parameters
    ----------
    clock : the present, from which waits are counted.
    url : address of the screener.
    limits : what is kept to; `backoff` : how often and how long after a failure it is asked again.
    """

    def __init__(
        self, *, clock: Clock, url: str = URL, limits: RateLimits = LIMITS, backoff: Backoff | None = None
    ) -> None:
        self._http = HttpClient(name="TradingView's screener", url=url, clock=clock, limits=limits, most=LARGEST)
        self._calls = Limiter(replace(limits, paced_inside=True, timeout=2.0 * limits.timeout))
        self._pause, self._next = 1.0 / limits.requests_per_second, 0.0  # from the end of one to the next, as sent
        self._backoff = backoff or Backoff()
        self._random = random.Random("screener")  # noqa: S311 - spreads waits, guards nothing

    async def fields(self, market: str) -> frozenset[str]:
        """Return the columns that the screener lists for a market.

        Raises
        ------
        ProviderError : it did not deliver.
        """
        return await self._asked(lambda: self._http.get(f"/{market}/metainfo"), fields_of)

    async def rows(self, query: Query) -> Served:
        """Return all rows of a query, page by page until there are no more.

        Raises
        ------
        ProviderError : it did not deliver.
        """
        found: dict[str, Row] = {}
        totals: list[int] = []
        twice: dict[str, None] = {}
        start = 0
        while True:
            page = await self._page(query.market, query.page(start))
            known = len(found)
            for symbol, row in page.rows:
                if symbol in found:
                    twice[symbol] = None
                found.setdefault(symbol, row)
            totals.append(page.total)
            start += len(page.rows)
            if len(found) > MOST:
                raise Malformed(f"the screener sent more than {MOST:,} rows; ask for less", retryable=False)
            if len(totals) >= PAGES:
                raise Malformed(
                    f"the screener had not sent all rows after {PAGES} pages of up to {PAGE}; ask for less",
                    retryable=False,
                )
            if len(found) == known or (len(page.rows) < PAGE and len(found) >= page.total):
                break
        warnings = tuple(_doubts(totals, len(found), list(twice)))
        return Served(query=query, rows=found, total=totals[-1], pages=len(totals), warnings=warnings)

    async def beyond(self, market: str, rank: Mapping[str, Any]) -> float | None:
        """Return the value of the first row that a ceiling leaves out; None where all are within it.

        Raises
        ------
        ProviderError : it did not deliver.
        """
        page = await self._page(market, rank)
        value = page.rows[0][1][rank["sort"]["sortBy"]] if page.rows else None
        return value if isinstance(value, float) else None

    async def probe(self) -> tuple[Probe, ...]:
        """See `Probing`: the list of columns of each market is asked for, once, and held against those that we use."""
        found = []
        for market, traded in TRADED.items():
            answer, told = await self._http.probe(f"/{market}/metainfo")
            listed = fields_of(answer.body)
            used = (*IDENTITY, *PRICES, traded, *BAND_COLUMNS, *COLUMNS.values())
            gone = [column for column in used if column not in listed]
            lacking = "scanners that filter or rank by it cannot be scanned live, others go without; scan on the lake"
            whose = f"{told.server}/{market}"
            found.append(replace(told, server=whose, absent=dict.fromkeys(gone, lacking), fields=len(used)))
        return tuple(found)

    async def count(self, query: Query) -> int:
        """Return how many rows a query has; one of them is asked for at most.

        Raises
        ------
        ProviderError : it did not deliver.
        """
        return (await self._page(query.market, query.page(0) | {"range": [0, 1]})).total

    async def close(self) -> None:
        """Let go of the connection."""
        await self._http.close()

    async def _page(self, market: str, body: Mapping[str, Any]) -> Page:
        first, last = body["range"]
        return await self._asked(
            lambda: self._http.post(f"/{market}/scan", body),
            lambda answer: page_of(answer, body["columns"], last - first),
        )

    async def _asked[T](self, ask: Callable[[], Awaitable[HttpAnswer]], read: Callable[[bytes], T]) -> T:
        async def once() -> T:
            loop = asyncio.get_running_loop()
            await asyncio.sleep(self._next - loop.time())
            try:
                return read((await ask()).body)
            except HttpRefused as error:
                raise _explained(error) from error
            finally:
                self._next = loop.time() + self._pause

        return await retried(once, limiter=self._calls, backoff=self._backoff, random=self._random)


def _explained(error: HttpRefused) -> ProviderError:
    """Return what a refusal means, in words; it is not tried again."""
    if error.status == 400:
        try:
            why = parsed(error.body)["error"]
        except (ValueError, KeyError, TypeError):
            return error
        return ProviderError(f"the screener refuses the request: {shown(why)}; its columns have changed")
    if error.status == 403:
        return ProviderError(
            f"{error}; this address has asked too often or is shut out: wait some minutes, then scan again"
        )
    return error


def _doubts(totals: Sequence[int], came: int, twice: Sequence[str]) -> list[str]:
    """Return where the counts of the pages do not agree, in words."""
    found = []
    if len(set(totals)) > 1:
        found.append(
            f"the screener counted {totals[0]} rows at first and {totals[-1]} at last: rows moved while paging"
        )
    if came < totals[-1]:
        found.append(f"only {came} of the {totals[-1]} rows that the screener counts came: the rest is missing")
    if came > totals[-1]:
        found.append(f"{came} rows came where the screener counts {totals[-1]}: rows moved while paging")
    if twice:
        found.append(
            f"{len(twice)} rows came twice, as rows moved while paging: {several([*map(visible, twice)], SHOWN)}"
        )
    if came == PAGE:
        found.append(f"exactly {PAGE} rows came, as many as a page holds: the screener may have cut there")
    return found
