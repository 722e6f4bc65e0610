"""Clusters of assets by correlation: average over lookbacks, distance, linkage, partition."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from tvquant.core.errors import ModelError
from tvquant.core.panel import Bools, Floats
from tvquant.statistics.precision import rounding_floor

COVERAGE = 0.9
"""A name is covered by a lookback when it has this share of its rows."""
COMMON_ROWS = 20
"""A pair that no lookback covers needs this many common rows."""
CANCELLED = 1e-12
"""A variance below this share of its sum of squares has lost its digits."""
INDEFINITE = 1e-10
"""An eigenvalue below minus this is more than rounding."""


class Linkage(StrEnum):
    """What two clusters are joined by: least growth of the spread within, or least mean distance between members."""

    WARD = "ward"
    AVERAGE = "average"


class LeafOrder(StrEnum):
    """Order of the leaves of a linkage: as scipy's linkage finds them, or that of `leaf_order`: none is shorter."""

    LINKAGE = "linkage"
    OPTIMAL = "optimal"


def average_correlation(returns: Floats, lookbacks: Sequence[int]) -> Floats:
    """Return the K x K Pearson correlations of T x K returns (NaN: no bar), averaged over lookbacks (in rows).

    1. A lookback counts when there are as many rows. It covers the names that have at least 90 % of its rows and began
       at or before its first row.
    2. A pair has the mean of its correlations over the lookbacks that cover both, each on the rows both have, where
       both vary on them.
    3. A pair without any has the correlation over all rows both have, at least 20, and 0 where that is not defined
       either: what does not move goes with nothing.
    4. Where rows differ between pairs the matrix need not be one of correlations. If it has an eigenvalue below
       -1e-10, negative eigenvalues become 0 and the diagonal is scaled back to 1. `correlation_distance` is thus
       always Euclidean (R-SEL-27).

    The diagonal is exactly 1.

    Raises
    ------
    ModelError : no rows.
    """
    if returns.ndim != 2 or not len(returns):
        raise ModelError(f"correlation: expected a matrix of rows x columns with rows, found shape {returns.shape}")
    rows, k = returns.shape
    usable = [length for length in lookbacks if length <= rows]
    have = np.isfinite(returns)
    standardised, counted = [np.zeros((0, k))], [np.zeros((0, k))]
    holes: list[tuple[Floats, Bools, Bools]] = []
    for length in usable:
        window, covered = returns[rows - length :], _covered(have, length)
        whole = covered & have[rows - length :].all(axis=0)
        values, varies = _standardised(window, whole)
        standardised.append(values)
        counted.append(varies[None].astype(np.float64))
        if (covered & ~whole).any():
            holes.append((window, covered, whole))
    whole_windows, counts = np.concatenate(standardised), np.concatenate(counted)
    of_whole = whole_windows.T @ whole_windows
    if usable and not holes and counts.all():
        of_whole /= len(usable)
        return _unit(of_whole)  # a mean of correlation matrices is one
    total, times = np.zeros((k, k)), np.zeros((k, k))
    for window, covered, whole in holes:
        _add_holed(total, times, window, covered, whole)
    total += of_whole
    times += counts.T @ counts
    _fall_back(total, times == 0.0, returns)
    mean = total / np.maximum(times, 1.0)
    return _definite(_unit(0.5 * (mean + mean.T)))  # a pair and its mirror are sums of other products


def correlation_distance(correlation: Floats) -> Floats:
    """Return the K x K distances sqrt((1 - rho) / 2) of correlations, in [0, 1], with a zero diagonal.

    They are half the Euclidean distances of the standardised series, which is what Ward's criterion wants.

    Source: Mantegna (1999), Hierarchical structure in financial markets, European Physical Journal B 11, 193-197, there
    without the half.
    """
    distance: Floats = 1.0 - correlation
    distance *= 0.5
    np.sqrt(np.maximum(distance, 0.0, out=distance), out=distance)  # in place: fresh memory costs more than the maths
    np.fill_diagonal(distance, 0.0)
    return distance


def merges(distance: Floats, *, linkage: Linkage = Linkage.WARD, leaf_order: LeafOrder = LeafOrder.LINKAGE) -> Floats:
    """Return the merges of K x K Euclidean distances, (K - 1) x 4 as scipy lays them out; their heights never fall.

    The height of a merge of two single names is their distance. Of clusters it is the mean distance between members
    (`average`), or grows with their sizes as well (`ward`), so one cut leaves fewer clusters of the former.

    Raises
    ------
    ModelError : a distance that is not finite; names the columns.

    Source: Ward (1963), Hierarchical grouping to optimize an objective function, Journal of the American Statistical
    Association 58, 236-244; Sokal & Michener (1958), A statistical method for evaluating systematic relationships,
    University of Kansas Science Bulletin 38, for the average.
    """
    from scipy.cluster import hierarchy
    from scipy.spatial.distance import squareform

    from tvquant.statistics.leaf_order import with_best_order
    from tvquant.statistics.linkage import ward_linkage

    if len(distance) < 2:
        return np.empty((0, 4))
    if not np.isfinite(distance).all():
        i, j = np.argwhere(~np.isfinite(distance))[0]
        raise ModelError(f"clusters: the distance of columns {i} and {j} is {distance[i, j]}; drop one of them")
    found: Floats = (
        ward_linkage(distance)
        if linkage is Linkage.WARD
        else hierarchy.linkage(squareform(distance, checks=False), linkage.value)
    )
    if leaf_order is LeafOrder.OPTIMAL:
        found = with_best_order(found, distance)
    return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dendrogram:
    """The tree that clusters are cut from, as it is drawn.

    Parameters
    ----------
    merges : (K - 1) x 4: the two that are joined (below K a name, else K + the row of a merge), height, names in it.
    leaves : K columns, from left to right so that no branches cross, neighbours as near each other as they can be.
    """

    merges: Floats
    leaves: tuple[int, ...]


def dendrogram(distance: Floats, *, linkage: Linkage = Linkage.WARD) -> Dendrogram:
    """Return the tree of K x K Euclidean distances; heights and members are those that `partition` cuts.

    Raises
    ------
    ModelError : as `merges`.
    """
    from tvquant.statistics.leaf_order import leaves_of

    found = merges(distance, linkage=linkage, leaf_order=LeafOrder.OPTIMAL)
    leaves = leaves_of(found).tolist() if len(found) else range(len(distance))
    return Dendrogram(merges=found, leaves=tuple(leaves))


def partition(distance: Floats, *, cut: float, most: int, linkage: Linkage = Linkage.WARD) -> tuple[int, ...]:
    """Return the cluster of each of K names: 1, 2 ... in order of first member.

    The tree is cut at the merge height `cut`; when that leaves more than `most` clusters, it is cut where at most
    `most` are left.

    Raises
    ------
    ModelError : as `merges`, or `most` below 1.
    """
    if most < 1:
        raise ModelError(f"partition: expected at least one cluster, found most={most}")
    names = len(distance)
    if names < 2:
        return (1,) * names
    found = merges(distance, linkage=linkage)
    heights = found[:, 2]
    joined = int(np.searchsorted(heights, cut, side="right"))
    if names - joined > most:  # what merges at one height is not told apart
        joined = int(np.searchsorted(heights, heights[names - most - 1], side="right"))
    cluster = list(range(names + joined))
    pairs = found[:joined, :2].astype(np.int64).tolist()
    for merge in range(joined - 1, -1, -1):  # from the top: both sides are of the cluster of what they make
        for side in pairs[merge]:
            cluster[side] = cluster[names + merge]
    numbers: dict[int, int] = {}
    return tuple([numbers.setdefault(one, len(numbers) + 1) for one in cluster[:names]])


def _covered(have: Bools, length: int) -> Bools:
    """Return which of K names began at or before the first of the last `length` rows and have enough of them."""
    first = len(have) - length
    if have[first:].all():
        return np.ones(have.shape[1], np.bool_)
    return np.asarray(have[: first + 1].any(axis=0) & (have[first:].mean(axis=0) >= COVERAGE))


def _standardised(window: Floats, whole: Bools) -> tuple[Floats, Bools]:
    """Return the T x K columns centred and of length 1, zeros where one is not whole or does not vary; and which do."""
    known = window if whole.all() else np.where(whole, window, 0.0)
    centred: Floats = known - known.mean(axis=0)
    norm = np.sqrt((centred**2).sum(axis=0))
    varies = whole & (norm > np.sqrt(len(window)) * rounding_floor(known))
    centred /= np.where(varies, norm, np.inf)
    return centred, varies


def _add_holed(total: Floats, times: Floats, window: Floats, covered: Bools, whole: Bools) -> None:
    """Add the correlations of a lookback's pairs of which a name has holes, and count them, in both K x K."""
    names = np.flatnonzero(covered)
    holes = ~whole[names]
    found = _pairwise(window[:, names], np.flatnonzero(holes), least=2)
    for rows, columns, cells in ((names, names[holes], found), (names[holes], names[~holes], found[~holes].T)):
        total[np.ix_(rows, columns)] += np.nan_to_num(cells)
        times[np.ix_(rows, columns)] += ~np.isnan(cells)


def _fall_back(total: Floats, missing: Bools, returns: Floats) -> None:
    """Put the correlations over all common rows where pairs miss one (K x K); 0 where that is not defined either."""
    lone = missing.diagonal().copy()
    among = missing & ~lone & ~lone[:, None]  # pairs that different lookbacks cover
    columns = np.flatnonzero(lone | among.any(axis=0))
    found = np.nan_to_num(_pairwise(returns, columns, least=COMMON_ROWS))
    total[:, columns] = np.where(missing[:, columns], found, total[:, columns])
    total[columns] = total[:, columns].T


def _pairwise(returns: Floats, columns: NDArray[np.intp], *, least: int) -> Floats:
    """Return the correlations (K x C) of all names with those of the columns, on the rows both have.

    NaN below `least` rows, or where one of the two does not vary on them.
    """
    have = np.isfinite(returns)
    mask = have.astype(np.float64)
    count = np.maximum(mask.sum(axis=0), 1.0)
    known = np.where(have, returns, 0.0)
    # Centred on their own means first, so that little is lost when the means of the common rows are taken off.
    x = np.where(have, known - known.sum(axis=0) / count, 0.0)
    floor = rounding_floor(known) ** 2
    there, theirs = mask[:, columns], x[:, columns]
    n = mask.T @ there
    shared = np.maximum(n, 1.0)
    ours_sum, theirs_sum = x.T @ there, mask.T @ theirs
    norm = np.where(n >= least, 1.0, np.nan)
    for squares, sums, least_spread in (
        ((x**2).T @ there, ours_sum, floor[:, None]),
        (mask.T @ theirs**2, theirs_sum, floor[columns]),
    ):
        variance = squares - sums**2 / shared
        varies = variance > np.maximum(shared * least_spread, CANCELLED * squares)
        norm *= np.sqrt(np.where(varies, variance, np.nan))
    return np.asarray((x.T @ theirs - ours_sum * theirs_sum / shared) / norm)


def _unit(matrix: Floats) -> Floats:
    """Return the K x K matrix, changed in place to entries in [-1, 1] and a diagonal of ones."""
    np.clip(matrix, -1.0, 1.0, out=matrix)
    np.fill_diagonal(matrix, 1.0)
    return matrix


def _definite(matrix: Floats) -> Floats:
    """Return a K x K correlation matrix near this one, or itself unless it is indefinite.

    Source: Rebonato & Jaeckel (2000), The most general methodology to create a valid correlation matrix for risk
    management and option pricing purposes, Journal of Risk 2, 17-27: the spectral method.
    """
    try:
        np.linalg.cholesky(matrix + INDEFINITE * np.eye(len(matrix)))  # far cheaper than eigenvalues
        return matrix
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(matrix)
    if values[0] >= -INDEFINITE:
        return matrix
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    root /= np.sqrt((root**2).sum(axis=1, keepdims=True))
    return _unit(root @ root.T)
