"""Sleeves joined: their equity at the dates that all have, and what each returned from one to the next.

1. The common span begins with the sleeve that begins last and ends with the one that ends first.
2. Common dates are the stamps inside it that every sleeve has. Nothing is filled in.
3. Levels are taken at these dates, and returns are of levels: what coins earned on a weekend is in the return to
   Monday. An intersection of returns would lose it.
4. Rows of a sleeve inside the span that are no common dates are counted. That coins have weekends and shares do not
   is no finding: what is judged is the share of the sleeve that has the fewest rows.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Literal

import numpy as np

from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats, Times, frozen
from tvquant.core.sleeves import Sleeve

type Span = int | Literal["all"]
"""How many common returns are kept, the last ones."""
LEAST_DATES = 2
"""Of fewer levels there is no return."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """Rows of one sleeve that the others lack.

    Parameters
    ----------
    rows, dropped : of the sleeve in the common span, and how many of them are no common dates.
    outside : of the sleeve before and behind the common span.
    """

    sleeve: str
    rows: int
    dropped: int
    outside: int

    @property
    def share(self) -> float:
        """Dropped by rows, in [0, 1)."""
        return self.dropped / self.rows


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Joined:
    """K sleeves at T common dates; arrays are read-only.

    Parameters
    ----------
    times : T stamps.
    levels : T x K equity of each sleeve, 1 at its own first decision.
    returns : (T - 1) x K simple returns to the next common date; row r is that to `times[r + 1]`.
    lost : of each sleeve, in order of names.
    """

    names: tuple[str, ...]
    times: Times
    levels: Floats
    returns: Floats
    lost: tuple[Lost, ...]

    def __post_init__(self) -> None:
        for name in ("times", "levels", "returns"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    @property
    def sparsest(self) -> Lost:
        """The sleeve that has the fewest rows in the common span (the first of several): whose dates were lost."""
        return min(self.lost, key=lambda one: one.rows)


def joined(sleeves: Sequence[Sleeve], span: Span = "all") -> Joined:
    """Return the sleeves at their common dates; `span` keeps the last so many returns, or all where there are fewer.

    Rows dropped are counted from the first date that is kept where `span` cuts, otherwise over the common span.

    Raises
    ------
    ModelError : no sleeve, or two of one name; one without a return; fewer than two common dates; a sleeve that was
        ruined by the last of them: its stream ends there, and what is joined behind it would be no return of it.
    """
    names = tuple(one.name for one in sleeves)
    _refuse_names(names)
    for one in sleeves:
        if len(one.times) < LEAST_DATES:
            raise ModelError(f"sleeve {one.name}: it has {len(one.times)} level(s) and no return; it cannot be joined")
    latest = max(sleeves, key=lambda one: one.times[0])
    earliest = min(sleeves, key=lambda one: one.times[-1])
    times: Times = reduce(lambda a, b: np.intersect1d(a, b, assume_unique=True), [one.times for one in sleeves])
    if len(times) < LEAST_DATES:
        raise ModelError(
            f"sleeves {', '.join(names)} have {len(times)} date(s) in common and need {LEAST_DATES}: {latest.name} "
            f"begins on {_day(latest.times[0])}, {earliest.name} ends on {_day(earliest.times[-1])}; "
            "give the sleeves data of one period, or set data.end and data.span in their profiles"
        )
    first = latest.times[0]
    if span != "all" and span + 1 < len(times):
        times = times[-span - 1 :]
        first = times[0]
    _refuse_ruined(sleeves, times[-1])
    levels = np.column_stack([one.levels[np.searchsorted(one.times, times)] for one in sleeves])
    return Joined(
        names=names,
        times=times,
        levels=levels,
        returns=levels[1:] / levels[:-1] - 1.0,
        lost=tuple(_lost(one, first, earliest.times[-1], len(times)) for one in sleeves),
    )


def _refuse_names(names: tuple[str, ...]) -> None:
    if not names:
        raise ModelError("a join needs at least one sleeve")
    for name, count in Counter(names).items():
        if count > 1:
            raise ModelError(f"sleeve {name}: its name is there {count} times; name each once")


def _refuse_ruined(sleeves: Sequence[Sleeve], last: np.datetime64) -> None:
    for one in sleeves:
        if (day := ruined(one)) is not None and day <= last:
            raise ModelError(
                f"sleeve {one.name}: it lost everything on {_day(day)}, and the common dates go on to {_day(last)}; "
                "leave it out, or end the others there"
            )


def ruined(sleeve: Sleeve) -> np.datetime64 | None:
    """Return stamp of the first row at which nothing is left of a sleeve; None where there is always something."""
    rows = np.flatnonzero(sleeve.levels == 0.0)
    return sleeve.times[rows[0]] if len(rows) else None


def _lost(sleeve: Sleeve, first: np.datetime64, last: np.datetime64, kept: int) -> Lost:
    low, high = np.searchsorted(sleeve.times, first), np.searchsorted(sleeve.times, last, side="right")
    rows = int(high - low)
    return Lost(sleeve=sleeve.name, rows=rows, dropped=rows - kept, outside=len(sleeve.times) - rows)


def _day(stamp: np.datetime64) -> str:
    return str(np.datetime64(stamp, "D"))
