"""Forks: the rows of a snapshot with another future, imported into a lake of their own and read as a panel.

1. `pinned` reads the stored rows of a snapshot and says when each became known: at the close of its bar. Rows that were
   recorded before it are no content of the snapshot.
2. `rebuilt` imports rows, edited or not, as anyone's files: kinds, versions of bars, generations and listings follow
   anew.
3. Rows are read, edited and imported so many symbols at a time, and a fork's lake is gone when its panel is read: what
   is in memory at once is a panel or two and the rows of one part.
"""

import ctypes
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache, partial
from itertools import batched, chain
from pathlib import Path

import numpy as np
import polars as pl

from tvquant.core.instruments import Instant
from tvquant.core.panel import Basis, Panel
from tvquant.lake.perturbations import EDITS, FACTS, Edit, Rows, dated, facts_changed, settling
from tvquant.lake.reading import panels
from tvquant.lake.reading.action_revisions import TOLD, current
from tvquant.lake.reading.dividend_coverage import SPAN, inside, union
from tvquant.lake.reading.funding import COLUMNS, KEY, RATE
from tvquant.lake.reading.lake import Lake
from tvquant.lake.reading.snapshots import Snapshot
from tvquant.lake.reading.sources import FACT, simulated
from tvquant.lake.reading.unclosed_bars import settled
from tvquant.lake.storage import tables
from tvquant.lake.storage.tables import PRICES, VALUES
from tvquant.lake.writing.declared_basis import Doubt
from tvquant.lake.writing.facts import restore_facts
from tvquant.lake.writing.imports import import_files
from tvquant.symbology.kinds import structure

IMPORTED = datetime(2200, 1, 1, tzinfo=UTC)
"""Nominal time of a fork's import, behind the close of every bar: nothing of a fork depends on a clock."""
PART = 100
"""Symbols whose rows are read, edited and imported at a time."""
UNCHANGED = "as imported"
"""Name of the fork that changes nothing."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Forks:
    """Forks of a snapshot, each made when it is asked for.

    Parameters
    ----------
    panel : that of the snapshot.
    folder : where lakes of forks come and go.
    """

    lake: Lake
    snapshot: Snapshot
    panel: Panel
    folder: Path

    def at(self, t: Instant) -> Iterator[tuple[str, Panel | None]]:
        """Yield every fork of the moment by name; None where there is nothing to change."""
        yield UNCHANGED, self.unchanged
        for number, (name, edit) in enumerate(EDITS.items()):
            seed = number, int(t.astype("datetime64[us]").astype(np.int64))
            yield name, self._changed(partial(self._edited, edit, t, seed))
        yield FACTS, facts_changed(self.panel, t)

    @cached_property
    def unchanged(self) -> Panel:
        """The panel of the same rows imported anew: the very one of the snapshot where their content is the same."""
        with tempfile.TemporaryDirectory(dir=self.folder) as temporary:
            contents = rebuilt(map(self._rows, range(len(self._parts))), Path(temporary)).contents()
            _give_back()
            names, again = contents.names(), dict[str, str]()
            for some in batched(names, PART):
                again |= contents.pinned(some).snapshot.symbols
            same = again == {name: self.snapshot.symbols[name] for name in self.snapshot.columns}
            return self.panel if same else contents.pinned(names).panel

    def _changed(self, edited: Callable[[int], Rows | None]) -> Panel | None:
        """Return the panel of all parts edited, each once; None where there is nothing to change in any."""
        _give_back()
        parts = iter(range(len(self._parts)))
        for k in parts:
            if (first := edited(k)) is not None:
                after = (edited(other) or self._rows(other) for other in parts)
                return self._panel(chain(map(self._rows, range(k)), [first], after))
        return None

    def _panel(self, parts: Iterable[Rows]) -> Panel:
        """Return the panel of these rows, through a lake that is thrown away."""
        with tempfile.TemporaryDirectory(dir=self.folder) as temporary:
            lake = rebuilt(parts, Path(temporary))
            _give_back()
            return panels.build(lake.bars())

    @cached_property
    def _parts(self) -> tuple[tuple[str, ...], ...]:
        return tuple(batched(sorted(self.snapshot.columns), PART))

    @cached_property
    def _rows(self) -> Callable[[int], Rows]:
        """Part -> its rows; those read last are kept."""
        return lru_cache(maxsize=1)(lambda part: pinned(self.lake, self.snapshot, self._parts[part]))

    def _edited(self, edit: Edit, t: Instant, seed: tuple[int, int], part: int) -> Rows | None:
        return edit(self._rows(part), t, np.random.default_rng([*seed, part]))


def _give_back() -> None:
    """Return memory that was freed to the system, where the C library can: fork after fork leaves holes in its heap."""
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)


def pinned(lake: Lake, snapshot: Snapshot, symbols: Sequence[str] | None = None) -> Rows:
    """Read the rows that the snapshot was made of, as they were delivered; of some of its symbols, or of all.

    Raises
    ------
    DataError : a table cannot be read at its pinned version.
    """
    mine = tables.among(pl.Series(snapshot.columns if symbols is None else symbols))

    def stored(table: str, *columns: str) -> pl.DataFrame:
        if table not in snapshot.tables:
            return pl.DataFrame(schema=tables.SCHEMAS[table]).select(columns)
        return tables.read(lake.root, table, columns, where=mine, at=snapshot.tables[table])

    declared = stored("instruments", "symbol", "calendar", "actions_first", "actions_last")
    spans = declared.group_by("symbol").agg(pl.col("calendar").first())
    spans = spans.join(union(declared), on="symbol", how="left").sort("symbol", *SPAN)
    structures = {name: structure(name) for name in spans["symbol"]}
    bars = settled(stored("bars", "symbol", "timestamp", "recorded_at", *VALUES, "basis"), structures)
    return Rows(
        bars=dated(bars.drop("recorded_at"), spans),
        actions=dated(current(stored("actions", *TOLD)).drop("source", "recorded_at"), spans),
        funding=settling(stored("funding", *COLUMNS)),
        spans=spans,
        facts=pl.concat([stored("facts", *FACT), simulated(lake.root, mine, snapshot.tables["bars"])]).with_columns(
            pl.col("known_at").dt.replace_time_zone(None)
        ),
    )


def rebuilt(parts: Iterable[Rows], into: Path) -> Lake:
    """Import rows, part after part, as files into a lake under `into`, and return it.

    A symbol is in one part only: what its rows are held against is all there is of it.

    Raises
    ------
    DataError : the rows cannot be imported, or the folder cannot be written.
    """
    lake, folder = Lake(into / "lakehouse"), into / "files"
    folder.mkdir(parents=True)
    for rows in parts:
        _import(lake, rows, folder)
        for file in folder.iterdir():
            file.unlink()
    return lake


def _import(lake: Lake, rows: Rows, folder: Path) -> None:
    """Import the rows through files in a folder."""
    count = 0
    for (basis,), alike in _delivered(rows).partition_by("basis", as_dict=True, maintain_order=True).items():
        # A file's price column is full or empty, as import wants it; a symbol may have come in files of both sorts.
        said = alike.with_columns(pl.col(name).is_null().alias(f"no_{name}") for name in PRICES)
        parts = said.partition_by([f"no_{name}" for name in PRICES], maintain_order=True, include_key=False)
        files = [folder / f"{count + k}.parquet" for k in range(len(parts))]
        count += len(parts)
        for file, part in zip(files, parts, strict=True):
            part.drop("basis").write_parquet(file, compression="uncompressed")
        import_files(lake, files, basis=Basis(basis), doubt=Doubt.IGNORE, recorded_at=IMPORTED)
    if len(rows.funding):
        paid = folder / "funding.parquet"
        rows.funding.select(*KEY, pl.col("rate").alias(RATE)).write_parquet(paid, compression="uncompressed")
        import_files(lake, [paid], recorded_at=IMPORTED)
    restore_facts(lake, rows.facts.with_columns(pl.col("known_at").dt.replace_time_zone("UTC")))


def _delivered(rows: Rows) -> pl.DataFrame:
    """Bars as a provider sends them: dividends are numbers where they were delivered, splits stand in their rows."""
    frame = rows.bars
    for column, kind in (("dividends", "dividend"), ("stock_splits", "split")):
        mine = rows.actions.filter(pl.col("kind") == kind).select("symbol", "session", pl.col("value").alias(column))
        frame = frame.join(mine, on=["symbol", "session"], how="left", maintain_order="left")
    dividends = pl.when(pl.lit(inside(frame, rows.spans))).then(pl.col("dividends").fill_null(0.0))
    return frame.select("symbol", "timestamp", *VALUES, dividends.alias("dividends"), "stock_splits", "basis")
