"""Rates: what money earns without risk, as measures take it."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tvquant.core.panel import Floats, frozen


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RiskFree:
    """The riskless simple return of each row of a series, or one of all rows.

    Parameters
    ----------
    per_row : R fractions per row, or a single one (no dimension).
    """

    per_row: Floats

    @classmethod
    def yearly(cls, rate: float | Floats, *, periods_per_year: int) -> Self:
        """Return the rate per row of a rate per year: (1 + rate)^(1 / A) - 1, so that A rows make the year's.

        Every row earns the same part of the year, a Monday no more than a Tuesday: days between sessions are not
        counted, as A does not count them.
        """
        return cls(per_row=frozen(np.asarray((1.0 + rate) ** (1.0 / periods_per_year) - 1.0)))

    def at(self, rows: NDArray[np.intp]) -> Self:
        """Return the rate at some of the rows."""
        return type(self)(per_row=frozen(self.per_row[rows])) if self.per_row.ndim else self

    def excess(self, returns: Floats) -> Floats:
        """Return returns less the rate; ValueError where it is of another number of rows."""
        if self.per_row.ndim and self.per_row.shape != returns.shape:
            raise ValueError(f"a rate of {len(self.per_row)} rows does not fit {len(returns)} returns")
        return returns - self.per_row


ZERO = RiskFree(per_row=frozen(np.zeros(())))
"""Money earns nothing."""
