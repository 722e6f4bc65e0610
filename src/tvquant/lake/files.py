"""One file of bars or funding, read and judged: every row is either typed or rejected with its reason.

1. Parquet columns are taken with their types; csv columns are read as text, so that a bad cell is shown as it stands.
2. What is wrong with the whole file (a missing column, a time without zone, bars of no interval) refuses it.
3. A file of exactly a symbol, a time and a funding rate is one of funding, not of bars.
4. What is wrong with one row rejects that row. All checks are vectorised; single cells are looked at only on failure.
"""

import datetime as dt
import hashlib
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from tvquant.core.errors import DataError
from tvquant.core.instruments import Kind
from tvquant.lake.funding import MOST
from tvquant.lake.intervals import FOUR_HOURS, off_grid
from tvquant.lake.kinds import ROUND_THE_CLOCK, Structure, structure
from tvquant.lake.tables import DAILY, PRICES, TIME, UNREADABLE, VALUES, first_line

REQUIRED = ("symbol", "timestamp", "close")
ACTIONS = ("dividends", "stock_splits")
RATE, FUNDING = "funding_rate", "funding"
FUNDED = frozenset({"symbol", "timestamp", RATE})
"""Columns of a file of funding, which stands as an interval of its own."""
COLUMNS = ("symbol", "timestamp", *VALUES, *ACTIONS, RATE)
NEVER_NEGATIVE = ("volume", "quote_volume", *ACTIONS)
YEARS = (1900, 2100)
INTRADAY = 1.5
"""A symbol with more times of day than this per day is not daily."""

type Failure = tuple[str, pl.Series, str | dict[str, str]]
"""A column, which of its rows are bad, and why (per text where that differs)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Delivery:
    """What one file holds.

    Parameters
    ----------
    interval : of its bars, as their times show; `FUNDING` where it has rates instead.
    rows : good rows in the file's order: symbol, timestamp, every value column (null where absent), actions; of funding
        symbol, timestamp, funding_rate.
    structures : symbol -> what it is, for every symbol that is known.
    ignored : columns that are not of the schema.
    rejected : bad rows: `row` (csv line, parquet row index), the first bad `column`, its `value`, `reason`, and the
        whole row as JSON (`record`).
    """

    name: str
    interval: str
    sha256: str
    rows: pl.DataFrame
    structures: dict[str, Structure]
    ignored: tuple[str, ...]
    rejected: pl.DataFrame


def read_file(path: Path, *, now: dt.datetime | None = None) -> Delivery:
    """Read and judge one file; a bar that opens after `now` is a bad row, for nobody can know it yet.

    Raises
    ------
    DataError : the file as a whole cannot be used.
    """
    raw, first_row = _raw(path)
    _check_columns(path, raw)
    rows, failures = _typed(path, raw)
    if now is not None:
        failures.append(("timestamp", rows["timestamp"] > now, f"opens after this clock's {now:%Y-%m-%dT%H:%MZ}"))
    structures, unknown = _structures(rows["symbol"])
    if RATE in rows.columns:
        unknown |= {
            name: "is refused: it is no perpetual swap, and has no funding"
            for name, one in structures.items()
            if Kind.SWAP not in one.kinds
        }
    if unknown:
        failures.insert(0, ("symbol", rows["symbol"].is_in(list(unknown)), unknown))
    blank = raw.select(pl.all_horizontal(pl.all().is_null())).to_series() & _is_csv(path)
    rejected = _rejected(raw, [(column, bad & ~blank, why) for column, bad, why in failures])
    if failures:
        numbers = pl.int_range(len(raw), eager=True)
        rows = rows.filter(~blank & ~numbers.is_in(rejected["row"].implode()))
    if rows.is_empty() and rejected.is_empty():
        raise _no_rows(path)
    return Delivery(
        name=path.name,
        interval=_interval(path, rows, structures),
        sha256=_sha256(path),
        rows=rows,
        structures=structures,
        ignored=tuple(name for name in raw.columns if name not in COLUMNS),
        rejected=rejected.with_columns(pl.col("row") + first_row),
    )


def _raw(path: Path) -> tuple[pl.DataFrame, int]:
    """The file as it stands, and the number that people give its first row."""
    if not path.is_file():
        raise DataError(f"no such file: {path}")
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("parquet", "csv"):
        raise DataError(f"{path}: cannot import a {kind or 'suffixless'} file; use .parquet or .csv")
    try:
        scan = pl.read_parquet if kind == "parquet" else partial(pl.read_csv, infer_schema=False)
        raw = scan(path, glob=False)
    except pl.exceptions.NoDataError:
        raw = pl.DataFrame()
    except UNREADABLE as error:
        raise DataError(f"{path} is not a readable {kind} file: {first_line(error)}") from error
    if raw.is_empty():
        raise _no_rows(path)
    return raw, 0 if kind == "parquet" else 2


def _no_rows(path: Path) -> DataError:
    return DataError(f"{path} has no rows; expected bars with the columns {', '.join(REQUIRED)} and more")


def _is_csv(path: Path) -> bool:
    return path.suffix.lower() == ".csv"


def _is_funding(raw: pl.DataFrame) -> bool:
    return set(raw.columns) == FUNDED


def _check_columns(path: Path, raw: pl.DataFrame) -> None:
    if _is_funding(raw):
        return
    absent = [name for name in REQUIRED if name not in raw.columns]
    if RATE in raw.columns and raw[RATE].null_count() < len(raw):
        alone = f"symbol, timestamp and {RATE}"
        raise DataError(f"{path}: column {RATE!r} stands beside others; put funding into a file of {alone} alone")
    if absent:
        raise DataError(f"{path}: column {absent[0]!r} is missing; found {', '.join(raw.columns)}")
    twice = [name for name in raw.columns if re.fullmatch(rf"({'|'.join(COLUMNS)})_duplicated_\d+", name)]
    if twice:
        raise DataError(f"{path}: column {twice[0].partition('_duplicated_')[0]!r} stands there twice; keep one")


def _typed(path: Path, raw: pl.DataFrame) -> tuple[pl.DataFrame, list[Failure]]:
    """Columns in the lake's types, and which rows fail which check."""
    failures: list[Failure] = []

    def check(column: str, bad: pl.Series, reason: str | dict[str, str]) -> None:
        if bad.any():
            failures.append((column, bad, reason))

    symbol = raw["symbol"]
    if not isinstance(symbol.dtype, pl.String | pl.Categorical | pl.Enum):
        raise _wrong_type(path, raw, "symbol", "text")
    stamps, unparsed = _stamps(path, raw)
    check("symbol", symbol.is_null(), "is empty")
    check("timestamp", raw["timestamp"].is_null(), "is empty")
    check("timestamp", raw["timestamp"].is_not_null() & stamps.is_null(), unparsed)
    check("timestamp", ~stamps.dt.year().is_between(*YEARS), f"is outside of the years {YEARS[0]} to {YEARS[1]}")
    frame = pl.DataFrame({"symbol": symbol.cast(pl.String), "timestamp": stamps})
    for name in (RATE,) if _is_funding(raw) else (*VALUES, *ACTIONS):
        if name not in raw.columns:
            frame = frame.with_columns(pl.lit(None, pl.Float64).alias(name))
            continue
        given = raw[name]
        if not (given.dtype.is_numeric() or given.dtype == pl.Null or (given.dtype == pl.String and _is_csv(path))):
            raise _wrong_type(path, raw, name, "numbers")
        numbers = given.cast(pl.Float64, strict=False).alias(name)
        frame = frame.with_columns(numbers)
        check(name, given.is_not_null() & numbers.is_null(), "is not a number")
        check(name, ~numbers.is_finite(), "is not a finite number")
        if name in NEVER_NEGATIVE:
            check(name, numbers < 0, "is negative")
        if name == RATE:
            check(name, numbers.abs() > MOST, f"is no fraction from -{MOST:g} to {MOST:g}")
        if name in ("close", RATE):
            check(name, given.is_null(), "is empty")
        elif name in PRICES and 0 < given.null_count() < len(given):
            has_some = frame.select(pl.col(name).is_not_null().any().over("symbol")).to_series()
            check(name, given.is_null() & has_some, "is empty")
    return frame, failures


def _wrong_type(path: Path, raw: pl.DataFrame, column: str, expected: str) -> DataError:
    given = raw[column]
    found = f"row 0, column {column!r}: {given[0]!r} is of type {given.dtype}"
    return DataError(f"{path}: {found}, expected {expected}; convert the column")


def _stamps(path: Path, raw: pl.DataFrame) -> tuple[pl.Series, dict[str, str]]:
    """Bar opens in UTC, null where there is none, and why, per text of a csv."""
    given = raw["timestamp"]
    match given.dtype:
        case pl.Date():
            return given.cast(pl.Datetime("us")).dt.replace_time_zone("UTC"), {}
        case pl.Datetime(time_zone=str()):
            return given.dt.convert_time_zone("UTC").cast(TIME), {}
        case pl.Datetime():
            found = f"row 0, column 'timestamp': {given[0]} has no zone"
            raise DataError(f"{path}: {found}; expected times with a zone, such as UTC, or dates")
        case pl.String() if _is_csv(path):
            return _parsed(given)
        case _:
            raise _wrong_type(path, raw, "timestamp", "times with a zone, such as UTC, or dates")


def _parsed(texts: pl.Series) -> tuple[pl.Series, dict[str, str]]:
    """ISO 8601 texts: a date, or a time with Z or an offset. Every distinct text is parsed once."""
    times: dict[str, dt.datetime | None] = {}
    reasons: dict[str, str] = {}
    for text in texts.drop_nulls().unique():
        times[text], reason = _instant(text)
        if reason:
            reasons[text] = reason
    values = pl.Series(list(times.values()), dtype=TIME)
    return texts.replace_strict(list(times), values, default=None, return_dtype=TIME), reasons


def _instant(text: str) -> tuple[dt.datetime | None, str]:
    dated = re.fullmatch(r"\d{4}-\d{2}-\d{2}(.*)", text)
    try:
        time = dt.datetime.fromisoformat(text) if dated else None
    except ValueError:
        time = None
    if dated is None or time is None:
        return None, "is no ISO 8601 time; expected one like 2024-05-31T00:00:00Z, or the date of a session"
    if not dated[1]:
        return time.replace(tzinfo=dt.UTC), ""
    if time.tzinfo is None:
        return None, "has no zone; expected Z or an offset behind it, or the date of a session alone"
    return time.astimezone(dt.UTC), ""


def _structures(symbols: pl.Series) -> tuple[dict[str, Structure], dict[str, str]]:
    """What each symbol is, and for those that are nothing, why."""
    known: dict[str, Structure] = {}
    unknown: dict[str, str] = {}
    for symbol in symbols.drop_nulls().unique().sort():
        try:
            known[symbol] = structure(symbol)
        except DataError as error:
            unknown[symbol] = f"is refused: {error}"
    return known, unknown


def _rejected(raw: pl.DataFrame, failures: list[Failure]) -> pl.DataFrame:
    """The first failure of every bad row, in the order of rows; rows count from 0."""
    parts = []
    for column, bad, why in failures:
        part = raw.with_row_index("row").filter(bad.fill_null(False))
        value = part[column].cast(pl.String, strict=False).fill_null("")
        reason = pl.lit(why) if isinstance(why, str) else value.replace_strict(why)
        record = part.select(pl.struct(pl.exclude("row")).struct.json_encode()).to_series()
        part = part.select(pl.col("row").cast(pl.Int64), pl.lit(column).alias("column"))
        parts.append(part.with_columns(value=value, reason=reason, record=record))
    if not parts:
        text = pl.String()
        return pl.DataFrame(schema={"row": pl.Int64(), "column": text, "value": text, "reason": text, "record": text})
    return pl.concat(parts).unique("row", keep="first", maintain_order=True).sort("row")


def _interval(path: Path, rows: pl.DataFrame, structures: dict[str, Structure]) -> str:
    """The interval of the file's bars; what is neither daily nor of 4h is refused, lest it pose as either."""
    if RATE in rows.columns:
        return FUNDING
    stamp = pl.col("timestamp")
    if rows.is_empty() or rows.select((stamp == stamp.dt.truncate("1d")).all()).item():
        return DAILY
    per_day = rows.group_by("symbol").agg(stamp.n_unique() / stamp.dt.date().n_unique()).sort("timestamp", "symbol")
    symbol, most = per_day.row(-1)
    if most <= INTRADAY:
        return DAILY
    found = f"{path}: {symbol} has {most:.1f} bars a day"
    sessions = sorted(name for name, one in structures.items() if not one.kinds & ROUND_THE_CLOCK)
    off = rows.filter(off_grid(FOUR_HOURS))
    if sessions:
        raise DataError(f"{found}, but {sessions[0]} trades in sessions: of such, only daily bars are stored")
    if len(off):
        name, at = off.select("symbol", "timestamp").row(0)
        why = f"{name} at {at:%Y-%m-%d %H:%M} is no bar of {FOUR_HOURS}"
        raise DataError(f"{found}, and {why}; only bars of {DAILY} and {FOUR_HOURS} are stored, aggregate them first")
    return FOUR_HOURS


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
