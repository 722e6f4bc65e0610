"""How far a smooth function of means can be trusted where rows depend on each other and have fat tails.

1. Its standard error is by the delta method, from the covariance of the means over blocks of `block` rows: blocks that
   begin at every row, going round at the end, which is a Bartlett kernel of that width (Kuensch 1989).
2. The reach is the quantile, over draws of as many blocks, of the distance of a draw's value from the sample's in the
   standard errors of the draw itself, times the sample's. Source: Ledoit & Wolf (2008), Robust performance hypothesis
   testing with the Sharpe ratio, section 3.2, by the circular block bootstrap of Politis & Romano (1992). It keeps its
   level on short, fat-tailed and dependent samples where the normal one does not.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tvquant.core.panel import Floats

BATCH = 256
"""Draws at a time, so that memory stays small."""
LEAST_BLOCKS = 10
"""Fewer blocks than these say nothing of how blocks vary."""
FLAT = 1e-9
"""A draw whose error is below this share of the sample's has none: in its rows the value does not vary."""

type OfMeans = Callable[[Floats], tuple[Floats, Floats]]
"""From (..., M) means to a value (...) and its gradient by the means (..., M)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draws:
    """How a bootstrap draws.

    Parameters
    ----------
    block : rows of a block, drawn whole.
    count : draws; with 4,999 of them no quantile of a usual level lies between two draws.
    """

    block: int
    count: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """A value, its standard error, and how far around it the interval reaches (infinite where none can be told)."""

    value: float
    error: float
    reach: float


def trusted(of: OfMeans, rows: Floats, draws: Draws, *, confidence: float) -> Trusted:
    """Return a function of the means of R x M rows with its error and the reach of its interval at `confidence`.

    There are to be ten blocks at least; a value without an error has no reach.
    """
    n, block = len(rows), draws.block
    means = rows.mean(axis=0)
    sums = _block_sums(rows, block)
    value, gradient = of(means)
    error = math.sqrt(float((((sums - block * means) @ gradient) ** 2).sum()) / block) / n
    reach = 0.0
    if error > 0.0:
        far = _distances(of, sums, float(value), draws, least=FLAT * error)
        reach = float(np.quantile(far, confidence, method="higher")) * error
    return Trusted(value=float(value), error=error, reach=reach)


def _block_sums(rows: Floats, block: int) -> Floats:
    """Return (R, M) sums of the blocks that begin at each row, going round at the end."""
    round_ = np.concatenate([np.zeros((1, rows.shape[1])), rows, rows[: block - 1]]).cumsum(axis=0)
    return np.asarray(round_[block:] - round_[:-block])


def _distances(of: OfMeans, sums: Floats, centre: float, draws: Draws, *, least: float) -> Floats:
    """Return distances of each draw's value from the sample's, in standard errors of the draw.

    A draw that has no value, or an error that is not above `least`, counts as infinitely far.
    """
    n, block, random = len(sums), draws.block, np.random.default_rng(draws.seed)
    count = n // block
    found = []
    for start in range(0, draws.count, BATCH):
        drawn = sums.take(random.integers(n, size=(min(BATCH, draws.count - start), count)), axis=0)
        means = drawn.mean(axis=1) / block
        with np.errstate(divide="ignore", invalid="ignore"):
            value, gradient = of(means)
            spread = np.einsum("dbk,dk->db", drawn - block * means[:, None], gradient)
            error = np.sqrt((spread**2).sum(axis=1)) / (count * block)
            far = np.abs(value - centre) / error
        found.append(np.where(np.isfinite(far) & (error > least), far, np.inf))
    return np.concatenate(found)
