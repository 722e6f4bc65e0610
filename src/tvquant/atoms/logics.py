"""Logics: the signal families an atom may be held for."""

from collections.abc import Mapping
from types import MappingProxyType

LOGICS: Mapping[str, str] = MappingProxyType(
    {
        "hold": "held because the universe names it",
        "rating_ma": "held because its moving averages are rated a buy (LONG) or a sell (SHORT)",
    }
)
"""Name -> meaning. Both hold the asset itself on every row, so their stream is that of the asset."""
