"""Ward's linkage by chains of nearest neighbours, compiled. Importing this module imports numba.

Merges, heights and ties are those of scipy's `linkage`, to the last bit: the same steps in the same order, but over
rows of a square matrix and over the clusters that are left.
"""

import numpy as np

from tvquant.core.panel import Floats
from tvquant.statistics.first_valid import Integers
from tvquant.statistics.kernels import compiled, inner


def ward_linkage(distance: Floats) -> Floats:
    """Return the Ward linkage, (K - 1) x 4 as scipy lays it out, of at least two names' K x K symmetric distances.

    Source: Muellner (2011), Modern hierarchical, agglomerative clustering algorithms, arXiv:1109.2378: the generic
    nearest-neighbour chain.
    """
    k = len(distance)
    found = np.empty((k - 1, 3))
    _merge(np.array(distance, dtype=np.float64, order="C"), np.ones(k, np.int64), np.arange(k), found)
    merges = np.empty((k - 1, 4))
    _number(found[np.argsort(found[:, 2], kind="stable")], np.arange(2 * k - 1), merges)
    return merges


@compiled
def _merge(distance: Floats, size: Integers, left: Integers, found: Floats) -> None:
    """Write both clusters (each by its last name) and the height of every merge, as the chain finds them.

    `distance` is overwritten, `left` are the clusters not yet merged into a later one, in their order.
    """
    chain, links, count = np.empty(len(distance) + 1, np.int64), 0, len(distance)
    for m in range(len(found)):
        if links == 0:
            chain[0], links = left[0], 1
        while True:
            x, y, nearest = int(chain[links - 1]), -1, np.inf
            if links > 1:  # of equals the one before in the chain, or it could go round in circles
                y = int(chain[links - 2])
                nearest = distance[x, y]
            for i in left[:count]:
                if distance[x, i] < nearest and i != x:
                    nearest, y = distance[x, i], int(i)
            if links > 1 and y == chain[links - 2]:
                break
            chain[links] = y
            links += 1
        links -= 2
        x, y = min(x, y), max(x, y)
        found[m, 0], found[m, 1], found[m, 2] = x, y, nearest
        count = _without(left, count, x)
        _update(distance, size, left[:count], x, y)


@inner
def _without(left: Integers, count: int, x: int) -> int:
    """Take one cluster out of those left; return how many there are."""
    kept = 0
    for i in left[:count]:
        left[kept] = i
        kept += i != x
    return kept


@inner
def _update(distance: Floats, size: Integers, left: Integers, x: int, y: int) -> None:
    """Put the distances of what x and y are merged into in the place of those of y."""
    of_x, of_y, apart = size[x], size[y], distance[x, y]
    for i in left:
        if i != y:
            to_x, to_y, share = distance[x, i], distance[y, i], 1.0 / (of_x + of_y + size[i])
            merged = np.sqrt(
                (size[i] + of_x) * share * to_x * to_x
                + (size[i] + of_y) * share * to_y * to_y
                - size[i] * share * apart * apart
            )
            distance[y, i] = distance[i, y] = merged
    size[y] += of_x


@compiled
def _number(found: Floats, parent: Integers, merges: Floats) -> None:
    """Write merges in order of height, a cluster by the number of the merge that made it, from K on, and its size."""
    k = len(found) + 1
    for m in range(k - 1):
        x, y = _root(parent, int(found[m, 0])), _root(parent, int(found[m, 1]))
        parent[x] = parent[y] = k + m
        merges[m, 0], merges[m, 1], merges[m, 2] = min(x, y), max(x, y), found[m, 2]
        merges[m, 3] = (1.0 if x < k else merges[x - k, 3]) + (1.0 if y < k else merges[y - k, 3])


@inner
def _root(parent: Integers, x: int) -> int:
    """Return the last cluster that x is in; the way to it is shortened."""
    while parent[x] != x:
        parent[x] = parent[parent[x]]
        x = parent[x]
    return x
