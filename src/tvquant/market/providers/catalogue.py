"""All providers by name, to be opened with a setting."""

from collections.abc import Mapping
from types import MappingProxyType

from tvquant.market.providers.contract import Factory
from tvquant.market.providers.files import open_files
from tvquant.market.providers.simulated.member import open_simulated

PROVIDERS: Mapping[str, Factory] = MappingProxyType({"files": open_files, "simulated": open_simulated})
