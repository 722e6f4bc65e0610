"""Does one book do better than another on the same rows? The difference of a statistic of both, with its interval.

1. The statistic is a smooth function of means: of both returns, and of their squares for the Sharpe ratio. Its error
   and its interval are those of `block_bootstrap`. Pairs stay pairs, so what both books have in common cancels; and
   returns within a block may depend on each other.
2. Source: Ledoit & Wolf (2008), Robust performance hypothesis testing with the Sharpe ratio, section 3.2.
3. With blocks of one row and normal returns the error is Jobson & Korkie's (1981) as Memmel (2003) corrected it.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats
from tvquant.statistics.block_bootstrap import LEAST_BLOCKS, Draws, trusted
from tvquant.statistics.precision import rounding_floor

DRAWS = 4_999
"""Draws of a bootstrap: with them no quantile of a usual level lies between two draws."""

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
    found = trusted(kind.difference, rows, Draws(block=block, count=DRAWS, seed=seed), confidence=confidence)
    error, reach = found.error, 0.0 if np.array_equal(*returns.T) else found.reach
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
