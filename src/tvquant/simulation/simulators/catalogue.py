"""The simulators there are, by name."""

from collections.abc import Mapping
from importlib.util import find_spec
from types import MappingProxyType

from tvquant.simulation.simulators.contract import Simulator
from tvquant.simulation.simulators.custom import Custom
from tvquant.simulation.simulators.cvxportfolio import Cvxportfolio
from tvquant.simulation.simulators.nautilus.nautilus_adapter import Nautilus
from tvquant.simulation.simulators.vectorbt import Vectorbt

SIMULATORS: Mapping[str, Simulator] = MappingProxyType(
    {one.name: one for one in (Custom(), Vectorbt(), Cvxportfolio(), Nautilus())}
)


def uninstalled() -> Mapping[str, str]:
    """Return simulator -> the extra that would install its library, of those simulators whose library is not here."""
    return {
        name: one.needs[1]
        for name, one in SIMULATORS.items()
        if one.needs is not None and find_spec(one.needs[0]) is None
    }
