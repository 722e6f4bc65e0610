"""The risk-free rate of a profile on the rows of its panel.

A row is measured against what was known when it began: the last close of the series known at the close of the row
before. It holds for `STALE` days: holidays of the bond market are bridged, and what is missing for longer is refused,
never filled.
"""

import numpy as np

from tvquant.app.plan import Plan
from tvquant.core.calendars import calendar
from tvquant.core.errors import DataError
from tvquant.core.panel import Floats, Panel, Times
from tvquant.core.rates import RiskFree
from tvquant.lake.reading.rates import known_rates
from tvquant.profiles.sections.costs import RateSeries

STALE = np.timedelta64(10, "D")
"""How long the last value holds."""
MOST = 1.0
"""A rate beyond +-100 % per year is taken for another unit."""
KEY = "benchmark.risk_free"


def risk_free(plan: Plan, panel: Panel, first: int) -> RiskFree:
    """Return the rate per row of the panel; before row `first`, where nothing is measured, it may be NaN.

    Raises
    ------
    DataError : the series lacks a value from `first` on, or has one that is no rate; the lake no longer holds it.
    """
    given, periods = plan.resolved.profile.benchmark.risk_free, calendar(panel.calendar).periods_per_year
    if not isinstance(given, RateSeries):
        return RiskFree.yearly(given, periods_per_year=periods)
    began = np.r_[np.datetime64("NaT", "us"), panel.known_at[:-1].max(axis=1)]
    values, known = known_rates(plan.pinned.beside).before(began)
    annual = values * given.scale
    measured = np.arange(len(annual)) >= first
    _refuse_gaps(given, measured & ~(began - known <= STALE), panel.times, known)
    _refuse_units(given, np.where(measured, annual, 0.0), panel.times)
    return RiskFree.yearly(annual, periods_per_year=periods)


def _refuse_gaps(given: RateSeries, lacking: np.ndarray, times: Times, known: Times) -> None:
    rows = np.flatnonzero(lacking)
    if not len(rows):
        return
    at, last = str(times[rows[0]])[:10], known[rows[0]]
    told = "it has none before" if np.isnat(last) else f"its last before was known at {str(last)[:16]}"
    raise DataError(
        f"{KEY}: {given.symbol} has no value for {at} ({told}; one holds for {STALE.astype(int)} days), and so for "
        f"{len(rows)} rows of the run; import what is missing, begin later (data.start), or set a number"
    )


def _refuse_units(given: RateSeries, annual: Floats, times: Times) -> None:
    rows = np.flatnonzero(np.abs(annual) > MOST)
    if len(rows):
        raise DataError(
            f"{KEY}: {given.symbol} is {annual[rows[0]]:.0%} per year on {str(times[rows[0]])[:10]} when its unit is "
            f"{given.unit}; set the other unit, or repair the series"
        )
