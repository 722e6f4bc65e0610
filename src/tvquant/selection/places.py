"""How many of a cluster and direction may win: each of these is one way to say it (R-SEL-25)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from tvquant.selection.contract import SelectionContext
from tvquant.statistics.precision import EPSILON

CONDITION_LIMIT = 1e6
"""Condition number of the pool's correlations from which on names are taken to be copies of each other (R-SEL-06)."""
LEAST_QUOTA = 3
"""What a cluster without correlation has at least, before a half is added."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Cluster number -> how many may win of each direction, and what that was read from, by name of the rule."""

    of_cluster: Mapping[int, int]
    thresholds: Mapping[str, Mapping[str, float]] = field(default_factory=lambda: MappingProxyType({}))


type Placing = Callable[[SelectionContext], Places]


def top_n(context: SelectionContext) -> Places:
    """Return the profile's `top_n` for every cluster."""
    return Places(of_cluster=dict.fromkeys(context.clusters, context.parameters.top_n))


def one_where_copied(context: SelectionContext) -> Places:
    """Return one place for every cluster where the condition number is 1e6 or more, else `top_n`.

    The number is that of the correlations of distinct assets; it is not told apart above 1 / epsilon.
    """
    values = np.linalg.eigvalsh(context.correlations()[1])
    number = float(values[-1] / max(values[0], EPSILON * values[-1]))
    places = 1 if number >= CONDITION_LIMIT else context.parameters.top_n
    return Places(
        of_cluster=dict.fromkeys(context.clusters, places),
        thresholds={"condition_number": {"limit": CONDITION_LIMIT, "value": number, "places": float(places)}},
    )


def by_correlation(context: SelectionContext) -> Places:
    """Return max(1, round(n (1 - mean correlation of the cluster) + 0.5)), n = max(3, `top_n`).

    The mean is that of the pairs of distinct assets, 0 where there is none. Halves are rounded to even.
    """
    keys, matrix = context.correlations()
    of_asset = dict(zip((atom.physical_symbol for atom in context.pool.atoms), context.clusters, strict=True))
    of_key, most = np.array([of_asset[key] for key in keys]), max(LEAST_QUOTA, context.parameters.top_n)
    quota = {}
    for cluster in sorted(set(context.clusters)):
        inside = np.flatnonzero(of_key == cluster)
        pairs = matrix[np.ix_(inside, inside)][np.triu_indices(len(inside), 1)]
        mean = float(pairs.mean()) if len(pairs) else 0.0
        quota[cluster] = max(1, round(most * (1.0 - mean) + 0.5))
    return Places(of_cluster=quota, thresholds={"places": {str(k): float(v) for k, v in quota.items()}})
