"""Feature terms: their contract, and how they are evaluated.

One implementation serves both clocks: a decision asks for the last row, a history for many. A row of a history is what
the view cut after that row gives, bit for bit; so nothing in a term may look at a later row or add up in another order.
Of the fields a term reads prices and volumes of bars, adjusted by `split_adjustment`, and no others. A term that is no
level (`ATR`) is the same in any unit of price and share.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tvquant.core.panel import Floats, Panel
from tvquant.features.rating_rules import LIBRARY_V3, RatingRules
from tvquant.features.split_adjustment import in_rows, through_splits


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a profile sets about terms.

    Parameters
    ----------
    rating_min_bars : bars a name needs before it has a technical rating.
    rating_rules : which technical rating is meant.
    """

    rating_min_bars: int
    rating_rules: RatingRules = LIBRARY_V3


type Measure = Callable[[Panel, Settings, int], Any]
"""What several terms are made of, as known at each of the last rows of a view; it is taken once for all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A named number per instrument and row, as known at that row.

    Parameters
    ----------
    name : as profiles and scanners write it.
    meaning : one sentence.
    unit : `USD`, `%`, or `1` for a pure number.
    needs : panel fields beside the close of which any one will do; empty where the close is enough.
    compute : from a view of N instruments, the settings, a number of rows and what each measure gave, to rows x N
        float64 of the last rows; NaN where an instrument has no bar at a row or too few before it. Row k is that of the
        view cut after it.
    measures : what the term shares with others and would be dear to take again for each of them.
    floored : it is a rating, which a name of fewer bars than `Settings.rating_min_bars` does not have; `evaluate` sees
        to that.
    """

    name: str
    meaning: str
    unit: str
    needs: tuple[str, ...]
    compute: Callable[..., Floats]
    measures: tuple[Measure, ...] = ()
    floored: bool = False

    @property
    def lack(self) -> str:
        """Message where the data have none of the fields it needs."""
        return f"the data have no {' or '.join(self.needs)}"


def evaluate(terms: Iterable[Term], view: Panel, settings: Settings, rows: int = 1) -> Iterator[Floats]:
    """Yield each term's last rows (rows x N) in turn; a measure is taken when the first term needs it, and only once.

    Terms are given bars of which prices and volumes go on through splits.
    """
    view = in_rows(through_splits(view))
    taken: dict[Measure, Any] = {}
    for term in terms:
        for measure in term.measures:
            if measure not in taken:
                taken[measure] = measure(view, settings, rows)
        values = term.compute(view, settings, rows, *(taken[measure] for measure in term.measures))
        yield floored(values, view, settings) if term.floored else values


def floored(values: Floats, view: Panel, settings: Settings) -> Floats:
    """Return the values at the last rows (rows x N); NaN for names of fewer bars by then than a rating needs."""
    skipped = len(view.times) - len(values)
    bars = np.count_nonzero(view.tradable[:skipped], axis=0) + view.tradable[skipped:].cumsum(axis=0)
    return np.where(bars >= settings.rating_min_bars, values, np.nan)
