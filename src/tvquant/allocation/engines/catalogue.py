"""All optimiser engines by name."""

from collections.abc import Mapping
from types import MappingProxyType

from tvquant.allocation.engines.contract import Engine
from tvquant.allocation.engines.custom import Custom

ENGINES: Mapping[str, Engine] = MappingProxyType({engine.name: engine for engine in (Custom(),)})
