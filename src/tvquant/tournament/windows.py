"""Walk-forward windows: where decisions stand and how long they hold (R-SIM-01)."""

from dataclasses import dataclass


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


def windows(rows: int, *, span: int | None, train: int, test: int, step: int) -> tuple[Window, ...]:
    """Windows at rows train, train + step ... of the last `span` rows of a panel of `rows` rows (None: all of them)."""
    length = rows if span is None else min(span, rows)
    offset = rows - length
    return tuple(
        Window(id=i, start=offset + i, stop=offset + min(i + test, length), partial=i + test > length)
        for i in range(train, length, step)
    )
