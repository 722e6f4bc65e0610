"""Steps by the calendar: which rows are the last session of a week, month, quarter or year.

1. A row is the last of its period when the session to be expected after it lies in a later one, by the regular
   calendar: a closure that no rule foretold was not known on the day before.
2. Where such a closure took the last sessions of a period, no row before it could know that it was the last. The first
   row after it stands in for it.
3. So whether a row is one of these follows from its own date, the dates before it and the rules of the calendar: later
   rows change nothing.
"""

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the ledger knows the names of steps, and nothing of arrays
    import numpy as np
    from numpy.typing import NDArray

    from tvquant.core.calendars import Calendar
    from tvquant.core.panel import Bools, Times

WEEK = "week_"
"""How the names of weekly steps begin; the rest is the weekday that ends the week."""

THURSDAY = 3
"""Weekday of the first day of 1970, from Monday on."""


class CalendarStep(StrEnum):
    """The close that decides."""

    MONTH_END = "month_end"
    QUARTER_END = "quarter_end"
    YEAR_END = "year_end"
    MONDAY = "week_monday"
    TUESDAY = "week_tuesday"
    WEDNESDAY = "week_wednesday"
    THURSDAY = "week_thursday"
    FRIDAY = "week_friday"
    SATURDAY = "week_saturday"
    SUNDAY = "week_sunday"

    def ends(self, times: "Times", market: "Calendar") -> "Bools":
        """Return which rows decide; `times` are increasing stamps of bars of the market."""
        own, expected = self._periods(times), self._periods(market.expected_after(times))
        last: Bools = expected > own
        last[1:] |= (own[1:] > own[:-1]) & ~last[:-1]
        return last

    def _periods(self, stamps: "Times") -> "NDArray[np.int64]":
        """Return number of the period that each stamp lies in."""
        if self in _MONTHS:
            return stamps.astype("datetime64[M]").astype("int64") // _MONTHS[self]
        return (stamps.astype("datetime64[D]").astype("int64") + THURSDAY - 1 - _WEEKDAYS.index(self)) // 7


_MONTHS = {CalendarStep.MONTH_END: 1, CalendarStep.QUARTER_END: 3, CalendarStep.YEAR_END: 12}
_WEEKDAYS = [step for step in CalendarStep if step.startswith(WEEK)]
"""From Monday on."""
