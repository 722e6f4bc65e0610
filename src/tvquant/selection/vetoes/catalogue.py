"""All vetoes by name, in the order in which they are asked: hard ones first, so that a hard breach is the reason."""

from collections.abc import Mapping
from types import MappingProxyType

from tvquant.selection.vetoes.contract import Rule
from tvquant.selection.vetoes.predictability import EFFICIENCY, ENTROPY, PERSISTENT_LOSER, RANDOM_WALK
from tvquant.selection.vetoes.tails import KURTOSIS, NO_STATISTICS, VOLATILITY

VETOES: Mapping[str, Rule] = MappingProxyType(
    {
        rule.name: rule
        for rule in (NO_STATISTICS, KURTOSIS, VOLATILITY, ENTROPY, EFFICIENCY, RANDOM_WALK, PERSISTENT_LOSER)
    }
)
