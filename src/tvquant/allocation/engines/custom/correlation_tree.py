"""The tree of correlations of N names, cut into clusters: what HERC and NCO go by.

1. Correlation distance sqrt((1 - rho) / 2) and Ward linkage of it, as in HRP.
2. W_k is the sum of the mean distances within clusters where the last k - 1 merges are undone. There are as many
   clusters as where its fall breaks off most: the k of the largest W_(k-1) - 2 W_k + W_(k+1), at least 2 and at most
   max(8, sqrt(N)).

The allocation's own clusters are not used: with many of them, alone on their branches, HERC gives nearly all to one.
Source: Yue, Wang & Wei (2009), A new method to determine the number of clusters: two-order difference of the gap
statistic; the libraries that have HERC count their clusters so.
"""

from dataclasses import dataclass

import numpy as np

from tvquant.core.panel import Floats
from tvquant.statistics import correlation_distance, merges

MOST = 8
"""Most clusters; of many names the root of their number."""

type Merges = list[list[int]]
"""Both nodes of each merge: below N a name, else N + the row of a merge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterTree:
    """Clusters of names, and the merges above them.

    Parameters
    ----------
    members : node of each cluster -> its names.
    above : merges of clusters, the root first: node, and the two nodes that it is made of.
    """

    members: dict[int, list[int]]
    above: tuple[tuple[int, int, int], ...]


def cluster_tree(matrix: Floats) -> ClusterTree:
    """Return the tree of the covariance `matrix` (N x N), cut into clusters."""
    deviation = np.sqrt(np.diag(matrix))
    distance = correlation_distance(np.clip(matrix / np.outer(deviation, deviation), -1.0, 1.0))
    pairs: Merges = merges(distance)[:, :2].astype(int).tolist()
    return cut(pairs, cluster_count(distance, pairs))


def cluster_count(distance: Floats, pairs: Merges) -> int:
    """Return how many clusters the tree of the N x N distances has by rule 2; of one or two names as many as names."""
    n = len(distance)
    most = min(n, max(MOST, round(np.sqrt(n))))
    if most < 3:
        return n
    means: dict[int, float] = {}
    spread = np.array([_spread(distance, cut(pairs, k), means) for k in range(1, most + 1)])
    return int(np.argmax(spread[:-2] - 2.0 * spread[1:-1] + spread[2:])) + 2


def cut(pairs: Merges, clusters: int) -> ClusterTree:
    """Return the tree of N - 1 merges cut into so many clusters (1 to N)."""
    n = len(pairs) + 1
    members = {i: [i] for i in range(n)}
    for node, (left, right) in enumerate(pairs[: n - clusters], n):
        members[node] = members.pop(left) + members.pop(right)
    above = [(node, left, right) for node, (left, right) in enumerate(pairs[n - clusters :], 2 * n - clusters)]
    return ClusterTree(members=members, above=tuple(reversed(above)))


def _spread(distance: Floats, tree: ClusterTree, means: dict[int, float]) -> float:
    """Return the sum of the mean distances between two names of one cluster; `means`, by node, grow by what is new."""
    shared = {node: names for node, names in tree.members.items() if len(names) > 1}
    for node in shared.keys() - means.keys():
        names = np.array(shared[node])
        means[node] = float(distance[names[:, None], names].sum()) / (len(names) * (len(names) - 1))
    return sum(means[node] for node in shared)
