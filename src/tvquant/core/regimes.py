"""Market regimes: what the whole market was like at a moment, as everything that depends on it sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

REGIME_UNKNOWN = "regime_unknown"
"""Flag of a regime that is Normal only because too few rows were there to say."""


class Regime(StrEnum):
    """Label of a market regime, calmest first."""

    QUIET = "quiet"
    NORMAL = "normal"
    TURBULENT = "turbulent"
    CRISIS = "crisis"


class Quadrant(StrEnum):
    """Growth against stress; `crisis` is also the name of a label, and both are recorded."""

    EXPANSION = "expansion"
    INFLATIONARY_TREND = "inflationary_trend"
    STAGNATION = "stagnation"
    CRISIS = "crisis"
    NORMAL = "normal"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketRegime:
    """Regime of a market at one row, and what it was read from.

    Parameters
    ----------
    label, quadrant : what decisions go by.
    score : weighted sum of the components after damping.
    components : name -> value, before weights.
    growth, stress : axes of the quadrants: annual mean return, and a mixture of components.
    rows : returns that it was read from.
    flags : what a reader must know of it.
    """

    label: Regime
    quadrant: Quadrant
    score: float
    components: Mapping[str, float] = field(default_factory=dict)
    growth: float = 0.0
    stress: float = 0.0
    rows: int = 0
    flags: tuple[str, ...] = ()

    def payload(self) -> dict[str, Any]:
        """Return the regime as JSON can hold it."""
        return {
            "label": self.label.value,
            "quadrant": self.quadrant.value,
            "score": self.score,
            "components": dict(self.components),
            "growth": self.growth,
            "stress": self.stress,
            "rows": self.rows,
            "flags": list(self.flags),
        }

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> "MarketRegime":
        """Return the regime that a payload describes."""
        return cls(
            label=Regime(payload["label"]),
            quadrant=Quadrant(payload["quadrant"]),
            score=payload["score"],
            components=payload["components"],
            growth=payload["growth"],
            stress=payload["stress"],
            rows=payload["rows"],
            flags=tuple(payload["flags"]),
        )


UNKNOWN = MarketRegime(label=Regime.NORMAL, quadrant=Quadrant.NORMAL, score=0.0, flags=(REGIME_UNKNOWN,))
"""The regime where too few rows are there to say: Normal, stamped so."""
