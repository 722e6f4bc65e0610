"""A server of the exchange's bulk archive: folders listed in XML pages, packed files with their checksums.

It serves whatever bars and payments it is given, as published: monthly files of the months that are over, daily files
of the days up to `published`; spot without a header and in microseconds from `micro` on, futures with one.
"""

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from xml.sax.saxutils import escape

import polars as pl

from builders.lies import HONEST, Lie, Wire
from builders.loopback import Loopback, Reply, Request, serve

DAY = timedelta(days=1)
STEPS = {"1d": DAY, "4h": timedelta(hours=4)}
PAGE_KEYS = 1000
KLINE_HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
)
FUNDING_HEADER = "calc_time,funding_interval_hours,last_funding_rate"
type Frames = Callable[[str, str], pl.DataFrame]


def packed(name: str, text: str) -> bytes:
    """A zip of one text."""
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return into.getvalue()


def stamps(rows: pl.DataFrame) -> list[int]:
    return rows["timestamp"].dt.epoch("us").to_list()


def kline_text(rows: pl.DataFrame, step: timedelta, *, header: bool, micro: datetime, lie: Lie = HONEST) -> str:
    """Rows as published, each in milliseconds or, from a moment on, in microseconds."""
    lines, length = [KLINE_HEADER] if header else [], int(step.total_seconds() * 10**6)
    since = int(micro.timestamp() * 10**6)
    values = rows.select("open", "high", "low", "close", "volume", "quote_volume").rows()
    for at, (*prices, volume, quoted) in zip(stamps(rows), values, strict=True):
        unit = 1 if at >= since else 1000
        close = (at + length) // unit - 1
        row = [at // unit, *prices, volume, close, 0.0 if quoted is None else quoted, 7, 1.0, 1.0, 0]
        lines.append(",".join(map(repr, lie.row(row))))
    return "".join(f"{line}\n" for line in lines)


def funding_text(rows: pl.DataFrame) -> str:
    rates = zip(stamps(rows), rows["funding_rate"], strict=True)
    return "".join(f"{line}\n" for line in (FUNDING_HEADER, *(f"{at // 1000},8,{rate!r}" for at, rate in rates)))


def _ticker(symbol: str) -> str:
    return symbol.removeprefix("BINANCE:").removesuffix(".P")


@dataclass
class ArchiveServer:
    """What is served.

    Parameters
    ----------
    symbols : with bars; a name ending in `.P` is a perpetual.
    bars : symbol and interval -> its rows.
    funding : perpetual -> its payments.
    published : the last day that has files is the one before.
    micro : times of spot rows are microseconds from here on.
    replaced : path -> bytes that are served in the place of a file, or of a checksum; None is not there.
    folders : further folders that are listed and have nothing.
    """

    symbols: Iterable[str]
    bars: Frames
    funding: Callable[[str], pl.DataFrame]
    published: datetime
    micro: datetime = datetime(2025, 1, 1, tzinfo=UTC)
    replaced: dict[str, bytes | None] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    page_keys: int = PAGE_KEYS
    wire: Wire | None = None

    def __post_init__(self) -> None:
        self._parts: dict[str, tuple[str, str, datetime, datetime]] = {}
        for symbol in self.symbols:
            swap = symbol.endswith(".P")
            ticker = _ticker(symbol)
            venue = "data/futures/um" if swap else "data/spot"
            for interval in STEPS:
                place = f"{{span}}/klines/{ticker}/{interval}/{ticker}-{interval}"
                self._publish(symbol, interval, self.bars(symbol, interval), f"{venue}/{place}", daily=True)
            if swap:
                place = f"{venue}/{{span}}/fundingRate/{ticker}/{ticker}-fundingRate"
                self._publish(symbol, "", self.funding(symbol), place, daily=False)
        self._bytes = lru_cache(maxsize=20_000)(self._packed)
        self._listed: list[str] | None = None

    def _publish(self, symbol: str, interval: str, rows: pl.DataFrame, place: str, *, daily: bool) -> None:
        days = rows["timestamp"].dt.truncate("1d").unique().sort()
        days = days.filter(days < self.published)
        month = self.published.replace(day=1, hour=0, minute=0)
        for first in days.dt.truncate("1mo").unique().sort():
            if first < month:
                after = (first + 31 * DAY).replace(day=1)
                self._parts[f"{place.format(span='monthly')}-{first:%Y-%m}.zip"] = (symbol, interval, first, after)
        for day in days if daily else ():
            self._parts[f"{place.format(span='daily')}-{day:%Y-%m-%d}.zip"] = (symbol, interval, day, day + DAY)

    @property
    def paths(self) -> list[str]:
        """Of all packed files."""
        return sorted(self._parts)

    def _packed(self, path: str) -> bytes:
        symbol, interval, first, after = self._parts[path]
        rows = self.bars(symbol, interval) if interval else self.funding(symbol)
        rows = rows.filter((pl.col("timestamp") >= first) & (pl.col("timestamp") < after))
        lie = HONEST if self.wire is None else self.wire.lie
        name = path.rpartition("/")[2].replace(".zip", ".csv")
        if interval:
            rows = lie.rows(rows)
            name = name.replace(f"{_ticker(symbol)}-", f"{_ticker(rows['symbol'][0])}-")
        swap = symbol.endswith(".P")
        never = datetime(9000, 1, 1, tzinfo=UTC)
        text = (
            kline_text(rows, STEPS[interval], header=swap, micro=never if swap else self.micro, lie=lie)
            if interval
            else funding_text(rows)
        )
        return packed(name, text)

    def content(self, path: str) -> bytes | None:
        """Bytes of a file or a checksum; None where there is none."""
        if path in self.replaced:
            return self.replaced[path]
        if path in self._parts:
            return self._bytes(path)
        file = path.removesuffix(".CHECKSUM")
        of = self.content(file) if file != path else None
        return None if of is None else f"{hashlib.sha256(of).hexdigest()}  {file.rpartition('/')[2]}\n".encode()

    def keys(self) -> list[str]:
        """Every path that lists show, in the order of the store."""
        if self._listed is None or self.replaced:
            paths = {*self._parts, *(p for p, of in self.replaced.items() if of and p.endswith(".zip"))}
            paths -= {path for path, of in self.replaced.items() if of is None}
            self._listed = sorted(key for path in paths for key in (path, f"{path}.CHECKSUM"))
            self._listed = sorted([*self._listed, *(f"{folder}x" for folder in self.folders)])
        return self._listed

    def listed(self, query: dict[str, str]) -> str:
        """One page of a list."""
        prefix, marker = query["prefix"], query.get("marker", "")
        found: list[str] = []
        for key in self.keys():
            if not key.startswith(prefix):
                continue
            head, sign, _ = key.removeprefix(prefix).partition(query.get("delimiter", "\0"))
            shown = f"{prefix}{head}{sign}"
            if shown > marker and (not found or found[-1] != shown):
                found.append(shown)
                if len(found) > self.page_keys:
                    break
        more, found = len(found) > self.page_keys, found[: self.page_keys]
        entries = [
            f"<CommonPrefixes><Prefix>{escape(one)}</Prefix></CommonPrefixes>"
            if one.endswith("/")
            else f"<Contents><Key>{escape(one)}</Key><Size>1</Size></Contents>"
            for one in found
        ]
        onward = f"<NextMarker>{escape(found[-1])}</NextMarker>" if more else ""
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Name>data.binance.vision</Name><Prefix>{escape(prefix)}</Prefix><Marker>{escape(marker)}</Marker>"
            f"{onward}<MaxKeys>{self.page_keys}</MaxKeys><Delimiter>/</Delimiter>"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{''.join(entries)}</ListBucketResult>"
        )

    def answer(self, request: Request) -> Reply:
        if request.path == "/" and "prefix" in request.query:
            return Reply(self.listed(dict(request.query)), headers={"Content-Type": "application/xml"})
        found = self.content(request.path.removeprefix("/"))
        if found is None:
            return Reply("<Error><Code>NoSuchKey</Code></Error>", status=404)
        return Reply(found, headers={"Content-Type": "binary/octet-stream"})

    def open(self) -> AbstractAsyncContextManager[Loopback]:
        """Serve while the block runs; files and lists at the same address."""
        return serve(self.answer, self.wire)
