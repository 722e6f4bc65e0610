"""Bands from noise: what score, growth and stress are where nothing but chance is at work, by number of rows.

1. Noise is Student t of 4 degrees of freedom, or it is drawn one by one from the returns of a market: its tails, and no
   memory. Either way volatility does not change, so whatever the score says then is chance.
2. For each number of rows of the grid so many series are drawn from a seed of their own and measured as a market is.
   Up to 64 rows, where the components come in one by one, the grid has every number; behind it only the standard
   deviation has more rows, and figures are interpolated in 1 / sqrt(rows).
"""

from collections.abc import Sequence
from datetime import date

import numpy as np

from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats
from tvquant.profiles.regime_bands import FIRST, LAST, Bands, Quantiles, Sample
from tvquant.regime.components import RECENT, WAVELET_ROWS, deviation
from tvquant.regime.score import CALIBRATED, TOTAL, measure, score_of, stress_of
from tvquant.statistics.precision import rounding_floor

GRID = (*range(FIRST, WAVELET_ROWS + 1), 72, 84, 100, 126, 160, 200, LAST)
DRAWS = 10_000
"""Series by number of rows: the 99 % point is known to a tenth of the distance between 1 % and 2 %."""
SEED = 15_040_907
DEGREES = 4.0
QUANTILES = Quantiles(quiet=0.10, turbulent=0.90, crisis=0.99, growth=0.50, stress=0.80)
FEWEST = LAST
"""Returns of a market below which they say too little of its tails to draw noise from."""

type Noise = tuple[Floats, Floats, Floats]
"""Score, size of the mean over the standard deviation, and stress, of each draw."""


def noise_bands(
    *,
    made: date,
    returns: Floats | None = None,
    sample: Sample | None = None,
    draws: int = DRAWS,
    seed: int = SEED,
    grid: Sequence[int] = GRID,
) -> Bands:
    """Return the bands of noise; it is drawn from the `returns` of the `sample` where there are some.

    Raises
    ------
    ModelError : fewer returns than 252, or such that do not vary.
    """
    if returns is not None:
        if len(returns) < FEWEST:
            raise ModelError(f"noise is drawn from {FEWEST} returns at least, found {len(returns)}")
        if returns.std(ddof=1) <= rounding_floor(returns):
            raise ModelError("noise cannot be drawn from returns that do not vary")
    columns: dict[str, list[float]] = {name: [] for name in Quantiles.model_fields}
    for rows in grid:
        score, growth, stress = measured(drawn(rows, draws, seed, returns))
        of = {"quiet": score, "turbulent": score, "crisis": score, "growth": growth, "stress": stress}
        for name, values in of.items():
            columns[name].append(round(float(np.quantile(values, getattr(QUANTILES, name))), 6))
    return Bands(
        version=1, made=made, seed=seed, draws=draws, sample=sample, quantiles=QUANTILES, rows=tuple(grid),
        **{name: tuple(values) for name, values in columns.items()},
    )  # fmt: skip


def drawn(rows: int, draws: int, seed: int, returns: Floats | None = None) -> Floats:
    """Return noise of variance near 1 (rows x draws)."""
    random = np.random.default_rng((seed, rows))
    if returns is None:
        return random.standard_t(DEGREES, (rows, draws))
    scaled: Floats = returns / returns.std(ddof=1)
    return scaled[random.integers(len(returns), size=(rows, draws))]


def measured(noise: Floats) -> Noise:
    """Return score, size of the mean over the standard deviation, and stress, of each column."""
    values = measure(noise, CALIBRATED)
    score = score_of(values, deviation(noise[-RECENT:]), CALIBRATED, total=TOTAL)
    return score, np.abs(noise.mean(axis=0)) / deviation(noise), stress_of(values)
