"""How the archive is laid out: its folders, the names of its files, and the span of time that each is of.

`data/spot/monthly/klines/BTCUSDT/1d/BTCUSDT-1d-2021-03.zip`, `.../daily/.../BTCUSDT-1d-2021-03-05.zip`, the same under
`data/futures/um` for perpetuals, `data/futures/um/monthly/fundingRate/BTCUSDT/BTCUSDT-fundingRate-2021-03.zip`; beside
each file one of the same name and `.CHECKSUM` behind it. Source: the README of binance/binance-public-data.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

NAME = "binance_archive"
"""Of the provider, in messages as well."""
CHECKSUM = ".CHECKSUM"
EXCHANGE = "BINANCE:"
SWAP = ".P"
TICKER = re.compile(r"[^\W_]\w{0,39}")
"""Letters and digits of any script, which are a folder's name as well; `_` stands in futures that end."""
DATED = re.compile(r"\w+_\d{6}")
PERIOD = re.compile(r"(\d{4})-(\d{2})(?:-(\d{2}))?\.zip")
DAY = timedelta(days=1)
APART = timedelta(days=60)
"""A hole of so long between two files is the end of one listing, and the beginning of another's."""

type Moments = tuple[datetime, datetime]
"""Start and end, the end outside."""


class Span(StrEnum):
    """What a file holds of time."""

    MONTHLY = "monthly"
    DAILY = "daily"


class Venue(StrEnum):
    """Where in the archive a market is."""

    SPOT = "data/spot"
    SWAP = "data/futures/um"


class Content(StrEnum):
    """What a file holds of a market."""

    BARS = "klines"
    FUNDING = "fundingRate"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ArchiveFile:
    """A file by the span that its rows are of (`first` <= time < `after`) and its path from the archive's top."""

    first: datetime
    after: datetime
    path: str

    @property
    def name(self) -> str:
        """Without its folder."""
        return self.path.rpartition("/")[2]

    @property
    def member(self) -> str:
        """Name of the one file that is packed in it."""
        return f"{self.name.removesuffix('.zip')}.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Files of one thing: the bars of one interval (its funding, where `interval` is empty) of one ticker."""

    venue: Venue
    ticker: str
    interval: str = ""

    @property
    def stem(self) -> str:
        """How the names of its files begin."""
        return f"{self.ticker}-{self.interval or Content.FUNDING}-"

    def folder(self, span: Span) -> str:
        """Return the folder of its monthly or daily files."""
        content = Content.BARS if self.interval else Content.FUNDING
        within = f"{self.interval}/" if self.interval else ""
        return f"{top(self.venue, span, content)}{self.ticker}/{within}"

    def file(self, span: Span, first: datetime) -> ArchiveFile:
        """Return its file that begins on a day."""
        text = f"{first:%Y-%m}" if span is Span.MONTHLY else f"{first:%Y-%m-%d}"
        after = next_month(first) if span is Span.MONTHLY else first + DAY
        return ArchiveFile(first=first, after=after, path=f"{self.folder(span)}{self.stem}{text}.zip")

    def found(self, span: Span, keys: Iterable[str]) -> list[ArchiveFile]:
        """Return its files among the keys of its folder by time; anything else that lies there is passed over."""
        begins = f"{self.folder(span)}{self.stem}"
        files = []
        for key in keys:
            match = PERIOD.fullmatch(key.removeprefix(begins)) if key.startswith(begins) else None
            if match is None or (match[3] is None) != (span is Span.MONTHLY):
                continue
            try:
                first = datetime(int(match[1]), int(match[2]), int(match[3] or 1), tzinfo=UTC)
            except ValueError:
                continue
            files.append(self.file(span, first))
        return sorted(files)


def top(venue: Venue, span: Span, content: Content = Content.BARS) -> str:
    """Return the folder that has one folder per ticker."""
    return f"{venue}/{span}/{content}/"


def place_of(symbol: str) -> tuple[Venue, str] | None:
    """Return venue and ticker of a symbol; None where it can be none of this exchange."""
    ticker = symbol.removeprefix(EXCHANGE)
    venue = Venue.SWAP if ticker.endswith(SWAP) else Venue.SPOT
    ticker = ticker.removesuffix(SWAP)
    known = symbol.startswith(EXCHANGE) and TICKER.fullmatch(ticker) and not DATED.fullmatch(ticker)
    return (venue, ticker) if known else None


def symbol_of(venue: Venue, ticker: str) -> str:
    """Return the symbol of a folder."""
    return f"{EXCHANGE}{ticker}{SWAP if venue is Venue.SWAP else ''}"


def next_month(first: datetime) -> datetime:
    """Return the first day of the month after this one."""
    return (first.replace(day=1) + timedelta(days=31)).replace(day=1)


def chosen(monthly: Sequence[ArchiveFile], daily: Sequence[ArchiveFile]) -> tuple[ArchiveFile, ...]:
    """Return the monthly files, and the daily ones of days that none of them is of, by time."""
    months = {(one.first.year, one.first.month) for one in monthly}
    rest = [one for one in daily if (one.first.year, one.first.month) not in months]
    return tuple(sorted([*monthly, *rest]))


def unbroken(monthly: Sequence[ArchiveFile]) -> datetime | None:
    """Return where the last month of the first run of consecutive ones begins; None without any.

    Before that no daily file is needed; those of that month tell how far it goes.
    """
    last: ArchiveFile | None = None
    for one in monthly:
        if last is not None and one.first != last.after:
            break
        last = one
    return None if last is None else last.first


def runs(files: Sequence[ArchiveFile]) -> list[tuple[ArchiveFile, ArchiveFile]]:
    """Return the first and last file of each stretch without a hole of months, by time."""
    found: list[tuple[ArchiveFile, ArchiveFile]] = []
    for one in files:
        if found and one.first - found[-1][1].after < APART:
            found[-1] = (found[-1][0], one)
        else:
            found.append((one, one))
    return found


def within(files: Sequence[ArchiveFile], span: Moments, *, beside: timedelta = timedelta(0)) -> list[ArchiveFile]:
    """Return the files that may have a row with start <= time < end."""
    return [one for one in files if one.after + beside > span[0] and one.first - beside < span[1]]


def newest(left: list[ArchiveFile], span: Moments, step: timedelta, rows: int) -> list[ArchiveFile]:
    """Take the newest files that could hold so many rows out of `left`, and return them by time."""
    batch: list[ArchiveFile] = []
    while left and rows > 0:
        one = left.pop()
        batch.append(one)
        rows -= (min(one.after, span[1]) - max(one.first, span[0])) // step
    return batch[::-1]
