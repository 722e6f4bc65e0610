"""Four atoms whose features are given, so that the score of a model can be worked by hand."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest

from tvquant.selection import SelectionContext, SelectionPipelineAdapter

FEATURES: Mapping[str, Sequence[float]] = {
    "momentum": (0.30, -0.10, 0.80, 0.05),
    "stability": (2.0, 1.2, 0.9, 1.7),
    "liquidity": (17.0, 15.5, 18.2, 16.1),
    "antifragility": (0.9, 0.4, 1.1, 0.2),
    "survival": (1.0, 0.7, 0.9, 0.4),
    "efficiency": (0.21, 0.08, 0.30, 0.12),
    "entropy": (0.91, 0.97, 0.88, 0.95),
    "hurst": (0.61, 0.52, 0.38, 0.49),
    "randomness": (0.78, 0.96, 0.76, 0.98),
    "adx": (31.0, 14.0, 26.0, 19.0),
    "fragility": (0.5, 1.6, 0.8, 0.4),
    "rating_all": (0.4, -0.2, 0.5, 0.1),
    "rating_ma": (0.6, -0.3, 0.2, 0.1),
    "abs_skewness": (0.3, 1.1, 0.2, 0.6),
    "kurtosis": (1.0, 4.0, 2.0, 0.5),
    "cvar": (-0.04, -0.09, -0.06, -0.03),
}


@pytest.fixture
def features() -> dict[str, list[float]]:
    """Features of four atoms by column; `randomness` is 1 - 2 |hurst - 0.5|."""
    return {name: list(values) for name, values in FEATURES.items()}


@pytest.fixture
def score(judged: Callable[..., SelectionContext]) -> Callable[..., list[float]]:
    """The scores that a model's inference gives to atoms of these features; `clusters` are one for all if not given."""

    def of(
        model: SelectionPipelineAdapter, columns: Mapping[str, Sequence[float]], clusters: Sequence[int] = ()
    ) -> list[float]:
        given = judged(**columns)
        count = len(given.pool.atoms)
        given = replace(given, clusters=tuple(clusters) or (1,) * count)
        return model.pipeline.inference.run(given).scored().tolist()

    return of
