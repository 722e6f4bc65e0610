"""Walk-forward windows: when decisions are made and how long they hold (R-SIM-01)."""

from dataclasses import dataclass

from tvquant.core.stamps import NONE, Stamp, Stamps

SWEPT = (60, 20, 20)
"""Train, test and step that were picked as the best of a sweep on related history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One rebalance.

    Parameters
    ----------
    id : row number within the span where the test rows start.
    start, stop : panel rows [start, stop) of the test; the decision uses rows before `start` only.
    partial : the panel ends before the test does; left out of window diagnostics.
    """

    id: int
    start: int
    stop: int
    partial: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A grid of windows, in rows.

    Parameters
    ----------
    train : rows that momentum, covariance and the clusters of allocation use.
    test : rows of a window's own diagnostics.
    step : rows between decisions.
    span : the last rows of a panel that are walked forward; None is all of them.
    """

    train: int
    test: int
    step: int
    span: int | None

    @property
    def name(self) -> str:
        """Part of the keys of paths where a grid has several schedules."""
        return f"{self.train}-{self.test}-{self.step}"

    @property
    def stamps(self) -> Stamps:
        """Caveats of every result on these windows."""
        return frozenset({Stamp.SWEPT_WINDOWS}) if (self.train, self.test, self.step) == SWEPT else NONE

    def windows(self, rows: int) -> tuple[Window, ...]:
        """Return windows at rows train, train + step ... of the span of a panel of `rows` rows."""
        length = rows if self.span is None else min(self.span, rows)
        offset = rows - length
        return tuple(
            Window(id=i, start=offset + i, stop=offset + min(i + self.test, length), partial=i + self.test > length)
            for i in range(self.train, length, self.step)
        )
