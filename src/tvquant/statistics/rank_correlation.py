"""Rank correlation: whether what stands higher in one list stands higher in another."""

import numpy as np

from tvquant.core.panel import Floats
from tvquant.statistics.precision import EPSILON

FEWEST = 3
"""Pairs that a rank correlation needs: of two it is 1 or -1 whatever they are."""


def spearman(one: Floats, other: Floats) -> float:
    """Return the rank correlation of two K-vectors over the places where both are finite; ties share the mean rank.

    NaN below three such places, and where either is the same at all of them.

    Source: Spearman (1904), The proof and measurement of association between two things, American Journal of Psychology
    15, 72-101; with ties it is the correlation of mean ranks.
    """
    there = np.isfinite(one) & np.isfinite(other)
    if there.sum() < FEWEST:
        return float("nan")
    x, y = (_centred_ranks(values[there]) for values in (one, other))
    size = float(np.sqrt((x @ x) * (y @ y)))
    return float(np.clip(x @ y / size, -1.0, 1.0)) if size > 0.0 else float("nan")


def _centred_ranks(values: Floats) -> Floats:
    """Return mean ranks less their mean; values that differ by rounding only are equal."""
    ordered = np.sort(values)
    slack = 8.0 * EPSILON * max(abs(float(ordered[0])), abs(float(ordered[-1])))
    below = np.searchsorted(ordered, values - slack, side="left")
    upto = np.searchsorted(ordered, values + slack, side="right")
    ranks = 0.5 * (below + upto).astype(np.float64)
    centred: Floats = ranks - ranks.mean()
    return centred
