"""Null calibration: what the predictability statistics look like on noise of as many values.

1. Noise is independent Student t with 4 degrees of freedom: fat tails as daily returns have them, and no memory.
2. On a grid of n, 4000 series are drawn from a fixed seed and measured by the same kernels as returns; one grid point
   is drawn when it is first needed and kept for the life of the process. What one process has drawn another may take.
3. Between grid points a quantile is interpolated linearly in 1 / sqrt(n).
4. ADX needs bars: each is 24 steps of the noise, opened at the close before it. 2000 walks of 120 bars give the
   distribution at every n up to 120 at once.
5. The mean entropy of a pool is held against that of a pool of independent noise. Of independent values cumulants add,
   so mean, spread and skewness of one entropy give a quantile of the mean of any number of them.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats, frozen
from tvquant.statistics.predictability import efficiency_ratio, hurst, permutation_entropy

DRAWS = 4000
WALKS, BARS, STEPS = 2000, 120, 24
"""Walks for ADX, the bars of each, and the steps of a bar. Beyond 120 bars the distribution hardly changes: Wilder's
averages of 14 forget."""
ORDINAL_DRAWS = 32_000
"""Series for the cumulants of entropy: a mean of many names varies little, so that of noise must be known well."""
SHORTEST = 32
"""Values below which no statistic has a null distribution."""
type Drawn = Mapping[tuple[str, int], Floats]
"""Tables of noise, by statistic and number of values."""
SEED = 20_020_429
DEGREES = 4.0
"""Degrees of freedom of the noise."""


class NullStatistic(StrEnum):
    """Statistics with a null distribution, at the parameters that are their defaults."""

    ENTROPY = "entropy"
    EFFICIENCY = "efficiency"
    HURST = "hurst"
    ADX = "adx"


MEASURES = {
    NullStatistic.ENTROPY: permutation_entropy,
    NullStatistic.EFFICIENCY: efficiency_ratio,
    NullStatistic.HURST: hurst,
}
SHORT = (SHORTEST, 45, 60, 90, 120)
"""Grid of entropy and efficiency: they use no more than 120 values."""
LONG = tuple(
    n for length in (16, 32, 64, 128, 256, 512) for n in (2 * length, 3 * length - 1, 3 * length, 4 * length - 1)
)
"""Grid of the Hurst exponent: its largest length and the number of its segments change between neighbours of it only
where they are consecutive (63 and 64, 95 and 96 ...), so that no jump is interpolated across."""
GRIDS = {
    NullStatistic.ENTROPY: SHORT,
    NullStatistic.EFFICIENCY: SHORT,
    NullStatistic.HURST: LONG,
    NullStatistic.ADX: tuple(range(SHORTEST, BARS + 1)),
}


def null_quantile(statistic: NullStatistic, n: NDArray[np.int64], share: float) -> Floats:
    """Return quantile `share` (K) of the statistic on noise of n values, for each of K counts in `n`; bars for ADX.

    NaN below 32 values. Above the grid (120; 2047 for the Hurst exponent) the last grid point is used. Entropy takes
    few values when n is small, so a limit of strict inequality rejects somewhat less than its share of noise there
    (7 % instead of 10 % at 60 values).

    Raises
    ------
    ModelError : a share outside [0, 1].
    """
    if not 0.0 <= share <= 1.0:
        raise ModelError(f"null quantile: expected a share between 0 and 1, found {share}")
    counts, places = np.unique(np.minimum(n, GRIDS[statistic][-1]), return_inverse=True)
    return _of_counts(statistic, tuple(counts.tolist()), share)[places]


@lru_cache(maxsize=4096)
def _of_counts(statistic: NullStatistic, distinct: tuple[int, ...], share: float) -> Floats:
    """Return the quantiles of ascending counts, read-only: from one decision to the next they are mostly the same."""
    grid, counts = np.array(GRIDS[statistic]), np.array(distinct, dtype=np.int64)
    out = np.full(counts.size, np.nan)
    known = counts >= grid[0]
    needed = _neighbours(grid, counts[known])
    values = np.array([_at_grid_point(statistic, int(grid[i]), share) for i in needed])
    # np.interp wants an ascending abscissa, and 1 / sqrt(n) descends.
    out[known] = np.interp(-1.0 / np.sqrt(counts[known]), -1.0 / np.sqrt(grid[needed]), values)
    return frozen(out)


def null_mean_quantile(n: NDArray[np.int64], share: float) -> float:
    """Return quantile `share` of the mean permutation entropy of K independent series of noise of n values each (K).

    By the first three cumulants (Cornish & Fisher): entropy is skewed to the left, and so is a mean of few. Mean and
    standard deviation are interpolated linearly in 1 / n, which their leading terms are, the third moment alike.

    Raises
    ------
    ModelError : no series, or one of fewer than 32 values.

    Source: Cornish & Fisher (1938), Moments and cumulants in the specification of distributions, Revue de l'Institut
    International de Statistique 5, 307-320.
    """
    if not len(n) or n.min() < SHORTEST:
        raise ModelError(f"null of a mean: expected series of at least {SHORTEST} values, found {sorted(set(n))[:1]}")
    from scipy.special import ndtri

    counts, times = np.unique(np.minimum(n, SHORT[-1]), return_counts=True)
    grid = np.array(SHORT)
    needed = _neighbours(grid, counts)
    columns = np.array([_cumulants(int(point)) for point in grid[needed]]).T
    mean, spread, skewness = (np.interp(-1.0 / counts, -1.0 / grid[needed], column) for column in columns)
    variance = times @ spread**2
    skew = (times @ (skewness * spread**3)) / variance**1.5
    z = float(ndtri(share))
    standard = z + (z * z - 1.0) * skew / 6.0
    return float((times @ mean + standard * np.sqrt(variance)) / len(n))


def _neighbours(grid: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return places of the grid points that counts within the grid lie on or between, ascending."""
    left = np.searchsorted(grid, counts, side="right") - 1
    right = np.where(grid[left] == counts, left, np.minimum(left + 1, grid.size - 1))
    return np.union1d(left, right)


def _cumulants(n: int) -> Floats:
    """Return mean, standard deviation and skewness of the entropy of noise of n values.

    Ordinal patterns of independent values have the same distribution whatever that of the values: uniform ones do.
    """

    def find() -> Floats:
        values = permutation_entropy(np.random.default_rng((SEED, n, 3)).random((n, ORDINAL_DRAWS)))
        mean, spread = float(values.mean()), float(values.std())
        return np.array([mean, spread, float(((values - mean) ** 3).mean()) / spread**3])

    return _once(("cumulants", n), find)


@cache
def _at_grid_point(statistic: NullStatistic, n: int, share: float) -> float:
    return float(np.quantile(noise_distribution(statistic, n), share))


def noise_distribution(statistic: NullStatistic, n: int) -> Floats:
    """Return the statistic on 4000 series of noise of n values (2000 walks of n bars for ADX), read-only."""
    if statistic is NullStatistic.ADX:
        return np.asarray(_adx_of_noise()[n - 1])

    def find() -> Floats:
        noise = np.random.default_rng((SEED, n)).standard_t(DEGREES, (DRAWS, n))
        return MEASURES[statistic](noise.T)

    return _once((statistic.value, n), find)


def _adx_of_noise() -> Floats:
    """Return the ADX(14) of 2000 walks at each of their 120 bars (bars x walks), read-only."""
    from tvquant.statistics.directional import directional_movement

    def find() -> Floats:
        high, low, close = noise_bars(np.random.default_rng((SEED, BARS)), BARS, WALKS)
        return directional_movement(high, low, close, rows=BARS)[0]

    return _once((NullStatistic.ADX.value, BARS), find)


@cache  # once per process
def _drawn() -> dict[tuple[str, int], Floats]:
    """Return what this process has of noise, by statistic and n."""
    return {}


def _once(key: tuple[str, int], find: Callable[[], Floats]) -> Floats:
    known = _drawn()
    if key not in known:
        known[key] = frozen(find())
    return known[key]


def draw(fewest: int, most: int) -> Drawn:
    """Return all that is drawn of noise to judge samples of so many values, for another process to `take`."""
    counts = np.arange(fewest, most + 1)
    null_mean_quantile(counts, 0.5)
    for statistic in NullStatistic:
        null_quantile(statistic, counts, 0.5)
    return _drawn().copy()


def take(drawn: Drawn) -> None:
    """Keep what another process has drawn: what this one would draw, to the bit."""
    for key, values in drawn.items():
        _drawn().setdefault(key, frozen(values))


def noise_bars(draw: np.random.Generator, bars: int, walks: int) -> tuple[Floats, Floats, Floats]:
    """Return high, low and close (bars x walks) of walks of 24 steps a bar, each Student t of 4 degrees of freedom.

    A t(4) value is a normal one over the root of half the sum of two exponential ones (a chi-square of 4 degrees over
    4). Steps are in single precision, for speed: prices are sums of them, not estimates.
    """
    shape = (bars, STEPS, walks)
    path = draw.standard_normal(shape, dtype=np.float32)
    spread = draw.standard_exponential(shape, dtype=np.float32)
    spread += draw.standard_exponential(shape, dtype=np.float32)
    spread *= 0.5
    path /= np.sqrt(spread, out=spread)
    np.cumsum(path, axis=1, out=path)
    moves = path[:, -1].astype(np.float64)
    close = moves.cumsum(axis=0)
    opened = close - moves
    return opened + np.maximum(path.max(axis=1), 0.0), opened + np.minimum(path.min(axis=1), 0.0), close
