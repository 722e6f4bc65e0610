"""Bars and funding out of files: a folder (or one file) in the import format, read as `tvquant data import` does."""

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs

from tvquant.core.clock import Clock
from tvquant.core.errors import DataError
from tvquant.core.instruments import Kind
from tvquant.core.panel import Basis
from tvquant.core.quoting import shown
from tvquant.lake.reading.funding import RATE
from tvquant.lake.storage.tables import DAILY
from tvquant.lake.writing import files as delivered
from tvquant.lake.writing.funding import settled
from tvquant.market.providers.contract import (
    BARS,
    FUNDING,
    INSTRUMENTS,
    INTERVALS,
    Capabilities,
    Malformed,
    Offer,
    ProviderFactory,
    RateLimits,
    UnknownSymbol,
    Unsupported,
)
from tvquant.market.providers.listing_file import read_listings
from tvquant.profiles.options import Options
from tvquant.symbology.kinds import SHARES, structure

SUFFIXES = frozenset({".csv", ".parquet"})
DELIVERED = {"dividends": "dividend", "stock_splits": "split"}
"""Columns of actions, and what they are."""
LIMITS = RateLimits(requests_per_second=1e6, burst=1_000_000, bars_per_request=5000, concurrency=8)
CAPABILITIES = Capabilities(
    intervals=frozenset(INTERVALS),
    kinds=frozenset(Kind),
    actions=True,
    funding=True,
    instruments=False,
    live=False,
    tells_basis=False,
)
PLAIN: dict[Any, Any] = {cs.by_name("symbol"): pl.String, cs.by_dtype(pl.Null): pl.Float64}
"""Types of bars that are alike whatever file they came from."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Files:
    """Bars of the files as they stood when first asked, each file of one interval; nothing is behind the last bar.

    Rows that no reader could take are in `rejected`. Copies of a row that are equal in every column are one row;
    versions of a bar that differ are all handed over. Files say nothing of ticks and lots, and of listings only where
    one of them is a list of these.

    Parameters
    ----------
    path : a folder, of which the files directly in it count, or one file.
    basis : what its prices are adjusted for.
    listings : the file that `listed` is out of, which is none of bars.
    listed : columns of `INSTRUMENTS` of the symbols whose listings are known; others go on.
    """

    path: Path
    basis: Basis
    name: str = "files"
    limits: RateLimits = LIMITS
    capabilities: Capabilities = CAPABILITIES
    listings: Path | None = None
    listed: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=dict(INSTRUMENTS)))
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    async def bars(
        self, symbol: str, interval: str, *, start: datetime | None = None, end: datetime | None = None
    ) -> pl.DataFrame:
        """See `Provider`. Versions of one bar are never parted by the end of a page, which may be shorter for that."""
        if interval not in self.capabilities.intervals:
            raise Unsupported(f"files hold bars of 1d and 4h; {interval} bars of {symbol} are not served")
        rows = (await self._rows_of(symbol, interval)).select(BARS.keys()).unique(maintain_order=True)
        if start is not None:
            rows = rows.filter(pl.col("timestamp") >= start)
        if end is not None:
            rows = rows.filter(pl.col("timestamp") < end)
        if len(rows) <= self.limits.bars_per_request:
            return rows
        cut = rows["timestamp"][-self.limits.bars_per_request - 1]
        page = rows.filter(pl.col("timestamp") > cut)
        if page.is_empty():
            versions = rows["timestamp"].to_list().count(cut)
            raise Malformed(
                f"provider files: {self.path} has {versions} versions of the bar {symbol} {cut:%Y-%m-%d}, more than "
                f"one request brings ({self.limits.bars_per_request}); take some files out of the folder",
                retryable=False,
            )
        return page

    async def instruments(self, symbol: str | None = None) -> pl.DataFrame:
        """Return the symbols that have bars, with nothing known of them but when they were listed, where that is."""
        bars = await asyncio.to_thread(self._read)
        known = sorted({name for of in bars.values() for name in of if symbol in (None, name)})
        names = pl.DataFrame({"symbol": known}, schema={"symbol": pl.String()})
        return names.join(self.listed, on="symbol", how="left", maintain_order="left_right").select(INSTRUMENTS.keys())

    async def actions(self, symbol: str) -> pl.DataFrame:
        """See `Provider`. Of a bar's several copies, distinct actions are handed over.

        Files of a share without any dividend, not even zeros, do not show that none was paid: `Unsupported`.
        """
        rows = await self._rows_of(symbol, DAILY)
        if structure(symbol).kinds & SHARES and rows["dividends"].is_null().all():
            raise Unsupported(f"the files of {self.path} have no dividends of {symbol}; deliver them as a column, or 0")
        parts = [
            rows.filter(pl.col(column) != 0).select("timestamp", kind=pl.lit(kind), value=pl.col(column))
            for column, kind in DELIVERED.items()
        ]
        return pl.concat(parts).unique().sort("timestamp", "kind", "value")

    async def funding(self, symbol: str, *, start: datetime | None = None, end: datetime | None = None) -> pl.DataFrame:
        """See `Provider`. Of a symbol that no file of funding has there is none."""
        rows = (await asyncio.to_thread(self._read_funding)).get(symbol)
        if rows is None:
            await self._rows_of(symbol, DAILY)
            return pl.DataFrame(schema=dict(FUNDING))
        if start is not None:
            rows = rows.filter(pl.col("timestamp") >= start)
        if end is not None:
            rows = rows.filter(pl.col("timestamp") < end)
        return rows.select(FUNDING.keys()).tail(self.limits.bars_per_request)

    async def offer(self, interval: str, /) -> Offer | None:
        """See `Provider`."""
        rows = (await asyncio.to_thread(self._read)).get(interval, {})
        words = "{file}: row {row}, column {column!r}: {value!r} {reason}"
        bad = _by_symbol(self.rejected.with_columns(pl.col("symbol").fill_null("")))
        times = {name: part["timestamp"].unique(maintain_order=True) for name, part in rows.items()}
        return Offer(
            times=times,
            unread={name: (len(rows), words.format(**rows.row(0, named=True))) for name, rows in bad.items()},
        )

    async def close(self) -> None:
        """Do nothing: no connection is held."""

    @property
    def rejected(self) -> pl.DataFrame:
        """Rows that could not be read: `file`, `row`, `column`, `value`, `reason` and the `record` whole."""
        self._read()
        return self._content[1]

    async def _rows_of(self, symbol: str, interval: str) -> pl.DataFrame:
        found = (await asyncio.to_thread(self._read)).get(interval, {}).get(symbol)
        if found is None:
            bad = self.rejected.filter(pl.col("symbol") == symbol)
            if len(bad):
                first = bad.row(0, named=True)
                raise Malformed(f"{first['file']}: row {first['row']}: {symbol} {first['reason']}", retryable=False)
            raise UnknownSymbol(f"no file of {self.path} has {interval} bars of {shown(symbol)}")
        return found

    def _read(self) -> Mapping[str, Mapping[str, pl.DataFrame]]:
        """Return rows by interval and symbol, sorted by time, equals in the order of files.

        Read once, whoever asks first.
        """
        with self._lock:
            return self._content[0]

    def _read_funding(self) -> Mapping[str, pl.DataFrame]:
        """Return payments by symbol, at the second of their settlement."""
        with self._lock:
            return self._content[2]

    @cached_property
    def _content(self) -> tuple[Mapping[str, Mapping[str, pl.DataFrame]], pl.DataFrame, Mapping[str, pl.DataFrame]]:
        paths = [self.path] if self.path.is_file() else sorted(self.path.glob("*"))
        paths = [path for path in paths if path.suffix.lower() in SUFFIXES and path != self.listings]
        if not paths:
            raise DataError(f"provider files: {self.path} has no .parquet or .csv file; name a folder that has some")
        try:
            deliveries = [delivered.read_file(path) for path in paths]
        except DataError as error:
            raise Malformed(f"provider files: {error}", retryable=False) from error
        bars = {
            interval: [one.rows.cast(PLAIN) for one in deliveries if one.interval == interval]
            for interval in sorted({one.interval for one in deliveries} - {delivered.FUNDING})
        }
        if not bars:
            raise DataError(f"provider files: {self.path} has funding alone; name a folder that has bars")
        rows = {
            interval: _by_symbol(pl.concat(parts).sort("symbol", "timestamp", maintain_order=True))
            for interval, parts in bars.items()
        }
        rejected = pl.concat([one.rejected.insert_column(0, pl.lit(one.name).alias("file")) for one in deliveries])
        paid = [settled(one.rows) for one in deliveries if one.interval == delivered.FUNDING]
        paid = [one.select("symbol", "timestamp", pl.col("rate").alias(RATE)) for one in paid]
        return rows, rejected, _by_symbol(pl.concat(paid).unique().sort(pl.all())) if paid else {}


def _by_symbol(rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    parts = rows.partition_by("symbol", as_dict=True, maintain_order=True)
    return {str(key[0]): part for key, part in parts.items()}


class FilesOptions(Options):
    """Options of the provider `files`.

    Parameters
    ----------
    path : folder of files, or one file.
    basis : what their prices are adjusted for; null where it was not declared.
    listings : file of `symbol,delisted_at[,listed_at]`: who ended when, so that its last bar is no gap in the delivery.
    """

    path: Path | None = None
    basis: Basis | None = None
    listings: Path | None = None


def open_files(options: FilesOptions, _: Clock) -> Files:
    """Return the files of a folder as a provider.

    Raises
    ------
    DataError : there is no path, or it does not exist; the list of listings cannot be read.
    """
    if options.path is None or not options.path.exists():
        where = "was not given" if options.path is None else f"{options.path} does not exist"
        raise DataError(f"provider files: the folder of files {where}; name one")
    basis = options.basis or Basis.RAW
    if options.listings is None:
        return Files(path=options.path, basis=basis)
    return Files(
        path=options.path,
        basis=basis,
        capabilities=replace(CAPABILITIES, instruments=True),
        listings=options.listings,
        listed=read_listings(options.listings),
    )


FILES = ProviderFactory(name="files", options=FilesOptions, open=open_files)
