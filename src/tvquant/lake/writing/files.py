"""One file of bars or funding, read and judged: every row is either typed or rejected with its reason.

1. The file is read as it stands (`csv_files`, `parquet_files`), its columns get the lake's names (`headers`), and its
   rows the symbol that the user says they are of (`styles`).
2. What is wrong with the whole file (a missing column, a time without zone, two intervals) refuses it.
3. A file of exactly a symbol, a time and a funding rate is one of funding, not of bars.
4. What is wrong with one row rejects that row. All checks are vectorised; single cells are looked at only on failure.
5. What is wrong with a symbol (no one knows it, its bars are of an interval that is not stored) rejects all its rows.
"""

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from tvquant.core.errors import DataError
from tvquant.core.instruments import Kind
from tvquant.lake.reading.funding import RATE
from tvquant.lake.storage.intervals import LENGTHS, off_grid
from tvquant.lake.storage.tables import DAILY, PRICES, VALUES
from tvquant.lake.writing import headers, styles
from tvquant.lake.writing.bar_intervals import rhythms
from tvquant.lake.writing.csv_files import no_rows, read_csv, read_texts, refuse_commas
from tvquant.lake.writing.duplicates import VERSIONS
from tvquant.lake.writing.funding import MOST
from tvquant.lake.writing.headers import ACTIONS, FUNDED
from tvquant.lake.writing.parquet_files import read_parquet
from tvquant.lake.writing.sheets import Sheet
from tvquant.lake.writing.symbol_choice import ALL, SymbolChoice
from tvquant.lake.writing.timestamps import Moments, of_texts
from tvquant.symbology.kinds import ROUND_THE_CLOCK, Structure, structure

FUNDING = "funding"
NEVER_NEGATIVE = ("volume", "quote_volume", *ACTIONS)

type Failure = tuple[str, pl.Series, str | Mapping[str, str]]
"""A column, which of its rows are bad, and why (per text where that differs)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Delivery:
    """What one file holds.

    Parameters
    ----------
    interval : of its bars, as their times show; `FUNDING` where it has rates instead.
    rows : good rows in the file's order: symbol, timestamp, every value column and actions (of type Null where the
        file has no such column); of funding symbol, timestamp, funding_rate.
    structures : symbol -> what it is, for every symbol that is known.
    ignored : columns that are not of the schema; `said` : how the file was read, where its form is not plain.
    rejected : bad rows: `row` (csv line, parquet row index), its `symbol` (null where it has none), the first bad
        `column`, its `value`, `reason`, and the whole row as JSON (`record`).
    symbols : all that the file names, chosen or not.
    left_out : good and bad rows that stand in neither, as an import takes nothing of their symbols.
    """

    name: str
    interval: str
    sha256: str
    rows: pl.DataFrame
    structures: dict[str, Structure]
    ignored: tuple[str, ...]
    said: tuple[str, ...]
    rejected: pl.DataFrame
    symbols: frozenset[str]
    left_out: int = 0


def read_file(path: Path, choice: SymbolChoice = ALL, *, now: dt.datetime | None = None) -> Delivery:
    """Read and judge the chosen rows of one file; a bar that opens after `now` is bad, for nobody can know it yet.

    Raises
    ------
    DataError : the file as a whole cannot be used.
    """
    sheet, moments = _sheet(path)
    texts = moments is None and not any(kind.is_numeric() for kind in sheet.cells.dtypes)
    delivery = _judged(path, sheet, moments, choice, now)
    if moments is not None or texts or delivery.rejected.is_empty():
        return delivery
    del sheet, delivery  # bad rows are told and kept as they stand there
    return _judged(path, read_texts(path), None, choice, now)


def _judged(
    path: Path, sheet: Sheet, moments: Moments | None, choice: SymbolChoice, now: dt.datetime | None
) -> Delivery:
    """Return what a file holds, every row of it judged."""
    sheet = styles.attributed(path, sheet, choice.whose)
    raw = sheet.cells.rename(sheet.names)
    _check_columns(path, sheet, raw)
    moments = moments or of_texts(raw["timestamp"], styles.times_of([*sheet.names, *sheet.ignored]))
    raw = raw.with_columns(moments.given.alias("timestamp"))
    rows = _typed(path, sheet, raw, moments)
    ignored = choice.leaves_out(raw["symbol"]) | _blank(path, raw)
    failures = [*_ragged(sheet, raw), *_unknown(rows), *_untimed(moments), *_odd(raw, rows)]
    if now is not None:
        late = f"opens after this clock's {now:%Y-%m-%dT%H:%MZ}"
        failures += _any("timestamp", rows["timestamp"] > now, late)
    good = _good(rows, failures, ignored)
    interval, refused = _interval(path, good)
    if refused:
        failures.append(("symbol", rows["symbol"].is_in(list(refused)), refused))
        good = _good(rows, failures, ignored)
    bad = _rejected(raw, [(column, mine & ~ignored, why) for column, mine, why in failures])
    if good.is_empty() and bad.is_empty() and not choice.narrows:
        raise no_rows(path)
    return Delivery(
        name=path.name,
        interval=interval,
        sha256=_sha256(path),
        rows=good,
        structures={name: structure(name) for name in good["symbol"].unique().cast(pl.String).sort()},
        ignored=sheet.ignored,
        said=sheet.said,
        rejected=bad.with_columns(sheet.numbers.gather(bad["row"]).alias("row")),
        symbols=frozenset(raw["symbol"].drop_nulls().unique()),
    )


def _sheet(path: Path) -> tuple[Sheet, Moments | None]:
    """Return the file as it stands, and its times where they are typed."""
    if not path.is_file():
        raise DataError(f"no such file: {path}")
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("parquet", "csv", "txt"):
        raise DataError(f"{path}: cannot import a {kind or 'suffixless'} file; use .parquet or .csv")
    return read_parquet(path) if kind == "parquet" else (read_csv(path), None)


def _check_columns(path: Path, sheet: Sheet, raw: pl.DataFrame) -> None:
    funded = RATE in raw.columns and raw[RATE].null_count() < len(raw)
    headers.check(path, [*sheet.names, *sheet.ignored], sheet.names, funded=funded)


def _is_funding(raw: pl.DataFrame) -> bool:
    return set(raw.columns) == FUNDED


def _typed(path: Path, sheet: Sheet, raw: pl.DataFrame, moments: Moments) -> pl.DataFrame:
    """Return columns in the lake's types, null where a value is absent or none."""
    names = (RATE,) if _is_funding(raw) else (*VALUES, *ACTIONS)
    numbers = {name: raw[name].cast(pl.Float64, strict=False) for name in names if name in raw.columns}
    for name, column in numbers.items():
        if column.null_count() > raw[name].null_count():
            refuse_commas(path, raw[name], sheet)
    frame = pl.DataFrame({"symbol": raw["symbol"], "timestamp": moments.stamps, **numbers})
    columns = [pl.col(name) if name in numbers else pl.lit(None).alias(name) for name in names]
    return frame.select("symbol", "timestamp", *columns)


def _blank(path: Path, raw: pl.DataFrame) -> pl.Series:
    """Return lines of a csv that say nothing, which are no rows."""
    if path.suffix.lower() == ".parquet":
        return pl.Series(np.zeros(len(raw), bool))
    return raw.select(pl.all_horizontal(pl.all().is_null())).to_series()


def _good(rows: pl.DataFrame, failures: list[Failure], ignored: pl.Series) -> pl.DataFrame:
    bad = ignored
    for _, mine, _ in failures:
        bad = bad | mine.fill_null(False)
    return rows.filter(~bad) if bad.any() else rows


def _ragged(sheet: Sheet, raw: pl.DataFrame) -> list[Failure]:
    """Return lines with too many or too few fields: which of them are where is not known."""
    reasons: dict[str, list[int]] = {}
    for row, why in sheet.ragged.items():
        reasons.setdefault(why, []).append(row)
    numbers = pl.int_range(len(raw), eager=True)
    return [("symbol", numbers.is_in(rows), why) for why, rows in reasons.items()]


def _unknown(rows: pl.DataFrame) -> list[Failure]:
    """Return rows of symbols that are none, or have no funding."""
    symbols, unknown = rows["symbol"], {}
    for symbol in symbols.drop_nulls().unique().sort():
        try:
            found = structure(symbol)
        except DataError as error:
            unknown[symbol] = f"is refused: {error}"
            continue
        if RATE in rows.columns and Kind.SWAP not in found.kinds:
            unknown[symbol] = "is refused: it is no perpetual swap, and has no funding"
    empty = [("symbol", symbols.is_null(), "is empty")] if symbols.has_nulls() else []
    return [*empty, *([("symbol", symbols.is_in(list(unknown)), unknown)] if unknown else [])]


def _untimed(moments: Moments) -> list[Failure]:
    stamps, given = moments.stamps, moments.given
    if not stamps.has_nulls():
        return []
    absent = given.is_null()
    return [("timestamp", absent, "is empty"), ("timestamp", ~absent & stamps.is_null(), moments.reasons)]


def _odd(raw: pl.DataFrame, rows: pl.DataFrame) -> list[Failure]:
    """Return rows with a value that is none, or none of its column."""
    failures: list[Failure] = []
    names = [one for one in rows.columns if one in raw.columns and one not in ("symbol", "timestamp")]
    finite = rows.select(pl.col(names).is_finite().all()).row(0, named=True) if names else {}
    for name in names:
        given, numbers = raw[name], rows[name]
        if numbers.null_count() > given.null_count():
            failures += _any(name, given.is_not_null() & numbers.is_null(), "is not a number")
        if not finite[name]:
            failures += _any(name, ~numbers.is_finite(), "is not a finite number")
        if name in NEVER_NEGATIVE:
            failures += _any(name, numbers < 0, "is negative")
        if name == RATE:
            failures += _any(name, numbers.abs() > MOST, f"is no fraction from -{MOST:g} to {MOST:g}")
        absent = given.null_count()
        if name in ("close", RATE) and absent:
            failures += _any(name, given.is_null(), "is empty")
        elif name in PRICES and 0 < absent < len(given):
            has_some = rows.select(pl.col(name).is_not_null().any().over("symbol")).to_series()
            failures += _any(name, given.is_null() & has_some, "is empty")
    return failures


def _any(column: str, bad: pl.Series, reason: str) -> list[Failure]:
    """Return the failure of the bad rows, where there is one."""
    return [(column, bad, reason)] if bad.any() else []


def _rejected(raw: pl.DataFrame, failures: list[Failure]) -> pl.DataFrame:
    """Return the first failure of every bad row, in the order of rows; rows count from 0."""
    parts = []
    for column, bad, why in failures:
        if not bad.any():
            continue
        part = raw.with_row_index("row").filter(bad.fill_null(False)).with_columns(pl.col("symbol").cast(pl.String))
        value = part[column].cast(pl.String, strict=False).fill_null("")
        reason = pl.lit(why) if isinstance(why, str) else value.replace_strict(dict(why), return_dtype=pl.String)
        record = part.select(pl.struct(pl.exclude("row")).struct.json_encode()).to_series()
        part = part.select(pl.col("row").cast(pl.Int64), "symbol", pl.lit(column).alias("column"))
        parts.append(part.with_columns(value=value, reason=reason, record=record))
    if not parts:
        text = pl.String()
        names = ("symbol", "column", "value", "reason", "record")
        return pl.DataFrame(schema={"row": pl.Int64(), **dict.fromkeys(names, text)})
    return pl.concat(parts).unique("row", keep="first", maintain_order=True).sort("row")


def _interval(path: Path, rows: pl.DataFrame) -> tuple[str, dict[str, str]]:
    """Return the interval of a file's good rows, and the symbols that are refused for theirs."""
    if RATE in rows.columns:
        return FUNDING, {}
    kept: dict[str, str] = {}
    refused: dict[str, str] = {}
    sessions = {one for one in rows["symbol"].unique() if not structure(one).kinds & ROUND_THE_CLOCK}
    found, repeats = rhythms(rows, sessions)
    for one in found:
        why = _unstored(one.interval, one.mixed, one.symbol in sessions)
        if why:
            refused[one.symbol] = why
        else:
            kept[one.symbol] = one.interval
    intervals = sorted(set(kept.values()))
    if len(intervals) > 1:
        named = " and ".join(f"{one} of {min(name for name in kept if kept[name] == one)}" for one in intervals)
        raise DataError(f"{path}: bars of {named}; put each interval into a file of its own")
    interval = intervals[0] if intervals else DAILY
    rest = rows.filter(~pl.col("symbol").is_in(list(refused)))
    if interval != DAILY:
        refused |= {name: _unstored(interval, None, True) for name in sessions if name not in refused}
        off = rest.filter(off_grid(interval)).unique("symbol", keep="first", maintain_order=True)
        for name, at in off.select("symbol", "timestamp").iter_rows():
            refused.setdefault(name, f"{_BARS_OF} {interval}, but {at:%Y-%m-%d %H:%M} opens none")
    return interval, refused | (_ticks(rest, interval) if repeats >= VERSIONS else {})


_BARS_OF = "is refused: its bars are of"


def _unstored(interval: str, mixed: str | None, in_sessions: bool) -> str:
    """Return why bars of a symbol are not stored; nothing where they are."""
    if mixed is not None:
        return f"{_BARS_OF} {mixed}, mixed with others of {interval}; put each interval into a file of its own"
    stored = [one for one in LENGTHS if one == DAILY or not in_sessions]
    if interval in stored:
        return ""
    why = ", of what trades in sessions" if in_sessions else ""
    return f"{_BARS_OF} {interval}; only bars of {' and '.join(stored)} are stored{why}: deliver those"


def _ticks(rows: pl.DataFrame, interval: str) -> dict[str, str]:
    """Return symbols with more different rows of one time than a bar has versions."""
    bar = ["symbol", pl.col("timestamp").dt.truncate(interval).alias("bar")]
    many = rows.with_columns(count=pl.len().over(bar)).filter(pl.col("count") > VERSIONS)
    worst = many.unique().group_by(bar).len().filter(pl.col("len") > VERSIONS).sort("len", "symbol", "bar")
    return {
        name: f"is refused: {count} different rows for the bar of {at:%Y-%m-%d}; these are no bars but ticks"
        for name, at, count in worst.iter_rows()
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
