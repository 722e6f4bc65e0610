"""All risk profiles by name."""

from collections.abc import Mapping
from types import MappingProxyType

from tvquant.allocation.risk.contract import RiskProfile
from tvquant.allocation.risk.equal_weight import EQUAL_WEIGHT
from tvquant.allocation.risk.hrp import HRP
from tvquant.allocation.risk.max_sharpe import MAX_SHARPE
from tvquant.allocation.risk.min_variance import MIN_VARIANCE
from tvquant.allocation.risk.risk_parity import RISK_PARITY

RISK_PROFILES: Mapping[str, RiskProfile] = MappingProxyType(
    {profile.name: profile for profile in (EQUAL_WEIGHT, MIN_VARIANCE, RISK_PARITY, HRP, MAX_SHARPE)}
)
