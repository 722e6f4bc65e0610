"""How alike two groupings and two sets of names are, and how many independent bets correlations leave."""

from collections.abc import Mapping, Set

import numpy as np

from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats


def adjusted_rand(one: Mapping[str, int], other: Mapping[str, int]) -> float:
    """Return the adjusted Rand index of two groupings (name -> label) of the names that both have.

    It is 1 where they group alike whatever the labels are, 0 on average by chance, and may be negative. NaN below two
    common names.

    Source: Hubert & Arabie (1985), Comparing partitions, Journal of Classification 2, 193-218, equation 5.
    """
    common = sorted(one.keys() & other.keys())
    if len(common) < 2:
        return float("nan")
    first, second = (np.unique([labels[name] for name in common], return_inverse=True)[1] for labels in (one, other))
    table = np.zeros((first.max() + 1, second.max() + 1))
    np.add.at(table, (first, second), 1.0)
    together = _pairs(table)
    in_one, in_other = _pairs(table.sum(axis=1)), _pairs(table.sum(axis=0))
    expected = in_one * in_other / _pairs(np.array([float(len(common))]))
    most = 0.5 * (in_one + in_other)
    if most == expected:  # both are one group, or both are single names
        return 1.0
    return (together - expected) / (most - expected)


def jaccard(one: Set[str], other: Set[str]) -> float:
    """Return the share of the names of either set that both have, in [0, 1]; NaN where both are empty.

    Source: Jaccard (1912), The distribution of the flora in the alpine zone, New Phytologist 11, 37-50.
    """
    either = len(one | other)
    return len(one & other) / either if either else float("nan")


def effective_bets(correlation: Floats) -> float:
    """Return the participation ratio of the eigenvalues of K x K correlations, in [1, K]; 0 where K is 0.

    (sum of eigenvalues)^2 / sum of their squares: K where nothing goes together, 1 where everything does. It is taken
    as trace^2 over the sum of squared entries, which is the same; so turning the sign of a series changes nothing.

    Raises
    ------
    ModelError : an entry that is not finite, or a matrix that is not square.

    Source: Bretherton et al. (1999), The effective number of spatial degrees of freedom of a time-varying field,
    Journal of Climate 12, 1990-2009, equation 5.
    """
    if correlation.ndim != 2 or correlation.shape[0] != correlation.shape[1] or not np.isfinite(correlation).all():
        raise ModelError(f"effective bets: expected finite K x K correlations, found shape {correlation.shape}")
    if not len(correlation):
        return 0.0
    return float(np.trace(correlation) ** 2 / np.square(correlation).sum())


def bets_beyond_noise(correlation: Floats, rows: Floats) -> float:
    """Return `effective_bets` without what chance alone adds to correlations of so few rows, in [1, K]; 0 where K is 0.

    Names that have nothing in common have squared correlations of 1 / (n - 1) on average, so that of many names on
    few rows few bets seem to be left. Each squared correlation is therefore taken as r^2 - (1 - r^2) / (n - 2), which
    is 0 on average for independent rows, and 1 for equal series; their sum is not let below 0.

    Parameters
    ----------
    rows : K x K, the rows that each correlation is of; a pair with fewer than 3 counts as unrelated.

    Raises
    ------
    ModelError : as `effective_bets`.

    Source of the correction: Ezekiel (1930), Methods of correlation analysis, for one regressor.
    """
    k = len(correlation)
    plain = effective_bets(correlation)
    if k < 2:
        return plain
    squared = np.square(correlation)
    beyond = np.where(rows > 2, squared - (1.0 - squared) / np.maximum(rows - 2.0, 1.0), 0.0)
    np.fill_diagonal(beyond, 0.0)
    return float(k**2 / (k + max(float(beyond.sum()), 0.0)))


def _pairs(counts: Floats) -> float:
    """Return how many pairs there are within groups of so many."""
    return float((counts * (counts - 1.0)).sum() / 2.0)
