"""Demands: which capabilities of a simulator the keys of a profile, or the rules of a book, ask for."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

DEMANDS: Mapping[str, tuple[str, object]] = MappingProxyType(
    {
        "execution.lag": ("lag", 0),
        "execution.rebalancing": ("daily", "window"),
        "execution.band": ("band", 0.0),
        "execution.partial": ("partial", 1.0),
        "execution.lots": ("lots", False),
        "execution.participation": ("participation", None),
        "execution.maintenance_margin": ("maintenance_margin", 0.0),
        "costs.slippage_bps": ("slippage", 0.0),
        "costs.commission_bps": ("commission", 0.0),
        "costs.spread": ("spread", "flat"),
        "costs.tiers": ("fee_tiers", ()),
        "costs.impact": ("impact", 0.0),
        "costs.borrow_rate": ("borrow", 0.0),
        "costs.borrow_rates": ("borrow", ()),
        "costs.cash_yield": ("cash_yield", 0.0),
    }
)
"""Dotted key -> the capability that it asks for, and the value at which it asks for nothing."""


def demands(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield key and capability of each value that asks for one; a convention asks for itself, lists for their parts."""
    for convention in _several(values.get("execution.convention")):
        yield "execution.convention", str(convention)
    for key, (capability, free) in DEMANDS.items():
        asked = values.get(key, free)
        if any(np.any(one != free) for one in _several(asked)):
            yield key, capability
    gross = values.get("allocation.limits.gross")
    if isinstance(gross, int | float) and gross > 1.0:
        yield "allocation.limits.gross", "leverage"


def _several(value: object) -> tuple[object, ...]:
    """Return the items of a list or a mapping, or the value as the only one."""
    return tuple(value) if isinstance(value, list | tuple | Mapping) else (value,)
