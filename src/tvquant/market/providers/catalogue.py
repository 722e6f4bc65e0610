"""All providers by name, with the options that each is opened with."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from tvquant.market.providers.binance.member import BINANCE
from tvquant.market.providers.binance_archive.member import BINANCE_ARCHIVE
from tvquant.market.providers.contract import ProviderFactory
from tvquant.market.providers.files import FILES
from tvquant.market.providers.simulated.member import SIMULATED
from tvquant.market.providers.tradingview.member import TRADINGVIEW
from tvquant.market.providers.yahoo.member import YAHOO_FINANCE

PROVIDERS: Mapping[str, ProviderFactory[Any]] = MappingProxyType(
    {factory.name: factory for factory in (FILES, SIMULATED, TRADINGVIEW, YAHOO_FINANCE, BINANCE, BINANCE_ARCHIVE)}
)
