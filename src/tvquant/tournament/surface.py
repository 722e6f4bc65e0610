"""Windows of a grid beside each other: which are one step apart, and whether the chosen ones are a peak among them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tvquant.core.calendar_steps import CalendarStep
from tvquant.tournament.windows import Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a schedule stands: rows of training, rows of the test (None: as the step), and the step."""

    train: int
    test: int | None
    step: int | CalendarStep

    @classmethod
    def of(cls, schedule: Schedule) -> "Place":
        """Return the place of a schedule."""
        test = None if schedule.test == schedule.step else schedule.test
        return cls(train=schedule.train, test=test, step=schedule.step)


AXES = ("train", "test", "step")
LEVEL = 0.01
"""Difference of Sharpe ratios that nobody would call one."""


class Shape(StrEnum):
    """What the chosen windows are among their neighbours."""

    PEAK = "peak"
    TROUGH = "trough"
    BETWEEN = "between"


def values(places: Iterable[Place], axis: str) -> tuple[int | CalendarStep | None, ...]:
    """Return the values of an axis in their order: rows by number, a test as the step first, calendar steps last."""
    found = dict.fromkeys(getattr(one, axis) for one in places)
    return tuple(sorted(found, key=lambda one: (isinstance(one, CalendarStep), one if isinstance(one, int) else 0)))


def neighbours(chosen: Place, places: Sequence[Place]) -> tuple[Place, ...]:
    """Return the places one step of the grid away: on one axis the next value, on the others the same.

    Steps by the calendar have no order among rows: of them none is next to another.
    """
    found = []
    for axis in AXES:
        line = [one for one in places if all(getattr(one, a) == getattr(chosen, a) for a in AXES if a != axis)]
        line = [one for one in line if not isinstance(getattr(one, axis), CalendarStep)]
        order = sorted({*line}, key=lambda one: getattr(one, axis) or 0)
        if chosen in order:
            at = order.index(chosen)
            found += [*order[max(at - 1, 0) : at], *order[at + 1 : at + 2]]
    return tuple(found)


def shape(chosen: float, beside: Mapping[Place, float]) -> Shape:
    """Return what a Sharpe ratio is among those of its neighbours; between where it has none."""
    if beside and chosen - LEVEL > max(beside.values()):
        return Shape.PEAK
    return Shape.TROUGH if beside and chosen + LEVEL < min(beside.values()) else Shape.BETWEEN
