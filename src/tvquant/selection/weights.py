"""What the Log-MPS score of v4 is made of: features, their mappings, and two sets of exponents.

The fragility penalty, ln(1 - 0.5 fragility / highest fragility), is a factor like the others, of weight 1 (R-SEL-07).

A feature is listed with the column of atom features that it reads: the Hurst exponent is scored by its distance from
a random walk, high where `randomness` is low (R-FEA-06), so higher entropy and randomness lower a score (R-SEL-11).
`v4_tuned` was tuned on 2025: evidence from that year is in-sample. Both sets: R-SEL-08, R-SEL-10.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from tvquant.profiles.options import Options
from tvquant.selection.mapping import Mapper, cdf, half_of_worst, rank, rank_desc
from tvquant.selection.scorer import Component


class ScoreWeights(Options):
    """Option of v4.

    Parameters
    ----------
    weights : feature weights of its score; `v4_tuned` was tuned on 2025: evidence from that year is in-sample.
    """

    weights: Literal["v4_tuned", "v4_round"] = "v4_tuned"


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
