"""From a covariance and limits to weights: engines, risk profiles, caps, and the trail of what was tried."""

from tvquant.allocation.allocate import allocate, risk_profiles_of
from tvquant.allocation.engines.catalogue import ENGINES, uninstalled
from tvquant.allocation.risk.catalogue import RISK_PROFILES

__all__ = ["ENGINES", "RISK_PROFILES", "allocate", "risk_profiles_of", "uninstalled"]
