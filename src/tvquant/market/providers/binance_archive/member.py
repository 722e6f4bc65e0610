"""The provider `binance_archive`: all that ever traded on Binance, spot and perpetual, out of its published files.

1. The folder of a symbol is listed: its monthly files, and the daily ones of the days behind them.
2. Of these the newest are fetched that a request needs, each checked against its checksum.
3. Days that a monthly file lacks are looked for in their daily files: the exchange publishes both, and some differ.
4. A listing ends with its last file, where the archive as a whole goes on; a hole of months parts two listings.

It ends some days before now, and says nothing of ticks and lots.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
from pydantic import Field

from tvquant.core.clock import Clock
from tvquant.core.panel import Basis
from tvquant.core.quoting import shown
from tvquant.market.addresses import HttpAddress
from tvquant.market.http_client import HttpClient
from tvquant.market.probing import Probe
from tvquant.market.providers.binance_archive.files import ArchiveFiles
from tvquant.market.providers.binance_archive.index import ArchiveIndex
from tvquant.market.providers.binance_archive.layout import (
    CHECKSUM,
    DATED,
    DAY,
    NAME,
    TICKER,
    ArchiveFile,
    Series,
    Span,
    Venue,
    chosen,
    newest,
    place_of,
    runs,
    symbol_of,
    top,
    unbroken,
    within,
)
from tvquant.market.providers.binance_archive.texts import LATE, bars_in, between, funding_in, lacking
from tvquant.market.providers.binance_archive.zips import LARGEST
from tvquant.market.providers.contract import (
    BARS,
    FUNDING,
    INSTRUMENTS,
    INTERVALS,
    Capabilities,
    Malformed,
    Offer,
    Provider,
    ProviderFactory,
    RateLimits,
    UnknownSymbol,
    Unsupported,
    require_library,
)
from tvquant.profiles.options import Options
from tvquant.symbology.kinds import OF_COINS

URL = "https://data.binance.vision"
LIST_URL = "https://s3-ap-northeast-1.amazonaws.com/data.binance.vision"
RATE = 50.0
"""Requests a second; the store publishes no limit, and this is far below what it is seen to bear."""
LISTING_SHARE = 0.2
"""Of the rate, for lists of folders; the rest is for files."""
LIMITS = RateLimits(
    requests_per_second=RATE, burst=50, bars_per_request=20_000, concurrency=8, paced_inside=True, timeout=900.0
)
PATIENCE = 30.0
"""Seconds for one file or page."""
PAGE_BYTES = 4 * 2**20
CAPABILITIES = Capabilities(
    intervals=frozenset(INTERVALS),
    kinds=OF_COINS,
    actions=False,
    funding=True,
    instruments=True,
    live=False,
    ends_by_symbol=True,
)
QUIET = timedelta(days=7)
"""A symbol has ended when the archive goes on for so long without it."""
NEAR = timedelta(days=3)
"""An archive whose newest file is so young goes on up to now."""
DAILY = "1d"
LEADERS = ("BTCUSDT", "ETHUSDT", "BNBUSDT")
SAMPLE = 20
"""Symbols that are looked at for how far the archive goes."""
LISTS_KEPT = 256
SETTLING = timedelta(hours=8)
BEGINNING, FOREVER = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


class BinanceArchive:
    """A client of the archive.

    Parameters
    ----------
    url, list_url : address of the files, and of the store that lists them.
    clock : the present, from which waits are counted.
    limits : `requests_per_second` are HTTP requests, kept inside; `concurrency` and `timeout` are of whole calls.
    """

    name = NAME

    def __init__(self, *, url: str, list_url: str, clock: Clock, limits: RateLimits = LIMITS) -> None:
        self.limits = limits
        self.capabilities: Capabilities = CAPABILITIES
        self.basis = Basis.RAW
        self._clock = clock
        listing, fetching = _parted(limits)
        self._list_client = HttpClient(
            name="the list of binance_archive", url=list_url, clock=clock, limits=listing, most=PAGE_BYTES
        )
        self._file_client = HttpClient(name=NAME, url=url, clock=clock, limits=fetching, most=LARGEST)
        self._index = ArchiveIndex(self._list_client)
        self._files = ArchiveFiles(self._file_client)
        self._lists: OrderedDict[Series, tuple[ArchiveFile, ...]] = OrderedDict()
        self._tickers: dict[Venue, list[str]] = {}
        self._newest: dict[Venue, datetime] = {}
        self._reached: set[Venue] = set()
        self._reaching = asyncio.Lock()
        self._findings: dict[str, None] = {}

    @property
    def findings(self) -> tuple[str, ...]:
        """What its lists named that cannot be."""
        return tuple(self._findings)

    async def bars(
        self, symbol: str, interval: str, *, start: datetime | None = None, end: datetime | None = None
    ) -> pl.DataFrame:
        """See `Provider`."""
        if interval not in self.capabilities.intervals:
            raise Unsupported(f"{NAME} serves bars of {', '.join(sorted(INTERVALS))}, not {interval} of {symbol}")
        place = place_of(symbol)
        series = None if place is None else Series(venue=place[0], ticker=place[1], interval=interval)
        files = () if series is None else await self._listed(series)
        if series is None or not files:
            raise UnknownSymbol(f"{NAME} has no {interval} bars of {shown(symbol)}")
        span, step = (start or BEGINNING, end or FOREVER), INTERVALS[interval]
        left = within(files, span)
        rows = pl.DataFrame(schema=dict(BARS))
        while left and len(rows) < self.limits.bars_per_request:
            batch = newest(left, span, step, self.limits.bars_per_request - len(rows))
            told = await self._bars_of(symbol, batch)
            gone = lacking(series, files, batch, told, span, step)
            more = await self._bars_of(symbol, await self._files.there(gone))
            more = more.join(told, on="timestamp", how="anti", maintain_order="left")
            rows = pl.concat([between(pl.concat([told, more]), span), rows]).sort("timestamp", maintain_order=True)
        return rows.tail(self.limits.bars_per_request)

    async def instruments(self, symbol: str | None = None) -> pl.DataFrame:
        """See `Provider`. Of all symbols only the names are told; of one, when its listings began and ended."""
        rows: list[tuple[str, datetime | None, datetime | None]] = []
        if symbol is not None:
            rows = await self._lives(symbol)
        else:
            for venue in Venue:
                rows += [(symbol_of(venue, ticker), None, None) for ticker in await self._all(venue)]
        schema = {name: INSTRUMENTS[name] for name in ("symbol", "listed_at", "delisted_at")}
        found = pl.DataFrame(rows, schema=schema, orient="row").sort("symbol", "listed_at")
        return found.select(
            pl.col(name) if name in schema else pl.lit(None, kind).alias(name) for name, kind in INSTRUMENTS.items()
        )

    async def actions(self, symbol: str) -> pl.DataFrame:
        """See `Provider`; coins have none."""
        raise Unsupported(f"{NAME} has no corporate actions: {shown(symbol)} is of an exchange of coins")

    async def funding(self, symbol: str, *, start: datetime | None = None, end: datetime | None = None) -> pl.DataFrame:
        """See `Provider`. A month's payments are published when it is over; a spot pair has none."""
        place = place_of(symbol)
        if place is None:
            raise UnknownSymbol(f"{NAME} does not know {shown(symbol)}")
        rows = pl.DataFrame(schema=dict(FUNDING))
        if place[0] is not Venue.SWAP:
            return rows
        span = (start or BEGINNING, end or FOREVER)
        left = within(await self._listed(Series(venue=place[0], ticker=place[1])), span, beside=LATE)
        while left and len(rows) < self.limits.bars_per_request:
            batch = newest(left, span, SETTLING, self.limits.bars_per_request - len(rows))
            packed = await self._files.packed(batch)
            told = await asyncio.to_thread(funding_in, batch, packed)
            rows = pl.concat([between(told, span), rows]).sort("timestamp", maintain_order=True)
        return rows.tail(self.limits.bars_per_request)

    async def offer(self, _interval: str, /) -> Offer | None:
        """See `Provider`; None, as listing every folder would take longer than asking."""
        return None

    async def probe(self) -> tuple[Probe, ...]:
        """See `Probing`; two lists, and the checksum of a file that they name."""
        folder = top(Venue.SPOT, Span.MONTHLY)
        page, listing = await self._index.probe(folder)
        tickers = [path.removeprefix(folder).rstrip("/") for path in page.folders]
        if not tickers:
            raise Malformed(f"{self._list_client.name}: {folder} has no folder; is it a mirror of the archive?")
        series = Series(venue=Venue.SPOT, ticker=tickers[0], interval=DAILY)
        files = series.found(Span.MONTHLY, await self._index.files(series.folder(Span.MONTHLY)))
        fetching = [await self._files.probe(files[0])] if files else []
        return (listing, *fetching)

    async def close(self) -> None:
        """Close the connections; a later request opens new ones."""
        await self._list_client.close()
        await self._file_client.close()

    async def _bars_of(self, symbol: str, files: Sequence[ArchiveFile]) -> pl.DataFrame:
        """Return all bars of some files, in their order."""
        if not files:
            return pl.DataFrame(schema=dict(BARS))
        return await asyncio.to_thread(bars_in, symbol, files, await self._files.packed(files))

    async def _listed(self, series: Series) -> tuple[ArchiveFile, ...]:
        """Return the files of a series by time, each day in one of them; remembered for a while."""
        if series in self._lists:
            self._lists.move_to_end(series)
            return self._lists[series]
        monthly = series.found(Span.MONTHLY, await self._index.files(series.folder(Span.MONTHLY)))
        daily: list[ArchiveFile] = []
        if series.interval:  # funding has no daily files
            since = unbroken(monthly)  # the days of the last month as well: they tell how far it goes
            behind = "" if since is None else f"{series.file(Span.DAILY, since - DAY).path}{CHECKSUM}"
            daily = series.found(Span.DAILY, await self._index.files(series.folder(Span.DAILY), behind=behind))
        monthly, daily = self._begun(monthly), self._begun(daily)
        files = chosen(monthly, daily)
        if files and series.interval:
            sure = daily[-1].after if daily else files[-1].first  # how far into its month a file goes is not known
            self._newest[series.venue] = max(sure, self._newest.get(series.venue, BEGINNING))
        self._lists[series] = files
        while len(self._lists) > LISTS_KEPT:
            self._lists.popitem(last=False)
        return files

    def _begun(self, files: Sequence[ArchiveFile]) -> list[ArchiveFile]:
        """Return the files of spans that have begun; one of the future would be the end of all who have none."""
        now = self._clock.now()
        for one in files:
            if one.first > now:
                self._findings[f"{one.path} is of days that have not come yet; it is passed over"] = None
        return [one for one in files if one.first <= now]

    async def _all(self, venue: Venue) -> list[str]:
        """Return the tickers of a venue, delisted ones too, without futures that end."""
        if venue not in self._tickers:
            names = {name for span in Span for name in await self._index.folders(top(venue, span))}
            self._tickers[venue] = sorted(
                name for name in names if TICKER.fullmatch(name) and not DATED.fullmatch(name)
            )
        return self._tickers[venue]

    async def _lives(self, symbol: str) -> list[tuple[str, datetime | None, datetime | None]]:
        """Return symbol, first and last moment of each of its listings; None for an end that has not come."""
        place = place_of(symbol)
        if place is None:
            return []
        files = await self._listed(Series(venue=place[0], ticker=place[1], interval=DAILY))
        found: list[tuple[str, datetime | None, datetime | None]] = []
        stretches = runs(files)
        for number, (first, last) in enumerate(stretches, 1):
            stamps = (await self._bars_of(symbol, sorted({first, last})))["timestamp"].drop_nulls().sort()
            begun = stamps[0] if len(stamps) else first.first
            ended = stamps[-1] + DAY if len(stamps) else last.after
            over = number < len(stretches) or await self._reach(place[0]) - ended >= QUIET
            found.append((symbol, begun, ended if over else None))
        return found

    async def _reach(self, venue: Venue) -> datetime:
        """Return until when a venue surely goes on, as far as a sample of its symbols tells."""
        async with self._reaching:
            if venue not in self._reached:
                names = await self._all(venue)
                spread = names[:: max(1, len(names) // SAMPLE)]
                sample = dict.fromkeys([*(name for name in LEADERS if name in names), *spread])
                for ticker in sample:
                    if self._newest.get(venue, BEGINNING) >= self._clock.now() - NEAR:
                        break
                    await self._listed(Series(venue=venue, ticker=ticker, interval=DAILY))
                self._reached.add(venue)
        return self._newest.get(venue, BEGINNING)


def _parted(limits: RateLimits) -> tuple[RateLimits, RateLimits]:
    """Return the limits of lists and of files, which together are those that are declared."""
    inner = replace(limits, paced_inside=False, timeout=PATIENCE, concurrency=2 * limits.concurrency)
    few = max(1, int(limits.burst * LISTING_SHARE))
    rate = limits.requests_per_second
    return (
        replace(inner, requests_per_second=rate * LISTING_SHARE, burst=few),
        replace(inner, requests_per_second=rate * (1 - LISTING_SHARE), burst=max(1, limits.burst - few)),
    )


class BinanceArchiveOptions(Options):
    """Options of the provider `binance_archive`.

    Parameters
    ----------
    url : where the files are; a mirror has the same folders.
    list_url : where the store answers lists of them.
    requests_per_second : HTTP requests, lists and files together.
    """

    url: HttpAddress = URL
    list_url: HttpAddress = LIST_URL
    requests_per_second: float = Field(default=RATE, gt=0, le=500)


def open_archive(options: BinanceArchiveOptions, clock: Clock) -> Provider:
    """Return a client of the archive at the addresses; nothing is sent.

    Raises
    ------
    DataError : the client library is not installed.
    """
    require_library(NAME, "httpx")
    limits = replace(LIMITS, requests_per_second=options.requests_per_second)
    return BinanceArchive(url=options.url, list_url=options.list_url, clock=clock, limits=limits)


BINANCE_ARCHIVE = ProviderFactory(name=NAME, options=BinanceArchiveOptions, open=open_archive)
