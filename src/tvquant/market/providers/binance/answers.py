"""Reading of Binance's answers: bars and funding, checked for shape, order and whom they are of."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from tvquant.market.providers.contract import BARS, FUNDING, Malformed

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STEP = timedelta(milliseconds=1)
LATEST = 10**13
"""Milliseconds since 1970 that no time reaches before the year 2286; one in microseconds is above."""
OPEN_TIME, CLOSE_TIME, QUOTE_VOLUME = 0, 6, 7
_VALUES = {"open": 1, "high": 2, "low": 3, "close": 4, "volume": 5, "quote_volume": QUOTE_VOLUME}
_UNREADABLE = (ValueError, TypeError, KeyError, IndexError, OverflowError, AttributeError, pl.exceptions.PolarsError)


def stamp(time: datetime) -> int:
    """Return milliseconds since 1970, rounded down."""
    return (time - EPOCH) // STEP


def read_bars(answer: object, *, symbol: str, length: timedelta) -> pl.DataFrame:
    """Return the bars of an answer (`BARS`), in its order, whatever was asked for: callers judge their times.

    Parameters
    ----------
    length : of a bar.

    Raises
    ------
    Malformed : unreadable, or bars of another interval.
    """
    what = f"the answer with bars of {symbol}"
    rows = _listed(answer, what)
    if not rows:
        return pl.DataFrame(schema=dict(BARS))
    try:
        columns = list(zip(*rows, strict=True))
        if len(columns) <= QUOTE_VOLUME:
            raise ValueError(f"a row has {len(columns)} values; more than {QUOTE_VOLUME} were expected")
        times, closes = (_times(columns[place]) for place in (OPEN_TIME, CLOSE_TIME))
        values = [_numbers(columns[place]).alias(name) for name, place in _VALUES.items()]
    except _UNREADABLE as error:
        raise Malformed(f"{what} cannot be read: {_why(error)}") from error
    if not (closes - times == length // STEP - 1).any():
        raise Malformed(f"{what} has none that is {length} long: they are of another interval")
    head = pl.select(pl.repeat(symbol, len(rows), dtype=pl.String()).alias("symbol"), _moments(times))
    return head.hstack(values)


def read_funding(answer: object, *, symbol: str, ticker: str, most: int, start: int, end: int | None) -> pl.DataFrame:
    """Return the payments of an answer (`FUNDING`), which was asked for from `start` until before `end`.

    Raises
    ------
    Malformed : more rows, of another contract or time, out of order, or unreadable.
    """
    what = f"the answer with funding of {symbol}"
    rows = _listed(answer, what)
    if len(rows) > most:
        raise Malformed(f"{what} has {len(rows)} rows; {most} at most were asked for")
    if not rows:
        return pl.DataFrame(schema=dict(FUNDING))
    try:
        others = {row["symbol"] for row in rows} - {ticker}
        times = _times([row["fundingTime"] for row in rows])
        rates = _numbers([row["fundingRate"] for row in rows])
    except _UNREADABLE as error:
        raise Malformed(f"{what} cannot be read: {_why(error)}") from error
    if others:
        raise Malformed(f"{what} is of {min(map(repr, others))}; {ticker!r} was expected")
    if not (times.diff().drop_nulls() > 0).all():
        raise Malformed(f"{what} is not in order of time")
    if times[0] < start or (end is not None and times[-1] >= end):
        asked = f"from {EPOCH + start * STEP}" + ("" if end is None else f" until before {EPOCH + end * STEP}")
        raise Malformed(
            f"{what} goes from {EPOCH + times[0] * STEP} to {EPOCH + times[-1] * STEP}; {asked} was asked for"
        )
    return pl.select(_moments(times), rates.alias("funding_rate"))


def _listed(answer: object, what: str) -> list[Any]:
    if not isinstance(answer, list):
        raise Malformed(f"{what} is a {type(answer).__name__}; a list was expected")
    return answer


def _times(found: Sequence[object]) -> pl.Series:
    """Return milliseconds since 1970 as they stand in an answer: whole numbers."""
    times = pl.Series(found, dtype=pl.Int64, strict=True)
    if not times.is_between(0, LATEST, closed="left").fill_null(False).all():
        raise ValueError(f"times from {times.min()!r} to {times.max()!r}; milliseconds since 1970 were expected")
    return times


def _numbers(found: Sequence[object]) -> pl.Series:
    """Return numbers that stand in an answer as texts."""
    return pl.Series(found, dtype=pl.String, strict=True).cast(pl.Float64)


def _moments(times: pl.Series) -> pl.Expr:
    return pl.lit(times).cast(pl.Datetime("ms", "UTC")).cast(BARS["timestamp"]).alias("timestamp")


def _why(error: BaseException) -> str:
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return text[:200]
