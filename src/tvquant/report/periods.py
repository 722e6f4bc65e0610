"""What runs earned by period: over all rows, by calendar year, and by the regime that each window turned out to have.

A long sleeve and a short one of the same coins do well at different times, so that one figure over all rows says little
of either (R-TRN-15). Every Sharpe ratio has its interval; a period of fewer than 60 rows has none of both.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tvquant.core.errors import ModelError
from tvquant.core.regimes import Regime
from tvquant.ledger.recorded_parts import Absent
from tvquant.report.performance_figures import Track
from tvquant.report.run import RunData
from tvquant.report.tracks import track_of
from tvquant.statistics import performance

LEAST_ROWS = 60
"""Rows from which on a ratio is annualised."""
NORMAL_95 = 1.959963984540054
"""Quantile of the normal distribution of an interval at 95 %."""
ALL, YEAR, REGIME = "all", "year", "regime"
"""Sorts of periods."""

type Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodFigures:
    """What the headline of a run earned in one period.

    Parameters
    ----------
    sort, period : `all`, `year` or `regime`, and which; rows of a regime need not follow each other.
    rows : how many.
    total_return : compounded over these rows.
    volatility, sharpe, low, high : per year; the interval is at 95 %.
    max_drawdown : of these rows one after another; None for a regime, whose rows are not.
    """

    sort: str
    period: str
    rows: int
    total_return: float
    volatility: float | None
    sharpe: float | None
    low: float | None
    high: float | None
    max_drawdown: float | None

    def document(self) -> dict[str, Any]:
        """Return it JSON-able."""
        return asdict(self)


def periods_of(run: RunData) -> tuple[PeriodFigures, ...]:
    """Return the figures of a run's headline by period, years in their order, regimes the calmest first.

    Raises
    ------
    Absent : the run has no headline, or no returns of it.
    """
    track, periods = track_of(run, run.headline), run.periods_per_year
    return tuple(_figures(sort, name, track, rows, periods) for sort, name, rows in _periods(run, track) if rows.any())


def _periods(run: RunData, track: Track) -> Iterator[tuple[str, str, Bools]]:
    yield ALL, ALL, np.ones(len(track.times), np.bool_)
    years = track.times.astype("datetime64[Y]")
    for year in np.unique(years):
        yield YEAR, str(year), years == year
    labels = _labels(run, track)
    for regime in Regime:
        yield REGIME, regime.value, labels == regime.value


def _labels(run: RunData, track: Track) -> NDArray[np.str_]:
    """Return the regime that the window of each row turned out to have; empty where it is not known."""
    windows = run.table("windows", run.headline.key)
    if run.headline.baseline or "realised_regime" not in windows.columns:
        return np.full(len(track.times), "")
    filled = windows.drop_nulls("filled_at")
    owner = np.searchsorted(filled["filled_at"].to_numpy(), track.times, side="right") - 1
    names = np.array([*(one or "" for one in filled["realised_regime"].to_list()), ""])
    return names[owner]


def _figures(sort: str, period: str, track: Track, rows: Bools, periods_per_year: int) -> PeriodFigures:
    at = np.flatnonzero(rows)
    try:
        found = performance(track.returns[at], periods_per_year=periods_per_year, risk_free=track.risk_free.at(at))
    except ModelError as error:
        raise Absent(f"{track.name}, {period}: {error}") from error
    known = len(at) >= LEAST_ROWS and found.sharpe is not None and found.sharpe_se is not None
    sharpe, reach = (found.sharpe, NORMAL_95 * (found.sharpe_se or 0.0)) if known else (None, 0.0)
    return PeriodFigures(
        sort=sort,
        period=period,
        rows=len(at),
        total_return=found.total_return,
        volatility=found.volatility if len(at) >= LEAST_ROWS else None,
        sharpe=sharpe,
        low=None if sharpe is None else sharpe - reach,
        high=None if sharpe is None else sharpe + reach,
        max_drawdown=None if sort == REGIME else found.max_drawdown,
    )
