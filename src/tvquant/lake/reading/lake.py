"""The lake: daily bars, corporate actions and instruments of one workspace, and the snapshots read from them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tvquant.core.instruments import Instant
from tvquant.core.panel import Panel
from tvquant.lake.reading.bars import Bars, Symbol
from tvquant.lake.reading.contents import Contents, PinnedData, empty, latest_versions
from tvquant.lake.reading.funding import known_funding
from tvquant.lake.reading.snapshots import Snapshot
from tvquant.lake.storage import tables
from tvquant.lake.storage.intervals import LENGTHS, table_of
from tvquant.lake.storage.location import Root, folder, size
from tvquant.lake.storage.tables import DAILY, SCHEMAS


@dataclass(frozen=True, slots=True, kw_only=True)
class TableStatus:
    """One table: its latest version, rows, and bytes on disk (old versions included)."""

    name: str
    version: int
    rows: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LakeStatus:
    """What a lake holds: its tables, how many symbols have bars, and the first and last bar."""

    tables: tuple[TableStatus, ...]
    symbols: int
    first: Instant
    last: Instant


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Listing:
    """One symbol as it is stored.

    Parameters
    ----------
    symbol : its structure and basis; `sources` : the files and providers its rows came from.
    bars : daily rows by time, with `repaired`: one of its values was changed, and was not reverted.
    actions, funding : by time; `repairs` : of all intervals, reverted ones with their date, the oldest first.
    others : interval -> rows stored of it, beside the daily ones.
    """

    symbol: Symbol
    sources: tuple[str, ...]
    bars: pl.DataFrame
    actions: pl.DataFrame
    funding: pl.DataFrame
    repairs: pl.DataFrame
    others: Mapping[str, int]


class Lake:
    """Delta Lake tables under `root`, a folder or a `Place`; reading only (`import_files` and `upsert` write)."""

    def __init__(self, root: Root) -> None:
        self.root = root

    @property
    def folder(self) -> Path:
        """The local folder: of locks, quarantine and the register; of the tables too, unless they are at a URI."""
        return folder(self.root)

    def contents(self) -> Contents:
        """Read who is there, as the lake stands.

        Raises
        ------
        DataError : the lake is empty.
        """
        return Contents.latest(self.root)

    def symbols(self) -> tuple[str, ...]:
        """Return symbols with bars, sorted."""
        return self.contents().names()

    def bars(self, symbols: Iterable[str] | None = None) -> Bars:
        """Return all bars of the given symbols (of all when None), judged, of the latest versions.

        Raises
        ------
        DataError : the lake is empty, or has no bars of a symbol.
        """
        return Contents.latest(self.root, symbols).bars()

    def pin(self, symbols: Iterable[str], *, interval: str = DAILY) -> Snapshot:
        """Return the snapshot of these symbols in the latest versions.

        Raises
        ------
        DataError : the lake is empty, has no bars of a symbol or none of that interval.
        """
        wanted = tuple(symbols)
        return Contents.latest(self.root, wanted).pinned(wanted, interval=interval).snapshot

    def pinned(self, snapshot: Snapshot) -> PinnedData:
        """Return the data that a snapshot names, read when they are asked for; later imports do not matter."""
        return PinnedData(self.root, snapshot)

    def panel(self, snapshot: Snapshot) -> Panel:
        """Return the panel of exactly what was pinned; errors are those of `PinnedData.panel`."""
        return self.pinned(snapshot).panel

    def status(self) -> LakeStatus:
        """Return tables, symbols and span."""
        latest_versions(self.root)
        bars = tables.read(self.root, "bars", ["symbol", "timestamp"])
        if bars.is_empty():
            empty(self.root)
        times = bars["timestamp"].dt.replace_time_zone(None).to_numpy()
        return LakeStatus(
            tables=tuple(self._tables()),
            symbols=bars["symbol"].n_unique(),
            first=times.min(),
            last=times.max(),
        )

    def _tables(self) -> Iterator[TableStatus]:
        for name in SCHEMAS:
            version = tables.version(self.root, name)
            if version is not None:
                rows = tables.count(self.root, name)
                yield TableStatus(name=name, version=version, rows=rows, size=size(self.root, name))

    def ls(self, symbol: str) -> Listing:
        """Return what is stored of one symbol, rows by time.

        Raises
        ------
        DataError : the lake has no bars of it.
        """
        (found,) = Contents.latest(self.root, [symbol]).symbols
        mine = pl.col("symbol") == symbol
        bars = tables.read(self.root, "bars", where=mine).sort("timestamp", "recorded_at", "source")
        repairs = tables.read(self.root, "repairs", where=mine).sort("sequence", "interval", "timestamp", "field")
        daily = (pl.col("interval") == DAILY) & pl.col("reverted_at").is_null()
        repaired = pl.col("timestamp").is_in(repairs.filter(daily)["timestamp"].unique().implode())
        return Listing(
            symbol=found,
            sources=tuple(bars["source"].unique().sort()),
            bars=bars.with_columns(repaired=repaired),
            actions=tables.read(self.root, "actions", where=mine).sort("timestamp", "kind"),
            funding=known_funding(self.root, [symbol]),
            repairs=repairs,
            others={
                interval: len(tables.read(self.root, table_of(interval), ["symbol"], where=mine))
                for interval in LENGTHS
                if interval != DAILY
            },
        )
