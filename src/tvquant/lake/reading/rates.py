"""A rate that the lake holds: its closes by the moment they became known.

A close of 0 or below is no price and a perfectly good rate, and it may jump by any factor from one day to the next:
what makes a bar invalid elsewhere is not asked here. A bar whose versions conflict, or that was recorded before its
close, has no value.
"""

from dataclasses import dataclass

import numpy as np

from tvquant.core.panel import Floats, Times
from tvquant.lake.reading.bars import Bars


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KnownRates:
    """V values, and when each was known, increasing."""

    known_at: Times
    values: Floats

    def before(self, moments: Times) -> tuple[Floats, Times]:
        """Return the last value known at each moment, and when it was known; NaN and NaT where there was none."""
        at = np.searchsorted(self.known_at, moments, side="right")
        values, known = np.r_[np.nan, self.values], np.r_[np.datetime64("NaT", "us"), self.known_at]
        return values[at], known[at]


def known_rates(bars: Bars, symbol: str) -> KnownRates:
    """Return the values of a symbol of these bars."""
    mine = bars.rows_of([one.name for one in bars.symbols].index(symbol))
    close = bars.low["close"][mine]
    use = ~(bars.unfinished | bars.conflict)[mine] & np.isfinite(close)
    return KnownRates(known_at=bars.closes[mine][use], values=close[use])
