"""What the Log-MPS score of v4 is made of: features, their mappings, and two sets of exponents.

The fragility penalty, ln(1 - 0.5 fragility / highest fragility), is a factor like the others, of weight 1 (R-SEL-07).

A feature is listed with the column of atom features that it reads: the Hurst exponent is scored by its distance from
a random walk, high where `randomness` is low (R-FEA-06), so higher entropy and randomness lower a score (R-SEL-11).
A profile may let one signal dominate a Log-MPS score (R-SEL-12).
`v4_tuned` was tuned on 2025: evidence from that year is in-sample. Both sets: R-SEL-08, R-SEL-10.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Literal

from pydantic import Field

from tvquant.profiles.fields import Real
from tvquant.profiles.options import Options
from tvquant.selection.mapping import Mapper, cdf, half_of_worst, rank, rank_desc
from tvquant.selection.scorer import Component


class ScoreWeights(Options):
    """Option of v4.

    Parameters
    ----------
    weights : feature weights of its score; `v4_tuned` was tuned on 2025: evidence from that year is in-sample.
    oscillator_weight : weight of the oscillators' rating; 1 suits profiles of oscillators and of all ratings together.
    """

    weights: Literal["v4_tuned", "v4_round"] = "v4_tuned"
    oscillator_weight: Real = Field(default=0.0, ge=0)


class DominantSignal(Options):
    """Options of the models from v3.2 on.

    Parameters
    ----------
    dominant_signal : feature whose weight is 3, in the score if it was not; that of momentum becomes 0.5 beside it.
    ranking : sides that the profile is ranked for; they must be those of `universe.direction`. It turns nothing:
        scores are of what the holder of an atom earns already, shorts included.
    """

    dominant_signal: (
        Literal[
            "momentum", "stability", "liquidity", "antifragility", "survival", "efficiency", "entropy", "hurst", "adx",
            "rating_all", "rating_ma", "rating_osc", "skewness", "kurtosis", "cvar",
        ]
        | None
    ) = None  # fmt: skip
    ranking: Literal["both", "long", "short"] | None = None

    def complaints(self, profile: Any) -> Iterator[tuple[str, str]]:
        """Yield a ranking that is not for the side that atoms are held on."""
        held = profile.universe.direction
        if self.ranking is not None and self.ranking != held:
            yield (
                "ranking",
                f"is {self.ranking}, and universe.direction is {held}: the best of each side have the highest scores "
                f"already, and a second flip would pick the worst; drop this key",
            )


DOMINANT_WEIGHT, BESIDE_DOMINANT = 3.0, 0.5
"""Weights of a dominant signal, and of momentum beside it."""
OSCILLATORS = Component(feature="rating_osc", column="rating_other", mapping=rank, weight=1.0)


_FACTORS: tuple[tuple[str, str, Mapper, float, float], ...] = (
    # feature, column, mapping, v4_tuned, v4_round
    ("momentum", "momentum", rank, 1.7469, 1.5),
    ("stability", "stability", rank, 0.0458, 1.0),
    ("liquidity", "liquidity", cdf, 0.2946, 0.5),
    ("antifragility", "antifragility", rank, 0.6263, 0.5),
    ("survival", "survival", cdf, 1.4, 1.0),
    ("efficiency", "efficiency", cdf, 1.5348, 0.5),
    ("entropy", "entropy", rank_desc, 0.0322, 1.0),
    ("hurst", "randomness", rank_desc, 0.3485, 0.5),
    ("adx", "adx", cdf, 1.0, 1.0),
    ("rating_all", "rating_all", rank, 1.0, 1.0),
    ("rating_ma", "rating_ma", rank, 1.0, 1.0),
    ("skewness", "abs_skewness", rank_desc, 0.5, 0.5),
    ("kurtosis", "kurtosis", rank_desc, 0.5, 1.0),
    ("cvar", "cvar", cdf, 1.0, 1.0),
    ("fragility", "fragility", half_of_worst, 1.0, 1.0),
)

WEIGHTS: Mapping[str, tuple[Component, ...]] = MappingProxyType(
    {
        name: tuple(
            Component(feature=feature, column=column, mapping=mapping, weight=weights[place])
            for feature, column, mapping, *weights in _FACTORS
        )
        for place, name in enumerate(("v4_tuned", "v4_round"))
    }
)

_SIGNALS = {one.feature: one for one in (*WEIGHTS["v4_tuned"], OSCILLATORS)}


def weighted(own: ScoreWeights) -> tuple[Component, ...]:
    """Return the components of v4 by these weights."""
    oscillators = (replace(OSCILLATORS, weight=own.oscillator_weight),) if own.oscillator_weight else ()
    return (*WEIGHTS[own.weights], *oscillators)


def dominated(components: Sequence[Component], signal: str | None) -> tuple[Component, ...]:
    """Return components of a Log-MPS score among which one signal has the weight 3, and momentum beside it 0.5.

    A signal that is not among them is added with the mapping that it has in v4. None changes nothing.
    """
    if signal is None:
        return tuple(components)
    changed = {"momentum": BESIDE_DOMINANT, signal: DOMINANT_WEIGHT}
    whole = (*components, *([] if any(one.feature == signal for one in components) else [_SIGNALS[signal]]))
    return tuple(replace(one, weight=changed.get(one.feature, one.weight)) for one in whole)
