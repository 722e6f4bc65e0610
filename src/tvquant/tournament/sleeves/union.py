"""Clusters of the union: which instruments of all sleeves move together, found anew at every netted date.

1. Seen are the rows until the date, as many as the longest lookback, of the instruments that are held there.
2. All instruments of one base are one thing (`Instrument.base`): spot and perpetual, and every quote of a coin. The one
   with most rows stands for them, and they are in its cluster.
3. The rest is the selection's own way: correlations averaged over lookbacks, their distance, linkage, cut.
4. What has fewer rows than a correlation needs is a cluster of its own, and told.
"""

from dataclasses import dataclass

import numpy as np

from tvquant.core.panel import Panel
from tvquant.statistics import Linkage, average_correlation, correlation_distance, partition
from tvquant.statistics.clusters import COMMON_ROWS
from tvquant.tournament.sleeves.flattening import Numbers, Tree
from tvquant.tournament.sleeves.specs import UnionRules


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnionClusters:
    """Clusters of C columns of the panel.

    Parameters
    ----------
    numbers : C cluster numbers, 1, 2 ... in order of the first column.
    alone : columns that are a cluster of their own for want of rows.
    """

    numbers: Numbers
    alone: tuple[int, ...]


def bases_of(panel: Panel) -> Numbers:
    """Return a number per column of the panel (N), the same for instruments of one base."""
    found: dict[str, int] = {}
    # A base and a key cannot be taken for each other: only the key has an exchange.
    return np.array([found.setdefault(one.base or one.key, len(found)) for one in panel.instruments], dtype=np.int64)


def union_clusters(panel: Panel, row: int, columns: Numbers, bases: Numbers, rules: UnionRules) -> UnionClusters:
    """Return the clusters of some columns (increasing) by what is known at the close of a row."""
    first = max(1, row + 1 - max(rules.lookbacks))
    seen = np.take(panel.fields["total_return"][first : row + 1], columns, axis=1)
    rows = np.isfinite(seen).sum(axis=0)
    own = bases[columns]
    order = np.lexsort((columns, -rows, own))
    _, starts = np.unique(own[order], return_index=True)
    stands = np.sort(order[starts])  # one column per base
    known = stands[rows[stands] >= COMMON_ROWS]
    cluster_of = {int(own[j]): -1 - int(j) for j in stands}  # a cluster of its own until it has another
    if len(known):
        those = seen if len(known) == len(columns) else seen[:, known]
        distance = correlation_distance(average_correlation(those, rules.lookbacks))
        found = partition(distance, cut=rules.distance, most=rules.most, linkage=Linkage(rules.linkage))
        cluster_of |= dict(zip(own[known].tolist(), found, strict=True))
    numbers: dict[int, int] = {}
    labels = [numbers.setdefault(cluster_of[base], len(numbers) + 1) for base in own.tolist()]
    lone = set(own.tolist()) - set(own[known].tolist())
    return UnionClusters(
        numbers=np.array(labels, dtype=np.int64),
        alone=tuple(int(j) for j, base in zip(columns, own.tolist(), strict=True) if base in lone),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Unions:
    """The clusters of R dates.

    Parameters
    ----------
    columns : of each date, the columns of the panel that are held, increasing.
    clusters : of these, at each date.
    numbers : E, cluster of the instrument of each entry of the tree.
    """

    columns: tuple[Numbers, ...]
    clusters: tuple[UnionClusters, ...]
    numbers: Numbers


def unions_of(panel: Panel, rows: Numbers, tree: Tree, rules: UnionRules) -> Unions:
    """Return the clusters of what is held at each of R rows by the tree of these dates."""
    bases, ends, numbers = bases_of(panel), tree.ends(len(rows)), np.zeros(len(tree.date), np.int64)
    columns, clusters = [], []
    for k, row in enumerate(rows.tolist()):
        own = slice(ends[k], ends[k + 1])
        held = np.unique(tree.column[own])
        found = union_clusters(panel, row, held, bases, rules)
        numbers[own] = found.numbers[np.searchsorted(held, tree.column[own])]
        columns.append(held)
        clusters.append(found)
    return Unions(columns=tuple(columns), clusters=tuple(clusters), numbers=numbers)
