"""The mappings of the requirements (R-FEA-13, R-SEL-07) once more in plain Python, a referee of ours."""

import math
from collections.abc import Sequence


def ranks(values: Sequence[float]) -> list[float]:
    """0.01 for the lowest to 1 for the highest; equal values share the mean of their places."""
    n = len(values)
    places = [sum(w < v for w in values) + (sum(w == v for w in values) - 1) / 2 for v in values]
    return [0.01 + 0.99 * place / (n - 1) for place in places]


def z(values: Sequence[float]) -> list[float]:
    """Distances from the mean in standard deviations, divisor N."""
    mean = math.fsum(values) / len(values)
    spread = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / len(values))
    return [(v - mean) / spread for v in values]


def normal(values: Sequence[float]) -> list[float]:
    """Normal distribution function of z, from 0.001."""
    return [max(0.001, (1 + math.erf(one / math.sqrt(2))) / 2) for one in z(values)]


def clipped(values: Sequence[float]) -> list[float]:
    """z clipped to 3.49 either side."""
    return [min(3.49, max(-3.49, one)) for one in z(values)]


def rescaled(values: Sequence[float]) -> list[float]:
    """The clipped z on 0 to 1."""
    return [(one + 3.49) / 6.98 for one in clipped(values)]


def logistics(values: Sequence[float]) -> list[float]:
    """The logistic function of the clipped z."""
    return [1 / (1 + math.exp(-one)) for one in clipped(values)]


def spans(values: Sequence[float]) -> list[float]:
    """0 for the lowest to 1 for the highest, by distance."""
    return [(v - min(values)) / (max(values) - min(values)) for v in values]


def penalty(values: Sequence[float]) -> list[float]:
    """What is left where the worst loses half."""
    return [1 - 0.5 * v / max(values) for v in values]
