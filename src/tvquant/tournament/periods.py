"""Periods of a book: from one row at which it is measured to the next, over rows at which it is only kept.

An account of several calendars is kept on days without a session too, where a sleeve decides. Such a day is no period:
what was earned and paid until then is in the period that it lies in (R-MET-04).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tvquant.core.books import SimResult
from tvquant.core.panel import Floats, Panel


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Periods:
    """The M periods of a book of R rows.

    Parameters
    ----------
    ends : M rows of the book at which a period ends, increasing; the first begins with the starting capital.
    first : row of the panel that is the book's first.
    """

    ends: NDArray[np.int64]
    first: int

    @property
    def rows(self) -> NDArray[np.int64]:
        """Rows of the panel at which periods end."""
        return self.ends + self.first

    def returns(self, equity: Floats) -> Floats:
        """Return M simple returns of the equity (R); 0 once it is gone."""
        levels = equity[self.ends]
        before = np.concatenate([[1.0], levels[:-1]])
        return np.where(before > 0.0, levels / np.where(before > 0.0, before, 1.0) - 1.0, 0.0)

    def summed(self, amounts: Floats) -> Floats:
        """Return what amounts of rows (R) add up to in each period; rows behind the last period are in none."""
        starts = np.concatenate([[0], self.ends[:-1] + 1])
        total: Floats = np.add.reduceat(amounts[: self.ends[-1] + 1], starts)
        return total

    def parts(self, shares: Floats, equity: Floats) -> Floats:
        """Return parts of returns of rows (R) as parts of the returns of periods; NaN once the equity is gone."""
        before, levels = np.concatenate([[1.0], equity[:-1]]), equity[self.ends]
        base = np.concatenate([[1.0], levels[:-1]])
        total = self.summed(np.nan_to_num(shares) * before)
        return np.where(base > 0.0, total / np.where(base > 0.0, base, 1.0), np.nan)


def periods_of(panel: Panel, result: SimResult, measured: NDArray[np.int64] | None) -> Periods | None:
    """Return the periods of a book by the rows of its panel at which it is measured; None where each row is one."""
    first = len(panel.times) - len(result.times)
    if measured is None:
        return None
    ends = measured[measured >= first] - first
    return None if len(ends) == len(result.times) else Periods(ends=ends, first=first)
