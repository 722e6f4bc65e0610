"""Bands of the regime score from a market's own returns, all of them known before the first decision of a profile."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from tvquant.app.plan import make_plan
from tvquant.core.calendars import calendar
from tvquant.core.digests import canonical_array, digest_bytes
from tvquant.core.errors import DataError
from tvquant.core.panel import Floats
from tvquant.core.regimes import Regime
from tvquant.lake import Lake
from tvquant.profiles import ResolvedProfile
from tvquant.profiles.regime_bands import FIRST, Bands, Sample
from tvquant.regime import MarketRegimeDetector, noise_bands
from tvquant.regime.noise import FEWEST
from tvquant.tournament.cells import cells, headline
from tvquant.tournament.market_regime import market_returns
from tvquant.tournament.quorum import quorum_view_by
from tvquant.tournament.specs import StrategySpec
from tvquant.tournament.views import look
from tvquant.tournament.walk_forward import grids

EVERY = 20
"""Rows between the labels that are counted on the history itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Bands of a profile's market, and the share of each label on the history that they were made from."""

    bands: Bands
    shares: Mapping[Regime, float]
    looks: int


def calibrated(lake: Lake, resolved: ResolvedProfile, *, made: date, draws: int) -> Calibration:
    """Return bands from noise that is drawn from the returns of the profile's market before its first decision.

    Raises
    ------
    DataError : the lake cannot serve the profile, or fewer than 252 returns lie before its first decision.
    """
    plan = make_plan(lake, resolved)
    panel, profile = plan.panel, plan.resolved.profile
    played = cells(profile)
    spec = next(cell.spec for cell in played if cell.key == headline(profile))
    assert isinstance(spec, StrategySpec)
    start = min(windows[0].start for windows in grids(panel, [cell.path for cell in played]).values())
    # All that there is: `data.lookback` bounds decisions, not what bands are made of.
    rules = replace(spec.rules, data=spec.rules.data.model_copy(update={"lookback": len(panel.times)}))
    times, returns = market_returns(quorum_view_by(look(panel, start - 1), rules).view, rules)
    if len(returns) < FEWEST:
        raise DataError(
            f"bands need {FEWEST} returns before the first decision, and {len(returns)} lie before that on "
            f"{str(panel.times[start - 1])[:10]}; set data.start later, or import older bars (the packaged bands of "
            "noise need none)"
        )
    first, last = (one.astype("datetime64[D]").item() for one in (times[0], times[-1]))
    sample = Sample(
        profile=profile.name, first=first, last=last, rows=len(returns), digest=digest_bytes(canonical_array(returns))
    )
    bands = noise_bands(made=made, returns=returns, sample=sample, draws=draws)
    detector = replace(MarketRegimeDetector.of(profile.regime), calibrated=True, opinions=(), bands=bands)
    labels = _labels(detector, returns, calendar(panel.calendar).periods_per_year)
    counted = Counter(labels)
    return Calibration(bands=bands, shares={label: counted[label] / len(labels) for label in Regime}, looks=len(labels))


def _labels(detector: MarketRegimeDetector, returns: Floats, periods_per_year: int) -> list[Regime]:
    ends = np.arange(len(returns), FIRST - 1, -EVERY)
    return [detector.detect(returns[:end], periods_per_year=periods_per_year).label for end in ends]
