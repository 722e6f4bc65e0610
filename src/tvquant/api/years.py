"""Periods per year: from a calendar that is named, a number that is given, or the dates where they leave no doubt."""

import numpy as np

from tvquant.core.calendars import CRYPTO, NEW_YORK, calendar
from tvquant.core.errors import ProfileError
from tvquant.core.panel import Times

FEWEST = 20
"""Rows that dates must have before they say anything of their calendar."""
WHOLE = 0.9
"""Share of all days, or of all weekdays, that they must be."""
A_DAY = np.timedelta64(1, "D")


def periods_per_year(given: str | float | None, times: Times) -> tuple[int, str]:
    """Return A, and in words where it comes from.

    Parameters
    ----------
    given : a calendar (`24x7`, `XNYS` and other market codes), a whole number of rows per year, or nothing: then rows
        of every day are 365 and rows of weekdays 252, where there are 20 of them and 90 % of the days of their span.

    Raises
    ------
    ProfileError : no such calendar or number, or dates that could be of several.
    """
    if isinstance(given, str):
        found = calendar(given).periods_per_year
        return found, f"{found} periods per year, of the calendar {given}"
    if given is not None:
        if isinstance(given, bool) or not 1 <= given <= 366 * 24 * 60 or given != int(given):
            raise ProfileError(f"calendar: expected a name, or a whole number of rows per year, found {given}")
        return int(given), f"{int(given)} periods per year, as given"
    days = times.astype("datetime64[D]")
    weekday = np.is_busday(days)
    if len(days) >= FEWEST and (days[1:] > days[:-1]).all():
        after = days[-1] + A_DAY
        if not weekday.all() and len(days) >= WHOLE * int((after - days[0]) / A_DAY):
            return 365, f"365 periods per year: rows of every day, as on the calendar {CRYPTO}"
        if weekday.all() and len(days) >= WHOLE * int(np.busday_count(days[0], after)):
            return 252, f"252 periods per year: rows of weekdays, as on the calendar {NEW_YORK}"
    raise ProfileError(
        f"calendar: {len(times)} rows from {days[0]} to {days[-1]} do not say how many make a year; name a "
        f"calendar ({CRYPTO}, {NEW_YORK} ...) or give the number of rows per year, such as 12"
    )
