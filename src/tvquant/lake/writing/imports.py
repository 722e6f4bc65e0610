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

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import polars as pl

from tvquant.core.errors import DataError, ProfileError
from tvquant.core.panel import Basis
from tvquant.lake.quality.basis import ACTION
from tvquant.lake.reading import dividend_coverage, sources
from tvquant.lake.reading.bars import in_time_order
from tvquant.lake.reading.funding import RATE
from tvquant.lake.reading.lake import Lake
from tvquant.lake.storage import commits, tables
from tvquant.lake.storage.intervals import table_of
from tvquant.lake.storage.location import Root
from tvquant.lake.storage.provenance import operation_id, origin
from tvquant.lake.storage.tables import TIME, VALUES
from tvquant.lake.writing import revisions
from tvquant.lake.writing.actions import unstored_actions
from tvquant.lake.writing.declared_basis import NO_FACTS, Contradicted, Doubt, on_word
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
_FILED: dict[str, pl.DataType] = {"file": pl.Int64(), "interval": pl.String()}


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
    structures = {name: found for delivery in deliveries for name, found in delivery.structures.items()}
    rows = _merged(deliveries)
    check_declared({name: structures[name] for name in rows["symbol"].unique().cast(pl.String)}, basis)

    def decide() -> ImportReport:
        sources.check(lake.root, rows["symbol"].unique().cast(pl.String).to_list(), source=FILES, mixing=mixing)
        return _import(lake.root, deliveries, rows, structures, basis, doubt, quarantine, recorded_at)

    done = commits.transact(lake.root, decide)
    return replace(done, refused=refused | dict(done.refused))


def _import(
    root: Root,
    deliveries: Sequence[Delivery],
    rows: pl.DataFrame,
    structures: Mapping[str, Structure],
    basis: Basis | None,
    doubt: Doubt,
    quarantine: bool,
    recorded_at: datetime,
) -> ImportReport:
    """Write what the lake as it stands does not have."""
    hashes = [delivery.sha256 for delivery in deliveries]
    import_id = operation_id(hashes, basis, quarantine, recorded_at.isoformat())
    declared = basis or Basis.RAW
    parts = {str(interval): part for (interval,), part in rows.partition_by("interval", as_dict=True).items()}
    for interval, part in parts.items():
        _check_held(root, table_of(interval), part, declared)
    found = [revisions.revisions(root, table_of(interval), part, declared) for interval, part in parts.items()]
    revised = tuple(one for some, _ in found for one in some)
    refused = {name: why for _, some in found for name, why in some.items()}
    anew = {one.symbol for one in revised}
    whole, rows, parts = rows, _without(rows, refused), _parts_without(parts, refused)
    if refused and rows.is_empty():
        name, why = next(iter(refused.items()))
        raise DataError(f"{name}: {why}; nothing was imported")
    word, contradicted = _on_word(root, rows, parts, declared, doubt, anew)
    rows, parts, refused = _without(rows, contradicted), _parts_without(parts, contradicted), refused | contradicted
    revised, anew = tuple(one for one in revised if one.symbol not in contradicted), anew - contradicted.keys()
    delivered = _actions(rows)
    parts = {
        interval: mark_repeats(root, interval, part, structures, recorded_at, anew) for interval, part in parts.items()
    }
    named = pl.col("file").replace_strict(dict(enumerate(delivery.name for delivery in deliveries)))
    columns = origin(named, import_id, recorded_at)
    aside = put_aside(root, import_id, deliveries)
    news = new_instruments(root, rows, structures)
    told, retold = delivered.with_columns(source=columns["source"]), anew & _telling(rows)
    fresh = told.filter(pl.col("symbol").is_in(sorted(retold)))
    actions = pl.concat([unstored_actions(root, _without(told, retold)), fresh])
    paid = _funding(deliveries)
    payments = unstored(root, settled(paid))
    journals = [*(journal_of(part) for part in parts.values()), funding_journal(paid, payments)]
    journal = pl.concat(journals, how="vertical_relaxed").sort("file", "symbol")
    for table, frame in (
        ("facts", pl.concat([NO_FACTS, *word]).with_columns(file=pl.lit(0))),
        ("actions", actions),
        ("funding", payments),
        ("instruments", news),
        *(
            (table_of(interval), part.filter(~pl.col("duplicate")).with_columns(basis=pl.lit(str(declared))))
            for interval, part in parts.items()
        ),
        ("journal", journal.with_columns(sha256=pl.col("file").replace_strict(dict(enumerate(hashes))))),
    ):
        replaced = retold if table == "actions" else anew if table in map(table_of, parts) else ()
        revisions.write(root, table, frame.with_columns(**columns), replaced)
    return ImportReport(
        import_id=import_id,
        files=tuple(
            file_report(j, replace(delivery, left_out=delivery.left_out + _gone(whole, rows, j)), journal)
            for j, delivery in enumerate(deliveries)
        ),
        symbols=journal["symbol"].n_unique(),
        actions=len(actions),
        funding=len(payments),
        quarantine=aside,
        refused=refused,
        revised=revised,
        accepted=tuple(sorted({name for one in word for name in one["symbol"]})),
    )


def _on_word(
    root: Root,
    rows: pl.DataFrame,
    parts: Mapping[str, pl.DataFrame],
    declared: Basis,
    doubt: Doubt,
    anew: Collection[str],
) -> tuple[list[pl.DataFrame], dict[str, str]]:
    """The facts that are taken on the user's word, and the symbols that are contradicted alone, with the reason."""
    try:
        told = _actions(rows)
        return [on_word(root, table_of(one), part, told, declared, doubt, anew) for one, part in parts.items()], {}
    except Contradicted as error:
        if not error.apart:
            raise
        apart = dict(error.apart)
    word, more = _on_word(root, _without(rows, apart), _parts_without(parts, apart), declared, doubt, anew)
    return word, apart | more


def _parts_without(parts: Mapping[str, pl.DataFrame], symbols: Collection[str]) -> dict[str, pl.DataFrame]:
    return {interval: _without(part, symbols) for interval, part in parts.items()}


def _gone(whole: pl.DataFrame, rows: pl.DataFrame, file: int) -> int:
    """Rows of a file that went with their symbols."""
    return sum(sign * len(some.filter(pl.col("file") == file)) for sign, some in ((1, whole), (-1, rows)))


def _telling(rows: pl.DataFrame) -> set[str]:
    """Symbols whose rows say what was paid or split, be it nothing."""
    said = pl.any_horizontal(pl.col(ACTIONS).is_not_null())
    return set(rows.filter(said)["symbol"].cast(pl.String).unique())


def _without(rows: pl.DataFrame, symbols: Collection[str]) -> pl.DataFrame:
    """The rows of other symbols."""
    return rows.filter(~pl.col("symbol").cast(pl.String).is_in(sorted(symbols))) if symbols else rows


def _check_some_good(deliveries: Sequence[Delivery]) -> None:
    """A file of bad rows alone is refused, whether they would be put aside or not."""
    for delivery in deliveries:
        if len(delivery.rejected) and delivery.rows.is_empty():
            raise malformed(delivery)


def _merged(deliveries: Sequence[Delivery]) -> pl.DataFrame:
    """All good rows by symbol and time, with the number of their file and its interval; symbols as an enumeration."""
    empty = pl.DataFrame(schema={"symbol": pl.String(), "timestamp": TIME, **_NUMBERS, **_FILED})
    rows = pl.concat([empty, *(one.select(empty.columns) for one in _filed(deliveries, funding=False))])
    rows = rows.with_columns(pl.col("symbol").cast(pl.Enum(rows["symbol"].unique().sort())))
    return in_time_order(rows, "timestamp")


def _filed(deliveries: Sequence[Delivery], *, funding: bool) -> Iterator[pl.DataFrame]:
    """Good rows of the files of bars, or of those of funding, with their number and interval."""
    for j, delivery in enumerate(deliveries):
        if (delivery.interval == FUNDING) == funding:
            yield delivery.rows.with_columns(file=pl.lit(j, pl.Int64), interval=pl.lit(delivery.interval))


def _funding(deliveries: Sequence[Delivery]) -> pl.DataFrame:
    """All good payments with the number of their file."""
    empty = pl.DataFrame(schema={"symbol": pl.String(), "timestamp": TIME, RATE: pl.Float64(), "file": pl.Int64()})
    return pl.concat([empty, *(one.select(empty.columns) for one in _filed(deliveries, funding=True))])


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
    """Symbols that the lake does not know, and runs of bars that it does not know the dividends of."""
    found = rows.group_by("symbol").agg(pl.col("file").min()).with_columns(pl.col("symbol").cast(pl.String))
    found = found.join(dividend_coverage.delivered(rows), on="symbol", how="left").sort(
        "symbol", *dividend_coverage.SPAN
    )
    held = tables.read(root, "instruments", ["symbol", *dividend_coverage.SPAN])
    known = pl.col("symbol").is_in(held["symbol"].unique().implode())
    told = pl.col(dividend_coverage.SPAN[0]).is_not_null() & ~pl.lit(
        dividend_coverage.inside(found, held, *dividend_coverage.SPAN)
    )
    found = found.filter(~known | told)
    what = [structures[name] for name in found["symbol"]]
    return found.with_columns(
        kinds=pl.Series([" ".join(sorted(one.kinds)) for one in what], dtype=pl.String),
        currency=pl.Series([one.currency for one in what], dtype=pl.String),
        calendar=pl.Series([one.calendar for one in what], dtype=pl.String),
    )


def _actions(rows: pl.DataFrame) -> pl.DataFrame:
    """Dividends and splits that the rows tell; 0 is none, and so is a split of 1 for 1."""
    parts = [
        rows.filter((pl.col(column) > 0) & (pl.col(column) != neutral)).select(
            pl.col("symbol").cast(pl.String), "timestamp", "file", kind=pl.lit(kind), value=pl.col(column)
        )
        for column, kind, neutral in (("dividends", "dividend", 0.0), ("stock_splits", "split", 1.0))
    ]
    return pl.concat(parts).unique(ACTION, keep="first", maintain_order=True).sort(ACTION)
