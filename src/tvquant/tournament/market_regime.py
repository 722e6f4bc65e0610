"""The market's regime at a view, and the limits that it lowers.

The market is the equal-weight return of the base pool: every healthy name before any signal was asked, as the view has
it, on rows of `data.lookback`. A row counts by the names that have a return there.
"""

from collections.abc import Hashable
from dataclasses import replace
from datetime import date

import numpy as np

from tvquant.core.calendars import calendar
from tvquant.core.errors import ModelError, ProfileError
from tvquant.core.panel import Floats, Panel, Times
from tvquant.core.problems import Limits
from tvquant.core.regimes import UNKNOWN, MarketRegime
from tvquant.profiles.sections.regime import RegimeSection
from tvquant.regime import MarketRegimeDetector
from tvquant.regime.options import Detection
from tvquant.tournament.candidates import base_pool
from tvquant.tournament.quorum import quorum_view_by
from tvquant.tournament.specs import Rules, StrategySpec
from tvquant.tournament.views import View, look


def market_regime(view: View, rules: Rules) -> MarketRegime:
    """Return the regime of the market at a view; unknown where nobody is in its pool.

    Raises
    ------
    ProfileError : the bands of the profile were made on returns that the view does not know yet.
    """
    return view.once(regime_key(rules), lambda: _detected(view, rules))


def regime_key(rules: Rules) -> tuple[Hashable, ...]:
    """Return what decides the regime at a view: how winners are chosen from the pool does not."""
    return "regime", rules.watching


def market_regime_at(panel: Panel, row: int, rules: Rules) -> MarketRegime:
    """Return the regime at a row of a panel, as a decision asked for there would see it."""
    return market_regime(quorum_view_by(look(panel, row), rules).view, rules)


def market_returns(view: View, rules: Rules) -> tuple[Times, Floats]:
    """Return rows and equal-weight returns of the base pool as the view has it; rows on which nobody has one left out.

    Raises
    ------
    ModelError : the health of the pool cannot be judged.
    """
    panel, tail = view.panel, slice(-rules.data.lookback, None)
    returns = panel.fields["total_return"][tail][:, panel.columns(base_pool(view, rules))]
    there = np.isfinite(returns)
    names = there.sum(axis=1)
    sums = np.where(there, returns, 0.0).sum(axis=1)
    return panel.times[tail][names > 0], sums[names > 0] / names[names > 0]


def limits_at(view: View, spec: StrategySpec) -> Limits:
    """Return the limits in force at a view: no asset and no cluster above the cap of its regime (R-RSK-11)."""
    label, limits = market_regime(view, spec.rules).label, spec.limits
    cap = spec.rules.regime.caps.of(label)
    if cap is None:
        return limits
    key = f"regime.caps.{label}"
    if cap < limits.position:
        limits = replace(limits, position=cap, position_key=key)
    return replace(limits, cluster=cap, cluster_key=key) if cap < limits.cluster else limits


def refuse_later_bands(section: RegimeSection, day: date) -> None:
    """Refuse bands that a decision on the bar of a day could not have.

    Raises
    ------
    ProfileError : they were made on returns that are not known then.
    """
    bands = section.options(Detection).bands
    if bands is not None and bands.sample is not None and day < bands.sample.last:
        raise ProfileError(
            f"regime.bands were made on returns until {bands.sample.last}, which a decision on the bar of {day} does "
            "not know; begin later (data.start), or make them anew with `tvquant regime calibrate`"
        )


def _detected(view: View, rules: Rules) -> MarketRegime:
    section = rules.regime
    refuse_later_bands(section, view.day)
    try:
        returns = market_returns(view, rules)[1]
    except ModelError:  # the decision itself says it
        return UNKNOWN
    periods = calendar(view.panel.calendar).periods_per_year
    return MarketRegimeDetector.of(section).detect(returns, periods_per_year=periods)
