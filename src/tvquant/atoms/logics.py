"""Logics: the signal families an atom may be held for."""

from collections.abc import Mapping
from types import MappingProxyType

LOGICS: Mapping[str, str] = MappingProxyType(
    {
        "hold": "held because the universe names it",
        "rating_all": "held because all votes together rate it a buy (LONG) or a sell (SHORT)",
        "rating_ma": "held because its moving averages are rated a buy (LONG) or a sell (SHORT)",
        "rating_osc": "held because its oscillators are rated a buy (LONG) or a sell (SHORT)",
        "trend": "held because it has risen (LONG) or fallen (SHORT) over weeks and months",
        "mean_reversion": "held because it moves much and has fallen (LONG) or risen (SHORT) too far",
        "multi_timeframe": "held because day, week and month are rated alike and its trend is strong",
    }
)
"""Name -> meaning. A scanner asks the signal of a logic when it recruits, at each decision. While the decision holds its
atoms, their stream is that of the asset on every row: nothing gates it between two decisions."""
