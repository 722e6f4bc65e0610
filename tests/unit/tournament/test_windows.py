"""Where decisions stand."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from builders.panels import ALWAYS, days
from tvquant.core.calendar_steps import CalendarStep
from tvquant.core.stamps import NONE, Stamp
from tvquant.tournament.windows import Schedule, Window

DAILY = Schedule(train=60, test=20, step=20, span=None)
MONTHLY = Schedule(train=20, test=None, step=CalendarStep.MONTH_END, span=None)


def windows(schedule: Schedule, rows: int) -> tuple[Window, ...]:
    """Return the windows on daily rows from the first of 2020 on."""
    return schedule.windows(days(rows), ALWAYS)


def starts(schedule: Schedule, rows: int) -> list[str]:
    return [str(days(rows)[window.start])[:10] for window in windows(schedule, rows)]


@pytest.mark.requirement("R-SIM-01")
def test_default_windows_on_500_rows() -> None:
    found = windows(DAILY, 500)
    expected = [60, 80, 100, 120, 140, 160, 180, 200, 220, 240, 260, 280, 300, 320, 340, 360, 380, 400, 420, 440, 460]
    expected.append(480)  # the last whole one
    assert [w.id for w in found] == expected
    assert [w.start for w in found] == expected
    assert found[-1] == Window(id=480, start=480, stop=500, partial=False)
    assert not any(w.partial for w in found)


@pytest.mark.requirement("R-SIM-01")
def test_ids_count_from_the_start_of_the_span_and_rows_from_the_start_of_the_panel() -> None:
    found = windows(replace(DAILY, span=300), 500)
    assert (found[0].id, found[0].start, found[0].stop) == (60, 260, 280)
    assert (found[-1].id, found[-1].start, found[-1].stop) == (280, 480, 500)
    assert windows(replace(DAILY, span=900), 500) == windows(DAILY, 500)


@pytest.mark.requirement("R-SIM-01")
def test_a_last_test_that_the_panel_cuts_is_played_and_marked() -> None:
    found = windows(DAILY, 501)
    assert found[-1] == Window(id=500, start=500, stop=501, partial=True)
    assert not any(w.partial for w in found[:-1])


def test_tests_of_one_step_tile_the_rows_after_the_first_training() -> None:
    found = windows(DAILY, 517)
    assert [row for w in found for row in range(w.start, w.stop)] == list(range(60, 517))


def test_tests_longer_than_a_step_overlap() -> None:
    found = windows(replace(DAILY, test=30), 100)
    assert [(w.start, w.stop, w.partial) for w in found] == [(60, 90, False), (80, 100, True)]


@pytest.mark.parametrize(("rows", "count"), [(59, 0), (60, 0), (61, 1)])
def test_a_window_needs_a_row_behind_its_training(rows: int, count: int) -> None:
    assert len(windows(DAILY, rows)) == count


def test_windows_that_a_sweep_picked_are_stamped() -> None:
    assert DAILY.stamps == {Stamp.SWEPT_WINDOWS}
    assert replace(DAILY, span=300).stamps == {Stamp.SWEPT_WINDOWS}
    for other in ({"train": 61}, {"test": 21}, {"step": 10}):
        assert replace(DAILY, **other).stamps == NONE


@pytest.mark.parametrize(
    ("schedule", "others"), [(DAILY, ["2020-06-03", "2020-06-23"]), (MONTHLY, ["2020-06-01", "2020-07-01"])]
)
def test_the_first_window_begins_at_the_start_behind_rows_that_train_it(schedule: Schedule, others: list[str]) -> None:
    schedule = replace(schedule, start=date(2020, 5, 14))
    found = windows(schedule, 200)
    assert (found[0].id, found[0].start) == (134, 134)
    assert starts(schedule, 200)[:3] == ["2020-05-14", *others]


@pytest.mark.parametrize("schedule", [DAILY, MONTHLY])
@pytest.mark.parametrize("start", [date(2019, 1, 1), date(2020, 1, 5)])
def test_a_start_before_the_data_allow_is_as_none(schedule: Schedule, start: date) -> None:
    assert windows(replace(schedule, start=start), 200) == windows(schedule, 200)


def test_a_start_is_the_next_session_and_one_behind_the_data_has_no_window() -> None:
    times = days(300, start="2019-01-02", calendar="XNYS")
    for day in ("2019-09-28", "2019-09-29", "2019-09-30"):  # a weekend and the Monday after it
        (first, *_) = replace(DAILY, start=date.fromisoformat(day)).windows(times, "XNYS")
        assert str(times[first.start])[:10] == "2019-09-30"
    for schedule in (DAILY, MONTHLY):
        assert windows(replace(schedule, start=date(2021, 1, 1)), 200) == ()


def test_by_the_calendar_a_window_begins_after_the_close_that_decides_and_lasts_until_the_next() -> None:
    found = windows(MONTHLY, 91)  # to the last of March
    assert starts(MONTHLY, 91) == ["2020-02-01", "2020-03-01"]
    assert [(w.start, w.stop, w.partial) for w in found] == [(31, 60, False), (60, 91, False)]
    assert [(w.stop, w.partial) for w in windows(MONTHLY, 90)] == [(60, False), (90, True)]
    assert [(w.stop, w.partial) for w in windows(MONTHLY, 92)][1:] == [(91, False), (92, True)]


def test_a_training_that_is_not_there_puts_off_the_first_month() -> None:
    assert starts(replace(MONTHLY, train=31), 91) == ["2020-02-01", "2020-03-01"]
    assert starts(replace(MONTHLY, train=32), 91) == ["2020-03-01"]
    assert [w.id for w in windows(replace(MONTHLY, span=60), 91)] == [29]  # from row 31 on, which 20 train


@pytest.mark.parametrize("step", [CalendarStep.MONTH_END, CalendarStep.FRIDAY, CalendarStep.QUARTER_END, 7])
@pytest.mark.parametrize("start", [None, date(2001, 8, 14)])
def test_later_rows_never_change_where_windows_begin(step: int | CalendarStep, start: date | None) -> None:
    times = days(250, start="2001-05-01", calendar="XNYS")
    test = step if isinstance(step, int) else None
    schedule = Schedule(train=20, test=test, step=step, span=None, start=start)
    whole = np.array([window.start for window in schedule.windows(times, "XNYS")])
    for rows in range(1, len(times)):
        found = [window.start for window in schedule.windows(times[:rows], "XNYS")]
        assert found == whole[whole < rows].tolist()


def test_the_name_of_a_schedule_says_how_it_steps() -> None:
    assert (DAILY.name, MONTHLY.name) == ("60-20-20", "20-month_end")
    assert MONTHLY.stamps == replace(MONTHLY, train=60).stamps == NONE
