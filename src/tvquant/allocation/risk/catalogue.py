"""All risk profiles by name."""

from collections.abc import Mapping
from types import MappingProxyType

from tvquant.allocation.risk.contract import RiskProfile
from tvquant.allocation.risk.equal_weight import EQUAL_WEIGHT
from tvquant.allocation.risk.min_variance import MIN_VARIANCE

RISK_PROFILES: Mapping[str, RiskProfile] = MappingProxyType(
    {profile.name: profile for profile in (EQUAL_WEIGHT, MIN_VARIANCE)}
)
