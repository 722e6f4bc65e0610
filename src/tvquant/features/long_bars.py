"""Weekly and monthly bars from daily ones, and which of them were closed at each day. Importing this imports numba.

1. A week runs from Monday to Sunday, a month by the calendar; days are those of the rows' stamps.
2. A long bar of a name is of its daily bars in it: the highest high, the lowest low, the last close, the sum of
   volumes. A name without a daily bar in it has none.
3. It counts once its last day has passed: at the row that is the last of its period by the regular calendar, or when a
   later period has begun; a closure that no rule foretold was not known on the day before. A bar under way is never
   looked at, so what is known of long bars at a row is a beginning of what is known at any later one; kernels run over
   them once, for all rows.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from tvquant.core.calendars import calendar
from tvquant.core.panel import Floats, Panel, Times
from tvquant.features.rolling import HIGHEST, LAST, LOWEST, SUM, gathered

MONDAY = 3
"""Days from Monday to the first day of 1970."""
MIN_LONG_BARS = 30
"""Closed weeks or months that a name needs before it has a rating of them, beside the floor of daily bars for the daily
one: from there on more than half of the 26 votes exist."""


class Long(StrEnum):
    """How long the bars are."""

    WEEK = "1w"
    MONTH = "1m"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LongBars:
    """Closed long bars of N names at the last row of a view, P x N each, and the places of its last rows in them.

    Parameters
    ----------
    high, low, volume : None where the view has no such field.
    place : of each of the last rows, the last long bar closed by then, -1 where there was none.
    """

    high: Floats | None
    low: Floats | None
    close: Floats
    volume: Floats | None
    place: NDArray[np.int64]

    @property
    def rows(self) -> int:
        """How many of the last long bars the rows need values of."""
        return len(self.close) - max(int(self.place.min()), 0) if len(self.close) else 0

    def by_day(self, values: Floats, view: Panel) -> Floats:
        """Return values at the last `rows` long bars on the last rows of the view.

        NaN where a name has no bar that day.
        """
        there = view.tradable[-len(self.place) :]
        if not len(values):
            return np.full(there.shape, np.nan)
        at = self.place - (len(self.close) - len(values))
        return np.where(there & (self.place >= 0)[:, None], values[at], np.nan)

    def grown(self, values: Floats) -> Floats:
        """Return values that are NaN for names of fewer closed long bars than a rating needs."""
        bars = np.cumsum(~np.isnan(self.close), axis=0)[len(self.close) - len(values) :]
        return np.where(bars >= MIN_LONG_BARS, values, np.nan)


def long_bars(view: Panel, rows: int, long: Long) -> LongBars:
    """Return weekly or monthly bars of a view, as known at each of its last rows."""
    own = _number(view.times, long)
    # A period without a row of the calendar is none: what follows it does not make it one.
    closed = np.minimum(_number(calendar(view.calendar).expected_after(view.times), long), own + 1) - own[0]
    close, periods = view.fields["close"], int(closed[-1])

    def gather(name: str, how: int) -> Floats | None:
        values = view.fields.get(name)
        return None if values is None else gathered(values, close, own - own[0], periods, how)

    return LongBars(
        high=gather("high", HIGHEST),
        low=gather("low", LOWEST),
        close=gathered(close, close, own - own[0], periods, LAST),
        volume=gather("volume", SUM),
        place=closed[-rows:] - 1,
    )


def _number(stamps: Times, long: Long) -> NDArray[np.int64]:
    """Return weeks or months since the first of 1970."""
    if long is Long.MONTH:
        return stamps.astype("datetime64[M]").astype(np.int64)
    return (stamps.astype("datetime64[D]").astype(np.int64) + MONDAY) // 7
