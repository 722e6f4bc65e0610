"""The lake: daily bars, corporate actions and instruments of one workspace, and the snapshots read from them."""

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import NoReturn

import numpy as np
import polars as pl

from tvquant.core.errors import DataError
from tvquant.core.instruments import Fact, Instant, Kind
from tvquant.core.panel import Basis, Panel
from tvquant.core.quoting import shown
from tvquant.lake.reading import panels, sources
from tvquant.lake.reading.action_revisions import TOLD, current
from tvquant.lake.reading.bars import Bars, Symbol, assemble
from tvquant.lake.reading.dividend_coverage import union
from tvquant.lake.reading.funding import COLUMNS, Payments, known_funding
from tvquant.lake.reading.snapshots import Snapshot
from tvquant.lake.storage import tables
from tvquant.lake.storage.intervals import LENGTHS, table_of
from tvquant.lake.storage.location import Root, folder, size
from tvquant.lake.storage.tables import DAILY, SCHEMAS, VALUES
from tvquant.symbology.kinds import Structure

PINNED = ("bars", "actions", "funding", "instruments", "facts")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableStatus:
    """One table: its latest version, rows, and bytes on disk (old versions included).

    `damage` : why it cannot be read, of a cache, which has no version and no rows then; everything else is an error.
    """

    name: str
    version: int
    rows: int
    size: int
    damage: str = ""


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
        """The local folder: of locks, quarantine and the register; of the tables too, unless they stand at a URI."""
        return folder(self.root)

    def symbols(
        self,
        kinds: Collection[Kind] | None = None,
        exclude_kinds: Collection[Kind] = (),
        exchanges: Collection[str] | None = None,
    ) -> tuple[str, ...]:
        """Symbols with bars, sorted: those with any of `kinds`, none of `exclude_kinds`, on any of `exchanges`."""
        found = self._declared(self._versions(), None)
        return tuple(
            symbol.name
            for symbol in found
            if (kinds is None or symbol.structure.kinds & set(kinds))
            and not symbol.structure.kinds & set(exclude_kinds)
            and (exchanges is None or symbol.name.partition(":")[0] in exchanges)
        )

    def bars(self, symbols: Iterable[str] | None = None) -> Bars:
        """All bars of the given symbols (of all when None), judged, as the lake stands.

        Raises
        ------
        DataError : the lake is empty, or has no bars of a symbol.
        """
        return self._bars(self._versions(), symbols)

    def pin(self, symbols: Iterable[str], *, interval: str = DAILY) -> Snapshot:
        """The snapshot of these symbols as the lake stands; errors are those of `pinned`."""
        return self.pinned(symbols, interval=interval).snapshot

    def pinned(self, symbols: Iterable[str], *, interval: str = DAILY) -> "PinnedData":
        """The data of these symbols as the lake stands, with the snapshot that names them.

        Raises
        ------
        DataError : the lake is empty, has no bars of a symbol or none of that interval.
        """
        if interval != DAILY:
            table_of(interval)
            raise DataError(f"bars of {interval} are stored, but panels are of {DAILY} bars; pin those")
        versions = self._versions()
        pinned = {name: versions[name] for name in PINNED if name in versions}
        bars = self._bars(pinned, symbols)
        return PinnedData(self, Snapshot.of(bars, pinned, interval), bars)

    def pinned_as(self, snapshot: Snapshot) -> "PinnedData":
        """The data that a snapshot names, read when they are asked for; later imports do not matter."""
        return PinnedData(self, snapshot)

    def panel(self, snapshot: Snapshot) -> Panel:
        """The panel of exactly what was pinned; errors are those of `PinnedData.panel`."""
        return self.pinned_as(snapshot).panel

    def _again(self, snapshot: Snapshot) -> Bars:
        """The bars that a snapshot names.

        Raises
        ------
        DataError : the lake no longer holds that content.
        """
        bars = self._bars(snapshot.tables, snapshot.symbols)
        found = Snapshot.of(bars, snapshot.tables, snapshot.interval)
        if found.digest != snapshot.digest:
            other = [name for name, digest in snapshot.symbols.items() if found.symbols[name] != digest]
            named = f"{other[0]} and {len(other) - 1} others differ" if other else "the digest differs"
            raise DataError(f"lake {self.root} no longer holds snapshot {snapshot.digest[:12]}: {named}; pin it again")
        return bars

    def status(self) -> LakeStatus:
        """Tables, symbols and span."""
        self._versions()
        bars = tables.read(self.root, "bars", ["symbol", "timestamp"])
        if bars.is_empty():
            self._empty()
        times = bars["timestamp"].dt.replace_time_zone(None).to_numpy()
        return LakeStatus(
            tables=tuple(self._tables()),
            symbols=bars["symbol"].n_unique(),
            first=times.min(),
            last=times.max(),
        )

    def _tables(self) -> Iterator[TableStatus]:
        for name in SCHEMAS:
            try:
                version = tables.version(self.root, name)
                if version is not None:
                    rows = tables.count(self.root, name)
                    yield TableStatus(name=name, version=version, rows=rows, size=size(self.root, name))
            except DataError as error:
                if name not in tables.CACHES:
                    raise
                yield TableStatus(name=name, version=0, rows=0, size=size(self.root, name), damage=str(error))

    def ls(self, symbol: str) -> Listing:
        """What is stored of one symbol, rows by time.

        Raises
        ------
        DataError : the lake has no bars of it.
        """
        (found,) = self._declared(self._versions(), [symbol])
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

    def _versions(self) -> dict[str, int]:
        found = tables.held(self.root)
        if "bars" not in found:
            self._empty()
        return found

    def _empty(self) -> NoReturn:
        others = self._others(pl.lit(True))
        what = f"holds no {DAILY} bars, only {others}" if others else "is empty"
        raise DataError(f"the lake {self.root} {what}; import data with `tvquant data import FILE`")

    def _others(self, mine: pl.Expr) -> str:
        """How many bars of other intervals than days there are."""
        names = [name for name in LENGTHS if name != DAILY]
        counts = {name: len(tables.read(self.root, table_of(name), ["symbol"], where=mine)) for name in names}
        return ", ".join(f"{count:,} of {name}" for name, count in counts.items() if count)

    def _read(self, versions: Mapping[str, int], table: str, columns: Sequence[str], where: pl.Expr) -> pl.DataFrame:
        if table not in versions:
            return pl.DataFrame(schema=SCHEMAS[table]).select(columns)
        return tables.read(self.root, table, columns, where=where, at=versions[table])

    def _bars(self, versions: Mapping[str, int], symbols: Iterable[str] | None) -> Bars:
        declared = self._declared(versions, symbols)
        mine = pl.col("symbol").is_in([symbol.name for symbol in declared])
        bars = self._read(versions, "bars", ["symbol", "timestamp", "recorded_at", *VALUES], mine)
        actions = self._read(versions, "actions", TOLD, mine)
        funding = Payments.of([one.name for one in declared], self._read(versions, "funding", COLUMNS, mine))
        return assemble(declared, bars, current(actions), funding)

    def _declared(self, versions: Mapping[str, int], symbols: Iterable[str] | None) -> tuple[Symbol, ...]:
        """Symbols with bars, sorted, as declared at their imports."""
        wanted = None if symbols is None else sorted(set(symbols))
        if wanted == []:
            raise DataError(f"no symbol of the lake {self.root} was asked for; name at least one")
        mine = pl.lit(True) if wanted is None else pl.col("symbol").is_in(wanted)
        bases = self._read(versions, "bars", ["symbol", "basis"], mine).unique()
        columns = ["symbol", "kinds", "currency", "calendar", "actions_first", "actions_last", "recorded_at"]
        known = self._read(versions, "instruments", columns, mine).sort("recorded_at").drop("recorded_at")
        told = union(known).with_columns(pl.col(tables.TIME).dt.replace_time_zone(None))
        told = told.group_by("symbol", maintain_order=True).all()
        known = known.group_by("symbol").agg(pl.col("kinds", "currency", "calendar").first())
        found = bases.join(known, on="symbol").join(told, on="symbol", how="left").sort("symbol")
        marks = sources.simulated(self.root, mine, versions["bars"])
        facts = _facts(pl.concat([self._read(versions, "facts", sources.FACT, mine), marks]))
        absent = sorted(set(wanted or ()) - set(found["symbol"]))
        if absent:
            self._absent(absent[0])
        if found.is_empty():
            self._empty()
        return tuple(_symbol(**row, facts=facts.get(row["symbol"], ())) for row in found.iter_rows(named=True))

    def _absent(self, symbol: str) -> NoReturn:
        mine = pl.col("symbol") == symbol
        said = f"the lake {self.root} has no bars of {shown(symbol)}"
        if others := self._others(mine):
            raise DataError(f"{said} of {DAILY}, only {others}; `tvquant data export --interval` writes those")
        if len(tables.read(self.root, "removals", ["symbol"], where=mine & pl.col("reverted_at").is_null())):
            raise DataError(f"{said}: they were removed; `tvquant data revert {symbol}` puts them back")
        near = difflib.get_close_matches(symbol, self.symbols(), n=3, cutoff=0.5)
        hint = f"; near it are {', '.join(near)}" if near else ""
        raise DataError(f"{said}{hint}; import them with `tvquant data import`")


class PinnedData:
    """What a snapshot names: its judged bars, read once, and the panel of them, which takes their place.

    Bars that are asked for after the panel are read again.
    """

    def __init__(self, lake: Lake, snapshot: Snapshot, bars: Bars | None = None) -> None:
        self.snapshot = snapshot
        self._lake = lake
        self._bars = bars

    @property
    def bars(self) -> Bars:
        """The judged bars.

        Raises
        ------
        DataError : the lake no longer holds that content.
        """
        if self._bars is None:
            self._bars = self._lake._again(self.snapshot)
        return self._bars

    @cached_property
    def panel(self) -> Panel:
        """The panel of exactly what was pinned.

        Raises
        ------
        DataError : the lake no longer holds that content; several calendars; a currency other than USD.
        """
        panel = panels.build(self.bars)
        self._bars = None
        return panel


def _facts(told: pl.DataFrame) -> dict[str, tuple[Fact, ...]]:
    """What was told of each symbol, by time."""
    rows = told.with_columns(pl.col("known_at").dt.replace_time_zone(None)).sort("known_at", "field", "value")
    found: dict[str, list[Fact]] = {}
    for symbol, field, value, known_at in rows.iter_rows():
        found.setdefault(symbol, []).append(Fact(field=field, value=value, known_at=np.datetime64(known_at, "us")))
    return {symbol: tuple(facts) for symbol, facts in found.items()}


def _symbol(
    *,
    symbol: str,
    basis: str,
    kinds: str,
    currency: str,
    calendar: str,
    actions_first: list[datetime] | None,
    actions_last: list[datetime] | None,
    facts: tuple[Fact, ...],
) -> Symbol:
    """A symbol from the columns that say what it is."""
    tags = frozenset(Kind(kind) for kind in kinds.split())
    edges = zip(actions_first or (), actions_last or (), strict=True)
    spans = tuple((np.datetime64(first, "us"), np.datetime64(last, "us")) for first, last in edges)
    structure = Structure(kinds=tags, currency=currency, calendar=calendar)
    return Symbol(name=symbol, structure=structure, basis=Basis(basis), actions=spans, facts=facts)
