"""Bars of a provider put into the lake, and taken out of it again.

1. A bar that the lake does not have is inserted. One that it has is left alone, or its values are changed in place;
   what a value was before stands in `repairs`. What the rows do not say (null) stays as it is. One that was recorded
   before it closed is no bar yet: it is replaced, and counts as inserted.
2. All of it is one merge of the table of bars. Before it go instruments and repairs, behind it the journal. Killed in
   between, the lake holds repairs that were never carried out, which nothing reads as such, and the same rows complete
   it.
3. `revert` puts originals back, also those of several versions of one bar, and dates the repairs as reverted. Bars that
   were inserted stay: nothing was there before.

When a bar was known in the market does not change by a repair; when it was recorded is `recorded_at`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from tvquant.core.digests import canonical_array, digest_bytes
from tvquant.core.errors import DataError, ProfileError
from tvquant.core.instruments import Instant
from tvquant.core.panel import Basis
from tvquant.lake.quality.price_scale import rescaled
from tvquant.lake.reading.bars import SAME
from tvquant.lake.reading.lake import Lake
from tvquant.lake.reading.stored_rows import session
from tvquant.lake.reading.unclosed_bars import provisional
from tvquant.lake.storage import commits, tables
from tvquant.lake.storage.intervals import LENGTHS, off_grid, table_of
from tvquant.lake.storage.location import Root
from tvquant.lake.storage.provenance import operation_id
from tvquant.lake.storage.tables import DAILY, MEASURES, PRICES, TIME
from tvquant.lake.writing import repairs
from tvquant.lake.writing.declared_basis import NO_ACTIONS, Doubt, on_word
from tvquant.lake.writing.imports import new_instruments
from tvquant.lake.writing.revisions import partial
from tvquant.symbology.kinds import ROUND_THE_CLOCK, Structure, structure

BAR = ["symbol", "session"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolUpsert:
    """What became of one symbol's rows; `first` and `last` are of those delivered."""

    symbol: str
    inserted: int
    changed: int
    unchanged: int
    first: Instant
    last: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class UpsertReport:
    """What an upsert did, by symbol."""

    upsert_id: str
    symbols: tuple[SymbolUpsert, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RevertReport:
    """What was put back: values, the bars they are of, their symbols, and the upserts that had changed them."""

    values: int
    bars: int
    symbols: tuple[str, ...]
    upserts: tuple[str, ...]


def upsert(
    lake: Lake,
    rows: pl.DataFrame,
    *,
    interval: str,
    basis: Basis,
    source: str,
    recorded_at: datetime,
    reason: str,
    doubt: Doubt = Doubt.REFUSE,
) -> UpsertReport:
    """Insert the bars that are new, change those that differ, leave the others.

    Parameters
    ----------
    rows : validated bars: symbol, timestamp (the open, UTC), open, high, low, close, volume, quote_volume; one per
        symbol and session. Values within rounding (`bars.SAME`) of the stored ones are equal to them.
    source : who delivered them; `reason` : what for, to be read with the repairs.
    recorded_at : when, with a zone.
    doubt : what becomes of prices that contradict the basis.

    Raises
    ------
    DataError : the rows are no bars of that interval; they have adjusted prices on another scale than stored bars that
        would stay; the lake cannot be written, or others write all the time.
    ProfileError : the basis is not the one that a symbol has in the lake, or is contradicted by the prices.
    """
    table = table_of(interval)
    structures = {name: structure(name) for name in rows["symbol"].unique().drop_nulls().sort()}
    given = _checked(rows, interval, structures)
    origin = {"source": source, "recorded_at": recorded_at.astimezone(UTC), "reason": reason}
    if given.is_empty():
        return UpsertReport(upsert_id=_name(given, {"version": 0}, origin), symbols=())

    def decide() -> UpsertReport:
        return _upsert(lake.root, table, given, structures, interval=interval, basis=basis, doubt=doubt, origin=origin)

    return commits.transact(lake.root, decide)


def _upsert(
    root: Root,
    table: str,
    given: pl.DataFrame,
    structures: Mapping[str, Structure],
    *,
    interval: str,
    basis: Basis,
    doubt: Doubt,
    origin: Mapping[str, Any],
) -> UpsertReport:
    """Return try once to upsert, on the current version of the table."""
    _check_basis(root, table, given, basis)
    version = tables.version(root, table)
    held = _held(root, table, given, structures, interval)
    _check_scale(root, table, given, held, basis)
    word = on_word(
        root, table, given.with_columns(adj_close=pl.lit(None, pl.Float64)), NO_ACTIONS, basis, doubt, corrects=True
    )
    delta = _compared(given, held, provisional(_told(given, origin), structures, interval))
    repaired = tables.version(root, "repairs")
    sequence = 0 if repaired is None else repaired + 1
    place = {"version": version, "sequence": sequence, "interval": interval, "basis": basis}
    upsert_id = _name(given, place, origin)
    report = UpsertReport(upsert_id=upsert_id, symbols=_counted(delta))
    inserted, changed = delta.filter("new"), delta.filter("changed")
    if inserted.is_empty() and changed.is_empty():
        return report
    now = pl.lit(origin["recorded_at"], TIME)
    columns = {"source": pl.lit(origin["source"]), "recorded_at": now}
    columns["import_id"] = pl.lit(upsert_id)
    commits.append(root, "facts", word.with_columns(**columns))
    if len(inserted):
        fresh = inserted.with_columns(file=pl.lit(0), dividends=pl.lit(None, pl.Float64))
        commits.append(root, "instruments", new_instruments(root, fresh, structures).with_columns(**columns))
    rows = _stored_form(inserted, changed, held)
    found = repairs.entries(held.join(changed, on=BAR, how="semi"), rows.filter(~pl.col("new")))
    labels = {"interval": pl.lit(interval), "sequence": pl.lit(sequence), "upsert_id": pl.lit(upsert_id)}
    labels |= {"reason": pl.lit(origin["reason"]), "reverted_at": pl.lit(None, TIME)}
    commits.append(root, "repairs", found.with_columns(**columns, **labels))
    rows = rows.with_columns(**columns, interval=pl.lit(interval), basis=pl.lit(str(basis)), adj_close=None)
    rows = rows.with_columns(recorded_at=pl.when("new").then("recorded_at"))
    commits.merge(root, table, rows, version)
    commits.append(root, "journal", _journal(given, report).with_columns(**columns))
    return report


def _checked(rows: pl.DataFrame, interval: str, structures: Mapping[str, Structure]) -> pl.DataFrame:
    """Return the rows in the lake's types with their `session`, by symbol and time.

    DataError where they are no bars.
    """
    absent = [name for name in ("symbol", "timestamp", "close") if name not in rows.columns]
    if absent:
        raise DataError(f"bars to upsert lack the column {absent[0]!r}; found {', '.join(rows.columns)}")
    known = [pl.col(name) if name in rows.columns else pl.lit(None).alias(name) for name in MEASURES]
    frame = rows.select(pl.col("symbol").cast(pl.String), pl.col("timestamp").cast(TIME), *known)
    frame = frame.with_columns(pl.col(MEASURES).cast(pl.Float64)).sort("symbol", "timestamp")
    frame = frame.with_columns(session(structures).alias("session"))
    exchange = [name for name, found in structures.items() if not found.kinds & ROUND_THE_CLOCK]
    if interval != DAILY and exchange:
        raise DataError(f"{exchange[0]} has sessions: bars of {interval} are stored round the clock only")
    infinite = pl.any_horizontal(~pl.col(MEASURES).is_finite())
    apart = off_grid(interval) & ~pl.col("symbol").is_in(exchange)
    for bad, what in (
        (pl.any_horizontal(pl.col("symbol", "timestamp", "close").is_null()), "lacks its symbol, time or close"),
        (infinite.fill_null(False), "has a value that is not finite"),
        (apart, f"opens off the grid of {interval}"),
        (pl.struct(BAR).is_duplicated(), "comes more than once; one row per bar was expected"),
    ):
        found = frame.filter(bad)
        if len(found):
            symbol, stamp = found.select("symbol", "timestamp").row(0)
            raise DataError(f"a bar to upsert, {symbol} at {stamp}, {what}; nothing was written")
    return frame


def _check_basis(root: Root, table: str, given: pl.DataFrame, basis: Basis) -> None:
    if tables.all_are(root, table, "basis", basis):
        return
    where = pl.col("symbol").is_in(given["symbol"].unique().implode()) & (pl.col("basis") != str(basis))
    other = tables.read(root, table, ["symbol", "basis"], where=where).unique().sort("symbol")
    if len(other):
        symbol, stored = other.row(0)
        found = f"bars of {symbol} to upsert are {basis}, but it is in the lake as {stored}"
        raise ProfileError(f"{found}; nothing was written; use a provider of {stored} prices, or another workspace")


def _check_scale(root: Root, table: str, given: pl.DataFrame, held: pl.DataFrame, basis: Basis) -> None:
    """Refuse adjusted prices on another scale than stored ones that stay beside them; raw ones are corrections."""
    odd = [] if basis is Basis.RAW else rescaled(given, held.filter(~pl.col("early")))["symbol"].to_list()
    if not odd:
        return
    whole = tables.read(root, table, ["symbol", "timestamp", *PRICES], where=pl.col("symbol").is_in(odd))
    for row in partial(given, whole).iter_rows(named=True):
        changed = f"{row['symbol']}: {basis} prices changed their scale, the close of {row['day']:%Y-%m-%d} from "
        changed += (
            f"{row['was']:.6g} (stored) to {row['now']:.6g}, and stored bars from {row['first']:%Y-%m-%d} on are "
        )
        raise DataError(f"{changed}not all there anew; nothing was written; fetch its whole history")


def _told(given: pl.DataFrame, origin: Mapping[str, Any]) -> pl.DataFrame:
    return given.select("symbol", "timestamp", recorded_at=pl.lit(origin["recorded_at"], TIME))


def _held(
    root: Root, table: str, given: pl.DataFrame, structures: Mapping[str, Structure], interval: str
) -> pl.DataFrame:
    """Return stored rows of the given bars, whole, with their session, and whether they were recorded too early."""
    day, stamps = timedelta(days=1), given["timestamp"]
    exchange = any(not found.kinds & ROUND_THE_CLOCK for found in structures.values())
    around = day if exchange else timedelta()  # where a session's stored time may be another one of its date
    span: Any = (stamps.min() - around, stamps.max() + around)  # type: ignore[operator]
    names = given["symbol"].unique()
    near = tables.read(root, table, where=pl.col("symbol").is_in(names.implode()), span=span)
    near = near.with_columns(session(structures).alias("session"))
    near = near.join(given.select(BAR), on=BAR, how="semi")
    return near.with_columns(provisional(near, structures, interval))


def _compared(given: pl.DataFrame, held: pl.DataFrame, early: pl.Series) -> pl.DataFrame:
    """Return the given rows with `new` and `changed`.

    Of a changed bar, a value is null where no stored row differs from it.

    Also new are rows that take the place of early ones: later ones (not `early`), or such as differ from them. Early
    rows of a bar that has others are not compared.
    """
    if held["early"].any():
        held = held.filter(~pl.col("early") | pl.col("early").all().over(BAR))
    exact = held.group_by(BAR).agg(
        pl.col("early").all().alias("unclosed"),
        *(pl.col(name).min().alias(f"{name}_least") for name in MEASURES),
        *(pl.col(name).max().alias(f"{name}_most") for name in MEASURES),
        *(pl.col(name).has_nulls().alias(f"{name}_unsaid") for name in MEASURES),
    )
    frame = given.join(exact.with_columns(stored=True), on=BAR, how="left", maintain_order="left")
    differs = {name: pl.col(name).is_not_null() & _differs(name) for name in MEASURES}
    stored, changed = pl.col("stored").fill_null(False), pl.any_horizontal(*differs.values())
    replaces = stored & pl.col("unclosed").fill_null(False) & (~pl.lit(early) | changed)
    new = ~stored | replaces
    frame = frame.with_columns(
        new=new,
        replaces=replaces,
        changed=~new & changed,
        **{name: pl.when(new | differs[name]).then(name) for name in MEASURES},
    )
    return frame.select(*given.columns, "new", "replaces", "changed")


def _differs(name: str) -> pl.Expr:
    """Return which stored rows lack the given value, or have another one beyond rounding."""
    value = pl.col(name)
    off = (pl.col(f"{name}_{side}") - value for side in ("least", "most"))
    beyond = (gap.abs() > SAME * value.abs() for gap in off)
    return pl.col(f"{name}_unsaid") | pl.any_horizontal(*beyond).fill_null(False)


def _counted(delta: pl.DataFrame) -> tuple[SymbolUpsert, ...]:
    stamp = pl.col("timestamp").dt.replace_time_zone(None)
    counted = delta.group_by("symbol").agg(
        inserted=pl.col("new").sum(),
        changed=pl.col("changed").sum(),
        unchanged=(~pl.col("new") & ~pl.col("changed")).sum(),
        first=stamp.min(),
        last=stamp.max(),
    )
    counted = counted.sort("symbol")
    times = {name: counted[name].to_numpy() for name in ("first", "last")}
    return tuple(
        SymbolUpsert(**row | {name: column[j] for name, column in times.items()})
        for j, row in enumerate(counted.iter_rows(named=True))
    )


def _stored_form(inserted: pl.DataFrame, changed: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Return rows for the merge: new bars, and those that change or replace stored ones under the times of these."""
    times = held.select(*BAR, "timestamp").unique()
    changes = pl.concat([inserted.filter("replaces"), changed])
    changes = changes.drop("timestamp").join(times, on=BAR).select(inserted.columns)
    return pl.concat([inserted.filter(~pl.col("replaces")), changes]).sort("symbol", "timestamp")


def _journal(given: pl.DataFrame, report: UpsertReport) -> pl.DataFrame:
    """Return per symbol how many rows came, were stored, and repeated stored values; a change is neither."""
    none = pl.lit(None, TIME)
    rows = pl.DataFrame(
        {
            "symbol": [one.symbol for one in report.symbols],
            "rows": [one.inserted + one.changed + one.unchanged for one in report.symbols],
            "stored": [one.inserted for one in report.symbols],
            "duplicates": [one.unchanged for one in report.symbols],
        }
    )
    return rows.with_columns(
        repeated=pl.lit(0), repeated_first=none, repeated_last=none, sha256=pl.lit(_content(given))
    )


def _content(given: pl.DataFrame) -> str:
    """Return the digest of rows in their order."""
    stamps = given["timestamp"].dt.replace_time_zone(None).to_numpy()
    values = (canonical_array(given[name].fill_null(np.nan).to_numpy()) for name in MEASURES)
    return digest_bytes("\n".join(given["symbol"]).encode(), canonical_array(stamps), *values)


def _name(given: pl.DataFrame, where: Mapping[str, Any], origin: Mapping[str, Any]) -> str:
    """Return sixteen digits that name an upsert: its rows, what was said of them, and what it found."""
    said = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in origin.items()}
    return operation_id(_content(given), dict(where), said)


def revert(
    lake: Lake, *, symbols: Sequence[str] | None = None, upsert_id: str | None = None, recorded_at: datetime
) -> RevertReport:
    """Put originals back: of one upsert, of the given symbols, of both at once, or of everything that was repaired.

    Raises
    ------
    DataError : there is nothing to revert, or a later upsert that stays has changed one of the values again.
    """

    def decide() -> RevertReport:
        parts = [repairs.take_back(lake.root, one, symbols, upsert_id, recorded_at) for one in LENGTHS]
        done = pl.concat(parts)
        if done.is_empty():
            what = f"upsert {upsert_id!r}" if upsert_id else ", ".join(symbols or ()) or "this lake"
            raise DataError(f"there is no repair of {what} to revert; `tvquant data ls SYMBOL` lists repairs")
        return RevertReport(
            values=int(done["put_back"].sum()),
            bars=done.filter("put_back").select("symbol", "interval", "timestamp").n_unique(),
            symbols=tuple(done["symbol"].unique().sort()),
            upserts=tuple(done["upsert_id"].unique().sort()),
        )

    return commits.transact(lake.root, decide)
