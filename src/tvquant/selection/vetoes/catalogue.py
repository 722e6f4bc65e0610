"""All vetoes by name, in the order in which they judge: hard ones first, so that a hard breach is the reason."""

from collections.abc import Mapping
from types import MappingProxyType

from tvquant.selection.vetoes.borrow import UNBORROWABLE
from tvquant.selection.vetoes.contract import Rule
from tvquant.selection.vetoes.directional import ADX, NO_ADX
from tvquant.selection.vetoes.friction import FRICTION
from tvquant.selection.vetoes.metadata import METADATA
from tvquant.selection.vetoes.predictability import EFFICIENCY, ENTROPY, PERSISTENT_LOSER, RANDOM_WALK
from tvquant.selection.vetoes.tails import KURTOSIS, NO_STATISTICS, SURVIVAL, VOLATILITY
from tvquant.selection.vetoes.velocity import ROC, VOLATILITY_D

_HARD = (NO_STATISTICS, KURTOSIS, VOLATILITY, SURVIVAL, ROC, VOLATILITY_D, METADATA, UNBORROWABLE)
_SOFT = (ENTROPY, EFFICIENCY, RANDOM_WALK, PERSISTENT_LOSER, NO_ADX, ADX, FRICTION)

VETOES: Mapping[str, Rule] = MappingProxyType({rule.name: rule for rule in (*_HARD, *_SOFT)})
