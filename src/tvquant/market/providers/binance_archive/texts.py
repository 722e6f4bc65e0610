"""The texts of the archive's files as rows: many texts, joined, in one read; and which days they lack.

Some files have a header and some have none; times are milliseconds, and of spot files since 2025 microseconds. Which
of them is told apart by their size, row by row. A time that is not within the span that its file is of is none: the
row is handed over without it, for its reader to count.
"""

import codecs
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

import numpy as np
import polars as pl

from tvquant.core.instants import instant
from tvquant.market.providers.binance_archive.layout import DAY, NAME, ArchiveFile, Moments, Series, Span
from tvquant.market.providers.binance_archive.zips import NotOneText, unpacked
from tvquant.market.providers.contract import BARS, FUNDING, Malformed

MICROSECONDS = 10**14
"""From here on a time is one of microseconds: as milliseconds it would be in the year 5138."""
MENDED_DAYS = 62
"""Days of one request that are looked for in daily files."""
LATE = timedelta(minutes=1)
"""A settlement may be stamped so much beside its moment."""

KLINES = (
    *("open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume"),
    *("count", "taker_buy_volume", "taker_buy_quote_volume", "ignore"),
)
RATES = ("calc_time", "funding_interval_hours", "last_funding_rate")


class NotRows(ValueError):
    """A text that cannot be read; says of which file and why."""


def bars_in(symbol: str, files: Sequence[ArchiveFile], packed: Sequence[bytes]) -> pl.DataFrame:
    """Return the bars of packed files, in their order (`BARS`).

    Raises
    ------
    Malformed : one of them is no file of bars.
    """
    return _read(partial(bars_of, symbol), files, packed)


def funding_in(files: Sequence[ArchiveFile], packed: Sequence[bytes]) -> pl.DataFrame:
    """Return the payments of packed files, in their order (`FUNDING`); raises as `bars_in`."""
    return _read(funding_of, files, packed)


def _read(
    read: Callable[[list[tuple[ArchiveFile, bytes]]], pl.DataFrame],
    files: Sequence[ArchiveFile],
    packed: Sequence[bytes],
) -> pl.DataFrame:
    try:
        return read([(file, _text(file, content)) for file, content in zip(files, packed, strict=True)])
    except NotRows as error:
        raise Malformed(f"{NAME}: {error}", retryable=False) from error


def _text(file: ArchiveFile, packed: bytes) -> bytes:
    try:
        return unpacked(packed, file.member)
    except NotOneText as error:
        raise NotRows(f"{file.path}: {error}") from error


def bars_of(symbol: str, texts: Sequence[tuple[ArchiveFile, bytes]]) -> pl.DataFrame:
    """Return the bars of all texts in their order (`BARS`).

    Raises
    ------
    NotRows : a text is not of the columns.
    """
    rows = _table(texts, KLINES, KLINES[:6] + KLINES[7:8])
    rows = _placed(rows, texts, timedelta(0))
    return rows.select(pl.lit(symbol).alias("symbol"), "timestamp", *list(BARS)[2:])


def funding_of(texts: Sequence[tuple[ArchiveFile, bytes]]) -> pl.DataFrame:
    """Return the payments of all texts in their order (`FUNDING`).

    Raises
    ------
    NotRows : see `bars_of`.
    """
    rows = _placed(_table(texts, RATES, (RATES[0], RATES[2])), texts, LATE)
    return rows.select("timestamp", pl.col(RATES[2]).alias("funding_rate")).select(
        pl.col(name).cast(kind) for name, kind in FUNDING.items()
    )


def _table(texts: Sequence[tuple[ArchiveFile, bytes]], names: Sequence[str], wanted: Sequence[str]) -> pl.DataFrame:
    """Return the wanted columns, and `file`, the number of the text that a row is of."""
    bodies = [_body(file, text, names) for file, text in texts]
    counts, whole = [body.count(b"\n") for body in bodies], b"".join(bodies)
    if _count(whole, b",") != sum(counts) * (len(names) - 1):
        bad = (body.count(b",") != count * (len(names) - 1) for body, count in zip(bodies, counts, strict=True))
        first = next(file for (file, _), wrong in zip(texts, bad, strict=True) if wrong)
        raise NotRows(f"{first.path}: not all of its rows have {len(names)} columns")
    kinds = {name: pl.Int64 if name == names[0] else pl.Float64 if name in wanted else pl.String for name in names}
    empty = pl.DataFrame(schema={name: kinds[name] for name in wanted} | {"file": pl.Int64})
    if not any(counts):
        return empty
    try:
        rows = pl.read_csv(
            whole,
            has_header=False,
            schema=kinds,
            columns=[names.index(name) for name in wanted],
            quote_char=None,
        )
    except pl.exceptions.PolarsError as error:
        raise NotRows(f"{_those(texts)}: {str(error).splitlines()[0]}") from error
    if len(rows) != sum(counts):
        raise NotRows(f"{_those(texts)}: {len(rows)} rows were read of {sum(counts)} lines")
    rows = rows.with_columns(file=np.repeat(np.arange(len(texts)), counts))
    lacking = rows.filter(pl.any_horizontal(pl.col(wanted).is_null()))
    if len(lacking):
        raise NotRows(f"{texts[lacking['file'][0]][0].path}: a row lacks one of {', '.join(wanted)}")
    return rows


def _body(file: ArchiveFile, text: bytes, names: Sequence[str]) -> bytes:
    """Return the rows of a text, each ended, without its header; its first row must have all columns."""
    text = text.removeprefix(codecs.BOM_UTF8)
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n")
    if text and not text.endswith(b"\n"):
        text += b"\n"
    first, _, rest = text.partition(b"\n")
    if first[:1].isalpha():
        found = first.decode("utf-8", "replace")
        if found.lower().split(",") != list(names):
            raise NotRows(f"{file.path}: its columns are {found[:200]!r}, expected {','.join(names)}")
        text, first = rest, rest.partition(b"\n")[0]
    columns = first.count(b",") + 1
    if text and columns != len(names):
        raise NotRows(f"{file.path}: a row has {columns} columns, expected {len(names)}: {','.join(names)}")
    return text


def _count(text: bytes, one: bytes) -> int:
    """Return how often a byte stands in a text; by array, for that takes a third of the time of `bytes.count`."""
    return int(np.count_nonzero(np.frombuffer(text, np.uint8) == one[0]))


def _placed(rows: pl.DataFrame, texts: Sequence[tuple[ArchiveFile, bytes]], beside: timedelta) -> pl.DataFrame:
    """Return the rows with their `timestamp`; null where it is not within the span of its file or so little beside."""
    given = rows.to_series(0).to_numpy()
    time = np.where(np.abs(given) < MICROSECONDS, given * 1000, given)
    spans = [(instant(file.first - beside), instant(file.after + beside)) for file, _ in texts]
    first, after = np.array(spans, "datetime64[us]").astype(np.int64).reshape(-1, 2)[rows["file"].to_numpy()].T
    inside = pl.Series((first <= time) & (time < after))
    stamps = pl.Series(time).cast(pl.Datetime("us", "UTC"))
    return rows.with_columns(timestamp=pl.when(inside).then(stamps))


def _those(texts: Sequence[tuple[ArchiveFile, bytes]]) -> str:
    """Return files as a message names them."""
    first, last = texts[0][0].path, texts[-1][0].name
    return first if len(texts) == 1 else f"{first} to {last}"


def between(rows: pl.DataFrame, span: Moments) -> pl.DataFrame:
    """Return the rows of a span, and those without a time."""
    inside = (pl.col("timestamp") >= span[0]) & (pl.col("timestamp") < span[1])
    return rows.filter(inside.fill_null(True))


def lacking(
    series: Series,
    files: Sequence[ArchiveFile],
    batch: Sequence[ArchiveFile],
    told: pl.DataFrame,
    span: Moments,
    step: timedelta,
) -> list[ArchiveFile]:
    """Return daily files of days, within the span, that a monthly file of the batch does not have whole.

    What is before a listing's first bar and after its last one is not lacking: only where another file goes before or
    on are the edges of a month looked at.
    """
    begins, ends = {one.first for one in files}, {one.after for one in files}
    counts: Mapping[datetime, int] = dict(
        told.drop_nulls("timestamp").group_by(pl.col("timestamp").dt.truncate("1d").alias("day")).len().iter_rows()
    )
    days = []
    for one in batch:
        inside = sorted(day for day in counts if one.first <= day < one.after)
        if one.after - one.first == DAY or not inside:
            continue
        first = one.first if one.first in ends else inside[0] + DAY
        last = one.after if one.after in begins else inside[-1]
        whole = (first + number * DAY for number in range((last - first) // DAY))
        days += [day for day in whole if counts.get(day, 0) < DAY // step and day + DAY > span[0] and day < span[1]]
    return [series.file(Span.DAILY, day) for day in days[-MENDED_DAYS:]]
