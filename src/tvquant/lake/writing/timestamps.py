"""Opens of bars as files write them: ISO 8601 texts, or the times and dates of Parquet in any unit and zone.

A time that is none, or none of a bar, is null and has a reason; the text that a person is shown of it is in `given`.
"""

import datetime as dt
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
import polars as pl

from tvquant.lake.storage.tables import TIME

FIRST, LAST = dt.datetime(1900, 1, 1, tzinfo=dt.UTC), dt.datetime(2101, 1, 1, tzinfo=dt.UTC)
OUTSIDE = f"is outside of the years {FIRST.year} to {LAST.year - 1}"
ZEROS = (FIRST, dt.datetime(1970, 1, 1, tzinfo=dt.UTC))
"""What clocks and spreadsheets say when they know nothing. No market was open then."""
ZERO = "is where a clock starts that was never set, no time of a bar"
SHORT = "is no whole number of microseconds"
UNITS = {"s": 10**6, "ms": 10**3, "us": 1, "ns": -(10**3)}
"""Microseconds in a unit; negative where a microsecond has so many."""
A_DAY = 86_400 * 10**6
COMPACT, EPOCH = re.compile(r"\d{8}"), re.compile(r"\d{13}|\d{16}")
MILLISECONDS = 13
"""Digits of milliseconds since 1970 in the years 2001 to 2286; microseconds have sixteen."""


class Times(StrEnum):
    """How the texts of a file say times, beside ISO 8601: as dates such as 20240102, or as a number since 1970."""

    ISO = "iso"
    COMPACT = "compact"
    EPOCH = "epoch"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moments:
    """Times of n rows: `given` as the file has them, `stamps` in UTC, and why one is null although given (by text)."""

    given: pl.Series
    stamps: pl.Series
    reasons: dict[str, str] = field(default_factory=dict)


def of_texts(texts: pl.Series, style: Times = Times.ISO) -> Moments:
    """Return ISO 8601 texts: a date, or a time with Z or an offset. Every distinct text is parsed once.

    In a style of their own texts may also be dates such as 20240102, or milli- or microseconds since 1970.
    """
    times: dict[str, dt.datetime | None] = {}
    reasons: dict[str, str] = {}
    for text in texts.drop_nulls().unique():
        times[text], reason = _instant(_as_iso(text, style))
        if reason:
            reasons[text] = reason
    values = pl.Series(list(times.values()), dtype=TIME)
    stamps = texts.replace_strict(list(times), values, default=None, return_dtype=TIME)
    return Moments(given=texts, stamps=stamps, reasons=reasons)


def _as_iso(text: str, style: Times) -> str:
    """Return a text of that style in ISO 8601; as it is where it is not written so."""
    if style is Times.COMPACT and COMPACT.fullmatch(text):
        return f"{text[:4]}-{text[4:6]}-{text[6:]}"
    if style is Times.EPOCH and EPOCH.fullmatch(text):
        whole = int(text) * (10**3 if len(text) == MILLISECONDS else 1)
        return (dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=whole)).isoformat()
    return text


def _instant(text: str) -> tuple[dt.datetime | None, str]:
    dated = re.fullmatch(r"\d{4}-\d{2}-\d{2}(.*)", text)
    try:
        time = dt.datetime.fromisoformat(text) if dated else None
    except ValueError:
        time = None
    if dated is None or time is None:
        return None, "is no ISO 8601 time; expected one like 2024-05-31T00:00:00Z, or the date of a session"
    if dated[1] and time.tzinfo is None:
        return None, "has no zone; expected Z or an offset behind it, or the date of a session alone"
    try:
        utc = time.astimezone(dt.UTC) if dated[1] else time.replace(tzinfo=dt.UTC)
    except OverflowError:  # a zone away from the first or the last day that there is
        return None, OUTSIDE
    if not FIRST <= utc < LAST:
        return None, OUTSIDE
    return (None, ZERO) if utc in ZEROS else (utc, "")


def of_arrow(column: Any) -> Moments | None:
    """Return times with a zone, of any unit, or dates, out of an Arrow column; None where it holds neither.

    Arrow keeps instants, whatever zone they are labelled with: numbers since 1970 are all that counts.
    """
    import pyarrow as pa  # type: ignore[import-untyped]

    kind = column.type
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        unit, numbers = kind.unit, column.cast(pa.int64())
    elif pa.types.is_date32(kind):
        unit, numbers = "days", column.cast(pa.int32()).cast(pa.int64())
    elif pa.types.is_date64(kind):
        unit, numbers = "ms", column.cast(pa.int64())
    else:
        return None
    known = numbers.is_valid().to_numpy()
    return _of_numbers(numbers.fill_null(0).to_numpy(), known, unit)


def _of_numbers(numbers: np.ndarray[Any, np.dtype[np.int64]], known: Any, unit: str) -> Moments:
    """Return moments of whole numbers of a unit since 1970, `known` where there is one."""
    factor = A_DAY if unit == "days" else UNITS[unit]
    first, last = (round(edge.timestamp()) * 10**6 for edge in (FIRST, LAST))
    exact = np.ones(len(numbers), bool)
    if factor > 0:
        within = (numbers >= first // factor) & (numbers < last // factor)
        micros = np.where(within, numbers, 0) * factor
    else:
        within = (numbers >= first * -factor) & (numbers < last * -factor)
        micros, exact = numbers // -factor, numbers % -factor == 0
    zero = np.isin(micros, [round(edge.timestamp()) * 10**6 for edge in ZEROS])
    good = known & within & exact & ~zero
    stamps = pl.Series("timestamp", micros).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    stamps = pl.select(pl.when(pl.Series(good)).then(stamps).alias("timestamp")).to_series()
    bad = known & ~good
    if not bad.any():
        return Moments(given=stamps, stamps=stamps)
    texts = np.array([f"{number} {unit} since 1970" for number in numbers[bad]])
    why = np.select([~within[bad], ~exact[bad]], [f"{OUTSIDE}{_other_unit(numbers[bad & ~within], unit)}", SHORT], ZERO)
    given = stamps.dt.to_string("iso:strict").scatter(np.flatnonzero(bad), texts.tolist())
    return Moments(given=given, stamps=stamps, reasons=dict(zip(texts.tolist(), why.tolist(), strict=True)))


def _other_unit(numbers: np.ndarray[Any, np.dtype[np.int64]], unit: str) -> str:
    """Return a hint where all numbers are times of our days in another unit."""
    days = (dt.datetime(1980, 1, 1, tzinfo=dt.UTC).timestamp(), dt.datetime(2060, 1, 1, tzinfo=dt.UTC).timestamp())
    for name, per_second in (("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)):
        fits = len(numbers) and numbers.min() >= days[0] * per_second and numbers.max() < days[1] * per_second
        if fits and name != unit:
            return f"; it would be a time in {name}, but the column is of {unit}"
    return ""
