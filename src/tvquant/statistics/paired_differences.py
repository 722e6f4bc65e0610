"""Does one book do better than another on the same rows? The difference of a statistic of both, with its interval.

1. The statistic is a smooth function of means: of both returns, and of their squares for the Sharpe ratio. Its standard
   error is that of the function (delta method), by the covariance of the means over blocks of `block` rows: blocks that
   begin at every row, going round at the end, which is a Bartlett kernel of that width (Kuensch 1989). Pairs stay
   pairs, so what both books have in common cancels; and returns within a block may depend on each other.
2. The interval is the statistic +- q standard errors, where q is the quantile, over draws of as many blocks, of the
   distance of a draw's statistic from the sample's in the standard errors of the draw itself. Source: Ledoit & Wolf
   (2008), Robust performance hypothesis testing with the Sharpe ratio, section 3.2, by the circular block bootstrap of
   Politis & Romano (1992). It keeps its level on short, fat-tailed and dependent samples where the normal one does not.
3. With blocks of one row and normal returns the error is Jobson & Korkie's (1981) as Memmel (2003) corrected it.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats
from tvquant.statistics.precision import rounding_floor

DRAWS = 4_999
"""Draws of a bootstrap: with them no quantile of a usual level lies between two draws."""
BATCH = 256
"""Draws at a time, so that memory stays small."""
LEAST_BLOCKS = 10
"""Fewer blocks than these say nothing of how blocks vary."""
FLAT = 1e-9
"""A draw whose error is below this share of the sample's has none: in its rows the difference does not vary."""

type Moments4 = Floats
"""(..., 4) means of the first returns, of the second, and of the squares of both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedDifference:
    """A statistic of the first returns less that of the second, per year.

    Parameters
    ----------
    first, second : the statistic of each.
    difference, standard_error, low, high : of the difference; its interval at `confidence`.
    rows, blocks : of the sample; a block is drawn whole.
    """

    first: float
    second: float
    difference: float
    standard_error: float
    low: float
    high: float
    confidence: float
    rows: int
    blocks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistic:
    """A statistic of one series that is a function of its mean and the mean of its squares.

    Parameters
    ----------
    of : (mean, mean square) -> value, derivative by the mean, derivative by the mean square; per row.
    yearly : (rows, periods per year) -> what makes a value per row one per year.
    """

    of: Callable[[Floats, Floats], tuple[Floats, Floats, Floats]]
    yearly: Callable[[int, int], float]

    def difference(self, means: Moments4) -> tuple[Floats, Floats]:
        """Return the difference per row (...) and its gradient by the four means (..., 4)."""
        a, a_mean, a_square = self.of(means[..., 0], means[..., 2])
        b, b_mean, b_square = self.of(means[..., 1], means[..., 3])
        return a - b, np.stack([a_mean, -b_mean, a_square, -b_square], axis=-1)


def _sharpe(mean: Floats, square: Floats) -> tuple[Floats, Floats, Floats]:
    variance = square - mean**2
    with np.errstate(divide="ignore", invalid="ignore"):
        return mean / np.sqrt(variance), square / variance**1.5, -0.5 * mean / variance**1.5


def _mean(mean: Floats, square: Floats) -> tuple[Floats, Floats, Floats]:
    return mean, np.ones_like(mean), np.zeros_like(square)


STATISTICS: Mapping[str, Statistic] = MappingProxyType(
    {
        # as performance has it: with the divisor n - 1 of the variance
        "sharpe_difference": Statistic(of=_sharpe, yearly=lambda n, periods: math.sqrt(periods * (n - 1) / n)),
        "mean_difference": Statistic(of=_mean, yearly=lambda _, periods: float(periods)),
    }
)


def paired_difference(
    returns: Floats, *, statistic: str, periods_per_year: int, confidence: float, block: int, seed: int
) -> PairedDifference:
    """Return how much the first column of R x 2 returns (in excess of the rate) does better than the second.

    Raises
    ------
    ModelError : fewer rows than ten blocks have; one of the two does not vary; they differ in too few blocks.
    """
    n = len(returns)
    if n // block < LEAST_BLOCKS:
        raise ModelError(f"{n} rows in blocks of {block} are fewer than {LEAST_BLOCKS} blocks, which says nothing")
    for name, column in zip(("first", "second"), returns.T, strict=True):
        if float(column.std()) <= float(rounding_floor(column)):
            raise ModelError(f"the {name} returns do not vary: nothing is known of how far they can be trusted")
    kind = STATISTICS[statistic]
    rows = np.concatenate([returns, returns**2], axis=1)
    means = rows.mean(axis=0)
    own, _, _ = kind.of(means[:2], means[2:])
    yearly = kind.yearly(n, periods_per_year)
    sums = _block_sums(rows, block)
    found, gradient = kind.difference(means)
    error = math.sqrt(float((((sums - block * means) @ gradient) ** 2).sum()) / block) / n
    reach = 0.0
    if error > 0.0 and not np.array_equal(*returns.T):
        draws = _distances(kind, sums, float(found), block, seed, least=FLAT * error)
        reach = float(np.quantile(draws, confidence, method="higher")) * error
    if not np.isfinite(reach):
        raise ModelError(
            f"the two differ in so few blocks of {block} rows that draws of {n // block} often miss them: no interval "
            f"at {100 * confidence:.4g} % can be told"
        )
    difference = float(own[0] - own[1])
    return PairedDifference(
        first=float(own[0]) * yearly,
        second=float(own[1]) * yearly,
        difference=difference * yearly,
        standard_error=error * yearly,
        low=(difference - reach) * yearly,
        high=(difference + reach) * yearly,
        confidence=confidence,
        rows=n,
        blocks=n // block,
    )


def _block_sums(rows: Floats, block: int) -> Floats:
    """Return (R, 4) sums of the blocks that begin at each row, going round at the end."""
    round_ = np.concatenate([np.zeros((1, rows.shape[1])), rows, rows[: block - 1]]).cumsum(axis=0)
    return np.asarray(round_[block:] - round_[:-block])


def _distances(kind: Statistic, sums: Floats, centre: float, block: int, seed: int, *, least: float) -> Floats:
    """Return (DRAWS,) distances of each draw's statistic from the sample's, in standard errors of the draw.

    A draw in which a book does not vary has no statistic, and one whose error is not above `least` no error: both
    count as infinitely far.
    """
    n, random = len(sums), np.random.default_rng(seed)
    count = n // block
    found = []
    for start in range(0, DRAWS, BATCH):
        drawn = sums[random.integers(n, size=(min(BATCH, DRAWS - start), count))]
        means = drawn.mean(axis=1) / block
        value, gradient = kind.difference(means)
        spread = np.einsum("dbk,dk->db", drawn - block * means[:, None], gradient)
        with np.errstate(divide="ignore", invalid="ignore"):
            error = np.sqrt((spread**2).sum(axis=1)) / (count * block)
            far = np.abs(value - centre) / error
        found.append(np.where(np.isfinite(far) & (error > least), far, np.inf))
    return np.concatenate(found)
