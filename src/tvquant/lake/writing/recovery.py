"""A lake whose files are not what was committed, brought back to the last whole version of each table.

1. A log entry that is torn, changed or lost is written again from its record. One that has no record was never reported
   as done: it goes, with all after it. A checkpoint only saves time and goes; a record that is torn is made again.
2. Where a data file of the newest version is damaged, the last version whose files are all whole becomes the newest, as
   a commit of its own; where there is none, all rows go out of use.
3. A symbol whose declaration went out of use is declared again by its name. Where actions did, nothing is known any
   more of any dividends: all are declared again, without the bars that they were delivered with.
4. What is damaged is not deleted but moved into a folder that the caller names.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path

import polars as pl

from tvquant.core import durable
from tvquant.core.errors import DataError
from tvquant.lake.reading.dividend_coverage import SPAN
from tvquant.lake.reading.lake import Lake
from tvquant.lake.storage import commits, committed, tables
from tvquant.lake.storage.committed import HINT, LOG, entry
from tvquant.lake.storage.location import Place
from tvquant.lake.storage.tables import SCHEMAS, TIME
from tvquant.lake.writing.imports import new_instruments
from tvquant.symbology.kinds import structure

MOST_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """A file that is not what it was, and what is wrong with it."""

    path: Path
    why: str


def damages(lake: Lake) -> tuple[Damage, ...]:
    """Return every damaged file of the lake's tables, old versions included; none is looked for below a URI."""
    root = lake.root
    return () if isinstance(root, Place) else tuple(one for table in SCHEMAS for one in _damages(root, table))


def _damages(root: Path, table: str) -> Iterator[Damage]:
    found = [Damage(path=one.path, why=one.why) for one in committed.all_faults(root, table)]
    try:
        if not found and tables.version(root, table) is not None:
            found = [Damage(path=path, why=why) for path, why in bad_files(root, table).items()]
            if not found:
                tables.read(root, table, ["symbol"])  # what no record tells of is at least read
    except DataError as error:
        found = [Damage(path=root / table, why=str(error))]
    yield from found


def bad_files(root: Path, table: str) -> dict[Path, str]:
    """Return data files that are not what was committed: missing ones of the newest version, changed ones of any."""
    live = set(tables.files(root, table))
    there = {path.name for path in (root / table).glob("*.parquet")}
    known = committed.digests(root, table, live | there)
    found = {root / table / name: committed.file_fault(root / table / name, digest) for name, digest in known.items()}
    found |= {root / table / name: committed.MISSING for name in live - there}
    found |= {root / table / name: _unreadable(root / table / name) for name in live & there - known.keys()}
    return {path: why for path, why in sorted(found.items()) if why}


def _unreadable(path: Path) -> str | None:
    try:
        pl.read_parquet(path, glob=False)
    except tables.UNREADABLE:
        return "is no whole parquet file"
    return None


def mend(lake: Lake, aside: Path, *, now: datetime) -> tuple[str, ...]:
    """Bring every table to its last whole version; what was done, step by step.

    `now` : with a zone; when symbols are declared again.

    Raises
    ------
    DataError : the lake cannot be written, or a log cannot be read whatever is left out of it.
    """
    if isinstance(lake.root, Place) or not lake.root.is_dir():
        return ()
    steps: list[str] = []
    with commits.writing(lake.root):
        bad = [table for table in SCHEMAS if any(_damages(lake.root, table))]
        for table in bad:
            with commits.committing(lake.root, table):
                steps += _mended(lake.root, table, aside / table)
        if {"instruments", "actions"} & set(bad):
            steps += _declared_again(lake.root, undelivered="actions" in bad, recorded_at=now)
    return tuple(steps)


def _declared_again(root: Path, *, undelivered: bool, recorded_at: datetime) -> Iterator[str]:
    """Declare symbols with bars that have no declaration; with `undelivered` first take those with dividends away."""
    if undelivered and tables.version(root, "instruments") is not None:
        commits.delete(root, "instruments", f"{SPAN[0]} IS NOT NULL")
        yield "instruments: no bar counts as delivered with its dividends until its file is imported again"
    bars = tables.read(root, "bars", ["symbol", "timestamp"]).unique("symbol").sort("symbol")
    known = tables.read(root, "instruments", ["symbol"])
    bare = bars.join(known, on="symbol", how="anti").with_columns(file=pl.lit(0), dividends=pl.lit(None, pl.Float64))
    if bare.is_empty():
        return
    rows = new_instruments(root, bare, {name: structure(name) for name in bare["symbol"]})
    origin = {"source": pl.lit("doctor"), "import_id": pl.lit("doctor"), "recorded_at": pl.lit(recorded_at, TIME)}
    commits.append(root, "instruments", rows.with_columns(**origin))
    yield f"instruments: {len(bare):,} symbols are declared again by their names"


def _mended(root: Path, table: str, aside: Path) -> Iterator[str]:
    yield from _log_mended(root, table, aside)
    committed.record(root, table)
    yield from _hints_left_out(root, table, aside)
    if tables.version(root, table) is not None:
        yield from _files_mended(root, table, aside)


def _log_mended(root: Path, table: str, aside: Path) -> Iterator[str]:
    log, notes = root / table / LOG, root / committed.FOLDER / table
    while (fault := next(committed.all_faults(root, table), None)) is not None:
        version, path = fault.version, Path(entry(log, fault.version))
        told = committed.recorded(entry(notes, version))
        move(fault.path, aside)
        if fault.path.parent == notes:
            if path.exists() and committed.whole(path.read_bytes()):
                committed.record_these(root, table, [version])
            yield f"{table}: the record of version {version} was torn; the log entry is taken as it is"
        elif fault.path != path:
            move(log / HINT, aside)
            committed.record_these(root, table, [version])
            yield f"{table}: the checkpoint of version {version} was damaged; the log is read without it"
        elif told is not None:
            durable.replace(path, told.log.encode())
            yield f"{table}: log entry {version} was lost or torn, and is written again from its record"
        else:
            later = committed.versions(log) | committed.versions(notes)
            for one in (one for one in later if one >= version):
                move(Path(entry(log, one)), aside / LOG)
                move(Path(entry(notes, one)), aside / committed.FOLDER)
            yield f"{table}: version {version} is not whole and has no record; it and all after it are taken away"


def _hints_left_out(root: Path, table: str, aside: Path) -> Iterator[str]:
    """Leave out checkpoints without a record, which may be what makes a log unreadable."""
    try:
        tables.version(root, table)
    except DataError:
        log = root / table / LOG
        marked = sorted(log.glob("*.checkpoint*.parquet"))
        for path in (*marked, log / HINT):
            move(path, aside)
        told = sorted({int(path.name[:20]) for path in marked})
        committed.record_these(root, table, told)
        yield f"{table}: the log could not be read; it is read without its checkpoints"


def _files_mended(root: Path, table: str, aside: Path) -> Iterator[str]:
    bad = bad_files(root, table)
    newest, live = tables.version(root, table), set(tables.files(root, table))
    for path in bad:
        move(path, aside)
    hurt = {path.name for path in bad} & live
    if len(bad) > len(hurt):
        yield f"{table}: {len(bad) - len(hurt)} damaged files of old versions are put aside; runs may have pinned these"
    if not hurt or newest is None:
        return
    before, held = _counted(root, table, live - hurt), tables.opened(root, table)
    rows = pl.DataFrame(held.get_add_actions(flatten=True))["num_records"].sum()
    whole = _last_whole(root, table, newest, hurt)
    if whole is None:
        held.delete()
    else:
        held.restore(whole)
    after = _counted(root, table, tables.files(root, table))
    less = {name: count - after.get(name, 0) for name, count in before.items() if count > after.get(name, 0)}
    named = [f"{name} {count:,}" for name, count in sorted(less.items())]
    more = [f"{len(named) - MOST_SHOWN} more symbols"] if len(named) > MOST_SHOWN else []
    to = "no version is whole, so it is empty now" if whole is None else f"goes back from version {newest} to {whole}"
    yield (
        f"{table}: {to}: it had {rows:,} rows and has {sum(after.values()):,}; damaged: {', '.join(sorted(hurt))}; "
        f"out of use beside what stood there: {', '.join([*named[:MOST_SHOWN], *more]) or 'nothing'}; "
        "bring them again by `tvquant data sync` or `data import`"
    )


def _last_whole(root: Path, table: str, newest: int, hurt: set[str]) -> int | None:
    """The last version before all commits that added one of the files, of which every file is there and whole."""
    log = root / table / LOG
    adding = [one for one in committed.versions(log) if hurt & set(committed.added(Path(entry(log, one)).read_text()))]
    for version in range(min([*adding, newest]) - 1, -1, -1):
        names = tables.files(root, table, version)
        known = committed.digests(root, table, names)
        if all(
            (root / table / name).exists()
            and (name not in known or committed.file_fault(root / table / name, known[name]) is None)
            for name in names
        ):
            return version
    return None


def _counted(root: Path, table: str, names: Collection[str]) -> dict[str, int]:
    """Return rows per symbol in these files."""
    files = [root / table / name for name in names]
    if not files:
        return {}
    texts = pl.ScanCastOptions(categorical_to_string="allow")
    symbols = pl.scan_parquet(files, schema=SCHEMAS[table], cast_options=texts, glob=False).select("symbol")
    return dict(symbols.group_by("symbol").len().collect().iter_rows())


def move(path: Path, aside: Path) -> None:
    """Move a file or folder into a folder of damaged ones, if it is there; none that is there is replaced."""
    if not path.exists():
        return
    aside.mkdir(parents=True, exist_ok=True)
    target = next(one for k in count() if not (one := aside / (f"{path.name}.{k}" if k else path.name)).exists())
    path.rename(target)
    for folder in (aside, path.parent):
        durable.sync(folder)
