"""Import of files: all are judged before anything is written, and what is written is what was delivered.

1. Read and judge every file. A symbol with a bad row is left out whole and named, or its bad rows go to the quarantine
   when that was asked for. Nothing is written where nothing is left.
2. Settle the basis: declared, or raw for crypto; a symbol keeps the one it has, and its prices must not contradict it.
   One that does among others that show the declared basis is left out whole and named.
3. Per interval, drop rows that repeat a row of the same files or of the lake; everything else is stored,
   contradictions included.
4. Write quarantine, facts, actions, funding, instruments, bars, journal, in this order and each in one commit. Killed
   in between, the lake holds actions or instruments without bars, which nothing reads, and the same command completes
   it. Instruments say which bars' dividends are known: they come behind the actions, for none may be missing then.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import polars as pl

from tvquant.core.errors import DataError, ProfileError
from tvquant.core.panel import Basis
from tvquant.lake.quality.basis import ACTION
from tvquant.lake.reading import dividend_coverage, sources
from tvquant.lake.reading.funding import RATE
from tvquant.lake.reading.lake import Lake
from tvquant.lake.reading.stored_rows import in_time_order
from tvquant.lake.storage import commits, tables
from tvquant.lake.storage.intervals import table_of
from tvquant.lake.storage.location import Root
from tvquant.lake.storage.provenance import operation_id, origin
from tvquant.lake.storage.tables import DAILY, TIME, VALUES
from tvquant.lake.writing import revisions
from tvquant.lake.writing.actions import unstored_actions
from tvquant.lake.writing.batches import batches
from tvquant.lake.writing.declared_basis import NO_ACTIONS, NO_FACTS, Contradicted, Doubt, on_word
from tvquant.lake.writing.duplicates import mark_repeats
from tvquant.lake.writing.files import FUNDING, Delivery, read_file
from tvquant.lake.writing.funding import settled, unstored
from tvquant.lake.writing.headers import ACTIONS
from tvquant.lake.writing.import_reports import (
    ImportReport,
    file_report,
    funding_journal,
    journal_of,
    malformed,
    put_aside,
    whole_symbols,
)
from tvquant.lake.writing.symbol_choice import ALL, SymbolChoice
from tvquant.symbology.kinds import ROUND_THE_CLOCK, Structure

_NUMBERS = dict.fromkeys((*VALUES, *ACTIONS), pl.Float64())
FILES = "files"
"""Stands for the names of files, which are the sources of their rows."""
_COLUMNS: dict[str, pl.DataType] = {"symbol": pl.String(), "timestamp": TIME, **_NUMBERS, "file": pl.UInt32()}


def import_files(
    lake: Lake,
    files: Sequence[Path],
    *,
    basis: Basis | None = None,
    doubt: Doubt = Doubt.REFUSE,
    choice: SymbolChoice = ALL,
    quarantine: bool = False,
    mixing: bool = False,
    recorded_at: datetime,
) -> ImportReport:
    """Import files of daily bars, of 4h bars of what trades round the clock (one interval per file), or of funding.

    Parameters
    ----------
    basis : what the prices are adjusted for; may be left out for crypto alone (raw).
    doubt : what becomes of prices that contradict it.
    choice : which symbols of the files are taken.
    quarantine : take the good rows of a file with bad ones, and write the bad ones aside with their reasons; else a
        symbol with a bad row is left out whole, and the others are taken.
    mixing : also where the lake holds simulated bars of the same exchange.
    recorded_at : when the import happens, with a zone.

    Raises
    ------
    DataError : a file is malformed, or has no good symbol; nothing was changed.
    ProfileError : the choice is of symbols that no file has; the basis is not declared, not the one a symbol has in the
        lake, or contradicted by the prices; the lake holds simulated bars of the exchange; nothing was changed.
    """
    deliveries = [read_file(Path(path), choice, now=recorded_at) for path in files]
    choice.check({name for delivery in deliveries for name in delivery.symbols})
    refused: dict[str, str] = {}
    if quarantine:
        _check_some_good(deliveries)
    else:
        deliveries, refused = whole_symbols(deliveries)
    parts, paid = _merged(deliveries), _funding(deliveries)
    structures = {name: found for delivery in deliveries for name, found in delivery.structures.items()}
    names = sorted(_names(parts))
    check_declared({name: structures[name] for name in names}, basis)
    asked = _Asked(
        deliveries=[replace(delivery, rows=delivery.rows.clear()) for delivery in deliveries],
        parts=parts, paid=paid, structures=structures, basis=basis, doubt=doubt, quarantine=quarantine,
        recorded_at=recorded_at,
    )  # fmt: skip
    del deliveries, parts

    def decide() -> ImportReport:
        sources.check(lake.root, names, source=FILES, mixing=mixing)
        return _import(lake.root, asked)

    done = commits.transact(lake.root, decide)
    return replace(done, refused=refused | dict(done.refused))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Asked:
    """An import: its files without their rows, bars by interval (`_merged`), payments, and how they are to be taken."""

    deliveries: Sequence[Delivery]
    parts: Mapping[str, pl.DataFrame]
    paid: pl.DataFrame
    structures: Mapping[str, Structure]
    basis: Basis | None
    doubt: Doubt
    quarantine: bool
    recorded_at: datetime

    @property
    def declared(self) -> Basis:
        """The basis of the prices."""
        return self.basis or Basis.RAW

    def operation(self) -> str:
        """Name of the import."""
        hashes = [delivery.sha256 for delivery in self.deliveries]
        return operation_id(hashes, self.basis, self.quarantine, self.recorded_at.isoformat())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Judged:
    """What may be stored, by interval; symbols refused, with the reason; scales that give way; facts taken on word."""

    parts: Mapping[str, pl.DataFrame]
    refused: Mapping[str, str]
    revised: tuple[revisions.Revision, ...]
    word: pl.DataFrame

    @property
    def anew(self) -> frozenset[str]:
        """Symbols of which what is stored gives way."""
        return frozenset(one.symbol for one in self.revised)


def _import(root: Root, asked: _Asked) -> ImportReport:
    """Write what the lake as it stands does not have."""
    judged = _judged(root, asked)
    anew, hashes = judged.anew, [delivery.sha256 for delivery in asked.deliveries]
    marked = {one: _marked(root, one, part, asked, anew) for one, part in judged.parts.items() if len(part)}
    import_id = asked.operation()
    named = pl.col("file").replace_strict(dict(enumerate(delivery.name for delivery in asked.deliveries)))
    columns = origin(named, import_id, asked.recorded_at)
    aside = put_aside(root, import_id, asked.deliveries)
    instruments = new_instruments(root, _coverage(judged.parts), asked.structures)
    told = _actions(judged.parts).with_columns(source=columns["source"])
    retold = anew & _telling(judged.parts) if anew else anew
    actions = unstored_actions(root, _without(told, retold))
    if retold:
        actions = pl.concat([actions, told.filter(pl.col("symbol").is_in(sorted(retold)))])
    payments = unstored(root, settled(asked.paid)) if len(asked.paid) else asked.paid
    journals = [journal for _, journal in marked.values()]
    if len(asked.paid) or not journals:
        journals.append(funding_journal(asked.paid, payments))
    journal = pl.concat(journals, how="vertical_relaxed").sort("file", "symbol")
    for table, frame, gone in (
        ("facts", judged.word.with_columns(file=pl.lit(0)), ()),
        ("actions", actions, retold),
        ("funding", payments, ()),
        ("instruments", instruments, ()),
    ):
        if len(frame) or gone:
            revisions.write(root, table, [frame.with_columns(**columns)], gone)
    for interval, (part, _) in marked.items():
        more = {"interval": pl.lit(interval), "basis": pl.lit(str(asked.declared)), **columns}
        new = (batch.filter(~pl.col("duplicate")).with_columns(**more) for batch in batches(part))
        revisions.write(root, table_of(interval), new, anew)
    sums = pl.col("file").replace_strict(dict(enumerate(hashes)))
    commits.append(root, "journal", journal.with_columns(sha256=sums, **columns))
    return ImportReport(
        import_id=import_id,
        files=tuple(
            file_report(j, replace(one, left_out=one.left_out + _gone(asked.parts, judged.parts, j)), journal)
            for j, one in enumerate(asked.deliveries)
        ),
        symbols=journal["symbol"].n_unique(),
        actions=len(actions),
        funding=len(payments),
        quarantine=aside,
        refused=judged.refused,
        revised=judged.revised,
        accepted=tuple(sorted(set(judged.word["symbol"]))),
    )


def _judged(root: Root, asked: _Asked) -> _Judged:
    """Hold the bars against what is stored of their symbols, and against the declared basis."""
    for interval, part in asked.parts.items():
        _check_held(root, table_of(interval), part, asked.declared)
    found = [
        revisions.revisions(root, table_of(interval), batch, asked.declared)
        for interval, part in asked.parts.items()
        for batch in batches(part)
    ]
    revised = tuple(one for some, _ in found for one in some)
    refused = {name: why for _, some in found for name, why in some.items()}
    parts = _parts_without(asked.parts, refused)
    if refused and not any(map(len, parts.values())):
        name, why = next(iter(refused.items()))
        raise DataError(f"{name}: {why}; nothing was imported")
    word, contradicted = _on_word(root, parts, asked, frozenset(one.symbol for one in revised))
    return _Judged(
        parts=_parts_without(parts, contradicted),
        refused=refused | contradicted,
        revised=tuple(one for one in revised if one.symbol not in contradicted),
        word=word,
    )


def _on_word(
    root: Root, parts: Mapping[str, pl.DataFrame], asked: _Asked, anew: Collection[str]
) -> tuple[pl.DataFrame, dict[str, str]]:
    """The facts that are taken on the user's word, and the symbols that are contradicted alone, with the reason."""
    told, declared, doubt = _actions(parts), asked.declared, asked.doubt
    try:
        found = [on_word(root, table_of(one), part, told, declared, doubt, anew) for one, part in parts.items()]
    except Contradicted as error:
        if not error.apart:
            raise
        apart = dict(error.apart)
        word, more = _on_word(root, _parts_without(parts, apart), asked, anew)
        return word, apart | more
    return pl.concat([NO_FACTS, *found]), {}


def _marked(
    root: Root, interval: str, part: pl.DataFrame, asked: _Asked, anew: Collection[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the bars of an interval with `duplicate` (see `mark_repeats`), and the journal of what becomes of them."""
    marks, journals = [], []
    for batch in batches(part):
        found = mark_repeats(root, interval, batch, asked.structures, asked.recorded_at, anew)
        marks.append(found["duplicate"])
        journals.append(journal_of(found))
    return part.with_columns(pl.concat(marks)), pl.concat(journals)


def _parts_without(parts: Mapping[str, pl.DataFrame], symbols: Collection[str]) -> dict[str, pl.DataFrame]:
    return {interval: _without(part, symbols) for interval, part in parts.items()}


def _gone(whole: Mapping[str, pl.DataFrame], kept: Mapping[str, pl.DataFrame], file: int) -> int:
    """Return rows of a file that went with their symbols."""
    parts = ((sign, part) for sign, some in ((1, whole), (-1, kept)) for part in some.values())
    return sum(sign * int((part["file"] == file).sum()) for sign, part in parts)


def _names(parts: Mapping[str, pl.DataFrame]) -> set[str]:
    """Return the symbols of the bars."""
    return {name for part in parts.values() for name in part["symbol"].unique().cast(pl.String)}


def _coverage(parts: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the columns, of all bars, that show for which of them dividends were delivered."""
    kept = (part.select("symbol", "timestamp", "file", pl.col("dividends").cast(pl.Float64)) for part in parts.values())
    return pl.concat(kept)


def _telling(parts: Mapping[str, pl.DataFrame]) -> set[str]:
    """Return symbols whose rows say what was paid or split, be it nothing."""
    said = pl.any_horizontal(pl.col(ACTIONS).is_not_null())
    return _names({interval: part.select("symbol", *ACTIONS).filter(said) for interval, part in parts.items()})


def _without(rows: pl.DataFrame, symbols: Collection[str]) -> pl.DataFrame:
    """Return the rows of other symbols."""
    return rows.filter(~pl.col("symbol").cast(pl.String).is_in(sorted(symbols))) if symbols else rows


def _check_some_good(deliveries: Sequence[Delivery]) -> None:
    """Refuse a file of bad rows alone, whether they would be put aside or not."""
    for delivery in deliveries:
        if len(delivery.rejected) and delivery.rows.is_empty():
            raise malformed(delivery)


def _merged(deliveries: Sequence[Delivery]) -> dict[str, pl.DataFrame]:
    """Return good bars by interval, there sorted by symbol (an enumeration) and time, with the number of their file.

    Columns that no file of an interval has are of type Null. Where there is no bar there is one interval, of none.
    """
    found: dict[str, list[pl.DataFrame]] = {}
    for j, delivery in enumerate(deliveries):
        if delivery.interval != FUNDING:
            found.setdefault(delivery.interval, []).append(delivery.rows.with_columns(file=pl.lit(j, pl.UInt32)))
    found = found or {DAILY: [pl.DataFrame(schema=_COLUMNS)]}
    names = pl.concat([one["symbol"].unique().cast(pl.String) for some in found.values() for one in some])
    columns = [pl.col("symbol").cast(pl.Enum(names.unique().sort())), *list(_COLUMNS)[1:]]
    merged = {
        interval: pl.concat([one.select(columns) for one in some], how="vertical_relaxed")
        for interval, some in sorted(found.items())
    }
    return {interval: in_time_order(rows, "timestamp") for interval, rows in merged.items()}


def _funding(deliveries: Sequence[Delivery]) -> pl.DataFrame:
    """Return all good payments with the number of their file."""
    schema = {"symbol": pl.String(), "timestamp": TIME, RATE: pl.Float64(), "file": pl.UInt32()}
    paid = [
        delivery.rows.with_columns(pl.col("symbol").cast(pl.String), file=pl.lit(j, pl.UInt32))
        for j, delivery in enumerate(deliveries)
        if delivery.interval == FUNDING
    ]
    return pl.concat([pl.DataFrame(schema=schema), *(one.select(list(schema)) for one in paid)])


def check_declared(structures: Mapping[str, Structure], basis: Basis | None) -> None:
    """Refuse symbols of an exchange whose prices are of an unknown basis; those of round-the-clock markets are raw.

    Raises
    ------
    ProfileError : there is one, and no basis was declared.
    """
    exchange = [name for name in sorted(structures) if not structures[name].kinds & ROUND_THE_CLOCK]
    if basis is None and exchange:
        unknown = f"what the prices of {exchange[0]} are adjusted for is not known"
        raise ProfileError(f"{unknown}; declare --basis raw, split or total")


def _check_held(root: Root, table: str, rows: pl.DataFrame, declared: Basis) -> None:
    if tables.all_are(root, table, "basis", declared):
        return
    symbols = rows["symbol"].unique().cast(pl.String)
    where = pl.col("symbol").is_in(symbols.implode()) & (pl.col("basis") != str(declared))
    other = tables.read(root, table, ["symbol", "basis"], where=where).unique().sort("symbol")
    if len(other):
        symbol, held = other.row(0)
        found = f"basis {declared} was declared, but {symbol} is in the lake as {held}"
        raise ProfileError(f"{found}; nothing was imported; use --basis {held}, or another workspace")


def new_instruments(root: Root, rows: pl.DataFrame, structures: Mapping[str, Structure]) -> pl.DataFrame:
    """Return symbols that the lake does not know, and runs of bars that it does not know the dividends of."""
    first, last = dividend_coverage.SPAN
    found = rows.lazy().group_by("symbol").agg(pl.col("file").min()).with_columns(pl.col("symbol").cast(pl.String))
    found = found.join(dividend_coverage.delivered(rows).lazy(), on="symbol", how="left").sort("symbol", first, last)
    each = found.collect()
    held = tables.read(root, "instruments", ["symbol", first, last])
    known = pl.Series(map(set(held["symbol"]).__contains__, each["symbol"]), dtype=pl.Boolean)
    new = each.filter(~known | (each[first].is_not_null() & ~dividend_coverage.inside(each, held, first, last)))
    what = [structures[name] for name in new["symbol"]]
    return new.with_columns(
        kinds=pl.Series([" ".join(sorted(one.kinds)) for one in what], dtype=pl.String),
        currency=pl.Series([one.currency for one in what], dtype=pl.String),
        calendar=pl.Series([one.calendar for one in what], dtype=pl.String),
    )


def _actions(parts: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return dividends and splits of the rows; 0 is none, and so is a split of 1 for 1."""
    found = [
        part.lazy()
        .select("symbol", "timestamp", "file", column)
        .filter((pl.col(column) > 0) & (pl.col(column) != neutral))
        .select(
            pl.col("symbol").cast(pl.String), "timestamp", "file", kind=pl.lit(kind),
            value=pl.col(column).cast(pl.Float64),
        )
        for part in parts.values()
        for column, kind, neutral in (("dividends", "dividend", 0.0), ("stock_splits", "split", 1.0))
        if part[column].null_count() < len(part)
    ]  # fmt: skip
    if not found:
        return NO_ACTIONS.with_columns(file=pl.Series(dtype=pl.UInt32))
    return pl.concat(found).unique(ACTION, keep="first", maintain_order=True).sort(ACTION).collect()
