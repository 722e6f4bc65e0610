"""Walk-forward windows: when decisions are made and how long they hold (R-SIM-01)."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from tvquant.core.calendar_steps import CalendarStep
from tvquant.core.calendars import calendar
from tvquant.core.panel import Times
from tvquant.core.stamps import NONE, Stamp, Stamps

SWEPT = (60, 20, 20)
"""Train, test and step that were picked as the best of a sweep on related history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One rebalance.

    Parameters
    ----------
    id : row number within the span where the test rows start; of the panel where there is no span.
    start, stop : panel rows [start, stop) of the test; the decision uses rows before `start` only.
    partial : the panel ends before the test does; left out of window diagnostics.
    """

    id: int
    start: int
    stop: int
    partial: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A grid of windows.

    Parameters
    ----------
    train : rows that momentum, covariance and the clusters of allocation use.
    test : rows of a window's own diagnostics; None is until the next window begins.
    step : rows between decisions, or the close that decides; that has no `test`.
    span : the last rows of a panel that are walked forward; None is all of them.
    start : the day from which on rows are walked forward; None is the first that has `train` rows before it.
    phase : rows by which every window is put off.
    """

    train: int
    test: int | None
    step: int | CalendarStep
    span: int | None
    start: date | None = None
    phase: int = 0

    @property
    def name(self) -> str:
        """Part of the keys of paths on another schedule than the profile's own; all of a grid have one span."""
        rows = "-".join(str(part) for part in (self.train, self.test, self.step) if part is not None)
        begun = f"@{self.start}" if self.start else ""
        return f"{rows}{begun}{f'+{self.phase}' if self.phase else ''}"

    @property
    def stamps(self) -> Stamps:
        """Caveats of every result on these windows."""
        return frozenset({Stamp.SWEPT_WINDOWS}) if (self.train, self.test, self.step) == SWEPT else NONE

    def windows(self, times: Times, market: str) -> tuple[Window, ...]:
        """Return the windows on rows with these stamps of the calendar `market`.

        The first begins at row `train` of the span, or at `start` where that is later, and one every `step` rows after
        it. By the calendar one begins after each row that decides; at `start` one begins whatever day that is, so that
        schedules of one start are compared on the same days.
        """
        rows = len(times)
        offset = 0 if self.span is None else max(rows - self.span, 0)
        begins = 0 if self.start is None else int(np.searchsorted(times, np.datetime64(self.start, "us")))
        first = max(offset + self.train, begins) + self.phase
        if isinstance(self.step, int):
            starts = list(range(first, rows, self.step))
            stops = [row + (self.test or self.step) for row in starts]
        else:
            decides = self.step.ends(times, calendar(market))
            starts = [row for row in range(first, rows) if decides[row - 1] or row == begins]
            stops = [*starts[1:], rows if decides[-1] else rows + 1][: len(starts)]
        return tuple(
            Window(id=row - offset, start=row, stop=min(stop, rows), partial=stop > rows)
            for row, stop in zip(starts, stops, strict=True)
        )
