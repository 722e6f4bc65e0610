"""All estimators of a covariance by name."""

from collections.abc import Mapping
from types import MappingProxyType

from tvquant.statistics.estimators.contract import Estimator
from tvquant.statistics.estimators.exponential import Exponential
from tvquant.statistics.estimators.shrinkage import LEDOIT_WOLF, OAS
from tvquant.statistics.estimators.spectral import Denoised, FactorModel

_MEMBERS: tuple[Estimator, ...] = (LEDOIT_WOLF, OAS, Exponential(), Denoised(), FactorModel())
ESTIMATORS: Mapping[str, Estimator] = MappingProxyType({one.name: one for one in _MEMBERS})
