"""Which windows of a grid are one step apart, and what the chosen ones are among them."""

from itertools import product

import pytest

from builders.profiles import profile_of
from tvquant.core.calendar_steps import CalendarStep
from tvquant.tournament.cells import schedules
from tvquant.tournament.surface import Place, Shape, neighbours, shape, values

CUBE = [Place(train=a, test=b, step=c) for a, b, c in product((120, 60, 252), (None, 40), (20, 5, 60))]


def near(chosen: Place, places: list[Place]) -> set[tuple[object, ...]]:
    return {(one.train, one.test, one.step) for one in neighbours(chosen, places)}


@pytest.mark.requirement("R-TRN-08")
def test_neighbours_are_the_next_values_of_one_axis_with_the_others_as_they_are() -> None:
    assert near(Place(train=120, test=None, step=20), CUBE) == {
        (60, None, 20), (252, None, 20), (120, 40, 20), (120, None, 5), (120, None, 60),
    }  # fmt: skip
    assert near(Place(train=60, test=40, step=5), CUBE) == {(120, 40, 5), (60, None, 5), (60, 40, 20)}
    assert near(Place(train=252, test=None, step=60), CUBE) == {(120, None, 60), (252, 40, 60), (252, None, 20)}
    assert near(Place(train=60, test=None, step=20), CUBE[-1:]) == set()


def test_a_step_by_the_calendar_is_next_to_no_step_of_rows_but_to_other_trainings() -> None:
    monthly = [Place(train=train, test=None, step=CalendarStep.MONTH_END) for train in (60, 120)]
    assert near(monthly[0], [*CUBE, *monthly]) == {(120, None, "month_end")}
    assert near(CUBE[0], [*CUBE, *monthly]) == near(CUBE[0], CUBE)
    assert values([*monthly, *CUBE], "step") == (5, 20, 60, CalendarStep.MONTH_END)
    assert values(CUBE, "test") == (None, 40)


def test_a_test_as_long_as_the_step_is_one_choice_whatever_the_step() -> None:
    found = [Place.of(one) for one in schedules(profile_of(grid__step=[5], grid__train=[120]))]
    assert {(one.train, one.test, one.step) for one in found} == set(product((60, 120), (None,), (20, 5)))


def test_a_peak_is_above_all_of_its_neighbours_by_more_than_nothing() -> None:
    a, b = CUBE[:2]
    assert shape(1.0, {a: 0.98, b: 0.5}) is Shape.PEAK
    assert shape(1.0, {a: 0.995, b: 0.5}) is Shape.BETWEEN
    assert shape(0.3, {a: 0.32, b: 0.5}) is Shape.TROUGH
    assert shape(0.3, {a: 0.305, b: 0.5}) is Shape.BETWEEN
    assert shape(0.3, {}) is Shape.BETWEEN
