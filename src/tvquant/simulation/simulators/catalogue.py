"""The simulators there are, by name."""

from collections.abc import Mapping
from types import MappingProxyType

from tvquant.simulation.simulators.contract import Simulator
from tvquant.simulation.simulators.custom import Custom

SIMULATORS: Mapping[str, Simulator] = MappingProxyType({"custom": Custom()})
