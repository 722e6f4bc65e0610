"""What interval the bars of a symbol are of, told by their steps from one open to the next.

1. Some are shorter than a day, and two equal ones follow each other or they are more than a third: the bars are shorter
   than daily, of the most frequent of such steps. Others are days that were told twice.
2. None is, and the shortest of three or more is longer than a day: the bars are of weeks, months or days on end.
3. Else they are daily. One bar alone may be of any interval.

Bars of an interval that is not stored are to be named and refused: stored as another, they would be holes and false
returns.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tvquant.lake.reading.stored_rows import in_time_order
from tvquant.lake.storage.tables import DAILY

type Seconds = NDArray[np.float64]

DAY, SESSION = 86_400.0, 20 * 3600.0
"""Seconds from open to open; those of a session may open a little earlier than a day after the last."""
INTRADAY = 1 / 3
"""More steps than this shorter than a day, and bars are not daily."""
ENOUGH = 3
"""Steps that are enough to tell bars of longer intervals from days that are missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """The interval of a symbol's bars, and the other one that is mixed into it (None: none)."""

    symbol: str
    interval: str
    mixed: str | None = None


def rhythms(rows: pl.DataFrame, sessions: Collection[str]) -> tuple[list[Rhythm], int]:
    """Return rhythms of all symbols of the rows (symbol, timestamp) with several bars; and how many rows repeat a time.

    Parameters
    ----------
    sessions : the symbols that trade in sessions.
    """
    names = rows["symbol"].unique().cast(pl.String).sort()
    frame = in_time_order(rows.select(pl.col("symbol").cast(pl.Enum(names)), "timestamp"), "timestamp")
    code = frame["symbol"].to_physical().to_numpy()
    step = np.diff(frame["timestamp"].dt.replace_time_zone(None).to_numpy()) / np.timedelta64(1, "s")
    same = code[1:] == code[:-1]
    kept = same & (step > 0)
    return list(_rhythms(names, code[1:][kept], step[kept], sessions)), int((same & (step == 0)).sum())


def _rhythms(names: pl.Series, code: NDArray[np.uint32], step: Seconds, sessions: Collection[str]) -> Iterator[Rhythm]:
    """Yield one rhythm per symbol that has steps; only those that look odd are looked at alone."""
    if not len(code):
        return
    edges = np.flatnonzero(np.r_[True, code[1:] != code[:-1]])
    least = np.minimum.reduceat(step, edges)
    for first, last, shortest in zip(edges, [*edges[1:], len(code)], least, strict=True):
        symbol = names[int(code[first])]
        day = SESSION if symbol in sessions else DAY
        if day <= shortest <= 1.5 * DAY:
            yield Rhythm(symbol=symbol, interval=DAILY)
        else:
            yield _odd(symbol, step[first:last], day)


def _odd(symbol: str, step: Seconds, day: float) -> Rhythm:
    """Return the rhythm of a symbol with a step that is none of days that follow each other."""
    short = step < day
    again = short[1:] & (step[1:] == step[:-1])
    if again.any() or short.mean() > INTRADAY:
        interval, usual = _mode(step[short]), _mode(step)
        return Rhythm(symbol=symbol, interval=named(interval), mixed=named(usual) if usual != interval else None)
    longer = not short.any() and len(step) >= ENOUGH
    return Rhythm(symbol=symbol, interval=named(_mode(step)) if longer else DAILY)


def _mode(step: Seconds) -> float:
    """Return the most frequent step, of several the shortest."""
    values, counts = np.unique(step, return_counts=True)
    return float(values[counts.argmax()])


def named(seconds: float) -> str:
    """Return what a length is called: `30m`, `12h`, `1d`, `1w`, `1M`."""
    minutes, odd = divmod(round(seconds), 60)
    days = minutes / 1440
    if odd or not minutes:
        return f"{seconds:g}s"
    if days < 1:
        return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"
    if 28 <= days <= 31:
        return "1M"
    whole = round(days)
    return f"{whole // 7}w" if whole % 7 == 0 else f"{whole}d"
