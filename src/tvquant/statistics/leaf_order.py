"""The best order of the leaves of a tree, compiled. Importing this module imports numba.

Of the 2^(N-1) orders in which no branches cross it is one of least total distance between neighbours. Of equal ones it
is the one that leaves most as the linkage has it: what comes first under the root stays first, always.

1. Leaves are numbered as the linkage has them, so that a node is a stretch of numbers.
2. From the leaves up: cost[i, j] is the least length of the order of the smallest node with both leaves, i and j at its
   ends: i's half goes from i to a leaf k of its other half, then comes a leaf m of the other child, and from there j.
3. From the root down: the ends with the least cost, then the k and m that made it, say how each node is turned.

scipy's `optimal_leaf_ordering` settles how the children of a node are turned by the ends that are best for that node
alone, though a node above may want others, and adds in single precision: its orders are often longer.
Source: Bar-Joseph, Gifford & Jaakkola (2001), Fast optimal leaf ordering for hierarchical clustering, Bioinformatics.
"""

import numpy as np

from tvquant.core.panel import Floats
from tvquant.statistics.kernels import Integers, compiled, inner


def with_best_order(merges: Floats, distance: Floats) -> Floats:
    """Return merges ((K - 1) x 4 as scipy lays them out) turned so that the leaves are in the best order.

    `distance` is K x K and symmetric, K >= 2. It takes about K^3 / 8 steps where branches are even, K^3 at most.
    """
    k = len(distance)
    pairs, first, last, at = _numbered(merges)
    apart = np.ascontiguousarray(distance[np.ix_(at, at)])
    cost = np.full((k, k), np.inf)
    np.fill_diagonal(cost, 0.0)
    _lengthen(pairs, first, last, apart, cost, np.zeros(k))
    turned = np.zeros(k - 1, np.int64)
    _turn(pairs, first, last, apart, cost, np.zeros((2, 2 * k - 1), np.int64), turned)
    found = merges.copy()
    swapped = np.flatnonzero(turned)
    found[swapped, 0], found[swapped, 1] = merges[swapped, 1], merges[swapped, 0]
    return found


def leaves_of(merges: Floats) -> Integers:
    """Return the K leaves of merges ((K - 1) x 4) from left to right."""
    return _numbered(merges)[3]


def _numbered(merges: Floats) -> tuple[Integers, Integers, Integers, Integers]:
    """Return the two nodes of each merge, the stretch of each node (first, and behind the last), and the leaves."""
    k = len(merges) + 1
    pairs = merges[:, :2].astype(np.int64)
    first, last, at = np.zeros(2 * k - 1, np.int64), np.zeros(2 * k - 1, np.int64), np.zeros(k, np.int64)
    _number(pairs, first, last, at)
    return pairs, first, last, at


@compiled
def _number(pairs: Integers, first: Integers, last: Integers, at: Integers) -> None:
    """Write the stretch first ... last - 1 of each node in the order of the linkage, and who stands at each place."""
    k = len(at)
    for node in range(k):
        last[node] = 1  # sizes, to begin with
    for m in range(k - 1):
        last[k + m] = last[pairs[m, 0]] + last[pairs[m, 1]]
    for m in range(k - 2, -1, -1):
        left, right = pairs[m, 0], pairs[m, 1]
        first[left] = first[k + m]
        first[right] = first[left] + last[left]
    for node in range(2 * k - 1):
        last[node] += first[node]
    for node in range(k):
        at[first[node]] = node


@inner
def _other_half(pairs: Integers, first: Integers, last: Integers, node: int, end: int) -> tuple[int, int]:
    """Return the stretch of the leaves that are at one end of a node when `end` is at the other."""
    leaves = len(pairs) + 1
    if node < leaves:
        return first[node], last[node]
    left, right = pairs[node - leaves, 0], pairs[node - leaves, 1]
    if end < last[left]:
        return first[right], last[right]
    return first[left], last[left]


@compiled
def _lengthen(pairs: Integers, first: Integers, last: Integers, apart: Floats, cost: Floats, nearest: Floats) -> None:
    """Write the cost of every pair of ends; `nearest` is room for a row."""
    for m in range(len(pairs)):
        left, right = pairs[m, 0], pairs[m, 1]
        low, high = first[right], last[right]
        for i in range(first[left], last[left]):
            start, stop = _other_half(pairs, first, last, left, i)
            to = nearest[low:high]
            to[:] = np.inf
            for p in range(start, stop):
                _shorten(to, cost[i, p], apart[p, low:high])
            if right <= len(pairs):
                cost[i, low] = nearest[low]
            else:
                half = last[pairs[right - len(pairs) - 1, 0]]
                _close(cost, nearest, i, (low, half), (half, high))
                _close(cost, nearest, i, (half, high), (low, half))
            for q in range(low, high):
                cost[q, i] = cost[i, q]


@inner
def _close(cost: Floats, nearest: Floats, i: int, over: tuple[int, int], ends: tuple[int, int]) -> None:
    """Write the cost of i with each of `ends`, where the right child begins with the best of `over`."""
    to = cost[i, ends[0] : ends[1]]
    for q in range(over[0], over[1]):
        _shorten(to, nearest[q], cost[q, ends[0] : ends[1]])


@inner
def _shorten(to: Floats, so_far: float, steps: Floats) -> None:
    """Lower what `to` has where so_far and the step are less. Counted from 0, or the loop would not be vectorised."""
    for q in range(len(to)):
        length = so_far + steps[q]
        to[q] = length if length < to[q] else to[q]


@compiled
def _turn(
    pairs: Integers, first: Integers, last: Integers, apart: Floats, cost: Floats, ends: Integers, turned: Integers
) -> None:
    """Write which nodes have their children turned; `ends` is room for the first and the last leaf of each node."""
    k = len(apart)
    root = k - 2
    least = np.inf
    for i in range(first[pairs[root, 0]], last[pairs[root, 0]]):
        for j in range(last[pairs[root, 1]] - 1, first[pairs[root, 1]] - 1, -1):
            if cost[i, j] < least:
                least = cost[i, j]
                ends[0, k + root], ends[1, k + root] = i, j
    for m in range(root, -1, -1):
        left, right = pairs[m, 0], pairs[m, 1]
        head, tail = ends[0, k + m], ends[1, k + m]
        turn = head >= last[left]
        turned[m] = turn
        u, w = (tail, head) if turn else (head, tail)  # the ends in the left and in the right child
        start, stop = _other_half(pairs, first, last, left, u)
        low, high = _other_half(pairs, first, last, right, w)
        least, inside, across = np.inf, start, low
        for p in range(stop - 1, start - 1, -1):
            for q in range(low, high):
                length = cost[u, p] + apart[p, q] + cost[q, w]
                if length < least:
                    least, inside, across = length, p, q
        ends[0, left], ends[1, left] = (inside, u) if turn else (u, inside)
        ends[0, right], ends[1, right] = (w, across) if turn else (across, w)
