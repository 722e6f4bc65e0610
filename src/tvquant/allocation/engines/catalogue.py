"""All optimiser engines by name."""

from collections.abc import Mapping
from importlib.util import find_spec
from types import MappingProxyType

from tvquant.allocation.engines.contract import Engine
from tvquant.allocation.engines.custom import Custom
from tvquant.allocation.engines.cvxportfolio import Cvxportfolio
from tvquant.allocation.engines.pyportfolioopt import PyPortfolioOpt
from tvquant.allocation.engines.riskfolio import Riskfolio
from tvquant.allocation.engines.skfolio import Skfolio

ENGINES: Mapping[str, Engine] = MappingProxyType(
    {engine.name: engine for engine in (Custom(), Skfolio(), Riskfolio(), PyPortfolioOpt(), Cvxportfolio())}
)
EXTRA = "engines"
"""The extra that installs the libraries of engines."""


def uninstalled() -> Mapping[str, str]:
    """Return engine -> the extra that would install its library, of those engines whose library is not here."""
    return {name: EXTRA for name, one in ENGINES.items() if one.library and find_spec(one.library) is None}
