"""Timing luck: how much of a result is the row on which one happens to rebalance, and what is left of it in tranches.

1. The headline is played in several phases of its step: the same strategy, its windows put off by some rows.
2. Phases are compared on the rows of all, from the first fill of the last one to begin on.
3. The tranched book has one part of its capital in each phase, as an account of its own: its equity is the mean of
   theirs, each 1 before the first of these rows. Nothing is moved or netted between accounts, so that it trades what
   they trade. Source: Hoffstein, Faber and Braun (2019), Rebalance timing luck: the dumb (timing) luck of smart beta.
"""

from dataclasses import dataclass

import numpy as np

from tvquant.core.panel import Floats, frozen
from tvquant.core.rates import ZERO, RiskFree
from tvquant.statistics import Performance, performance, wealth


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TimingLuck:
    """Phases of one strategy, and the book of all of them.

    Parameters
    ----------
    phases : measures of each on the shared rows, the strategy's own first.
    returns : (T,) of the tranched book; `tranched` : its measures.
    """

    phases: tuple[Performance, ...]
    returns: Floats
    tranched: Performance

    @property
    def sharpes(self) -> Floats:
        """Sharpe ratios of the phases per year; NaN where one has none."""
        return np.array([np.nan if one.sharpe is None else one.sharpe for one in self.phases])

    @property
    def spread(self) -> float:
        """Standard deviation of the Sharpe ratios over the phases (divisor P - 1)."""
        return float(self.sharpes.std(ddof=1))

    @property
    def above(self) -> int:
        """Phases whose Sharpe ratio the tranched book exceeds."""
        return 0 if self.tranched.sharpe is None else int((self.tranched.sharpe > self.sharpes).sum())


def timing_luck(returns: Floats, *, periods_per_year: int, risk_free: RiskFree = ZERO) -> TimingLuck:
    """Return what (T, P) returns of P >= 2 phases on the same rows come to, and the book that is in all of them."""
    whole = tranched(returns)

    def measured(column: Floats) -> Performance:
        return performance(column, periods_per_year=periods_per_year, risk_free=risk_free)

    return TimingLuck(phases=tuple(measured(column) for column in returns.T), returns=whole, tranched=measured(whole))


def tranched(returns: Floats) -> Floats:
    """Return (T,) returns of a book with equal parts of its first equity in P accounts of (T, P) returns."""
    level = np.concatenate([[1.0], np.mean([wealth(column) for column in returns.T], axis=0)])
    alive = level[:-1] > 0.0
    return frozen(np.where(alive, level[1:] / np.where(alive, level[:-1], 1.0) - 1.0, 0.0))
