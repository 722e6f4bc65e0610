"""Figures of decided books: concentration, drift, what the covariance expected; and how far names moved apart after.

Concentration is of net physical weights at the decision, whatever part is cash: sum w^2 / (sum |w|)^2, whose inverse is
the effective number of names. Drift is half of what atoms and cash moved from one decision to the next, over the union
of both: 0 is the same book, 1 another one altogether; the first book comes out of cash.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tvquant.core.panel import Floats, Panel
from tvquant.tournament.rebalances import Rebalance

PROJECTION = ("moved", "before", "after")
EXPECTED = ("volatility", "even_volatility", "shrinkage", "ridge", "condition")


def books(rebalances: Sequence[Rebalance]) -> dict[str, Floats]:
    """Return one figure per rebalance by name; NaN where nothing is held or nothing was expected."""
    before = [{}, *(held_by(one) for one in rebalances)]
    after = before[1:]
    moved = [drift(first, second) for first, second in zip(before, after, strict=False)]
    return {
        "hhi": np.array([concentration(one.weights) for one in rebalances]),
        "drift": np.array(moved),
        "entropy": np.array([one.entropy for one in rebalances]),
        **{
            f"expected_{name}" if "volatility" in name else name: np.array(
                [math.nan if one.expected is None else getattr(one.expected, name) for one in rebalances]
            )
            for name in EXPECTED
        },
        **{
            f"projection_{name}": np.array(
                [math.nan if one.projection is None else getattr(one.projection, name) for one in rebalances]
            )
            for name in PROJECTION
        },
    }


def held_by(one: Rebalance) -> Mapping[str, float]:
    """Return atom weights; of a baseline, which has no atoms, weights by name."""
    return one.atoms if one.holdings["atom"] else one.weights


def concentration(weights: Mapping[str, float]) -> float:
    """Return the sum of squares of weights over the square of their sum, without signs; NaN where nothing is held.

    Source: Herfindahl (1950) and Hirschman (1964).
    """
    size = [abs(weight) for weight in weights.values()]
    gross = math.fsum(size)
    return math.fsum(one * one for one in size) / gross**2 if gross else math.nan


def drift(before: Mapping[str, float], after: Mapping[str, float]) -> float:
    """Return half the L1 distance between two books, cash among their parts."""
    moved = [weight - before.get(name, 0.0) for name, weight in after.items()]
    moved += [-weight for name, weight in before.items() if name not in after]
    cash = -math.fsum(moved)
    return 0.5 * math.fsum(map(abs, (*moved, cash)))


def dispersion(panel: Panel, filled: NDArray[np.int64]) -> Floats:
    """Return how far total returns of names lie apart from each fill to the next: their standard deviation (ddof 1).

    Of every name of the panel that has a close at both ends; NaN where fewer than two have. The last span ends with
    the panel.
    """
    close, earned = panel.fields["close"], panel.fields["total_return"]
    bounds, found = [*filled.tolist(), len(close) - 1], []
    for start, end in pairwise(bounds):
        there = np.isfinite(close[start]) & np.isfinite(close[end])
        rows = earned[start + 1 : end + 1, there]
        growth = np.multiply.reduce(1.0 + rows, axis=0, where=np.isfinite(rows))
        found.append(float(growth.std(ddof=1)) if end > start and growth.size > 1 else math.nan)
    return np.array(found)
