"""Rows that were recorded before their bar closed: its prices could still change, so they are no bar yet.

They are stored like any others, and count for nothing: a row that was recorded later takes their place.
"""

from collections.abc import Mapping

import polars as pl

from tvquant.core.calendars import CRYPTO, calendar
from tvquant.lake.storage.intervals import LENGTHS
from tvquant.lake.storage.tables import DAILY, TIME
from tvquant.symbology.kinds import Structure


def provisional(rows: pl.DataFrame, structures: Mapping[str, Structure], interval: str = DAILY) -> pl.Series:
    """Which of the rows (symbol, timestamp, recorded_at) were recorded before their bar closed.

    A bar of an exchange is known as its calendar says, one round the clock when its interval is over.
    """
    length = LENGTHS[interval]
    early = (rows["recorded_at"] < rows["timestamp"] + length).fill_null(False)
    if not early.any():  # no bar closes later than that
        return early.alias("early")
    markets = {name: found.calendar for name, found in structures.items()}
    some = rows.select("symbol", "timestamp", "recorded_at", at=pl.int_range(pl.len())).filter(early)
    some = some.with_columns(market=pl.col("symbol").cast(pl.String).replace_strict(markets))
    closes = some["timestamp"] + length
    for name in sorted(set(some["market"]) - {CRYPTO}):
        mine = some["market"] == name
        closes = pl.select(pl.when(mine).then(_known_at(name, some["timestamp"])).otherwise(closes)).to_series()
    found = some["at"].filter(some["recorded_at"] < closes)
    return pl.int_range(len(rows), eager=True).is_in(found.implode()).alias("early")


def settled(rows: pl.DataFrame, structures: Mapping[str, Structure], interval: str = DAILY) -> pl.DataFrame:
    """The rows (symbol, timestamp, recorded_at and more) that are not provisional."""
    early = provisional(rows, structures, interval)
    return rows.filter(~early) if early.any() else rows


def _known_at(name: str, stamps: pl.Series) -> pl.Series:
    """Return when the bars of these dates are known on an exchange."""
    days = stamps.dt.date().unique().sort()
    sessions = days.cast(pl.Datetime("us")).to_numpy()
    closes = pl.Series(calendar(name, days[0], days[-1]).known_at(sessions)).dt.replace_time_zone("UTC")
    return stamps.dt.date().replace_strict(days, closes, return_dtype=TIME)
