"""The regime score: components, what each adds, and how calm markets are damped.

1. Seven components are measured (`components`).
2. Each adds its weight times its term. A component that the rows cannot say adds nothing: the noise that the sum is
   judged by lacks it too.
3. The weights are those of the specification; they sum to 1.15, for the tails came in later. The calibrated score is
   divided by that, the specified one is not.
4. A market that is hardly moving is damped, and no score is above 2.5.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from tvquant.core.panel import Floats
from tvquant.regime import components as measured

MOST = 2.5
"""Highest score."""
STILL, STILL_FACTOR = 0.001, 0.01
"""Standard deviation of the last rows below which nothing happens, and what is left of the score then."""
CALM, CALM_FACTOR = 0.2, 0.5
"""Volatility ratio below which the score is halved."""
QUIETER, QUIETER_MOST = 0.5, 0.6
"""Volatility ratio below which the score has a ceiling, and the ceiling."""
TAIL = 10.0
"""Excess kurtosis from which on the term of the tails is whole."""
STRESS = MappingProxyType({"volatility_ratio": 0.7, "turbulence": 0.6})
"""Weights of the stress axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One part of the score: its weight, how it is measured, and the term that the weight multiplies."""

    weight: float
    measure: Callable[[Floats], Floats]
    term: Callable[[Floats], Floats] = lambda value: value


def _memory(value: Floats) -> Floats:
    """Return how far an exponent is from that of noise, in either direction, as a share of how far it can be."""
    return 2.0 * np.abs(value - 0.5)


def _tail(value: Floats) -> Floats:
    """Return how fat the tails are, 1 at most: thinner ones than normal add nothing."""
    return np.minimum(1.0, np.maximum(value, 0.0) / TAIL)


CALIBRATED: Mapping[str, Component] = MappingProxyType(
    {
        "volatility_ratio": Component(weight=0.35, measure=measured.volatility_ratio),
        "turbulence": Component(weight=0.25, measure=measured.turbulence),
        "autocorrelation": Component(weight=0.15, measure=measured.autocorrelation),
        "entropy": Component(weight=0.10, measure=measured.entropy),
        "hurst": Component(weight=0.10, measure=measured.hurst_exponent, term=_memory),
        "unit_root": Component(weight=0.05, measure=measured.unit_root),
        "excess_kurtosis": Component(weight=0.15, measure=measured.excess_kurtosis, term=_tail),
    }
)
AS_SPECIFIED: Mapping[str, Component] = MappingProxyType(
    {**CALIBRATED, "hurst": Component(weight=0.10, measure=measured.raw_hurst_exponent, term=_memory)}
)
TOTAL = sum(one.weight for one in CALIBRATED.values())
"""What the weights sum to, and the calibrated score is divided by."""


def measure(returns: Floats, components: Mapping[str, Component]) -> dict[str, Floats]:
    """Return component -> value of each column (K) of T x K returns."""
    return {name: one.measure(returns) for name, one in components.items()}


def score_of(
    values: Mapping[str, Floats], recent: Floats, components: Mapping[str, Component], *, total: float
) -> Floats:
    """Return scores (K) of measured components; `recent` is the standard deviation of the last 10 rows.

    The weighted sum of the terms over `total`, damped where the market hardly moves, 2.5 at most.
    """
    parts = (np.nan_to_num(one.weight * one.term(values[name]), nan=0.0) for name, one in components.items())
    score = np.sum(list(parts), axis=0) / total
    ratio = values["volatility_ratio"]
    score = np.where(ratio < CALM, CALM_FACTOR * score, score)
    score = np.where(recent < STILL, STILL_FACTOR * score, score)
    score = np.where(ratio < QUIETER, np.minimum(score, QUIETER_MOST), score)
    return np.asarray(np.minimum(score, MOST))


def stress_of(values: Mapping[str, Floats]) -> Floats:
    """Return the stress axis (K): .7 x volatility ratio + .6 x turbulence."""
    return np.asarray(sum(weight * np.nan_to_num(values[name], nan=0.0) for name, weight in STRESS.items()))
