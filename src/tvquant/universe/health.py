"""Health: instruments whose history is good enough to decide on, judged by what was known then alone.

In this order: the history floor (all bars known by then), the largest absolute return, a price that moves, the share of
missing rows (these three over the training rows) and the absence of gaps over the lookback (R-DAT-02, 03, 04, 07).
A name that will crash or be delisted tomorrow is healthy today.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tvquant.core.calendars import calendar
from tvquant.core.panel import Bools, Panel
from tvquant.profiles.sections.data import DataSection

REASONS = ("history", "extreme_return", "zero_variance", "missing_rows", "gap")
"""Why a name is not healthy, in the order in which it is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Instrument key -> first reason, for those that fail.

    `has_history` says whether any name reaches the history floor; `tolerated` counts single missing sessions that the
    calendar forgives among those that pass.
    """

    failed: Mapping[str, str]
    has_history: bool
    tolerated: int


def judge(view: Panel, columns: NDArray[np.intp], data: DataSection, *, train: int) -> Health:
    """Return which of the given columns of `view` (a panel until the decision) fail, and why; `train` is in rows."""
    have = view.tradable[:, columns]
    returns = view.fields["total_return"][-train:, columns]
    bars = have.sum(axis=0)
    longest, holes = _missing(*_tail(have, data.lookback))
    recent, before = _tail(have, train)
    # A column without any bar in these rows counts as listed at the first of them: all rows are missing.
    listed = np.where(before, 0, recent.argmax(axis=0))
    absent = 1.0 - recent.sum(axis=0) / (len(recent) - listed)
    highest = np.fmax.reduce(returns, axis=0, initial=-np.inf)
    lowest = np.fmin.reduce(returns, axis=0, initial=np.inf)
    failures: dict[str, Bools] = {
        "history": bars < data.min_history,
        "extreme_return": np.maximum(np.abs(highest), np.abs(lowest)) > data.max_abs_return,
        "zero_variance": ~(highest > lowest),
        "missing_rows": absent > data.max_missing,
        "gap": longest > calendar(view.calendar).gap_tolerance,
    }
    failed = np.array([failures[reason] for reason in REASONS])
    out = failed.any(axis=0)
    first = failed.argmax(axis=0)
    keys = [view.instruments[j].key for j in columns]
    return Health(
        failed={key: REASONS[first[k]] for k, key in enumerate(keys) if out[k]},
        has_history=bool((bars >= data.min_history).any()),
        tolerated=int(holes[~out].sum()),
    )


def _tail(have: Bools, rows: int) -> tuple[Bools, Bools]:
    """Return the last `rows` rows, and which columns had a bar before them."""
    return have[-rows:], have[:-rows].any(axis=0)


def _missing(have: Bools, before: Bools) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the longest run of missing rows since listing, and the number of missing rows, per column."""
    rows = np.arange(len(have))[:, None]
    last = np.maximum.accumulate(np.where(have, rows, -1), axis=0)
    listed = before | (last >= 0)
    return np.where(listed, rows - last, 0).max(axis=0), (listed & ~have).sum(axis=0)
