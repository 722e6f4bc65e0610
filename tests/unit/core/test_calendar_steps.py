"""Which closes decide."""

from datetime import date

import exchange_calendars
import numpy as np
import pandas as pd
import pytest

from tvquant.core.calendar_steps import CalendarStep
from tvquant.core.calendars import calendar


def decided(step: CalendarStep, first: str, last: str, name: str = "XNYS") -> list[str]:
    market = calendar(name)
    times = market.bars(np.datetime64(first), np.datetime64(last))
    return [str(day) for day in times[step.ends(times, market)].astype("datetime64[D]")]


@pytest.mark.parametrize(
    ("step", "alias"),
    [(CalendarStep.MONTH_END, "M"), (CalendarStep.QUARTER_END, "Q"), (CalendarStep.YEAR_END, "Y")],
)
def test_the_last_sessions_of_new_york_are_those_of_the_exchange(step: CalendarStep, alias: str) -> None:
    """The referee is the library's own list of sessions, the last of each period by pandas."""
    sessions = exchange_calendars.get_calendar("XNYS", start="1990-01-01", end="2030-12-31").sessions
    last = pd.Series(sessions, sessions).groupby(sessions.to_period(alias)).max()
    assert decided(step, "1990-01-01", "2030-12-31") == [str(day.date()) for day in last]


@pytest.mark.parametrize(
    ("step", "first", "last", "days"),
    [
        # Good Friday, 29 March 2024, is a holiday; so are Memorial Day, 27 May 2024, and the Friday after it is not.
        ("week_friday", "2024-03-18", "2024-04-08", ["2024-03-22", "2024-03-28", "2024-04-05"]),
        ("week_monday", "2024-05-13", "2024-06-04", ["2024-05-13", "2024-05-20", "2024-05-24", "2024-06-03"]),
        ("week_sunday", "2024-03-18", "2024-04-08", ["2024-03-22", "2024-03-28", "2024-04-05"]),
        ("week_wednesday", "2024-06-17", "2024-07-05", ["2024-06-18", "2024-06-26", "2024-07-03"]),
        # The data may simply end: 28 June is the last session of the month, 27 is not, and neither is of the year.
        ("month_end", "2024-05-30", "2024-06-27", ["2024-05-31"]),
        ("month_end", "2024-05-30", "2024-06-28", ["2024-05-31", "2024-06-28"]),
        ("quarter_end", "2024-01-02", "2024-06-28", ["2024-03-28", "2024-06-28"]),
        ("year_end", "2023-12-01", "2024-06-28", ["2023-12-29"]),
    ],
)
def test_a_holiday_makes_the_session_before_it_the_last(step: str, first: str, last: str, days: list[str]) -> None:
    assert decided(CalendarStep(step), first, last) == days


def test_round_the_clock_it_is_the_day_itself() -> None:
    assert decided(CalendarStep.MONTH_END, "2024-01-01", "2024-03-01", "24x7") == ["2024-01-31", "2024-02-29"]
    for number, step in enumerate(s for s in CalendarStep if s.startswith("week_")):
        days = decided(step, "2023-12-01", "2024-03-31", "24x7")
        assert {date.fromisoformat(day).weekday() for day in days} == {number}
        assert len(days) in (17, 18)


def test_a_closure_that_nobody_foretold_is_made_up_for_after_it() -> None:
    """On Monday 10 September 2001 nobody knew that it was the last session of the week."""
    assert decided(CalendarStep.FRIDAY, "2001-09-04", "2001-09-22") == ["2001-09-07", "2001-09-17", "2001-09-21"]


@pytest.mark.parametrize("name", ["XNYS", "24x7"])
@pytest.mark.parametrize("step", CalendarStep)
def test_later_rows_change_nothing(step: CalendarStep, name: str) -> None:
    market = calendar(name)
    times = market.bars(np.datetime64("2001-06-20"), np.datetime64("2002-01-10"))
    whole = step.ends(times, market)
    for rows in range(1, len(times)):
        assert (step.ends(times[:rows], market) == whole[:rows]).all()
