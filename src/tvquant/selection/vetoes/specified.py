"""The fixed figures of the specification for predictability, which `selection.thresholds: as_specified` asks for.

They are kept as they were written, for comparison, on the statistics that they were written for (order 5, uncorrected
Hurst exponent). On noise they bind never or at random: with 60 values the entropy of order 5 cannot exceed 0.84, half
of all noise of 120 values is below an efficiency of 0.1, and no more than a third of it has a raw exponent within the
band (R-FEA-03 to 05, R-SEL-15).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from tvquant.selection.contract import SelectionContext
from tvquant.selection.hardening import HARDENED
from tvquant.selection.relaxation import Relaxation
from tvquant.selection.vetoes.contract import Judgement, above, below

PERSISTENT = 0.55
"""Uncorrected Hurst exponent above which a loss is taken to last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Ceiling of the entropy, floor of the efficiency, and the band of the Hurst exponent that is a random walk."""

    entropy: float
    efficiency: float
    band: tuple[float, float]


OTHERS = Figures(entropy=0.9, efficiency=0.1, band=(0.45, 0.55))
MARKETS: Mapping[int, Figures] = MappingProxyType(
    {
        252: Figures(entropy=0.95, efficiency=0.1, band=(0.45, 0.55)),
        365: Figures(entropy=0.999, efficiency=0.05, band=(0.48, 0.52)),
    }
)
"""By the periods that the calendar has in a year: markets with sessions, and those around the clock."""
HARDENED_ENTROPY = 0.9
"""Factor of the ceiling in a pool that is hardened, at all stages (R-SEL-28)."""
LOOSER_ENTROPY, LOOSER_EFFICIENCY = 1.2, 0.8
"""Factors of the second stage of relaxation (R-SEL-21)."""


def entropy(context: SelectionContext, stage: Relaxation) -> Judgement:
    """Return which are above the ceiling: lowered once where the pool is hardened, then raised by the second stage."""
    ceiling = _figures(context).entropy * (HARDENED_ENTROPY if HARDENED in context.flags else 1.0)
    if stage >= Relaxation.SPECTRAL:
        ceiling = min(1.0, LOOSER_ENTROPY * ceiling)
    return above(context.of_atoms("entropy"), ceiling)


def efficiency(context: SelectionContext, stage: Relaxation) -> Judgement:
    """Return which are below the floor, which the second stage lowers."""
    floor = _figures(context).efficiency
    return below(context.of_atoms("efficiency"), LOOSER_EFFICIENCY * floor if stage >= Relaxation.SPECTRAL else floor)


def random_walk(context: SelectionContext, _: Relaxation) -> Judgement:
    """Return which are inside the band."""
    values, (low, high) = context.of_atoms("hurst"), _figures(context).band
    nearer = np.where(values - low < high - values, low, high)
    return Judgement(
        broken=(values > low) & (values < high), values=values, limits=nearer, thresholds={"low": low, "high": high}
    )


def persistent_loser(context: SelectionContext, _: Relaxation) -> Judgement:
    """Return which are persistent by the fixed figure, with a negative momentum."""
    values = context.of_atoms("hurst")
    return Judgement(
        broken=(values > PERSISTENT) & (context.of_atoms("momentum") < 0.0),
        values=values,
        limits=np.full(len(values), PERSISTENT),
        thresholds={"limit": PERSISTENT},
    )


def _figures(context: SelectionContext) -> Figures:
    return MARKETS.get(context.periods_per_year, OTHERS)
