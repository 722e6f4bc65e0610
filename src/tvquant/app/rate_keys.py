"""Keys of a profile that may name a rate of the lake."""

from collections.abc import Mapping

from tvquant.profiles import Profile
from tvquant.profiles.sections.costs import RateSeries

RISK_FREE, CASH_YIELD = "benchmark.risk_free", "costs.cash_yield"


def rate_keys(profile: Profile) -> Mapping[str, RateSeries]:
    """Return the series by the keys that name one."""
    given = {RISK_FREE: profile.benchmark.risk_free, CASH_YIELD: profile.costs.cash_yield}
    return {key: one for key, one in given.items() if isinstance(one, RateSeries)}
