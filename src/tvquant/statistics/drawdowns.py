"""The falls of one series of simple returns from its peaks: where each began, how deep it went, when it was over."""

from dataclasses import dataclass

import numpy as np

from tvquant.core.panel import Floats
from tvquant.statistics.metrics import drawdown_series
from tvquant.statistics.precision import EPSILON

ROUNDING = 8.0 * EPSILON
"""A fall that is not deeper is rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawdown:
    """One fall from a peak; rows count from 0.

    Parameters
    ----------
    peak : row of the last close at the peak; -1 is the start value, before the first return.
    trough : row of the lowest close.
    recovery : row of the first close back at the peak; None while the series is under water at its end.
    depth : fall from peak to trough, below 0.
    rows : from the peak to the recovery, or to the last row.
    """

    peak: int
    trough: int
    recovery: int | None
    depth: float
    rows: int


def drawdowns(returns: Floats) -> tuple[Drawdown, ...]:
    """Return every drawdown of a series, the deepest first; of two as deep the earlier.

    Wealth starts at 1 before the first return, so a series that only falls is one drawdown from its start. Two
    drawdowns never overlap: the next one begins at a peak that is at least as high.

    Raises
    ------
    ModelError : no returns, or a NaN or infinite return.
    """
    falls = drawdown_series(returns)
    under = np.concatenate([[False], falls < -ROUNDING, [False]])
    edges = np.flatnonzero(under[1:] != under[:-1])
    last = len(falls) - 1
    found = []
    for first, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        trough = first + int(np.argmin(falls[first:end]))
        recovery = end if end <= last else None
        rows = (last if recovery is None else recovery) - (first - 1)
        found.append(Drawdown(peak=first - 1, trough=trough, recovery=recovery, depth=float(falls[trough]), rows=rows))
    return tuple(sorted(found, key=lambda one: (one.depth, one.peak)))
