"""Rates of a meta-profile on the rows of an account: what it is measured against, and what its idle cash earns.

A rate that is a series of the lake is that of a sleeve's run which pinned the same series: a meta-portfolio pins none.
"""

from collections.abc import Iterable, Iterator

from tvquant.app.meta.sources import Sources
from tvquant.app.plan import Plan
from tvquant.app.rate_keys import CASH_YIELD, RISK_FREE, rate_keys
from tvquant.app.rates import cash_yield, risk_free
from tvquant.core.calendars import calendar
from tvquant.core.errors import ProfileError
from tvquant.core.panel import Panel
from tvquant.core.rates import RiskFree
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.profiles import MetaProfile
from tvquant.profiles.sections.costs import RateSeries
from tvquant.tournament.sleeves.settling import Rates


def rates_of(profile: MetaProfile, sources: Sources, runs: Iterable[RecordedRun], panel: Panel, first: int) -> Rates:
    """Return the rates by row of an account; before row `first`, where no book is, they may be NaN.

    Raises
    ------
    DataError : as `rates.risk_free`.
    ProfileError : no sleeve's run pinned a series that the profile names.
    """
    every = tuple(runs)

    def pinning(key: str, given: RateSeries) -> Plan:
        for plan in _plans(sources, every):
            if rate_keys(plan.resolved.profile).get(key) == given:
                return plan
        raise ProfileError(
            f"{key} is the series {given.symbol}, and no sleeve's profile has it there, so no run pinned it; set it in "
            "a sleeve's profile as well, or write a figure"
        )

    measure, earned = profile.benchmark.risk_free, profile.costs.cash_yield
    if isinstance(measure, RateSeries):
        against = risk_free(pinning(RISK_FREE, measure), panel, first)
    else:
        against = RiskFree.yearly(measure, periods_per_year=calendar(panel.calendar).periods_per_year)
    idle = cash_yield(pinning(CASH_YIELD, earned), panel, first) if isinstance(earned, RateSeries) else None
    return Rates(risk_free=against, cash_yield=idle)


def _plans(sources: Sources, runs: Iterable[RecordedRun]) -> Iterator[Plan]:
    """Yield the plan of each profile's run behind these, of those of nested meta-portfolios too."""
    for run in runs:
        if run.is_meta:
            yield from _plans(sources, (one for _, one in sources.runs(run)))
        else:
            yield sources.plan(run)
