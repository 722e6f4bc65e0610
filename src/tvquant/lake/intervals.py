"""Intervals of bars: their lengths, the tables they stand in, and days made of shorter bars.

Panels are of daily bars. Shorter ones are stored apart, round the clock only, to be aggregated and compared with them.

What interval a symbol's bars have is told by their steps, from one open to the next:
1. Some are shorter than a day, and two equal ones follow each other or they are more than a third: the bars are
   shorter than daily, of the most frequent of such steps. Others are days that were told twice.
2. None is, and the shortest of three or more is longer than a day: the bars are of weeks, months or days on end.
3. Else they are daily. One bar alone may be of any interval.
Bars of an interval that is not stored are named and refused: stored as another, they would be holes and false returns.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta

import polars as pl

from tvquant.core.errors import DataError
from tvquant.lake.tables import DAILY, MEASURES

FOUR_HOURS = "4h"
LENGTHS: Mapping[str, timedelta] = {DAILY: timedelta(days=1), FOUR_HOURS: timedelta(hours=4)}
_DAY, _SESSION = 86_400, 20 * 3600
INTRADAY = 1 / 3
"""More steps than this shorter than a day, and bars are not daily."""
ENOUGH = 3
"""Steps that are enough to tell bars of longer intervals from days that are missing."""
_TABLES: Mapping[str, str] = {DAILY: "bars", FOUR_HOURS: "bars_4h"}


def table_of(interval: str) -> str:
    """The table that bars of an interval stand in.

    Raises
    ------
    DataError : no such interval is stored.
    """
    if interval not in _TABLES:
        raise DataError(f"interval {interval!r} is not stored; use one of {', '.join(_TABLES)}")
    return _TABLES[interval]


def off_grid(interval: str) -> pl.Expr:
    """Whether a `timestamp` is no open of a bar round the clock."""
    return pl.col("timestamp") != pl.col("timestamp").dt.truncate(interval)


def aggregate(rows: pl.DataFrame) -> pl.DataFrame:
    """Bars of UTC days from shorter bars (symbol, timestamp, measures; one row per bar), by symbol and day.

    First open, highest high, lowest low, last close, sums of volumes; a measure that any part lacks is null, for it is
    not known. `parts` counts the bars that a day was made of: 6 of 4h make it whole.
    """
    last = {"open": pl.col("open").first(), "close": pl.col("close").last()}
    whole = {"high": pl.col("high").max(), "low": pl.col("low").min()}
    summed = {name: pl.col(name).sum() for name in ("volume", "quote_volume")}
    made = last | whole | summed
    known = {name: pl.when(pl.col(name).null_count() == 0).then(made[name]) for name in MEASURES}
    days = rows.sort("symbol", "timestamp").with_columns(pl.col("timestamp").dt.truncate("1d"))
    return days.group_by("symbol", "timestamp", maintain_order=True).agg(**known, parts=pl.len())


def steps(rows: pl.DataFrame, sessions: Collection[str]) -> pl.DataFrame:
    """Per symbol of the rows (symbol, timestamp) with several bars: their `interval`, and with which they are `mixed`.

    Parameters
    ----------
    sessions : the symbols that trade in sessions; those may open earlier than a day after the last.
    """
    stamp, session = pl.col("timestamp"), pl.col("symbol").is_in(list(sessions))
    step = stamp.diff().over("symbol").dt.total_seconds()
    frame = rows.select("symbol", "timestamp").unique().sort("symbol", "timestamp")
    frame = frame.with_columns(step=step, day=pl.when(session).then(_SESSION).otherwise(_DAY)).drop_nulls("step")
    frame = frame.with_columns(short=pl.col("step") < pl.col("day"))
    again = pl.col("short") & (pl.col("step") == pl.col("step").shift().over("symbol"))
    frame = frame.with_columns(again=again.fill_null(False))
    length, short = pl.col("step"), pl.col("short")
    found = frame.group_by("symbol").agg(
        intraday=pl.col("again").any() | (short.mean() > INTRADAY),
        shorter=length.filter(short).mode().min(),
        usual=length.mode().min(),
        least=length.min(),
        count=pl.len(),
    )
    longer = (pl.col("count") >= ENOUGH) & (pl.col("least") > _DAY * 1.5)
    told = pl.when("intraday").then("shorter").when(longer).then("usual").otherwise(_DAY)
    mixed = pl.when(pl.col("intraday") & (pl.col("usual") != pl.col("shorter"))).then("usual")
    return found.select(
        "symbol",
        interval=told.map_elements(named, return_dtype=pl.String),
        mixed=mixed.map_elements(named, return_dtype=pl.String),
    ).sort("symbol")


def named(seconds: float) -> str:
    """What a length is called: `30m`, `12h`, `1d`, `1w`, `1M`."""
    minutes, odd = divmod(round(seconds), 60)
    days = minutes / 1440
    if odd:
        return f"{round(seconds)}s"
    if days < 1:
        return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"
    if 28 <= days <= 31:
        return "1M"
    whole = round(days)
    return f"{whole // 7}w" if whole % 7 == 0 else f"{whole}d"
