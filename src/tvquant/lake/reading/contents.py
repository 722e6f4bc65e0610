"""What a lake holds at one version of each table: who is there, their judged bars, and what is pinned of them."""

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NoReturn

import polars as pl

from tvquant.core.errors import DataError
from tvquant.core.instants import instant
from tvquant.core.instruments import Fact, Instant, Kind
from tvquant.core.panel import Basis, Panel, Times
from tvquant.core.quoting import shown
from tvquant.lake.reading import panels, sources
from tvquant.lake.reading.action_revisions import TOLD, current
from tvquant.lake.reading.bars import Bars, Symbol, assemble
from tvquant.lake.reading.dividend_coverage import union
from tvquant.lake.reading.funding import COLUMNS, Payments
from tvquant.lake.reading.snapshots import Snapshot
from tvquant.lake.reading.stored_rows import COLUMNS as ROW
from tvquant.lake.reading.stored_rows import StoredRows, gathered
from tvquant.lake.storage import tables
from tvquant.lake.storage.batches import batches
from tvquant.lake.storage.intervals import LENGTHS, table_of
from tvquant.lake.storage.location import Root
from tvquant.lake.storage.tables import DAILY, SCHEMAS
from tvquant.symbology.kinds import Structure

PINNED = ("bars", "actions", "funding", "instruments", "facts")
FEW = 100
"""So many symbols are read at once, from the parts of files that have them; more are read file by file."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contents:
    """Symbols with bars, sorted, as declared at their imports, in these versions of the tables under `root`."""

    root: Root
    versions: Mapping[str, int]
    symbols: tuple[Symbol, ...]

    @classmethod
    def at(cls, root: Root, versions: Mapping[str, int], wanted: Iterable[str] | None = None) -> "Contents":
        """Read who is there, of the wanted symbols (of all when None).

        Raises
        ------
        DataError : the lake is empty, or has no bars of a symbol.
        """
        return cls(root=root, versions=versions, symbols=_declared(root, versions, wanted))

    @classmethod
    def latest(cls, root: Root, wanted: Iterable[str] | None = None) -> "Contents":
        """Read the latest version of each table; errors are those of `at`."""
        return cls.at(root, latest_versions(root), wanted)

    def names(
        self,
        kinds: Collection[Kind] | None = None,
        exclude_kinds: Collection[Kind] = (),
        exchanges: Collection[str] | None = None,
    ) -> tuple[str, ...]:
        """Return the symbols with any of `kinds`, none of `exclude_kinds`, on any of `exchanges`, sorted."""
        return tuple(
            symbol.name
            for symbol in self.symbols
            if (kinds is None or symbol.structure.kinds & set(kinds))
            and not symbol.structure.kinds & set(exclude_kinds)
            and (exchanges is None or symbol.name.partition(":")[0] in exchanges)
        )

    def span(self) -> tuple[Instant, Instant]:
        """Return the stamps of the first and the last bar of the whole lake."""
        stamps = tables.read(self.root, "bars", ["timestamp"], at=self.versions["bars"])["timestamp"]
        moments: Times = stamps.dt.replace_time_zone(None).to_numpy()
        return moments.min(), moments.max()

    def bars(self, wanted: Iterable[str] | None = None) -> Bars:
        """Read all bars of some of the symbols (of all when None), judged.

        Raises
        ------
        DataError : there are none of a symbol.
        """
        asked = None if wanted is None else set(wanted)
        declared = tuple(symbol for symbol in self.symbols if asked is None or symbol.name in asked)
        if asked is not None and (len(declared) < len(asked) or not asked):
            return Contents.at(self.root, self.versions, asked).bars()  # which says what is amiss
        names = [symbol.name for symbol in declared]
        mine = tables.among(pl.Series(names))
        actions = _read(self.root, self.versions, "actions", TOLD, mine)
        paid = _read(self.root, self.versions, "funding", COLUMNS, mine)
        return assemble(declared, self._rows(declared, mine), current(actions), Payments.of(names, paid))

    def _rows(self, declared: Sequence[Symbol], mine: pl.Expr) -> StoredRows:
        """Return the stored rows of the symbols: of a few in one read that skips others, of many a batch at a time."""
        structures, at = {one.name: one.structure for one in declared}, self.versions["bars"]
        if len(declared) <= FEW:
            found = [tables.read(self.root, "bars", ROW, where=mine, at=at)]
            return gathered(structures, found, len(found[0]))
        most = sum(tables.sizes(self.root, "bars", at).values())
        return gathered(structures, batches(self.root, "bars", ROW, where=mine, at=at), most)

    def pinned(self, wanted: Iterable[str], *, interval: str = DAILY, beside: Collection[str] = ()) -> "PinnedData":
        """Read the bars of some of the symbols, with the snapshot that names them; those beside are no columns.

        Raises
        ------
        DataError : there are none of a symbol, or none of that interval.
        """
        if interval != DAILY:
            table_of(interval)
            raise DataError(f"bars of {interval} are stored, but panels are of {DAILY} bars; pin those")
        versions = {name: self.versions[name] for name in PINNED if name in self.versions}
        bars, others = self.bars(wanted), self.bars(beside) if beside else None
        return PinnedData(self.root, Snapshot.of(bars, versions, interval, others), bars, others)


class PinnedData:
    """What a snapshot names: its judged bars, read once, and the panel of them, which takes their place.

    Bars that are asked for after the panel are read again.
    """

    def __init__(self, root: Root, snapshot: Snapshot, bars: Bars | None = None, beside: Bars | None = None) -> None:
        self.snapshot = snapshot
        self._root = root
        self._bars = bars
        self._beside = beside

    @property
    def bars(self) -> Bars:
        """The judged bars.

        Raises
        ------
        DataError : the lake no longer holds that content.
        """
        if self._bars is None:
            self._bars, self._beside = self._again()
        return self._bars

    @property
    def beside(self) -> Bars:
        """The judged bars of the symbols that are no columns; there must be some.

        Raises
        ------
        DataError : the lake no longer holds that content.
        """
        if self._beside is None:
            self._bars, self._beside = self._again()
        assert self._beside is not None
        return self._beside

    @cached_property
    def panel(self) -> Panel:
        """The panel of exactly what was pinned.

        Raises
        ------
        DataError : the lake no longer holds that content; several calendars; a currency other than USD.
        """
        bars, self._bars = [self.bars], None
        return panels.build(bars.pop())

    def _again(self) -> tuple[Bars, Bars | None]:
        pinned = self.snapshot
        contents = Contents.at(self._root, pinned.tables, pinned.symbols)
        bars, beside = contents.bars(pinned.columns), contents.bars(pinned.beside) if pinned.beside else None
        found = Snapshot.of(bars, pinned.tables, pinned.interval, beside)
        if found.digest != pinned.digest:
            other = [name for name, digest in pinned.symbols.items() if found.symbols[name] != digest]
            named = f"{other[0]} and {len(other) - 1} others differ" if other else "the digest differs"
            raise DataError(f"lake {self._root} no longer holds snapshot {pinned.digest[:12]}: {named}; pin it again")
        return bars, beside


def latest_versions(root: Root) -> dict[str, int]:
    """Return the latest version of each table that is there.

    Raises
    ------
    DataError : the lake is empty, or a table cannot be read.
    """
    found = tables.held(root)
    if "bars" not in found:
        empty(root)
    return found


def empty(root: Root) -> NoReturn:
    """Raise that a lake has no daily bars."""
    others = _others(root, pl.lit(True))
    what = f"holds no {DAILY} bars, only {others}" if others else "is empty"
    raise DataError(f"the lake {root} {what}; import data with `tvquant data import FILE`")


def _others(root: Root, mine: pl.Expr) -> str:
    """How many bars of other intervals than days there are."""
    names = [name for name in LENGTHS if name != DAILY]
    counts = {name: len(tables.read(root, table_of(name), ["symbol"], where=mine)) for name in names}
    return ", ".join(f"{count:,} of {name}" for name, count in counts.items() if count)


def _absent(root: Root, symbol: str) -> NoReturn:
    """Raise that a symbol has no daily bars."""
    mine = pl.col("symbol") == symbol
    said = f"the lake {root} has no bars of {shown(symbol)}"
    if others := _others(root, mine):
        raise DataError(f"{said} of {DAILY}, only {others}; `tvquant data export --interval` writes those")
    if len(tables.read(root, "removals", ["symbol"], where=mine & pl.col("reverted_at").is_null())):
        raise DataError(f"{said}: they were removed; `tvquant data revert {symbol}` puts them back")
    near = difflib.get_close_matches(symbol, Contents.latest(root).names(), n=3, cutoff=0.5)
    hint = f"; near it are {', '.join(near)}" if near else ""
    raise DataError(f"{said}{hint}; import them with `tvquant data import`")


def _read(root: Root, versions: Mapping[str, int], table: str, columns: Sequence[str], where: pl.Expr) -> pl.DataFrame:
    if table not in versions:
        return pl.DataFrame(schema=SCHEMAS[table]).select(columns)
    return tables.read(root, table, columns, where=where, at=versions[table])


def _declared(root: Root, versions: Mapping[str, int], wanted: Iterable[str] | None) -> tuple[Symbol, ...]:
    """Symbols with bars, sorted, as declared at their imports."""
    names = None if wanted is None else sorted(set(wanted))
    if names == []:
        raise DataError(f"no symbol of the lake {root} was asked for; name at least one")
    mine = pl.lit(True) if names is None else pl.col("symbol").is_in(names)
    bases = tables.distinct(root, "bars", ["symbol", "basis"], where=mine, at=versions["bars"])
    columns = ["symbol", "kinds", "currency", "calendar", "actions_first", "actions_last", "recorded_at"]
    known = _read(root, versions, "instruments", columns, mine).sort("recorded_at").drop("recorded_at")
    told = union(known).group_by("symbol", maintain_order=True).all()
    known = known.group_by("symbol").agg(pl.col("kinds", "currency", "calendar").first())
    found = bases.join(known, on="symbol").join(told, on="symbol", how="left").sort("symbol")
    marks = sources.simulated(root, mine, versions["bars"])
    facts = _facts(pl.concat([_read(root, versions, "facts", sources.FACT, mine), marks]))
    absent = sorted(set(names or ()) - set(found["symbol"]))
    if absent:
        _absent(root, absent[0])
    if found.is_empty():
        empty(root)
    return tuple(_symbol(**row, facts=facts.get(row["symbol"], ())) for row in found.iter_rows(named=True))


def _facts(told: pl.DataFrame) -> dict[str, tuple[Fact, ...]]:
    """What was told of each symbol, by time."""
    rows = told.sort("known_at", "field", "value")
    found: dict[str, list[Fact]] = {}
    for symbol, field, value, known_at in rows.iter_rows():
        found.setdefault(symbol, []).append(Fact(field=field, value=value, known_at=instant(known_at)))
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
    spans = tuple((instant(first), instant(last)) for first, last in edges)
    structure = Structure(kinds=tags, currency=currency, calendar=calendar)
    return Symbol(name=symbol, structure=structure, basis=Basis(basis), actions=spans, facts=facts)
