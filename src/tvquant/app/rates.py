"""Rates of a profile on the rows of its panel: what books are measured against, and what their idle cash earns.

A row is given what was known when it began: the last close of the series known at the close of the row before. It holds
for `STALE` days: holidays of the bond market are bridged, and what is missing for longer is refused, never filled.
"""

import numpy as np

from tvquant.app.plan import Plan
from tvquant.app.rate_keys import CASH_YIELD, RISK_FREE, rate_keys
from tvquant.core.calendars import calendar
from tvquant.core.errors import DataError
from tvquant.core.panel import Bools, Floats, Panel, Times, frozen
from tvquant.core.rates import RiskFree
from tvquant.lake.reading.rates import known_rates
from tvquant.profiles.sections.costs import RateSeries

STALE = np.timedelta64(10, "D")
"""How long the last value holds."""
MOST = 1.0
"""A rate beyond +-100 % per year is taken for another unit."""


def risk_free(plan: Plan, panel: Panel, first: int) -> RiskFree:
    """Return the rate per row of the panel; before row `first`, where nothing is measured, it may be NaN.

    Raises
    ------
    DataError : the series lacks a value from `first` on, or has one that is no rate; the lake no longer holds it.
    """
    given, periods = plan.resolved.profile.benchmark.risk_free, calendar(panel.calendar).periods_per_year
    if isinstance(given, RateSeries):
        return RiskFree.yearly(_annual(plan, panel, first, RISK_FREE), periods_per_year=periods)
    return RiskFree.yearly(given, periods_per_year=periods)


def cash_yield(plan: Plan, panel: Panel, first: int) -> Floats | None:
    """Return what idle cash earns per year by row of the panel (T); None where it is a figure of the profile.

    Before row `first`, where no book is, it may be NaN.

    Raises
    ------
    DataError : as `risk_free`.
    """
    given = plan.resolved.profile.costs.cash_yield
    return frozen(_annual(plan, panel, first, CASH_YIELD)) if isinstance(given, RateSeries) else None


def _annual(plan: Plan, panel: Panel, first: int, key: str) -> Floats:
    """Return a series as a fraction per year by row of the panel (T)."""
    given = rate_keys(plan.resolved.profile)[key]
    began = np.r_[np.datetime64("NaT", "us"), panel.known_at[:-1].max(axis=1)]
    values, known = known_rates(plan.pinned.beside, given.symbol).before(began)
    annual: Floats = values * given.scale
    measured = np.arange(len(annual)) >= first
    _refuse_gaps(key, given, measured & ~(began - known <= STALE), panel.times, known)
    _refuse_units(key, given, np.where(measured, annual, 0.0), panel.times)
    return annual


def _refuse_gaps(key: str, given: RateSeries, lacking: Bools, times: Times, known: Times) -> None:
    rows = np.flatnonzero(lacking)
    if not len(rows):
        return
    at, last = str(times[rows[0]])[:10], known[rows[0]]
    told = "it has none before" if np.isnat(last) else f"its last before was known at {str(last)[:16]}"
    raise DataError(
        f"{key}: {given.symbol} has no value for {at} ({told}; one holds for {STALE.astype(int)} days), and so "
        f"for {len(rows)} rows of the run; import what is missing, begin later (data.start), or set a number"
    )


def _refuse_units(key: str, given: RateSeries, annual: Floats, times: Times) -> None:
    rows = np.flatnonzero(np.abs(annual) > MOST)
    if len(rows):
        raise DataError(
            f"{key}: {given.symbol} is {annual[rows[0]]:.0%} per year on {str(times[rows[0]])[:10]} when its "
            f"unit is {given.unit}; set the other unit, or repair the series"
        )
